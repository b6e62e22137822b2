//! From a caller's arguments to a frozen request.

use percent_encoding::{utf8_percent_encode, AsciiSet, CONTROLS, NON_ALPHANUMERIC};
use serde_json::{Map, Value};

use super::core::errors::{Error, Kind, Result};
use super::core::profile::{BodyKind, Operation, ParameterStyle, Profile, StreamValue};
use super::forms::{multipart, urlencoded};
use super::options::CallOptions;
use super::request_body::RequestBody;
use super::transport::HttpRequest;
use super::upload::{guess_type, Upload};

pub(super) const ACCEPT_ENCODING: &str = "gzip, deflate";
const DEFAULT_OUTPUT_TOKENS: f64 = 1024.0;
const OUTPUT_LIMITS: [&str; 3] = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a cookie's value may not hold.
const COOKIE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%');

/// What an operation's arguments become, by wire name.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// Path parameters.
    pub path: Map<String, Value>,
    /// Query parameters; null is left out.
    pub query: Map<String, Value>,
    /// Header parameters; null is left out.
    pub headers: Map<String, Value>,
    /// Cookies; null is left out.
    pub cookies: Map<String, Value>,
    /// The body: an object of its fields, or other JSON.
    pub body: Value,
    /// The files of a form by the names of their fields; of a body that is a file, the first.
    pub files: Vec<(String, Upload)>,
    /// An absolute URL that stands for base URL, path and query.
    pub url: Option<String>,
}

/// A request without its credential, and what the loop must know of it.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) request: HttpRequest,
    pub(super) model: Option<String>,
    pub(super) estimated_input: f64,
    pub(super) requested_output: f64,
    pub(super) keyed: bool,
}

/// What all requests of a client have.
pub(super) struct Common<'a> {
    pub(super) profile: &'a Profile,
    pub(super) base_url: &'a str,
    pub(super) headers: &'a [(String, String)],
    pub(super) new_key: &'a dyn Fn() -> String,
    pub(super) chance: &'a dyn Fn() -> f64,
}

/// A body ready to send; `fields` is what its JSON or form was made of.
#[derive(Default)]
struct Payload {
    body: RequestBody,
    media_type: Option<String>,
    fields: Value,
}

pub(super) fn prepare(
    operation: &Operation,
    common: &Common<'_>,
    params: &Params,
    options: &CallOptions,
    streaming: bool,
) -> Result<Prepared> {
    let payload = payload(operation, common, params, options, streaming)?;
    let url = match &params.url {
        Some(url) => url.clone(),
        None => {
            let (path, query) = (fill_path(operation, &params.path)?, query_of(operation, params, options)?);
            format!("{}{path}{query}", common.base_url)
        }
    };
    let headers = headers_of(operation, common, params, options, streaming, payload.media_type.as_deref())?;
    let request = HttpRequest { method: operation.method, url, headers, body: payload.body };
    Ok(Prepared::of(request, &payload.fields, common.profile))
}

impl Prepared {
    /// The request that middleware made of this one, and what it now asks for.
    pub(super) fn again(&self, request: HttpRequest, profile: &Profile) -> Self {
        let content = |request: &HttpRequest| request.body.bytes().cloned();
        let changed = content(&request).filter(|body| Some(body) != content(&self.request).as_ref());
        let fields = changed.map(|body| serde_json::from_slice(&body).unwrap_or(Value::Null));
        let made = Self::of(request, fields.as_ref().unwrap_or(&Value::Null), profile);
        if fields.is_some() {
            return made;
        }
        Self { request: made.request, keyed: made.keyed, ..self.clone() }
    }

    /// A request with what its content says of model and tokens. Files are no tokens: only JSON counts.
    #[allow(clippy::cast_precision_loss)] // the estimate is one
    pub(super) fn of(request: HttpRequest, fields: &Value, profile: &Profile) -> Self {
        let is_json = request.header("content-type").is_some_and(|kind| kind.ends_with("json"));
        let encoded = request.body.bytes().filter(|_| is_json).map_or(0, bytes::Bytes::len);
        let output = OUTPUT_LIMITS.iter().find_map(|name| fields.get(name)?.as_f64());
        Self {
            model: fields.get("model").and_then(Value::as_str).map(str::to_owned),
            estimated_input: encoded as f64 / 4.0,
            requested_output: output.unwrap_or(DEFAULT_OUTPUT_TOKENS),
            keyed: profile
                .idempotency_header
                .is_some_and(|name| request.header(name).is_some_and(|key| !key.is_empty())),
            request,
        }
    }
}

