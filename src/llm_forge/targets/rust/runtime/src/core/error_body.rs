//! A provider's error answer, of whatever form, as one typed error.
//!
//! Rules of this file:
//! - The class follows the status; inside a stream, where there is none, the type's status.
//! - Message text is shown, never read to classify.
//! - Redaction comes before shortening, so that half a credential never survives.
//! - The body is kept without the input values that validation reports echo.

use serde_json::{Map, Value};

use super::error_report::{self, Report};
use super::errors::{kind_for_status, Error, ErrorDetail, Facts, Kind, MESSAGE_LIMIT};
use super::headers::Headers;
use super::json::{decode, is_truthy, to_text};
use super::profile::Profile;
use super::redact::{Redactor, REDACTED};

const USUAL_REQUEST_IDS: [&str; 2] = ["request-id", "x-request-id"];

/// Types of events that report an error.
pub const ERROR_EVENTS: [&str; 3] = ["error", "response.failed", "conversation.response.error"];

/// What an answer with an error status is read with.
#[derive(Clone, Copy, Debug)]
pub struct ErrorContext<'a> {
    /// The provider.
    pub profile: &'a Profile,
    /// What to hide.
    pub redactor: &'a Redactor,
    /// The longest wait that a server may ask for.
    pub max_server_wait: f64,
}

/// The typed error of an answer with an error status.
///
/// `retry_after` is the server's wait in seconds; with one of at most `max_server_wait` an exhausted quota is an
/// ordinary rate limit.
#[must_use]
pub fn api_error(
    status: u16,
    headers: &Headers,
    body: &[u8],
    retry_after: Option<f64>,
    context: &ErrorContext<'_>,
) -> Error {
    let value = decode(body).ok();
    let report = value.as_ref().map_or_else(|| error_report::of_text(body), error_report::of_json);
    let waits = retry_after.is_some_and(|wait| wait <= context.max_server_wait);
    let spent = status == 429 && !waits && is_terminal_quota(&report, context.profile);
    let kind = if spent { Kind::QuotaExceeded } else { kind_for_status(status) };
    let name = context.profile.name;
    let mut facts = common(&report, &format!("{name} answered {status} without a message"), context);
    facts.status = Some(status);
    let request_id = request_id_of(headers, context.profile, value.as_ref());
    facts.request_id = request_id.map(|id| cleaned(&id, context.redactor));
    facts.retry_after = retry_after;
    facts.body = Some(match &value {
        Some(value) => shown_json(value, context.redactor),
        None => context.redactor.text(&String::from_utf8_lossy(body)),
    });
    facts.headers = Some(context.redactor.headers(headers));
    Error::with_facts(kind, facts)
}

/// The typed error that a decoded stream event is, `None` for every other event.
#[must_use]
pub fn stream_error(data: &Value, request_id: Option<&str>, context: &ErrorContext<'_>) -> Option<Error> {
    if !is_error(data) {
        return None;
    }
    let report = error_report::of_json(data);
    let status = report.status.or_else(|| error_report::status_of(&report, context.profile));
    let spent = matches!(status, Some(402 | 429)) && is_terminal_quota(&report, context.profile);
    let kind = if spent { Kind::QuotaExceeded } else { status.map_or(Kind::Api, kind_for_status) };
    let name = context.profile.name;
    let mut facts =
        common(&report, &format!("{name} ended the stream with an error without a message"), context);
    facts.status = status;
    let id = body_request_id(data).or(request_id);
    facts.request_id = id.map(|id| cleaned(id, context.redactor));
    facts.mid_stream = true;
    facts.body = Some(shown_json(data, context.redactor));
    Some(Error::with_facts(kind, facts))
}

/// Whether an event, or a whole 2xx body, is worth reading as an error: by its name, type or fields.
#[must_use]
pub fn may_be_error(name: &str, data: &Value) -> bool {
    let Value::Object(fields) = data else {
        return name == "error";
    };
    ERROR_EVENTS.contains(&name) || names_error(fields)
}

