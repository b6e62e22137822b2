//! The response family: typed events that build one Response, ended by `response.completed` or
//! `response.incomplete`, which bring the whole of it (R-160 to R-169 in this family's words).
//!
//! Decisions the rules leave open:
//! - The terminal event's response is the result; its output is ours only where it brings none.
//! - `response.failed` is an error event and no end of this accumulator's.
//! - Nothing is inferred: no event but the terminal one says that no further item follows.
//! - Items and parts that were never announced are begun by their first delta, so that no text is lost.
//! - A `done` event replaces what its deltas gave; unknown deltas are kept in the item's `extra`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::errors::Result;
use super::super::json::is_truthy;
use super::delta::{append_entries, append_field, index_of, text_of, Fields};
use super::partial_json::parse_partial;
use super::tool_call::is_json;
use super::{complete_type, protocol, type_of, Accumulator, Completion};

const TERMINAL: [&str; 2] = ["response.completed", "response.incomplete"];
const STATUSES: [&str; 6] = ["in_progress", "searching", "interpreting", "generating", "completed", "failed"];
const TOOL_FIELDS: [&str; 3] = ["arguments", "input", "code"];

/// Where the text of an event grows: a field of the item, or of a part in one of its lists.
struct Text {
    field: &'static str,
    parts: Option<(&'static str, &'static str)>,
}

fn text_target(stem: &str) -> Option<Text> {
    let (field, parts) = match stem {
        "response.output_text" => ("text", Some(("content", "output_text"))),
        "response.refusal" => ("refusal", Some(("content", "refusal"))),
        "response.reasoning_text" => ("text", Some(("content", "reasoning_text"))),
        "response.reasoning_summary_text" => ("text", Some(("summary", "summary_text"))),
        "response.function_call_arguments" | "response.mcp_call_arguments" => ("arguments", None),
        "response.custom_tool_call_input" => ("input", None),
        "response.code_interpreter_call_code" => ("code", None),
        _ => return None,
    };
    Some(Text { field, parts })
}

fn part_list(stem: &str) -> Option<&'static str> {
    match stem {
        "response.content_part" => Some("content"),
        "response.reasoning_summary_part" => Some("summary"),
        _ => None,
    }
}

/// One output item, growing; `parts` are the entries of its lists by index.
#[derive(Debug, Default)]
struct Item {
    fields: Fields,
    parts: BTreeMap<&'static str, BTreeMap<i64, Fields>>,
    done: bool,
}

impl Item {
    fn of(fields: &Fields) -> Self {
        Self { fields: fields.clone(), ..Self::default() }
    }

    /// Take the whole item, which replaces what its deltas gave.
    fn finish(&mut self, whole: &Fields) {
        *self = Self { done: true, ..Self::of(whole) };
    }

    /// The part that an event is about, begun if need be.
    fn part(&mut self, list: &'static str, data: &Fields, kind: &str) -> &mut Fields {
        let index = index_of(data, &format!("{list}_index")).unwrap_or(0);
        self.listed(list)
            .entry(index)
            .or_insert_with(|| Fields::from_iter([("type".to_owned(), kind.into())]))
    }

    /// Take a part as an event gives it.
    fn put_part(&mut self, list: &'static str, data: &Fields) {
        if let Some(Value::Object(part)) = data.get("part") {
            let index = index_of(data, &format!("{list}_index")).unwrap_or(0);
            self.listed(list).insert(index, part.clone());
        }
    }

    fn listed(&mut self, list: &'static str) -> &mut BTreeMap<i64, Fields> {
        let given = self.fields.get(list).and_then(Value::as_array);
        self.parts.entry(list).or_insert_with(|| {
            let entries = (0..).zip(given.into_iter().flatten());
            entries.filter_map(|(at, one)| Some((at, one.as_object()?.clone()))).collect()
        })
    }

    /// The item as the unary form has it, marked where it is not complete.
    fn shown(&self, is_final: bool) -> Value {
        let mut shown = self.fields.clone();
        for (list, parts) in &self.parts {
            shown.insert((*list).to_owned(), parts.values().cloned().map(Value::Object).collect());
        }
        if !(is_final || self.done) {
            shown.insert("complete".into(), false.into());
        }
        Value::Object(shown)
    }
}

