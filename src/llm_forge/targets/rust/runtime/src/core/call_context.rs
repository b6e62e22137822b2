//! What is known of a call from its start: handed to middleware, hooks and errors.

use serde_json::{Map, Value};

/// One call, or one attempt of it; no content and no credential in it.
///
/// `attempt` counts from 1 and is 0 before the first. `started` and `deadline` are seconds of the client's
/// monotonic clock. `metadata` is what the caller gave with the call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallContext {
    /// 128 random bits in hexadecimal, the same for all attempts.
    pub call_id: String,
    /// The provider's name.
    pub provider: String,
    /// The operation's name.
    pub operation: String,
    /// The model asked for.
    pub model: Option<String>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// From 1; 0 before the first.
    pub attempt: u32,
    /// When the call began.
    pub started: f64,
    /// When it must have ended.
    pub deadline: Option<f64>,
    /// Where requests go: scheme, host and port.
    pub origin: String,
    /// The caller's W3C trace context.
    pub trace_parent: Option<String>,
    /// The caller's own plain values, which no server sees.
    pub metadata: Map<String, Value>,
}