/// The provider's request id: the profile's headers in order, the usual ones, the body.
#[must_use]
pub fn request_id_of(headers: &Headers, profile: &Profile, body: Option<&Value>) -> Option<String> {
    let names = profile.request_id_headers.iter().chain(&USUAL_REQUEST_IDS);
    let mut found = names.filter_map(|name| headers.get(name)).filter(|id| !id.is_empty());
    found.next().or_else(|| body.and_then(body_request_id)).map(str::to_owned)
}

/// Text as one line of at most [`MESSAGE_LIMIT`] characters, without credentials.
#[must_use]
pub fn cleaned(text: &str, redactor: &Redactor) -> String {
    let text = redactor.text(text);
    let visible: String = text.chars().map(|c| if is_printable(c) { c } else { ' ' }).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MESSAGE_LIMIT {
        return line;
    }
    line.chars().take(MESSAGE_LIMIT - 1).chain(['…']).collect()
}

/// Controls, invisible format characters and unusual spaces do not belong into a line for people.
fn is_printable(char: char) -> bool {
    let format = matches!(char,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' | '\u{e000}'..='\u{f8ff}');
    !char.is_control() && !format && (char == ' ' || !char.is_whitespace())
}

fn is_terminal_quota(report: &Report, profile: &Profile) -> bool {
    let known =
        |word: &Option<String>| word.as_deref().is_some_and(|w| profile.errors.terminal_codes.contains(&w));
    known(&report.kind) || known(&report.code)
}

fn body_request_id(body: &Value) -> Option<&str> {
    let own = body.get("request_id").filter(|id| is_truthy(id));
    own.or_else(|| body.get("x_groq")?.get("id")).and_then(Value::as_str)
}

fn common(report: &Report, otherwise: &str, context: &ErrorContext<'_>) -> Facts {
    let clean = |text: &String| cleaned(text, context.redactor);
    let detail = |entry: &ErrorDetail| ErrorDetail {
        path: clean(&entry.path),
        message: clean(&entry.message),
        kind: entry.kind.as_ref().map(clean),
    };
    let message = clean(&report.message);
    Facts {
        message: if message.is_empty() { otherwise.to_owned() } else { message },
        provider: Some(context.profile.name.to_owned()),
        error_type: report.kind.as_ref().map(clean),
        code: report.code.as_ref().map(clean),
        param: report.param.as_ref().map(clean),
        details: report.details.iter().map(detail).collect(),
        ..Facts::default()
    }
}

fn is_error(data: &Value) -> bool {
    let Value::Object(fields) = data else {
        return data.as_str().is_some_and(|text| !text.is_empty()); // no family has an event that is a bare string
    };
    let plain = ["type", "object", "choices", "id"].iter().any(|key| fields.contains_key(*key));
    let says = || fields.get("detail").is_some_and(is_truthy) || !error_report::words(fields).is_empty();
    names_error(fields) || (!plain && says())
}

fn names_error(fields: &Map<String, Value>) -> bool {
    let word = |name: &str| fields.get(name).and_then(Value::as_str);
    fields.get("error").is_some_and(is_truthy)
        || word("object") == Some("error")
        || word("type").is_some_and(|kind| ERROR_EVENTS.contains(&kind))
}

fn shown_json(value: &Value, redactor: &Redactor) -> String {
    redactor.text(&to_text(&without_input(value)))
}

/// The value with every `input` that a validation report echoes blanked.
pub(super) fn without_input(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let shown = |(name, entry): (&String, &Value)| {
                (name.clone(), if name == "input" { REDACTED.into() } else { without_input(entry) })
            };
            Value::Object(fields.iter().map(shown).collect())
        }
        Value::Array(entries) => entries.iter().map(without_input).collect(),
        other => other.clone(),
    }
}