/// Accumulates one stream of the response family.
#[derive(Debug, Default)]
pub(super) struct ResponseAccumulator {
    terminal: bool,
    response: Fields,
    items: BTreeMap<i64, Item>,
}

impl ResponseAccumulator {
    fn step(&mut self, kind: &str, data: &Fields) {
        let (stem, word) = kind.rsplit_once('.').unwrap_or(("", kind));
        match (kind, word) {
            ("response.output_item.added", _) => {
                if let Some(Value::Object(item)) = data.get("item") {
                    let place = self.place(data);
                    self.items.insert(place, Item::of(item));
                }
            }
            ("response.output_item.done", _) => self.end_item(data),
            ("response.output_text.annotation.added", _) => {
                if let Some(annotation) = data.get("annotation") {
                    let part = self.item(data).part("content", data, "output_text");
                    append_entries(part, "annotations", std::slice::from_ref(annotation));
                }
            }
            (_, "delta") if text_target(stem).is_some() => self.grow_text(stem, data),
            (_, "done") if text_target(stem).is_some() => self.set_text(stem, data),
            (_, "added" | "done") if part_list(stem).is_some() => {
                if let Some(list) = part_list(stem) {
                    self.item(data).put_part(list, data);
                }
            }
            _ => self.add_other(kind, data),
        }
    }

    fn add_other(&mut self, kind: &str, data: &Fields) {
        if let Some(Value::Object(response)) = data.get("response") {
            self.response.clone_from(response);
            self.terminal = TERMINAL.contains(&kind);
            return;
        }
        let Some(known) = self.known(data).and_then(|place| self.items.get_mut(&place)) else {
            return;
        };
        let own = kind.strip_prefix("response.").unwrap_or(kind);
        let (stem, word) = own.rsplit_once('.').unwrap_or(("", own));
        if word == "delta" {
            append_entries(&mut known.fields, "extra", &[Value::Object(data.clone())]);
        } else if STATUSES.contains(&word) && text_of(&known.fields, "type") == Some(stem) {
            known.fields.insert("status".into(), word.into());
        }
    }

    fn known(&self, data: &Fields) -> Option<i64> {
        if let Some(index) = index_of(data, "output_index") {
            return self.items.contains_key(&index).then_some(index);
        }
        self.with_id(data.get("item_id"))
    }

    fn with_id(&self, id: Option<&Value>) -> Option<i64> {
        let wanted = id.filter(|id| !id.is_null())?;
        self.items.iter().find(|(_, item)| item.fields.get("id") == Some(wanted)).map(|(place, _)| *place)
    }

    fn item(&mut self, data: &Fields) -> &mut Item {
        let place = self.known(data).unwrap_or_else(|| self.place(data));
        self.items.entry(place).or_insert_with(|| {
            let id = data.get("item_id").filter(|id| !id.is_null());
            Item {
                fields: id.map(|id| ("id".to_owned(), id.clone())).into_iter().collect(),
                ..Item::default()
            }
        })
    }

    fn place(&self, data: &Fields) -> i64 {
        let next = || self.items.keys().next_back().map_or(0, |last| last + 1);
        index_of(data, "output_index").unwrap_or_else(next)
    }

    fn end_item(&mut self, data: &Fields) {
        let Some(Value::Object(item)) = data.get("item") else {
            return;
        };
        let by_place = index_of(data, "output_index").filter(|index| self.items.contains_key(index));
        let by_id = || self.with_id(data.get("item_id").or_else(|| item.get("id")));
        let known = match data.get("output_index").and_then(Value::as_i64) {
            Some(_) => by_place,
            None => by_id(),
        };
        let place = known.unwrap_or_else(|| self.place(data));
        self.items.entry(place).or_default().finish(item);
    }

    fn target(&mut self, text: &Text, data: &Fields) -> &mut Fields {
        let item = self.item(data);
        match text.parts {
            None => &mut item.fields,
            Some((list, kind)) => item.part(list, data, kind),
        }
    }

