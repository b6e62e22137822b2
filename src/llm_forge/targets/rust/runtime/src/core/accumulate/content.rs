//! The lists in a chat delta that do not simply append: typed content and executed tools.
//!
//! Typed chunks are appended in order. Mistral sends a thought as many `thinking` chunks where its unary answer
//! has one, so adjacent ones grow together; plain strings between typed chunks become text chunks. Groq repeats an
//! executed tool with what is known by then, so the later report of an index updates it.

use serde_json::{json, Value};

use super::delta::{append_text, text_of, Fields};

/// Typed content, growing; `open` says that the last chunk is text which is still growing.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunks {
    pub(super) list: Vec<Value>,
    open: bool,
}

impl Chunks {
    /// Content that was text so far.
    pub(super) fn of_text(text: &str) -> Self {
        let mut chunks = Self::default();
        chunks.add_text(text);
        chunks
    }

    /// Add one delta: text, a chunk, or a list of them.
    pub(super) fn add(&mut self, value: &Value) {
        for entry in one_or_many(value) {
            match entry {
                Value::String(text) => self.add_text(text),
                _ => self.add_chunk(entry),
            }
        }
    }

    /// The same, with the pieces of text chunks growing together (the conversation family).
    pub(super) fn add_joining(&mut self, value: &Value) {
        for entry in one_or_many(value) {
            match entry.as_object().filter(|entry| is_text(entry)).and_then(|entry| text_of(entry, "text")) {
                Some(text) if self.grow_last(text) => {}
                Some(_) => self.push(entry.clone(), true),
                None => self.add(entry),
            }
        }
    }

    fn add_text(&mut self, text: &str) {
        if !self.grow_last(text) && !text.is_empty() {
            self.push(json!({"type": "text", "text": text}), true);
        }
    }

    fn grow_last(&mut self, text: &str) -> bool {
        let last = self.list.last_mut().filter(|_| self.open).and_then(|last| last.get_mut("text"));
        last.map(|known| append_text(known, text)).is_some()
    }

    fn push(&mut self, chunk: Value, open: bool) {
        self.list.push(chunk);
        self.open = open;
    }

    fn add_chunk(&mut self, entry: &Value) {
        let Some(parts) = thought_parts(entry) else {
            self.push(entry.clone(), false);
            return;
        };
        if self.list.last().and_then(thought_parts).is_none() {
            self.push(json!({"type": "thinking", "thinking": []}), false);
        }
        let Some(thought) = self.list.last_mut().and_then(Value::as_object_mut) else {
            return;
        };
        for (name, value) in entry.as_object().into_iter().flatten().filter(|(name, _)| *name != "thinking") {
            thought.insert(name.clone(), value.clone());
        }
        if let Some(Value::Array(known)) = thought.get_mut("thinking") {
            for part in parts {
                add_part(known, part);
            }
        }
    }
}

fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Array(entries) => entries,
        one => std::slice::from_ref(one),
    }
}

/// Whether an entry is a chunk of text.
pub(super) fn is_text(entry: &Fields) -> bool {
    text_of(entry, "type") == Some("text") && text_of(entry, "text").is_some()
}

fn thought_parts(entry: &Value) -> Option<&Vec<Value>> {
    (entry.get("type")?.as_str()? == "thinking").then(|| entry.get("thinking")?.as_array()).flatten()
}

fn add_part(parts: &mut Vec<Value>, part: &Value) {
    let last = parts.last_mut().filter(|last| is_plain_part(last) && is_plain_part(part));
    match last.filter(|last| last["type"] == part["type"]) {
        Some(last) => append_text(&mut last["text"], part["text"].as_str().unwrap_or_default()),
        None => parts.push(part.clone()),
    }
}

/// A part that has a type and a text, and nothing else.
fn is_plain_part(part: &Value) -> bool {
    let fields = part.as_object().filter(|fields| fields.len() == 2 && fields.contains_key("type"));
    fields.is_some_and(|fields| text_of(fields, "text").is_some())
}

/// Executed tools with one more delta; an entry of a known `index` updates the earlier report.
pub(super) fn grow_reports(reports: &mut Vec<Value>, entries: &[Value]) {
    for entry in entries {
        match reports.iter_mut().find(|report| same_index(report, entry)).and_then(Value::as_object_mut) {
            None => reports.push(entry.clone()),
            Some(known) => {
                let news = entry.as_object().into_iter().flatten().filter(|(_, part)| !part.is_null());
                known.extend(news.map(|(name, part)| (name.clone(), part.clone())));
            }
        }
    }
}

fn same_index(report: &Value, entry: &Value) -> bool {
    let index = entry.get("index").filter(|index| !index.is_null());
    index.is_some() && report.get("index") == index
}