pub(super) fn user_agent() -> &'static str {
    concat!("llm-forge/", env!("CARGO_PKG_VERSION"))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidRequest, message)
}

fn payload(
    operation: &Operation,
    common: &Common<'_>,
    params: &Params,
    options: &CallOptions,
    streaming: bool,
) -> Result<Payload> {
    let rule = &operation.body;
    let media_type = Some(rule.media_type.to_owned());
    match rule.kind {
        _ if !operation.has_body => no_extra(operation, options, "has no body").map(|()| Payload::default()),
        BodyKind::Binary => {
            no_extra(operation, options, "sends bytes, not fields,")?;
            Ok(params
                .files
                .first()
                .map_or_else(Payload::default, |(_, upload)| file(upload, rule.media_type)))
        }
        BodyKind::Json if !params.body.is_object() => {
            no_extra(operation, options, "sends JSON that is not an object")?;
            if params.body.is_null() {
                return Ok(Payload::default());
            }
            let body = RequestBody::whole(params.body.to_string());
            Ok(Payload { body, media_type, fields: Value::Null })
        }
        BodyKind::Object | BodyKind::Json => {
            let fields = Value::Object(fields_of(operation, params, options, streaming)?);
            Ok(Payload { body: RequestBody::whole(fields.to_string()), media_type, fields })
        }
        BodyKind::Form => {
            let fields = fields_of(operation, params, options, streaming)?;
            Ok(Payload { body: urlencoded(&fields, rule), media_type, fields: Value::Object(fields) })
        }
        BodyKind::Multipart => {
            let fields = fields_of(operation, params, options, streaming)?;
            let (body, told) = multipart(&fields, &params.files, rule, &boundary(common.chance))?;
            Ok(Payload { body, media_type: Some(told), fields: Value::Object(fields) })
        }
    }
}

fn no_extra(operation: &Operation, options: &CallOptions, why: &str) -> Result<()> {
    if options.extra_body.is_empty() {
        return Ok(());
    }
    Err(invalid(format!("{} {why} to add extra fields to", operation.name)))
}

fn file(upload: &Upload, told: &str) -> Payload {
    let guessed = || guess_type(upload.name.as_deref().unwrap_or_default()).to_owned();
    let told = Some(told).filter(|told| !told.is_empty() && !told.contains('*')).map(str::to_owned);
    let media_type = upload.media_type.clone().or(told).unwrap_or_else(guessed);
    Payload { body: upload.content.clone(), media_type: Some(media_type), fields: Value::Null }
}

/// A boundary of 32 hexadecimal digits, from the client's source of chance.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to 15 by then
fn boundary(chance: &dyn Fn() -> f64) -> String {
    let digit = || char::from_digit(((chance() * 16.0) as u32).min(15), 16).unwrap_or('0');
    (0..32).map(|_| digit()).collect()
}

/// The body's fields with what the call adds.
fn fields_of(
    operation: &Operation,
    params: &Params,
    options: &CallOptions,
    streaming: bool,
) -> Result<Map<String, Value>> {
    let mut fields = match &params.body {
        Value::Null => Map::new(),
        Value::Object(fields) => fields.clone(),
        _ => return Err(invalid(format!("The body of {} must be an object", operation.name))),
    };
    fields.extend(options.extra_body.clone());
    if let Some(rule) = operation.stream.as_ref().filter(|_| streaming) {
        if let Some(name) = rule.parameter {
            let value = match rule.value {
                StreamValue::Bool(flag) => Value::Bool(flag),
                StreamValue::Text(text) => text.into(),
            };
            fields.insert(name.to_owned(), value);
        }
    }
    Ok(fields)
}