    fn grow_text(&mut self, stem: &str, data: &Fields) {
        let (Some(text), Some(delta)) = (text_target(stem), text_of(data, "delta")) else {
            return;
        };
        let target = self.target(&text, data);
        append_field(target, text.field, delta);
        if let Some(Value::Array(logprobs)) = data.get("logprobs").filter(|probs| is_truthy(probs)) {
            append_entries(target, "logprobs", logprobs);
        }
    }

    fn set_text(&mut self, stem: &str, data: &Fields) {
        let Some(text) = text_target(stem) else { return };
        if let Some(whole @ Value::String(_)) = data.get(text.field) {
            self.target(&text, data).insert(text.field.to_owned(), whole.clone());
        }
    }

    fn output(&self, is_final: bool) -> Value {
        self.items.values().map(|item| item.shown(is_final)).collect()
    }
}

impl Accumulator for ResponseAccumulator {
    fn terminal(&self) -> bool {
        self.terminal
    }

    fn is_terminal(&self, name: &str, data: &str) -> bool {
        let named = TERMINAL.contains(&name) || TERMINAL.iter().any(|kind| data.contains(kind));
        named && complete_type(name, data).is_some_and(|kind| TERMINAL.contains(&kind.as_str()))
    }

    fn add(&mut self, name: &str, data: Option<&Value>) -> Result<()> {
        let Some(data) = data.filter(|_| !self.terminal) else {
            return Ok(());
        };
        let Value::Object(data) = data else {
            return Err(protocol("an event of the stream is not an object"));
        };
        if let Some(kind) = type_of(name, data) {
            self.step(kind, data);
        }
        Ok(())
    }

    fn ending(&self) -> Option<Completion> {
        self.terminal.then_some(Completion::Explicit)
    }

    fn result(&self) -> Value {
        let mut response = self.response.clone();
        if !response.get("output").is_some_and(is_truthy) && !self.items.is_empty() {
            response.insert("output".into(), self.output(true));
        }
        let output = response.get_mut("output").and_then(Value::as_array_mut);
        output.into_iter().flatten().for_each(judge);
        Value::Object(response)
    }

    fn partial(&self) -> Value {
        let mut response = self.response.clone();
        let whole = self.terminal && response.get("output").is_some_and(is_truthy);
        let nothing = response.is_empty() && self.items.is_empty();
        if !whole && !nothing {
            response.insert("output".into(), self.output(false));
        }
        Value::Object(response)
    }

    fn usage(&self) -> Option<&Value> {
        self.response.get("usage").filter(|usage| !usage.is_null())
    }

    fn text_of(&self, name: &str, data: &Value) -> String {
        let data = data.as_object().filter(|data| type_of(name, data) == Some("response.output_text.delta"));
        data.and_then(|data| text_of(data, "delta")).unwrap_or_default().to_owned()
    }

    fn is_content(&self, data: &Value) -> bool {
        let kind = data.get("type").and_then(Value::as_str).unwrap_or_default();
        let brings = || data.get("delta").is_some_and(is_truthy);
        kind == "response.output_item.done" || (kind.rsplit('.').next() == Some("delta") && brings())
    }

    fn tool_input(&self, index: usize) -> Option<Value> {
        let item = self.items.get(&i64::try_from(index).ok()?)?;
        let value =
            TOOL_FIELDS.iter().find_map(|field| item.fields.get(*field).filter(|one| !one.is_null()))?;
        value.as_str().map_or_else(|| Some(value.clone()), parse_partial)
    }
}

/// Say of a function call whose arguments are no JSON that they are not.
fn judge(item: &mut Value) {
    let is_call = item.get("type").and_then(Value::as_str) == Some("function_call");
    let invalid = item.get("arguments").and_then(Value::as_str).is_some_and(|text| !is_json(text));
    if let Some(fields) = item.as_object_mut().filter(|_| is_call && invalid) {
        fields.insert("arguments_valid".into(), false.into());
    }
}
