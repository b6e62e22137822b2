//! Errors as plain JSON and back, for other processes and languages.

use serde_json::{json, Map, Value};

use super::errors::{Attempt, Error, ErrorDetail, Facts, Kind, Phase};

/// See [`Error::to_json`].
pub(super) fn to_json(error: &Error) -> Value {
    let facts = error.facts();
    let mut out = Map::new();
    out.insert("kind".into(), json!(error.kind().as_str()));
    out.insert("message".into(), json!(facts.message));
    let known = [
        ("provider", json!(facts.provider)),
        ("operation", json!(facts.operation)),
        ("model", json!(facts.model)),
        ("call_id", json!(facts.call_id)),
        ("request_id", json!(facts.request_id)),
        ("status", json!(facts.status)),
        ("type", json!(facts.error_type)),
        ("code", json!(facts.code)),
        ("param", json!(facts.param)),
        ("elapsed", json!(facts.elapsed)),
        ("retry_after", json!(facts.retry_after)),
        ("partial", json!(facts.partial)),
        ("events_seen", json!(facts.events_seen)),
        ("last_event_id", json!(facts.last_event_id)),
        ("body", json!(facts.body)),
        ("phase", json!(facts.phase.map(Phase::as_str))),
        ("headers", headers_json(facts)),
    ];
    out.extend(known.into_iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.to_owned(), v)));
    add_flags(&mut out, facts);
    if !facts.details.is_empty() {
        out.insert("details".into(), facts.details.iter().map(detail_json).collect());
    }
    if !facts.attempts.is_empty() {
        out.insert("attempts".into(), facts.attempts.iter().map(attempt_json).collect());
    }
    if let Some(cause) = &facts.cause {
        // A foreign error only by a word: its text was never redacted.
        let ours = cause.downcast_ref::<Error>().map(to_json);
        out.insert("cause".into(), ours.unwrap_or_else(|| json!({"kind": "foreign"})));
    }
    Value::Object(out)
}

fn headers_json(facts: &Facts) -> Value {
    facts.headers.as_ref().map_or(Value::Null, |pairs| {
        Value::Object(pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect())
    })
}

fn add_flags(out: &mut Map<String, Value>, facts: &Facts) {
    let flags = [
        ("retryable", facts.retryable),
        ("mid_stream", facts.mid_stream),
        ("circuit_open", facts.circuit_open),
        ("retry_budget_exhausted", facts.retry_budget_exhausted),
    ];
    for (name, _) in flags.into_iter().filter(|(_, set)| *set) {
        out.insert(name.into(), json!(true));
    }
}

fn detail_json(one: &ErrorDetail) -> Value {
    json!({"path": one.path, "message": one.message, "type": one.kind})
}

fn attempt_json(one: &Attempt) -> Value {
    json!({
        "number": one.number,
        "outcome": one.outcome,
        "duration": one.duration,
        "waited": one.waited,
        "request_id": one.request_id,
        "status": one.status,
    })
}

/// See [`Error::from_json`].
pub(super) fn from_json(value: &Map<String, Value>) -> Error {
    let kind = value.get("kind").and_then(Value::as_str).and_then(Kind::named).unwrap_or(Kind::Api);
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let flag = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(false);
    let seconds = |name: &str| value.get(name).and_then(Value::as_f64);
    let facts = Facts {
        message: text("message").unwrap_or_default(),
        provider: text("provider"),
        operation: text("operation"),
        model: text("model"),
        call_id: text("call_id"),
        context: None,
        request_id: text("request_id"),
        status: status_in(value),
        error_type: text("type"),
        code: text("code"),
        param: text("param"),
        details: entries(value, "details").map(detail_in).collect(),
        attempts: entries(value, "attempts").map(attempt_in).collect(),
        elapsed: seconds("elapsed"),
        retry_after: seconds("retry_after"),
        retryable: flag("retryable"),
        mid_stream: flag("mid_stream"),
        circuit_open: flag("circuit_open"),
        retry_budget_exhausted: flag("retry_budget_exhausted"),
        partial: value.get("partial").cloned(),
        events_seen: value.get("events_seen").and_then(Value::as_u64),
        last_event_id: text("last_event_id"),
        body: text("body"),
        headers: value.get("headers").and_then(Value::as_object).map(|all| {
            all.iter()
                .map(|(name, one)| (name.clone(), one.as_str().unwrap_or_default().to_owned()))
                .collect()
        }),
        phase: text("phase").and_then(|word| phase_named(&word)),
        cause: None,
    };
    let error = Error::with_facts(kind, facts);
    match value.get("cause").and_then(Value::as_object) {
        Some(cause) if cause.contains_key("message") => error.caused_by(from_json(cause)),
        _ => error,
    }
}

fn status_in(value: &Map<String, Value>) -> Option<u16> {
    value.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok())
}

fn entries<'a>(value: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    value.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn detail_in(one: &Map<String, Value>) -> ErrorDetail {
    let text = |name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
    ErrorDetail {
        path: text("path").unwrap_or_default(),
        message: text("message").unwrap_or_default(),
        kind: text("type"),
    }
}

fn attempt_in(one: &Map<String, Value>) -> Attempt {
    let seconds = |name: &str| one.get(name).and_then(Value::as_f64).unwrap_or_default();
    Attempt {
        number: one.get("number").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        outcome: one.get("outcome").and_then(Value::as_str).unwrap_or_default().to_owned(),
        duration: seconds("duration"),
        waited: seconds("waited"),
        request_id: one.get("request_id").and_then(Value::as_str).map(str::to_owned),
        status: status_in(one),
    }
}

fn phase_named(word: &str) -> Option<Phase> {
    let all = [
        Phase::Pool,
        Phase::Connect,
        Phase::Limiter,
        Phase::Auth,
        Phase::Response,
        Phase::Body,
        Phase::Stream,
        Phase::RetrySleep,
    ];
    all.into_iter().find(|phase| phase.as_str() == word)
}
