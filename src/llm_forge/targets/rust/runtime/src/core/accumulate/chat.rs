//! The chat-completion family: chunks with `choices`, ended by `[DONE]`.
//!
//! Decisions the rules leave open:
//! - Of the fields beside `choices`, the identifying ones keep their first value and all others their last; padding
//!   (`obfuscation`, `p`) is dropped, because no unary response has it.
//! - Of the fields of a choice beside `delta`, `logprobs` and the `text` of plain completions, which have no
//!   message, grow by type; all others keep their last.
//! - Groq's `x_groq.usage` and `x_groq.usage_breakdown` go where its unary answer has them, to the top.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::errors::Result;
use super::super::json::is_truthy;
use super::content::{grow_reports, Chunks};
use super::delta::{index_of, merge_field, text_of, Fields};
use super::partial_json::parse_partial;
use super::tool_call::{ToolCall, ToolCalls};
use super::{protocol, Accumulator, Completion};

pub(super) const SENTINEL: &str = "[DONE]";
const CHUNK_SUFFIX: &str = ".chunk";

/// One choice, growing; `chunks` is its content once a typed chunk came.
#[derive(Debug, Default)]
struct Choice {
    message: Fields,
    chunks: Option<Chunks>,
    fields: Fields,
    finish_reason: Option<Value>,
    calls: Option<ToolCalls>,
}

