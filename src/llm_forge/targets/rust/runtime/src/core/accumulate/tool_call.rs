//! Tool calls of one choice, put together from their deltas.
//!
//! A delta belongs to the call of its `index`; without one, to the call of its `id`; without both, several entries
//! of one delta are told apart by position, and a single entry continues the latest call, unless it brings a name
//! although that call's arguments are complete already.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::super::json::{decode, is_truthy};
use super::delta::{index_of, merge, merge_field, text_of, Fields};

/// One tool call, growing.
#[derive(Debug, Default)]
pub(super) struct ToolCall {
    fields: Fields,
}

impl ToolCall {
    /// Add one delta; its `index` is bookkeeping of the stream and not kept.
    fn add(&mut self, entry: &Fields) {
        for (name, value) in entry {
            match value {
                Value::Object(function) if name == "function" => self.add_function(function),
                _ if name == "index" => {}
                _ => merge_field(&mut self.fields, name, value),
            }
        }
    }

    fn add_function(&mut self, delta: &Fields) {
        let slot = self.fields.entry("function").or_insert(Value::Null);
        if !slot.is_object() {
            *slot = Value::Object(Fields::new());
        }
        let Value::Object(function) = slot else { return };
        if repeats_name(function, delta) {
            let rest = delta.iter().filter(|(name, _)| *name != "name");
            rest.for_each(|(name, value)| merge_field(function, name, value));
        } else {
            merge(function, delta);
        }
    }

    /// The argument text so far; some providers send the decoded object instead.
    pub(super) fn arguments(&self) -> Option<&Value> {
        self.fields.get("function")?.get("arguments").filter(|arguments| !arguments.is_null())
    }

    /// Whether the arguments are JSON; a call without argument text has none to judge.
    pub(super) fn is_valid(&self) -> bool {
        self.arguments().and_then(Value::as_str).is_none_or(is_json)
    }

    /// Whether the arguments are a complete JSON object, which nothing can continue.
    fn is_whole(&self) -> bool {
        match self.arguments() {
            Some(Value::String(text)) => text.trim_start().starts_with('{') && is_json(text),
            other => other.is_some(),
        }
    }

    /// The call as the unary form has it, marked where it is incomplete or its arguments are no JSON.
    pub(super) fn shown(&self, unfinished: bool) -> Value {
        let mut shown = self.fields.clone();
        if unfinished && !self.is_whole() {
            shown.insert("complete".into(), false.into());
        } else if !self.is_valid() {
            shown.insert("arguments_valid".into(), false.into());
        }
        Value::Object(shown)
    }
}

/// A further fragment before any argument belongs to the name; a repetition does not.
fn repeats_name(function: &Fields, delta: &Fields) -> bool {
    let named = delta.get("name").is_some_and(is_truthy) && function.get("name").is_some_and(is_truthy);
    let begun = function.get("arguments").is_some_and(is_truthy);
    named && (delta.get("name") == function.get("name") || begun)
}

/// All calls of one choice.
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    calls: BTreeMap<i64, ToolCall>,
    by_id: HashMap<String, i64>,
    latest: Option<i64>,
}

impl ToolCalls {
    /// Add the `tool_calls` of one delta.
    pub(super) fn add(&mut self, entries: &[Value]) {
        for (position, entry) in entries.iter().enumerate() {
            if let Value::Object(entry) = entry {
                let key = index_of(entry, "index")
                    .unwrap_or_else(|| self.key_without_index(entry, position, entries.len()));
                if let Some(id) = id_of(entry) {
                    self.by_id.entry(id.to_owned()).or_insert(key);
                }
                self.latest = Some(key);
                self.calls.entry(key).or_default().add(entry);
            }
        }
    }

    /// The calls in index order.
    pub(super) fn ordered(&self) -> impl Iterator<Item = &ToolCall> {
        self.calls.values()
    }

    fn key_without_index(&self, entry: &Fields, position: usize, count: usize) -> i64 {
        if let Some(id) = id_of(entry) {
            return self.by_id.get(id).copied().unwrap_or_else(|| self.next_key());
        }
        if count > 1 {
            return i64::try_from(position).unwrap_or(i64::MAX);
        }
        let latest =
            self.latest.filter(|key| !self.calls.get(key).is_some_and(|call| begins_new(entry, call)));
        latest.unwrap_or_else(|| self.next_key())
    }

    fn next_key(&self) -> i64 {
        self.calls.keys().next_back().map_or(0, |last| last + 1)
    }
}

fn id_of(entry: &Fields) -> Option<&str> {
    text_of(entry, "id").filter(|id| !id.is_empty())
}

fn begins_new(entry: &Fields, call: &ToolCall) -> bool {
    let name = entry.get("function").and_then(|function| function.get("name"));
    name.is_some_and(is_truthy) && call.is_whole()
}

/// Whether a text is JSON.
pub(super) fn is_json(text: &str) -> bool {
    decode(text.as_bytes()).is_ok()
}
