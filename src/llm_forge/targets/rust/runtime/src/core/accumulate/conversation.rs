//! The conversation family: entries that grow by typed events, ended by `conversation.response.done`.
//!
//! Decisions the rules leave open:
//! - An event belongs to the entry of its `id`, without one to that of its `output_index`; entries are ordered by
//!   `output_index`, then by arrival.
//! - Text and typed chunks grow by `content_index`. Content that was only text is a string, else a list.
//! - An entry's type is that of its events without their last word, so unknown entries are kept too.
//! - An entry that no event started has none that closes it: it is complete when a later one begins.
//! - Nothing is inferred: only the terminal event says that no further entry follows.

use std::collections::BTreeMap;

use serde_json::{json, Value};

use super::super::errors::Result;
use super::super::json::is_truthy;
use super::content::{is_text, Chunks};
use super::delta::{append_field, index_of, text_of, Fields};
use super::partial_json::parse_partial;
use super::{complete_type, protocol, type_of, Accumulator, Completion};

const STARTED: &str = "conversation.response.started";
const TERMINAL: &str = "conversation.response.done";
const PLACE: [&str; 6] = ["type", "output_index", "content_index", "content", "arguments", "created_at"];

/// The id of an entry, or its place where it has none.
type Key = std::result::Result<String, i64>;

/// The content of one index.
#[derive(Debug)]
enum Content {
    Text(String),
    Chunks(Chunks),
}

/// One entry of the outputs, growing.
#[derive(Debug)]
struct Entry {
    key: (String, Key),
    fields: Fields,
    content: BTreeMap<i64, Content>,
    place: i64,
    started: bool,
    closed: bool,
}

impl Entry {
    fn new(key: (String, Key), place: i64) -> Self {
        let mut fields = Fields::new();
        fields.insert("object".into(), "entry".into());
        fields.insert("type".into(), key.0.clone().into());
        Self { key, fields, content: BTreeMap::new(), place, started: false, closed: false }
    }

    /// Add one event; `word` is the last of its type: started, delta or done.
    fn add(&mut self, word: &str, data: &Fields) {
        self.started |= word == "started";
        self.closed |= word == "done";
        for (name, value) in data.iter().filter(|(name, _)| !PLACE.contains(&name.as_str())) {
            if !value.is_null() || !self.fields.contains_key(name) {
                self.fields.insert(name.clone(), value.clone());
            }
        }
        if let Some(content) = data.get("content") {
            self.add_content(index_of(data, "content_index").unwrap_or(0), content);
        }
        match data.get("arguments") {
            Some(Value::String(text)) => append_field(&mut self.fields, "arguments", text),
            None | Some(Value::Null) => {}
            Some(other) => {
                self.fields.insert("arguments".into(), other.clone());
            }
        }
        if let Some(at) = data.get("created_at").filter(|at| !at.is_null()) {
            let name = if word == "done" { "completed_at" } else { "created_at" };
            self.fields.entry(name).or_insert_with(|| at.clone());
        }
    }

    fn add_content(&mut self, index: i64, value: &Value) {
        let grown = match (self.content.remove(&index), value) {
            (Some(Content::Text(mut old)), Value::String(text)) => {
                old.push_str(text);
                Content::Text(old)
            }
            (None, Value::String(text)) => Content::Text(text.clone()),
            (old, value) => {
                let mut chunks = match old {
                    None => Chunks::default(),
                    Some(Content::Text(text)) => Chunks::of_text(&text),
                    Some(Content::Chunks(chunks)) => chunks,
                };
                chunks.add_joining(value);
                Content::Chunks(chunks)
            }
        };
        self.content.insert(index, grown);
    }

    /// The entry as the unary form has it, marked where it is not complete.
    fn shown(&self, closed: bool) -> Value {
        let mut shown = self.fields.clone();
        if !self.content.is_empty() {
            shown.insert("content".into(), self.joined());
        }
        if !(closed || self.closed) {
            shown.insert("complete".into(), false.into());
        }
        Value::Object(shown)
    }

    fn joined(&self) -> Value {
        let mut parts = self.content.values();
        if let (Some(Content::Text(text)), 1) = (parts.next(), self.content.len()) {
            return text.as_str().into();
        }
        let list = |part: &Content| match part {
            Content::Text(text) => vec![json!({"type": "text", "text": text})],
            Content::Chunks(chunks) => chunks.list.clone(),
        };
        self.content.values().flat_map(list).collect()
    }
}

