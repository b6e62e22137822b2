//! What an error body of whatever form says (R-214, R-215).

use std::borrow::Cow;
use std::sync::OnceLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::error_body::without_input;
use super::errors::ErrorDetail;
use super::json::{is_truthy, to_text};
use super::profile::Profile;
use super::structured_fields::compiled;

const STATUS_FIELDS: [&str; 4] = ["status", "status_code", "raw_status_code", "code"];

/// What an error body says.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) message: String,
    pub(super) kind: Option<String>,
    pub(super) code: Option<String>,
    pub(super) param: Option<String>,
    pub(super) details: Vec<ErrorDetail>,
    pub(super) status: Option<u16>,
}

/// The report of a body that is no JSON: its text, or the title of its page.
pub(super) fn of_text(body: &[u8]) -> Report {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if !text.starts_with('<') {
        return Report { message: text.to_owned(), ..Report::default() };
    }
    let title = title().captures(text).and_then(|found| found.get(1)).map_or(text, |found| found.as_str());
    Report { message: unescaped(&tag().replace_all(title, " ")), ..Report::default() }
}

/// The report of a body that is JSON.
pub(super) fn of_json(value: &Value) -> Report {
    match value {
        Value::String(text) => Report { message: text.clone(), ..Report::default() },
        Value::Object(fields) => of_fields(fields),
        Value::Array(entries) => match entries.iter().find_map(Value::as_object) {
            Some(fields) => of_fields(fields),
            None => {
                let word = |one: &Value| one.as_str().map_or_else(|| to_text(one), str::to_owned);
                Report {
                    message: entries.iter().map(word).collect::<Vec<_>>().join(" "),
                    ..Report::default()
                }
            }
        },
        _ => Report::default(),
    }
}

fn of_fields(value: &Map<String, Value>) -> Report {
    let inner = error_object(value);
    let mut details = details_in(value);
    if details.is_empty() {
        details = details_in(&inner);
    }
    let kind = text(inner.get("type"));
    let candidates = [
        words(&inner).to_owned(),
        words(value).to_owned(),
        details.iter().map(detail_line).collect::<Vec<_>>().join("; "),
        as_text(inner.get("message")),
        kind.clone().unwrap_or_default(),
    ];
    Report {
        message: candidates.into_iter().find(|text| !text.is_empty()).unwrap_or_default(),
        code: text(inner.get("code")),
        param: text(inner.get("param")),
        status: explicit_status(&inner).or_else(|| explicit_status(value)),
        kind,
        details,
    }
}

/// The object that describes the error, wherever the body keeps it.
fn error_object(value: &Map<String, Value>) -> Cow<'_, Map<String, Value>> {
    let in_response = value.get("response").and_then(|response| response.get("error"));
    let inner = value.get("error").filter(|inner| !inner.is_null()).or(in_response);
    match inner {
        Some(Value::Object(inner)) => Cow::Borrowed(inner),
        Some(Value::String(text)) => {
            let mut whole = value.clone();
            whole.insert("message".into(), text.as_str().into());
            Cow::Owned(whole)
        }
        _ => Cow::Borrowed(value),
    }
}

/// The sentence for humans, wherever it stands.
pub(super) fn words(value: &Map<String, Value>) -> &str {
    let names = ["message", "detail", "error_description", "msg", "title"];
    let mut found = names.iter().filter_map(|name| value.get(*name)?.as_str());
    found.find(|text| !text.trim().is_empty()).unwrap_or_default()
}

fn details_in(value: &Map<String, Value>) -> Vec<ErrorDetail> {
    let given = |name: &str| value.get(name).filter(|report| is_truthy(report));
    let in_message = || {
        let message = value.get("message").filter(|message| message.is_object())?;
        message.get("detail").filter(|report| is_truthy(report)).or(Some(message))
    };
    match given("detail").or_else(|| given("details")).or_else(in_message) {
        Some(Value::Array(entries)) => entries.iter().filter_map(|one| detail(one, true)).collect(),
        Some(entry) => detail(entry, false).into_iter().collect(),
        None => Vec::new(),
    }
}