/// The path with its parameters percent-encoded so that none can change the route.
fn fill_path(operation: &Operation, given: &Map<String, Value>) -> Result<String> {
    let mut path = operation.path.to_owned();
    for (name, value) in given {
        let encoded = segment(name, value, style_of(operation, "path", name));
        if encoded.is_empty() || encoded == "." || encoded == ".." {
            return Err(invalid(format!("Path parameter {name:?} must not be empty, '.' or '..'")));
        }
        path = path.replace(&format!("{{{name}}}"), &encoded);
    }
    match path.split_once('{') {
        Some((_, rest)) => {
            let name = rest.split('}').next().unwrap_or_default();
            Err(invalid(format!("Path parameter {name:?} is missing")))
        }
        None => Ok(path),
    }
}

/// A parameter of a path as it stands in it: its parts are percent-encoded, what stands between them is not
/// (RFC 6570 section 3.2). One that is absent is empty, which no path takes.
fn segment(name: &str, value: &Value, style: Option<ParameterStyle>) -> String {
    let parts = parts_of(value, style);
    if parts.is_empty() {
        return String::new();
    }
    match style {
        Some(ParameterStyle::Label) => format!(".{}", parts.join(",")),
        Some(ParameterStyle::LabelExploded) => format!(".{}", parts.join(".")),
        Some(ParameterStyle::Matrix) => matrix(name, &parts.join(",")),
        Some(ParameterStyle::MatrixExploded) if value.is_object() => format!(";{}", parts.join(";")),
        Some(ParameterStyle::MatrixExploded) => parts.iter().map(|part| matrix(name, part)).collect(),
        _ => parts.join(","),
    }
}

/// `;name=value`, and no equals sign where the value is empty.
fn matrix(name: &str, encoded: &str) -> String {
    let equals = if encoded.is_empty() { "" } else { "=" };
    format!(";{}{equals}{encoded}", quoted(name))
}

/// Percent-encoded: the entries of a list, keys and values of an object, or a value alone.
fn parts_of(value: &Value, style: Option<ParameterStyle>) -> Vec<String> {
    let part = |one: &Value| quoted(&text_of(one, None));
    match value {
        Value::Null => Vec::new(),
        _ if style == Some(ParameterStyle::Json) => vec![quoted(&text_of(value, style))],
        Value::Array(entries) => entries.iter().map(part).collect(),
        Value::Object(fields) => {
            let named =
                [ParameterStyle::Pairs, ParameterStyle::LabelExploded, ParameterStyle::MatrixExploded];
            let inner = if style.is_some_and(|one| named.contains(&one)) { "=" } else { "," };
            let known = fields.iter().filter(|(_, one)| !one.is_null());
            known.map(|(key, one)| format!("{}{inner}{}", quoted(key), part(one))).collect()
        }
        _ => vec![part(value)],
    }
}