impl Choice {
    fn add(&mut self, choice: &Fields) -> Result<()> {
        for (name, value) in choice {
            match (name.as_str(), value) {
                ("delta", Value::Null) => {}
                ("delta", Value::Object(delta)) => self.add_delta(delta),
                ("delta", _) => return Err(protocol("a delta of the stream is not an object")),
                ("finish_reason", reason) if is_truthy(reason) => self.finish_reason = Some(reason.clone()),
                ("finish_reason", _) => {}
                ("logprobs" | "text", _) | (_, Value::Null) => merge_field(&mut self.fields, name, value),
                ("index", _) => {}
                _ => {
                    self.fields.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(())
    }

    fn add_delta(&mut self, delta: &Fields) {
        for (name, value) in delta {
            match (name.as_str(), value) {
                ("tool_calls", Value::Array(entries)) => {
                    self.calls.get_or_insert_with(ToolCalls::default).add(entries);
                }
                ("content", Value::Array(_)) => self.chunks().add(value),
                ("content", _) if self.chunks.is_some() && !value.is_null() => self.chunks().add(value),
                ("executed_tools", Value::Array(entries)) => self.add_reports(entries),
                _ => merge_field(&mut self.message, name, value),
            }
        }
    }

    fn chunks(&mut self) -> &mut Chunks {
        let text = text_of(&self.message, "content").unwrap_or_default();
        self.chunks.get_or_insert_with(|| Chunks::of_text(text))
    }

    fn add_reports(&mut self, entries: &[Value]) {
        let slot = self.message.entry("executed_tools").or_insert(Value::Null);
        if !slot.is_array() {
            *slot = Value::Array(Vec::new());
        }
        if let Value::Array(reports) = slot {
            grow_reports(reports, entries);
        }
    }

    fn ordered_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.calls.iter().flat_map(ToolCalls::ordered)
    }

    /// No finish reason although a tool call is not complete.
    fn is_cut(&self) -> bool {
        self.finish_reason.is_none() && !self.ordered_calls().all(ToolCall::is_valid)
    }

    fn shown(&self, index: i64, is_final: bool, terminal: bool) -> Value {
        let mut body = self.message.clone();
        if let Some(chunks) = &self.chunks {
            body.insert("content".into(), Value::Array(chunks.list.clone()));
        }
        if self.calls.is_some() {
            let unfinished = !is_final && self.finish_reason.is_none();
            body.insert(
                "tool_calls".into(),
                self.ordered_calls().map(|call| call.shown(unfinished)).collect(),
            );
        }
        let mut shown = Map::new();
        shown.insert("index".into(), index.into());
        if !(self.fields.contains_key("text") && body.is_empty()) {
            shown.insert("message".into(), Value::Object(body));
        }
        shown.extend(self.fields.clone());
        let unknown = if is_final && terminal { "unknown".into() } else { Value::Null };
        shown.insert("finish_reason".into(), self.finish_reason.clone().unwrap_or(unknown));
        Value::Object(shown)
    }
}

/// Accumulates one chat-completion stream.
#[derive(Debug, Default)]
pub(super) struct ChatAccumulator {
    terminal: bool,
    head: Fields,
    usage: Option<Value>,
    choices: BTreeMap<i64, Choice>,
}

impl ChatAccumulator {
    fn add_choices(&mut self, choices: &Value) -> Result<()> {
        if !is_truthy(choices) {
            return Ok(());
        }
        let Value::Array(choices) = choices else {
            return Err(protocol("the choices of a chunk are not a list"));
        };
        for choice in choices {
            let Value::Object(choice) = choice else {
                return Err(protocol("a choice of a chunk is not an object"));
            };
            let key = index_of(choice, "index").unwrap_or(0);
            self.choices.entry(key).or_default().add(choice)?;
        }
        Ok(())
    }

    fn add_head(&mut self, field: &str, value: &Value) {
        let known = self.head.get(field).is_some_and(is_truthy);
        match (field, value) {
            ("obfuscation" | "p", _) => {}
            ("x_groq", Value::Object(own)) => self.add_groq(own),
            (_, Value::Null) => {
                self.head.entry(field).or_insert(Value::Null);
            }
            ("id" | "created" | "model" | "system_fingerprint", _) if known => {}
            _ => {
                self.head.insert(field.to_owned(), value.clone());
            }
        }
    }

    fn add_groq(&mut self, own: &Fields) {
        self.set_usage(own.get("usage"));
        if let Some(breakdown) = own.get("usage_breakdown") {
            self.head.insert("usage_breakdown".into(), breakdown.clone());
        }
        let slot = self.head.entry("x_groq").or_insert(Value::Null);
        if !slot.is_object() {
            *slot = Value::Object(Fields::new());
        }
        if let Value::Object(kept) = slot {
            let rest = own.iter().filter(|(name, _)| !matches!(name.as_str(), "usage" | "usage_breakdown"));
            kept.extend(rest.map(|(name, value)| (name.clone(), value.clone())));
        }
    }

    fn set_usage(&mut self, value: Option<&Value>) {
        if let Some(value) = value.filter(|value| is_truthy(value)) {
            self.usage = Some(value.clone());
        }
    }

    fn message(&self, is_final: bool) -> Value {
        let mut message = self.head.clone();
        if let Some(kind) = text_of(&self.head, "object") {
            message.insert("object".into(), kind.strip_suffix(CHUNK_SUFFIX).unwrap_or(kind).into());
        }
        let choices =
            self.choices.iter().map(|(index, choice)| choice.shown(*index, is_final, self.terminal));
        message.insert("choices".into(), choices.collect());
        if let Some(usage) = &self.usage {
            message.insert("usage".into(), usage.clone());
        }
        Value::Object(message)
    }
}

impl Accumulator for ChatAccumulator {
    fn terminal(&self) -> bool {
        self.terminal
    }

    fn is_sentinel(&self, data: &str) -> bool {
        data.trim() == SENTINEL
    }

    fn is_terminal(&self, _name: &str, data: &str) -> bool {
        self.is_sentinel(data)
    }

    fn add(&mut self, _name: &str, data: Option<&Value>) -> Result<()> {
        if self.terminal {
            return Ok(());
        }
        let Some(data) = data else {
            self.terminal = true;
            return Ok(());
        };
        let Value::Object(chunk) = data else {
            return Err(protocol("a chunk of the stream is not an object"));
        };
        for (field, value) in chunk {
            match field.as_str() {
                "choices" => self.add_choices(value)?,
                "usage" => self.set_usage(Some(value)),
                _ if self.head.get(field) == Some(value) => {}
                _ => self.add_head(field, value),
            }
        }
        Ok(())
    }

    fn ending(&self) -> Option<Completion> {
        if self.terminal {
            return (!self.choices.values().any(Choice::is_cut)).then_some(Completion::Explicit);
        }
        let finished = self.choices.values().all(|choice| choice.finish_reason.is_some());
        (finished && !self.choices.is_empty()).then_some(Completion::Inferred)
    }

    fn result(&self) -> Value {
        self.message(true)
    }

    fn partial(&self) -> Value {
        self.message(false)
    }

    fn usage(&self) -> Option<&Value> {
        self.usage.as_ref()
    }

    fn text_of(&self, _name: &str, data: &Value) -> String {
        let first = choices_of(data).find(|choice| choice.get("index").is_none_or(|index| index == 0));
        let Some(choice) = first else {
            return String::new();
        };
        let content = match choice.get("delta") {
            Some(Value::Object(delta)) => delta.get("content"),
            _ => choice.get("text"),
        };
        match content {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => parts.iter().filter_map(text_of_part).collect(),
            _ => String::new(),
        }
    }

    fn is_content(&self, data: &Value) -> bool {
        choices_of(data).any(brings_content)
    }

    fn tool_input(&self, index: usize) -> Option<Value> {
        let arguments = self.choices.get(&0)?.ordered_calls().nth(index)?.arguments()?;
        match arguments {
            Value::String(text) => parse_partial(text),
            other => Some(other.clone()),
        }
    }
}

fn text_of_part(part: &Value) -> Option<&str> {
    part.as_object().filter(|part| super::content::is_text(part)).and_then(|part| text_of(part, "text"))
}

fn brings_content(choice: &Fields) -> bool {
    match choice.get("delta") {
        Some(Value::Object(delta)) => {
            delta.iter().any(|(name, value)| is_truthy(value) && !matches!(name.as_str(), "role" | "channel"))
        }
        _ => choice.get("text").is_some_and(is_truthy),
    }
}

fn choices_of(data: &Value) -> impl Iterator<Item = &Fields> {
    data.get("choices").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}
