//! Errors as the protocol tells them.

use llm_forge_runtime::core::errors::{Attempt, Error, ErrorDetail, Phase};
use serde_json::{json, Value};

/// An error as the protocol tells it.
pub fn error_fact(error: &Error) -> Value {
    if matches!(error, Error::Cancelled(_)) {
        return json!({"kind": "Cancelled"});
    }
    if matches!(error, Error::Raised(_)) {
        return json!({"kind": "Raised", "message": error.to_string()});
    }
    let facts = error.facts();
    let cause = facts.cause.as_ref().map(|cause| match cause.downcast_ref::<Error>() {
        Some(ours) => ours.kind().as_str(),
        None => "foreign",
    });
    json!({
        "kind": error.kind().as_str(),
        "message": facts.message,
        "status": facts.status,
        "type": facts.error_type,
        "code": facts.code,
        "param": facts.param,
        "request_id": facts.request_id,
        "retry_after": facts.retry_after,
        "phase": facts.phase.map(Phase::as_str),
        "retryable": facts.retryable,
        "mid_stream": facts.mid_stream,
        "circuit_open": facts.circuit_open,
        "retry_budget_exhausted": facts.retry_budget_exhausted,
        "partial": facts.partial,
        "attempts": facts.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "details": facts.details.iter().map(detail).collect::<Vec<_>>(),
        "cause": cause,
    })
}

fn attempt(one: &Attempt) -> Value {
    json!({
        "number": one.number,
        "outcome": one.outcome,
        "waited": one.waited,
        "status": one.status,
        "request_id": one.request_id,
    })
}

fn detail(one: &ErrorDetail) -> Value {
    json!({"path": one.path, "message": one.message, "type": one.kind})
}