fn quoted(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

fn query_of(operation: &Operation, params: &Params, options: &CallOptions) -> Result<String> {
    let mut pairs = Vec::new();
    let mut given = params.query.clone();
    given.extend(options.extra_query.clone());
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        add_pairs(&mut pairs, name, value, style_of(operation, "query", name));
    }
    if let Some((name, _)) = pairs.iter().find(|(name, value)| is_broken(name) || is_broken(value)) {
        return Err(invalid(format!("Query parameter {name:?} contains CR, LF or NUL")));
    }
    if pairs.is_empty() {
        return Ok(String::new());
    }
    Ok(format!("?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()))
}

fn style_of(operation: &Operation, place: &str, name: &str) -> Option<ParameterStyle> {
    let wanted = format!("{place}.{name}");
    operation.styles.iter().find(|(known, _)| *known == wanted).map(|(_, style)| *style)
}

fn add_pairs(pairs: &mut Vec<(String, String)>, name: &str, value: &Value, style: Option<ParameterStyle>) {
    let spread = matches!(style, None | Some(ParameterStyle::Fields));
    match value {
        Value::Object(fields) if spread => {
            for (key, one) in fields.iter().filter(|(_, one)| !one.is_null()) {
                let own = if style.is_some() { key.clone() } else { format!("{name}[{key}]") };
                pairs.push((own, text_of(one, None)));
            }
        }
        Value::Array(entries) if spread => {
            pairs.extend(entries.iter().map(|one| (name.to_owned(), text_of(one, None))));
        }
        _ => pairs.push((name.to_owned(), text_of(value, style))),
    }
}

/// One parameter as a single text.
fn text_of(value: &Value, style: Option<ParameterStyle>) -> String {
    match value {
        Value::String(text) => text.clone(),
        _ if style == Some(ParameterStyle::Json) => value.to_string(),
        Value::Array(entries) => {
            let between = match style {
                Some(ParameterStyle::Space) => " ",
                Some(ParameterStyle::Pipe) => "|",
                _ => ",",
            };
            entries.iter().map(|one| text_of(one, None)).collect::<Vec<_>>().join(between)
        }
        Value::Object(fields) => {
            let inner = if style == Some(ParameterStyle::Pairs) { "=" } else { "," };
            let known = fields.iter().filter(|(_, one)| !one.is_null());
            known
                .map(|(key, one)| format!("{key}{inner}{}", text_of(one, None)))
                .collect::<Vec<_>>()
                .join(",")
        }
        other => other.to_string(),
    }
}

fn headers_of(
    operation: &Operation,
    common: &Common<'_>,
    params: &Params,
    options: &CallOptions,
    streaming: bool,
    media_type: Option<&str>,
) -> Result<Vec<(String, String)>> {
    let accept = match operation.stream.as_ref().filter(|_| streaming) {
        Some(rule) if rule.ndjson => "application/x-ndjson",
        Some(_) => "text/event-stream",
        None => operation.accept,
    };
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: &str| {
        fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        fields.push((name.to_ascii_lowercase(), value.to_owned()));
    };
    set("accept", accept);
    set("accept-encoding", ACCEPT_ENCODING);
    set("user-agent", user_agent());
    if let Some(media_type) = media_type {
        set("content-type", media_type);
    }
    common.profile.headers.iter().for_each(|(name, value)| set(name, value));
    if let Some(name) = common.profile.idempotency_header {
        match &options.idempotency_key {
            Some(key) => set(name, key),
            None if operation.replay == super::core::profile::Replay::Keyed => set(name, &(common.new_key)()),
            None => {}
        }
    }
    let cookies = cookie_header(operation, &params.cookies);
    if !cookies.is_empty() {
        set("cookie", &cookies);
    }
    if let Some(parent) = &options.trace_parent {
        set("traceparent", parent);
    }
    common.headers.iter().for_each(|(name, value)| set(name, value));
    for (name, value) in params.headers.iter().filter(|(_, value)| !value.is_null()) {
        set(name, &text_of(value, style_of(operation, "headers", name)));
    }
    options.extra_headers.iter().for_each(|(name, value)| set(name, value));
    fields.iter().try_for_each(|(name, value)| check_header(name, value))?;
    Ok(fields)
}

/// The value of a cookie header; what a cookie cannot hold is percent-encoded (RFC 6265 section 4.1).
fn cookie_header(operation: &Operation, given: &Map<String, Value>) -> String {
    let pair = |(name, value): (&String, &Value)| {
        let text = text_of(value, style_of(operation, "cookies", name));
        format!("{name}={}", utf8_percent_encode(&text, COOKIE))
    };
    given.iter().filter(|(_, value)| !value.is_null()).map(pair).collect::<Vec<_>>().join("; ")
}

/// Refuses a header that would break the request apart.
pub(super) fn check_header(name: &str, value: &str) -> Result<()> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+.^_`|~-".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(invalid(format!("Header name {name:?} has a character that HTTP does not allow")));
    }
    if is_broken(value) {
        return Err(invalid(format!("The value of header {name:?} contains CR, LF or NUL")));
    }
    if !value.is_ascii() {
        return Err(invalid(format!("The value of header {name:?} must be ASCII")));
    }
    Ok(())
}

fn is_broken(text: &str) -> bool {
    text.contains(['\r', '\n', '\0'])
}
