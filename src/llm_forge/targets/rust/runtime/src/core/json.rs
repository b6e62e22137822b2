//! JSON in, with the limits and checks that every body needs.
//!
//! Rules of this file:
//! - Integers of 64 bits are exact, floats are read to the nearest double; a larger integer becomes a double.
//! - Half of a surrogate pair (`"\ud83d"`) is legal JSON that a Rust string cannot hold: it becomes U+FFFD.

use serde_json::Value;

/// The deepest nesting.
pub const MAX_DEPTH: usize = 200;
/// The longest number, in digits.
pub const MAX_NUMBER_DIGITS: usize = 1000;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why bytes are not JSON within our limits; one line without any of their content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError(String);

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JsonError {}

/// The JSON value in `data`; the last of duplicate keys wins, a byte order mark is skipped.
///
/// # Errors
/// [`JsonError`] for anything else: also for NaN and Infinity, numbers of more than 1,000 digits or beyond a
/// double, nesting deeper than 200, and text that is not UTF-8.
pub fn decode(data: &[u8]) -> Result<Value, JsonError> {
    let data = data.strip_prefix(BOM).unwrap_or(data);
    if data.len() > MAX_DEPTH {
        check_limits(data)?;
    }
    parse(data).or_else(|error| match without_half_pairs(data) {
        Some(mended) => parse(&mended),
        None => Err(error),
    })
}

/// The text of a JSON value.
#[must_use]
pub fn to_text(value: &Value) -> String {
    value.to_string()
}

/// Whether a value counts as something: neither null, false, zero nor empty.
#[must_use]
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(entries) => !entries.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

fn parse(data: &[u8]) -> Result<Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(data);
    reader.disable_recursion_limit(); // `check_limits` has looked
    let value: Value = serde::Deserialize::deserialize(&mut reader).map_err(|error| reason(&error))?;
    reader.end().map_err(|error| reason(&error))?;
    Ok(value)
}

fn reason(error: &serde_json::Error) -> JsonError {
    let what = if error.is_eof() { "it ends too early" } else { "it is malformed" };
    JsonError(format!("{what} at line {} column {}", error.line(), error.column()))
}

/// One look at every byte, which costs little beside reading the value.
fn check_limits(data: &[u8]) -> Result<(), JsonError> {
    let (mut depth, mut digits, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in data {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            continue;
        }
        digits = if matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') { digits + 1 } else { 0 };
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(JsonError(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        if digits > MAX_NUMBER_DIGITS {
            return Err(JsonError(format!("a number has more than {MAX_NUMBER_DIGITS} digits")));
        }
    }
    Ok(())
}

/// The text with every half of a surrogate pair as `\ufffd`; `None` where there is none.
fn without_half_pairs(data: &[u8]) -> Option<Vec<u8>> {
    let mut mended = Vec::with_capacity(data.len());
    let (mut at, mut found) = (0, false);
    while at < data.len() {
        let step = match (escape(data, at), escape(data, at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                found = true;
                mended.extend_from_slice(b"\\ufffd");
                at += 6;
                continue;
            }
            (None, _) if data[at] == b'\\' => 2,
            _ => 1,
        };
        mended.extend_from_slice(&data[at..data.len().min(at + step)]);
        at += step;
    }
    found.then_some(mended)
}

/// The code of a `\uXXXX` at this place.
fn escape(data: &[u8], at: usize) -> Option<u32> {
    let text = std::str::from_utf8(data.get(at..at + 6)?).ok()?;
    let digits = text.strip_prefix("\\u").filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}
