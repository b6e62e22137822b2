//! What one call did, noted while it ran.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use llm_forge_runtime::observability::ClientEvent;
use llm_forge_runtime::Error;
use serde_json::{json, Value};

/// Notes of one call.
#[derive(Default)]
pub struct Notes {
    pub sleeps: Vec<f64>,
    pub sends: Vec<f64>,
    pub story: Vec<String>,
    pub shown: Vec<String>,
    pub starts: u64,
    pub ends: u64,
    pub events: u64,
    pub completion: Option<&'static str>,
    pub synthesised: bool,
    pub second: Option<Value>,
    pub files: Option<Value>,
    pending: HashMap<u32, f64>,
}

/// The notes of the call that runs, shared with the hooks.
pub type Record = Arc<Mutex<Notes>>;

tokio::task_local! {
    /// The record of the call that runs in this task.
    pub static CURRENT: Record;
}

/// The notes, to change.
pub fn notes(record: &Record) -> MutexGuard<'_, Notes> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Note a sleep of the call that sleeps.
pub fn note_sleep(seconds: f64) {
    let _outside = CURRENT.try_with(|record| notes(record).sleeps.push(seconds));
}

/// Note what a client says of its call; an attempt is sent when its wait for the limiter is over.
pub fn note_event(event: &ClientEvent, now: f64) {
    let _outside = CURRENT.try_with(|record| {
        let mut notes = notes(record);
        let attempt = event.context.attempt;
        notes.story.push(format!("{} {attempt}", event.name));
        notes.shown.push(format!("{event:?}"));
        match event.name {
            "call-start" => notes.starts += 1,
            "call-end" => notes.ends += 1,
            "attempt-start" | "limiter-wait" => {
                notes.pending.insert(attempt, now);
            }
            "attempt-end" => {
                let outcome = event.facts.get("outcome").and_then(Value::as_str).unwrap_or_default();
                if !matches!(outcome, "CircuitOpenError" | "RateLimitWaitError" | "RateLimitConfigError") {
                    let at = notes.pending.get(&attempt).copied().unwrap_or(now);
                    notes.sends.push(at);
                    notes.sends.sort_by(f64::total_cmp);
                }
            }
            _ => {}
        }
    });
}

/// Everything a person could see of an error.
pub fn shown_of(error: &Error) -> String {
    let mut shown = format!("{error}\n{error:?}\n{}", error.to_json());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        shown.push_str(&format!("\n{cause}\n{cause:?}"));
        source = cause.source();
    }
    shown
}

impl Notes {
    /// One call's entry of the answer.
    pub fn outcome(&self, started: f64, ended: f64, result: Option<Value>, error: Option<Value>) -> Value {
        let mut told = json!({
            "started": started,
            "ended": ended,
            "events": self.events,
            "sends": self.sends,
            "sleeps": self.sleeps,
            "starts": self.starts,
            "ends": self.ends,
            "synthesised": self.synthesised,
            "story": self.story,
        });
        let optional = [
            ("result", result),
            ("completion", self.completion.map(Value::from)),
            ("second", self.second.clone()),
            ("files", self.files.clone()),
            ("error", error),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                told[name] = value;
            }
        }
        told
    }
}
