//! Calls as spans of the crate `tracing`, with what happens in them as events; the feature `tracing`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tracing::{debug, info_span, Span};

use super::observability::{ClientEvent, Hook};
use super::shared::locked;

/// A hook that opens a span for each call, and closes it with the call. No content and no credential is in either.
#[must_use]
pub fn spans() -> Hook {
    let open: Mutex<HashMap<String, Span>> = Mutex::default();
    Arc::new(move |event| note(&open, event))
}

fn note(open: &Mutex<HashMap<String, Span>>, event: &ClientEvent) {
    let about = &event.context;
    if event.name == "call-start" {
        let model = about.model.as_deref().unwrap_or_default();
        let span = info_span!(
            "llm_forge.call",
            provider = about.provider,
            operation = about.operation,
            model,
            call = about.call_id
        );
        locked(open).insert(about.call_id.clone(), span);
    }
    let span = match event.name {
        "call-end" => locked(open).remove(&about.call_id),
        _ => locked(open).get(&about.call_id).cloned(),
    };
    let facts = serde_json::Value::Object(event.facts.clone());
    debug!(parent: span.as_ref().and_then(Span::id), name = event.name, attempt = about.attempt, %facts);
}
