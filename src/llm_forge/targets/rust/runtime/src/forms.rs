//! Form bodies: multipart/form-data (RFC 7578) and application/x-www-form-urlencoded.
//!
//! - A field that is null is left out: a form has no null.
//! - A list becomes one field for each entry, an object one field of JSON. Where the description says deepObject,
//!   entries are called `name[]`, and an object becomes `name[key]` fields.
//! - Names inside headers lose CR, LF, NUL, quotes and backslashes.

use serde_json::{Map, Value};

use super::core::errors::{Error, Kind, Result};
use super::core::profile::BodyRule;
use super::request_body::RequestBody;
use super::upload::{guess_type, Upload};

const MOST_PARTS: usize = 1000;

/// What one field of a form holds.
enum Content<'a> {
    Json(&'a Value),
    File(&'a Upload),
}

struct Field<'a> {
    name: String,
    content: Content<'a>,
}

/// The body of `application/x-www-form-urlencoded`.
pub(super) fn urlencoded(values: &Map<String, Value>, rule: &BodyRule) -> RequestBody {
    let mut fields = flat(values, rule);
    fields.sort_by(|one, two| one.0.cmp(&two.0));
    let pairs = fields.into_iter().map(|(name, value)| (name, text_of(value)));
    RequestBody::whole(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}

/// The body of `multipart/form-data`, and its content type; the boundary is the same on every attempt.
pub(super) fn multipart(
    values: &Map<String, Value>,
    files: &[(String, Upload)],
    rule: &BodyRule,
    boundary: &str,
) -> Result<(RequestBody, String)> {
    if let Some(name) = rule.files.iter().find(|name| values.get(**name).is_some_and(|one| !one.is_null())) {
        return Err(refuse(format!("{name} is no file: use Upload::path for a path, or Upload::bytes")));
    }
    let fields = parts(values, files, rule);
    if fields.len() > MOST_PARTS {
        let count = fields.len();
        return Err(refuse(format!("A form of {count} parts was refused; at most {MOST_PARTS} are sent")));
    }
    let mut pieces = Vec::new();
    for field in &fields {
        let (head, content) = part(field, rule);
        pieces.push(RequestBody::whole(format!("--{boundary}\r\n{head}\r\n\r\n")));
        pieces.push(content);
        pieces.push(RequestBody::whole("\r\n"));
    }
    pieces.push(RequestBody::whole(format!("--{boundary}--\r\n")));
    Ok((RequestBody::joined(pieces), format!("multipart/form-data; boundary={boundary}")))
}

fn refuse(message: String) -> Error {
    Error::new(Kind::InvalidRequest, message)
}

/// Fields and files by name, each name's in the order given.
fn parts<'a>(
    values: &'a Map<String, Value>,
    files: &'a [(String, Upload)],
    rule: &BodyRule,
) -> Vec<Field<'a>> {
    let json = |(name, value)| Field { name, content: Content::Json(value) };
    let mut fields: Vec<Field<'a>> = flat(values, rule).into_iter().map(json).collect();
    for (name, upload) in files {
        // A field that takes one file or several is a list only where there are several.
        let several = files.iter().filter(|(other, _)| other == name).count() > 1;
        let deep = several && rule.deep.contains(&name.as_str());
        let name = if deep { format!("{name}[]") } else { name.clone() };
        fields.push(Field { name, content: Content::File(upload) });
    }
    fields.sort_by(|one, two| one.name.cmp(&two.name));
    fields
}

/// The headers of a part, and its content.
fn part(field: &Field<'_>, rule: &BodyRule) -> (String, RequestBody) {
    let plain = field.name.trim_end_matches("[]");
    let told = rule.media_types.iter().find(|(name, _)| *name == plain).map(|(_, media_type)| *media_type);
    let head = format!("Content-Disposition: form-data; name=\"{}\"", safe(&field.name));
    match field.content {
        Content::File(upload) => {
            let name = upload.name.as_deref().unwrap_or("upload");
            let name = safe(name.rsplit(['/', '\\']).next().unwrap_or(name));
            let media_type = upload.media_type.as_deref().or(told).unwrap_or_else(|| guess_type(&name));
            let head = format!("{head}; filename=\"{name}\"\r\nContent-Type: {}", safe(media_type));
            (head, upload.content.clone())
        }
        Content::Json(value) => {
            let media_type = told.or_else(|| value.is_object().then_some("application/json"));
            let content = RequestBody::whole(text_of(value));
            let told = media_type.map_or_else(String::new, |told| format!("\r\nContent-Type: {told}"));
            (head + &told, content)
        }
    }
}

fn safe(name: &str) -> String {
    name.replace(['\r', '\n', '\0', '"', '\\'], "")
}

/// Names and values with lists and deep objects opened.
fn flat<'a>(values: &'a Map<String, Value>, rule: &BodyRule) -> Vec<(String, &'a Value)> {
    let mut fields = Vec::new();
    for (name, value) in values.iter().filter(|(_, value)| !value.is_null()) {
        let deep = rule.deep.contains(&name.as_str());
        match value {
            Value::Object(inner) if deep => {
                let known = inner.iter().filter(|(_, one)| !one.is_null());
                fields.extend(known.map(|(key, one)| (format!("{name}[{key}]"), one)));
            }
            Value::Array(entries) => {
                let name = if deep { format!("{name}[]") } else { name.clone() };
                fields.extend(entries.iter().map(|one| (name.clone(), one)));
            }
            _ => fields.push((name.clone(), value)),
        }
    }
    fields
}

/// A field as text: JSON for objects, plain for the rest.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
