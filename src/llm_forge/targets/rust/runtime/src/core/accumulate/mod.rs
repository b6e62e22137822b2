//! Streams put together into the message that the unary call would have returned.

mod blocks;
mod chat;
mod content;
mod conversation;
mod delta;
mod events;
mod partial_json;
mod response;
mod tool_call;

use serde_json::Value;

use super::errors::{Error, Kind, Result};
use super::json::decode;
use super::profile::{Family, StreamRule};

pub use partial_json::parse_partial;

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// Its terminal event was seen.
    Explicit,
    /// All was finished with a reason, but the terminal event is missing.
    Inferred,
}

impl Completion {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Explicit => "explicit",
            Self::Inferred => "inferred",
        }
    }
}

/// Puts the events of one stream together.
pub trait Accumulator: Send + Sync {
    /// Whether the terminal event was added.
    fn terminal(&self) -> bool;

    /// Whether this data is not JSON but legal, such as `[DONE]`.
    fn is_sentinel(&self, data: &str) -> bool {
        let _ = data;
        false
    }

    /// Whether this raw event is complete and ends the stream.
    fn is_terminal(&self, name: &str, data: &str) -> bool;

    /// Add one event: decoded JSON, or `None` for the sentinel; ignored after the terminal event.
    ///
    /// # Errors
    /// [`Error::StreamProtocol`] for events in an order that the family does not allow.
    fn add(&mut self, name: &str, data: Option<&Value>) -> Result<()>;

    /// The verdict if the body ended cleanly now; `None`: interrupted.
    fn ending(&self) -> Option<Completion>;

    /// The accumulated message in its unary form, or the list of the events.
    fn result(&self) -> Value;

    /// The message so far; what is unfinished carries `"complete": false`.
    fn partial(&self) -> Value;

    /// The tokens used, as the stream has told them so far.
    fn usage(&self) -> Option<&Value>;

    /// The text that this event adds, of the first choice.
    fn text_of(&self, name: &str, data: &Value) -> String;

    /// Whether this event carries content: no role-only and no empty delta.
    fn is_content(&self, data: &Value) -> bool;

    /// The tool input so far at this index, as far as its bytes show it.
    fn tool_input(&self, index: usize) -> Option<Value>;
}

/// A new accumulator for one stream.
#[must_use]
pub fn accumulator(rule: &StreamRule) -> Box<dyn Accumulator> {
    match rule.family {
        Family::ChatCompletion => Box::<chat::ChatAccumulator>::default(),
        Family::BlockEvent => Box::<blocks::BlockAccumulator>::default(),
        Family::Response => Box::<response::ResponseAccumulator>::default(),
        Family::Conversation => Box::<conversation::ConversationAccumulator>::default(),
        Family::Events => Box::new(events::EventAccumulator::new(rule.terminal, rule.type_field)),
    }
}

fn protocol(message: impl Into<String>) -> Error {
    Error::new(Kind::StreamProtocol, message)
}

/// The type that a complete JSON event names; `name` where it names none.
fn complete_type(name: &str, data: &str) -> Option<String> {
    let event = decode(data.as_bytes()).ok()?;
    let event = event.as_object()?;
    match event.get("type") {
        None => Some(name.to_owned()),
        Some(kind) => kind.as_str().map(str::to_owned),
    }
}

/// The type of an event: that of its JSON, else the name the wire gave it.
fn type_of<'a>(name: &'a str, data: &'a serde_json::Map<String, Value>) -> Option<&'a str> {
    match data.get("type").filter(|kind| super::json::is_truthy(kind)) {
        None => Some(name),
        Some(kind) => kind.as_str(),
    }
}
