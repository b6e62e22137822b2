//! The block-event family: named events, blocks by index, ended by `message_stop`.
//!
//! Decisions the rules leave open:
//! - A second `content_block_start` for an index is an error: taking it would lose a block.
//! - A delta that comes after its block's stop is still added; a second stop changes nothing.
//! - Null in `message_delta` never replaces a value.
//! - An unfinished tool block in `partial()` shows its input as far as the bytes go, and the raw text.

use std::collections::BTreeMap;

use serde_json::{json, Value};

use super::super::errors::Result;
use super::super::json::{decode, is_truthy};
use super::delta::{append_entries, append_field, index_of, text_of, Fields};
use super::partial_json::parse_partial;
use super::{complete_type, protocol, type_of, Accumulator, Completion};

const TERMINAL: &str = "message_stop";
const CONTENT_FIELDS: [&str; 5] = ["text", "thinking", "partial_json", "citation", "content"];

/// One content block, growing; `raw` is its partial JSON, if any came.
#[derive(Debug)]
struct Block {
    fields: Fields,
    raw: Option<String>,
    closed: bool,
}

impl Block {
    fn new(start: &Fields) -> Self {
        Self { fields: start.clone(), raw: None, closed: false }
    }

    fn add(&mut self, delta: &Fields) {
        let text = |name: &str| text_of(delta, name);
        match text_of(delta, "type") {
            Some("text_delta") if text("text").is_some() => self.append("text", text("text")),
            Some("thinking_delta") if text("thinking").is_some() => self.append("thinking", text("thinking")),
            Some("input_json_delta") if text("partial_json").is_some() => {
                self.raw.get_or_insert_with(String::new).push_str(text("partial_json").unwrap_or_default());
            }
            Some("signature_delta") => {
                let signature = delta.get("signature").filter(|signature| is_truthy(signature));
                let kept = signature.or(self.fields.get("signature")).cloned().unwrap_or(Value::Null);
                self.fields.insert("signature".into(), kept);
            }
            Some("citations_delta") if delta.contains_key("citation") => {
                append_entries(&mut self.fields, "citations", std::slice::from_ref(&delta["citation"]));
            }
            Some("compaction_delta") => {
                let news = delta.iter().filter(|(name, _)| *name != "type");
                self.fields.extend(news.map(|(name, value)| (name.clone(), value.clone())));
            }
            _ => append_entries(&mut self.fields, "extra", &[Value::Object(delta.clone())]),
        }
    }

    fn append(&mut self, field: &str, text: Option<&str>) {
        append_field(&mut self.fields, field, text.unwrap_or_default());
    }

    /// The block as the unary response has it.
    fn finished(&self) -> Value {
        let mut block = self.fields.clone();
        match self.raw.as_deref() {
            None => {}
            Some(raw) if raw.trim().is_empty() => {
                block.entry("input").or_insert_with(|| json!({}));
            }
            Some(raw) => match decode(raw.as_bytes()) {
                Ok(input) => {
                    block.insert("input".into(), input);
                }
                Err(_) => {
                    block.insert("input".into(), json!({}));
                    block.insert("input_valid".into(), false.into());
                    block.insert("input_raw".into(), raw.into());
                }
            },
        }
        Value::Object(block)
    }

    /// The block so far, marked as not complete.
    fn unfinished(&self) -> Value {
        let mut block = self.fields.clone();
        if let Some(raw) = self.raw.as_deref().filter(|raw| !raw.is_empty()) {
            block.insert(
                "input".into(),
                parse_partial(raw).filter(|v| !v.is_null()).unwrap_or_else(|| json!({})),
            );
            block.insert("input_raw".into(), raw.into());
        }
        block.insert("complete".into(), false.into());
        Value::Object(block)
    }
}

/// Accumulates one block-event stream.
#[derive(Debug, Default)]
pub(super) struct BlockAccumulator {
    terminal: bool,
    message: Option<Fields>,
    usage: Fields,
    usage_value: Option<Value>,
    blocks: BTreeMap<i64, Block>,
}

impl BlockAccumulator {
    fn start_message(&mut self, data: &Fields) -> Result<()> {
        if self.message.is_some() {
            return Err(protocol("a second message_start in one stream"));
        }
        let Some(Value::Object(message)) = data.get("message") else {
            return Err(protocol("a message_start without a message"));
        };
        if let Some(Value::Object(usage)) = message.get("usage") {
            self.usage.clone_from(usage);
            self.note_usage();
        }
        self.message = Some(message.clone());
        Ok(())
    }

    fn note_usage(&mut self) {
        self.usage_value = Some(Value::Object(self.usage.clone()));
    }

    fn open(&mut self, kind: &str) -> Result<&mut Fields> {
        self.message.as_mut().ok_or_else(|| protocol(format!("{kind} before message_start")))
    }

    fn start_block(&mut self, data: &Fields) -> Result<()> {
        self.open("content_block_start")?;
        let (Some(index), Some(Value::Object(start))) = (index_of(data, "index"), data.get("content_block"))
        else {
            return Err(protocol("a content_block_start without index or block"));
        };
        if self.blocks.contains_key(&index) {
            return Err(protocol(format!("a second content_block_start for index {index}")));
        }
        self.blocks.insert(index, Block::new(start));
        Ok(())
    }