fn detail(entry: &Value, listed: bool) -> Option<ErrorDetail> {
    match entry {
        Value::Object(fields) => Some(ErrorDetail {
            path: path(fields),
            message: Some(words(fields)).filter(|words| !words.is_empty())?.to_owned(),
            kind: text(fields.get("type")),
        }),
        Value::String(message) if listed => {
            Some(ErrorDetail { path: String::new(), message: message.clone(), kind: None })
        }
        _ => None,
    }
}

fn path(entry: &Map<String, Value>) -> String {
    let mut found = ["loc", "path", "field"].iter().filter_map(|name| entry.get(*name));
    let word = |one: &Value| one.as_str().map_or_else(|| to_text(one), str::to_owned);
    match found.find(|location| is_truthy(location)) {
        Some(Value::Array(parts)) => parts.iter().map(word).collect::<Vec<_>>().join("."),
        other => other.map(word).unwrap_or_default(),
    }
}

fn detail_line(entry: &ErrorDetail) -> String {
    if entry.path.is_empty() {
        return entry.message.clone();
    }
    format!("{}: {}", entry.path, entry.message)
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

/// An object where the sentence should be, as JSON, without echoed input.
fn as_text(value: Option<&Value>) -> String {
    let object =
        value.filter(|value| matches!(value, Value::Object(_) | Value::Array(_)) && is_truthy(value));
    object.map(|value| to_text(&without_input(value))).unwrap_or_default()
}

fn explicit_status(value: &Map<String, Value>) -> Option<u16> {
    let statuses = STATUS_FIELDS.iter().filter_map(|name| u16::try_from(value.get(*name)?.as_u64()?).ok());
    statuses.into_iter().find(|status| (400..=599).contains(status))
}

/// The status that the type or code stands for: the profile's own table comes first.
pub(super) fn status_of(report: &Report, profile: &Profile) -> Option<u16> {
    let names = || [&report.kind, &report.code].into_iter().flatten();
    let own = |name: &String| {
        profile.errors.status_of_type.iter().find(|(known, _)| known == name).map(|(_, s)| *s)
    };
    names().find_map(own).or_else(|| names().find_map(|name| usual_status(name)))
}

/// Types and codes that several providers share.
fn usual_status(name: &str) -> Option<u16> {
    Some(match name {
        "invalid_request_error" | "invalid_request" | "bad_request" | "context_length_exceeded" => 400,
        "tool_use_failed" | "json_validate_failed" => 400,
        "authentication_error" | "invalid_api_key" => 401,
        "billing_error" => 402,
        "permission_error" | "permission_denied" => 403,
        "not_found_error" | "model_not_found" => 404,
        "conflict_error" => 409,
        "request_too_large" => 413,
        "validation_error" | "unprocessable_entity" => 422,
        "rate_limit_error" | "rate_limit_exceeded" | "rate_limited" | "insufficient_quota" => 429,
        "tokens" | "requests" => 429,
        "capacity_exceeded" => 498,
        "api_error" | "server_error" | "internal_error" | "internal_server_error" => 500,
        "service_unavailable" | "service_unavailable_error" => 503,
        "timeout_error" | "gateway_timeout" => 504,
        "overloaded_error" | "overloaded" => 529,
        _ => return None,
    })
}

/// The character references that pages of proxies use.
fn unescaped(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", "\u{a0}"),
        ("&amp;", "&"),
    ];
    named.iter().fold(text.to_owned(), |text, (name, char)| text.replace(name, char))
}

/// Bounded, so that a hostile page costs no more than a plain one.
fn title() -> &'static Regex {
    static TITLE: OnceLock<Regex> = OnceLock::new();
    TITLE.get_or_init(|| compiled(r"(?is)<(?:title|h1)\b[^<>]{0,200}>([^\x00]{0,1000}?)</(?:title|h1)"))
}

fn tag() -> &'static Regex {
    static TAG: OnceLock<Regex> = OnceLock::new();
    TAG.get_or_init(|| compiled(r"<[^<>]*>"))
}
