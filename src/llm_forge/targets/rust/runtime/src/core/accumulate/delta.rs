//! Growing JSON: deltas of unknown shape put together by their type.
//!
//! Strings concatenate, numbers and booleans replace, lists append, objects merge; null changes nothing that is
//! there. Names that label instead of carrying text (`id`, `type`, `role`) keep their first value.

use serde_json::{Map, Value};

/// A JSON object.
pub(super) type Fields = Map<String, Value>;

/// Add one delta object to a growing object.
pub(super) fn merge(target: &mut Fields, delta: &Fields) {
    for (name, value) in delta {
        merge_field(target, name, value);
    }
}

/// Add one field of a delta to a growing object.
pub(super) fn merge_field(target: &mut Fields, name: &str, value: &Value) {
    match value {
        Value::Null => {
            target.entry(name).or_insert(Value::Null);
        }
        Value::String(text) => add_string(target, name, text),
        _ => grow(target.entry(name).or_insert(Value::Null), value),
    }
}

fn add_string(target: &mut Fields, name: &str, text: &str) {
    match (name, target.get_mut(name)) {
        ("id" | "type" | "role", Some(old)) if super::super::json::is_truthy(old) => {}
        // Groq labels every chunk with the channel it belongs to.
        ("id" | "type" | "role" | "channel", _) | (_, None) => {
            target.insert(name.to_owned(), text.into());
        }
        (_, Some(old)) => append_text(old, text),
    }
}

/// Add text to a growing string; anything else is replaced.
pub(super) fn append_text(old: &mut Value, text: &str) {
    match old {
        Value::String(known) => known.push_str(text),
        _ => *old = text.into(),
    }
}

/// Add text to a field that is a growing string.
pub(super) fn append_field(target: &mut Fields, name: &str, text: &str) {
    append_text(target.entry(name).or_insert(Value::Null), text);
}

/// What a growing value becomes with one more part.
pub(super) fn grow(old: &mut Value, value: &Value) {
    match (old, value) {
        (Value::Object(target), Value::Object(delta)) => merge(target, delta),
        (old, Value::Object(delta)) => {
            let mut target = Fields::new();
            merge(&mut target, delta);
            *old = Value::Object(target);
        }
        (Value::Array(known), Value::Array(more)) => known.extend(more.iter().cloned()),
        (old, value) => *old = value.clone(),
    }
}

/// Append entries to a field that is a list.
pub(super) fn append_entries(target: &mut Fields, name: &str, entries: &[Value]) {
    match target.entry(name).or_insert(Value::Null) {
        Value::Array(known) => known.extend(entries.iter().cloned()),
        old => *old = Value::Array(entries.to_vec()),
    }
}

/// The whole number of a field.
pub(super) fn index_of(data: &Fields, name: &str) -> Option<i64> {
    data.get(name).and_then(Value::as_i64)
}

/// The text of a field.
pub(super) fn text_of<'a>(data: &'a Fields, name: &str) -> Option<&'a str> {
    data.get(name).and_then(Value::as_str)
}
