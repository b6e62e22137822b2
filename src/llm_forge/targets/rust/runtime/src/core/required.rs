//! Which required fields an answer lacks.
//!
//! A field is required if the description says so; null counts as present. Reading an answer checks nothing else.

use serde_json::Value;

/// The paths of required fields that an answer lacks.
///
/// A path is dotted; `*` stands for every entry of a list or mapping. Only where what a field stands in is there can
/// the field be missing.
#[must_use]
pub fn missing_paths(value: &Value, required: &[&'static str]) -> Vec<&'static str> {
    required.iter().copied().filter(|path| lacks(value, path)).collect()
}

fn lacks(value: &Value, path: &str) -> bool {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    if name == "*" {
        let Some(rest) = rest else { return false };
        return match value {
            Value::Array(entries) => entries.iter().any(|entry| lacks(entry, rest)),
            Value::Object(fields) => fields.values().any(|entry| lacks(entry, rest)),
            _ => false,
        };
    }
    let Some(fields) = value.as_object() else { return false };
    match (fields.get(name), rest) {
        (inner, None) => inner.is_none(),
        (Some(inner), Some(rest)) => lacks(inner, rest),
        (None, Some(_)) => false,
    }
}