/// Accumulates one stream of the conversation family.
#[derive(Debug, Default)]
pub(super) struct ConversationAccumulator {
    terminal: bool,
    head: Fields,
    entries: Vec<Entry>,
    latest: Option<usize>,
}

impl ConversationAccumulator {
    fn add_head(&mut self, data: &Fields) {
        self.head.entry("object").or_insert_with(|| "conversation.response".into());
        let kept = data.iter().filter(|(name, _)| !matches!(name.as_str(), "type" | "created_at"));
        self.head.extend(kept.map(|(name, value)| (name.clone(), value.clone())));
    }

    fn entry(&mut self, kind: &str, data: &Fields) -> usize {
        let place = index_of(data, "output_index").unwrap_or(0);
        let key = (kind.to_owned(), text_of(data, "id").map(str::to_owned).ok_or(place));
        self.entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
            self.entries.push(Entry::new(key, place));
            self.entries.len() - 1
        })
    }

    fn shown(&self, is_final: bool) -> Value {
        if self.head.is_empty() && self.entries.is_empty() {
            return json!({});
        }
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        order.sort_by_key(|at| self.entries[*at].place); // stable: then by arrival
        let is_closed = |at: usize| !self.entries[at].started && self.latest != Some(at);
        let outputs = order.into_iter().map(|at| self.entries[at].shown(is_final || is_closed(at)));
        let mut response = Fields::new();
        response.insert("outputs".into(), outputs.collect());
        response.extend(self.head.clone());
        Value::Object(response)
    }
}

impl Accumulator for ConversationAccumulator {
    fn terminal(&self) -> bool {
        self.terminal
    }

    fn is_terminal(&self, name: &str, data: &str) -> bool {
        (data.contains(TERMINAL) || name == TERMINAL)
            && complete_type(name, data).as_deref() == Some(TERMINAL)
    }

    fn add(&mut self, name: &str, data: Option<&Value>) -> Result<()> {
        let Some(data) = data.filter(|_| !self.terminal) else {
            return Ok(());
        };
        let Value::Object(data) = data else {
            return Err(protocol("an event of the stream is not an object"));
        };
        let Some(kind) = type_of(name, data) else {
            return Ok(());
        };
        if matches!(kind, STARTED | TERMINAL) {
            self.add_head(data);
            self.terminal = kind == TERMINAL;
        } else if data.contains_key("output_index") || data.contains_key("id") {
            let (stem, word) = kind.rsplit_once('.').unwrap_or(("", kind));
            let at = self.entry(stem, data);
            self.latest = Some(at);
            self.entries[at].add(word, data);
        }
        Ok(())
    }

    fn ending(&self) -> Option<Completion> {
        self.terminal.then_some(Completion::Explicit)
    }

    fn result(&self) -> Value {
        self.shown(true)
    }

    fn partial(&self) -> Value {
        self.shown(self.terminal)
    }

    fn usage(&self) -> Option<&Value> {
        self.head.get("usage")
    }

    fn text_of(&self, name: &str, data: &Value) -> String {
        let Some(data) = data.as_object().filter(|data| type_of(name, data) == Some("message.output.delta"))
        else {
            return String::new();
        };
        let text = |part: &Value| {
            part.as_object().filter(|p| is_text(p)).and_then(|p| text_of(p, "text").map(str::to_owned))
        };
        match data.get("content") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => parts.iter().filter_map(text).collect(),
            Some(part) => text(part).unwrap_or_default(),
            None => String::new(),
        }
    }

    fn is_content(&self, data: &Value) -> bool {
        match data.get("type").and_then(Value::as_str) {
            Some(STARTED | TERMINAL) => false,
            Some("message.output.delta") => data.get("content").is_some_and(is_truthy),
            _ => data.is_object(),
        }
    }

    fn tool_input(&self, index: usize) -> Option<Value> {
        let place = i64::try_from(index).ok()?;
        let mut found = self.entries.iter().filter(|entry| entry.place == place);
        match found.find_map(|entry| entry.fields.get("arguments"))? {
            Value::String(text) => parse_partial(text),
            other => Some(other.clone()),
        }
    }
}