    fn block(&mut self, data: &Fields, kind: &str) -> Result<&mut Block> {
        self.open(kind)?;
        let block = index_of(data, "index").and_then(|index| self.blocks.get_mut(&index));
        block.ok_or_else(|| protocol(format!("{kind} for an index that was not started")))
    }

    fn delta_message(&mut self, data: &Fields) -> Result<()> {
        self.open("message_delta")?;
        if let Some(Value::Object(usage)) = data.get("usage") {
            replace(&mut self.usage, usage.iter());
            self.note_usage();
        }
        let message = self.open("message_delta")?;
        if let Some(Value::Object(delta)) = data.get("delta") {
            replace(message, delta.iter());
        }
        replace(
            message,
            data.iter().filter(|(name, _)| !matches!(name.as_str(), "type" | "usage" | "delta")),
        );
        Ok(())
    }

    fn shown(&self, is_final: bool) -> Value {
        let Some(message) = &self.message else {
            return json!({});
        };
        let mut message = message.clone();
        let content = self.content(message.get("content"), is_final);
        message.insert("content".into(), content);
        if !self.usage.is_empty() {
            message.insert("usage".into(), Value::Object(self.usage.clone()));
        }
        Value::Object(message)
    }

    /// The blocks by index, over what `message_start` brought, which is normally nothing.
    fn content(&self, given: Option<&Value>, is_final: bool) -> Value {
        let given = given.and_then(Value::as_array).into_iter().flatten();
        let mut parts: BTreeMap<i64, Value> = (0..).zip(given.cloned()).collect();
        for (index, block) in &self.blocks {
            let shown = if is_final || block.closed { block.finished() } else { block.unfinished() };
            parts.insert(*index, shown);
        }
        parts.into_values().collect()
    }
}

fn replace<'a>(target: &mut Fields, fields: impl Iterator<Item = (&'a String, &'a Value)>) {
    for (name, value) in fields {
        if !value.is_null() || !target.contains_key(name) {
            target.insert(name.clone(), value.clone());
        }
    }
}

impl Accumulator for BlockAccumulator {
    fn terminal(&self) -> bool {
        self.terminal
    }

    fn is_terminal(&self, name: &str, data: &str) -> bool {
        data.contains(TERMINAL) && complete_type(name, data).as_deref() == Some(TERMINAL)
    }

    fn add(&mut self, name: &str, data: Option<&Value>) -> Result<()> {
        let Some(data) = data.filter(|_| !self.terminal) else {
            return Ok(());
        };
        let Value::Object(data) = data else {
            return Err(protocol("an event of the stream is not an object"));
        };
        match type_of(name, data) {
            Some("message_start") => self.start_message(data)?,
            Some("content_block_start") => self.start_block(data)?,
            Some(kind @ "content_block_delta") => {
                let block = self.block(data, kind)?;
                if let Some(Value::Object(delta)) = data.get("delta") {
                    block.add(delta);
                }
            }
            Some(kind @ "content_block_stop") => self.block(data, kind)?.closed = true,
            Some("message_delta") => self.delta_message(data)?,
            Some(TERMINAL) => {
                self.open(TERMINAL)?;
                self.terminal = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn ending(&self) -> Option<Completion> {
        if self.terminal {
            return Some(Completion::Explicit);
        }
        let reason = self.message.as_ref().and_then(|message| message.get("stop_reason"));
        let closed = self.blocks.values().all(|block| block.closed);
        (reason.is_some_and(is_truthy) && closed).then_some(Completion::Inferred)
    }

    fn result(&self) -> Value {
        self.shown(true)
    }

    fn partial(&self) -> Value {
        self.shown(false)
    }

    fn usage(&self) -> Option<&Value> {
        self.usage_value.as_ref()
    }

    fn text_of(&self, _name: &str, data: &Value) -> String {
        let part = data.get("delta").or_else(|| data.get("content_block")).and_then(Value::as_object);
        let text = part.filter(|part| matches!(text_of(part, "type"), Some("text" | "text_delta")));
        text.and_then(|part| text_of(part, "text")).unwrap_or_default().to_owned()
    }

    fn is_content(&self, data: &Value) -> bool {
        let is_delta = data.get("type").and_then(Value::as_str) == Some("content_block_delta");
        if let Some(delta) = data.get("delta").and_then(Value::as_object).filter(|_| is_delta) {
            return CONTENT_FIELDS.iter().any(|field| delta.get(*field).is_some_and(is_truthy));
        }
        let block = data.get("content_block").and_then(Value::as_object);
        block.is_some_and(|block| {
            !matches!(text_of(block, "type"), Some("text" | "thinking"))
                || block.get("text").is_some_and(is_truthy)
        })
    }

    fn tool_input(&self, index: usize) -> Option<Value> {
        let block = self.blocks.get(&i64::try_from(index).ok()?)?;
        block.raw.as_deref().map_or_else(|| block.fields.get("input").cloned(), parse_partial)
    }
}
