//! From a caller's arguments to a frozen request.

use bytes::Bytes;
use percent_encoding::{utf8_percent_encode, AsciiSet, NON_ALPHANUMERIC};
use serde_json::{Map, Value};

use super::core::errors::{Error, Kind, Result};
use super::core::profile::{BodyKind, Operation, ParameterStyle, Profile, StreamValue};
use super::options::CallOptions;
use super::transport::HttpRequest;

const DEFAULT_OUTPUT_TOKENS: f64 = 1024.0;
const OUTPUT_LIMITS: [&str; 3] = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What an operation's arguments become, by wire name.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// Path parameters.
    pub path: Map<String, Value>,
    /// Query parameters; null is left out.
    pub query: Map<String, Value>,
    /// Header parameters; null is left out.
    pub headers: Map<String, Value>,
    /// The body's fields; a body that is no object stands in `body`.
    pub body: Value,
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
}

#[allow(clippy::cast_precision_loss)] // the estimate is one
pub(super) fn prepare(
    operation: &Operation,
    common: &Common<'_>,
    params: &Params,
    options: &CallOptions,
    streaming: bool,
) -> Result<Prepared> {
    let body = body_of(operation, params, options, streaming)?;
    let path = fill_path(operation, &params.path)?;
    let query = query_of(operation, params, options)?;
    let url = format!("{}{path}{query}", common.base_url);
    let encoded = body.as_ref().map(|body| Bytes::from(body.to_string())).unwrap_or_default();
    let headers = headers_of(operation, common, params, options, streaming, body.is_some())?;
    let keyed = common.profile.idempotency_header;
    let keyed = keyed.is_some_and(|name| {
        headers.iter().any(|(known, value)| known.eq_ignore_ascii_case(name) && !value.is_empty())
    });
    let field = |name: &str| body.as_ref().and_then(|body| body.get(name));
    Ok(Prepared {
        model: field("model").and_then(Value::as_str).map(str::to_owned),
        estimated_input: encoded.len() as f64 / 4.0,
        requested_output: OUTPUT_LIMITS
            .iter()
            .find_map(|name| field(name).and_then(Value::as_f64))
            .unwrap_or(DEFAULT_OUTPUT_TOKENS),
        request: HttpRequest { method: operation.method, url, headers, body: encoded },
        keyed,
    })
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidRequest, message)
}

fn body_of(
    operation: &Operation,
    params: &Params,
    options: &CallOptions,
    streaming: bool,
) -> Result<Option<Value>> {
    if !operation.has_body {
        return Ok(None);
    }
    if !matches!(operation.body.kind, BodyKind::Object | BodyKind::Json) {
        return Err(invalid(format!("{} has a body that this runtime does not write", operation.name)));
    }
    let mut body = match &params.body {
        Value::Null if operation.body.kind == BodyKind::Object => Value::Object(Map::new()),
        given => given.clone(),
    };
    if let Value::Object(fields) = &mut body {
        if let Some(rule) = operation.stream.as_ref().filter(|_| streaming) {
            if let Some(name) = rule.parameter {
                let value = match rule.value {
                    StreamValue::Bool(flag) => Value::Bool(flag),
                    StreamValue::Text(text) => text.into(),
                };
                fields.insert(name.to_owned(), value);
            }
        }
        fields.extend(options.extra_body.clone());
    }
    Ok(Some(body))
}

/// The path with its parameters percent-encoded so that none can change the route.
fn fill_path(operation: &Operation, given: &Map<String, Value>) -> Result<String> {
    let mut path = operation.path.to_owned();
    for (name, value) in given {
        let text = text_of(value, style_of(operation, "path", name));
        if text.is_empty() || text == "." || text == ".." {
            return Err(invalid(format!("Path parameter {name:?} must not be empty, '.' or '..'")));
        }
        let encoded = utf8_percent_encode(&text, SEGMENT).to_string();
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

fn query_of(operation: &Operation, params: &Params, options: &CallOptions) -> Result<String> {
    let mut pairs = Vec::new();
    for (name, value) in params.query.iter().chain(&options.extra_query).filter(|(_, value)| !value.is_null())
    {
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
    has_body: bool,
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
    set("accept-encoding", "gzip, deflate");
    set("user-agent", concat!("llm-forge/", env!("CARGO_PKG_VERSION")));
    if has_body {
        set("content-type", operation.body.media_type);
    }
    common.profile.headers.iter().for_each(|(name, value)| set(name, value));
    if let Some(name) = common.profile.idempotency_header {
        match &options.idempotency_key {
            Some(key) => set(name, key),
            None if operation.replay == super::core::profile::Replay::Keyed => set(name, &(common.new_key)()),
            None => {}
        }
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
