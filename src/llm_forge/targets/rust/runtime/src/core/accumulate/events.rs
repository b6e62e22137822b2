//! Typed events that add up to nothing but their list, such as audio as it is spoken.
//!
//! The description says which events are terminal: values of a field of the event's JSON, or of its name. `[DONE]`
//! is terminal always. Nothing else ends such a stream, so nothing is inferred. Only where no event is said to
//! be terminal, a body that ends cleanly after a whole event ends it: that is inferred.

use serde_json::Value;

use super::super::errors::Result;
use super::super::json::{decode, is_truthy};
use super::super::profile::Names;
use super::chat::SENTINEL;
use super::{Accumulator, Completion};

/// Collects one stream of typed events.
#[derive(Debug)]
pub(super) struct EventAccumulator {
    terminal: bool,
    terminal_types: Names,
    type_field: &'static str,
    events: Vec<Value>,
    usage: Option<Value>,
}

impl EventAccumulator {
    pub(super) fn new(terminal_types: Names, type_field: &'static str) -> Self {
        Self { terminal: false, terminal_types, type_field, events: Vec::new(), usage: None }
    }

    fn ends(&self, name: &str, data: &Value) -> bool {
        if self.type_field == "event-name" {
            return self.terminal_types.contains(&name);
        }
        match data.get(self.type_field) {
            Some(Value::Bool(flag)) => self.terminal_types.contains(if *flag { &"true" } else { &"false" }),
            Some(Value::String(kind)) => self.terminal_types.contains(&kind.as_str()),
            _ => false,
        }
    }
}

impl Accumulator for EventAccumulator {
    fn terminal(&self) -> bool {
        self.terminal
    }

    fn is_sentinel(&self, data: &str) -> bool {
        data.trim() == SENTINEL
    }

    fn is_terminal(&self, name: &str, data: &str) -> bool {
        self.is_sentinel(data)
            || decode(data.as_bytes())
                .is_ok_and(|data| self.terminal_types.is_empty() || self.ends(name, &data))
    }

    fn add(&mut self, name: &str, data: Option<&Value>) -> Result<()> {
        if self.terminal {
            return Ok(());
        }
        if let Some(data) = data {
            self.events.push(data.clone());
            if let Some(usage) = data.get("usage").filter(|usage| is_truthy(usage)) {
                self.usage = Some(usage.clone());
            }
        }
        self.terminal = data.is_none_or(|data| self.ends(name, data));
        Ok(())
    }

    fn ending(&self) -> Option<Completion> {
        if self.terminal {
            return Some(Completion::Explicit);
        }
        self.terminal_types.is_empty().then_some(Completion::Inferred)
    }

    fn result(&self) -> Value {
        self.partial()
    }

    fn partial(&self) -> Value {
        Value::Array(self.events.clone())
    }

    fn usage(&self) -> Option<&Value> {
        self.usage.as_ref()
    }

    fn text_of(&self, _name: &str, data: &Value) -> String {
        let kind = data.get("type").and_then(Value::as_str).unwrap_or_default();
        if !kind.ends_with("text.delta") {
            return String::new();
        }
        let mut found = ["delta", "text"].into_iter().filter_map(|field| data.get(field)?.as_str());
        found.next().unwrap_or_default().to_owned()
    }

    fn is_content(&self, _data: &Value) -> bool {
        true
    }

    fn tool_input(&self, _index: usize) -> Option<Value> {
        None
    }
}
