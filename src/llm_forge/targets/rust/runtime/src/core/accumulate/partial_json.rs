//! The value of JSON text that is still arriving.
//!
//! Nothing runs ahead of the bytes: a string gives its whole characters so far; a number, a key or a literal counts
//! only when the next byte shows that it has ended. Never fails.

use serde_json::{Map, Value};

use super::super::json::{decode, MAX_DEPTH};

/// The best value that `text`, the beginning of a JSON value, already shows; `None` for nothing.
#[must_use]
pub fn parse_partial(text: &str) -> Option<Value> {
    decode(text.as_bytes()).ok().or_else(|| Reader { text: text.as_bytes(), at: 0, ended: false }.value(0))
}

/// Reads as far as the text goes; `ended` is set when it does not go further.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    ended: bool,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'{') if depth < MAX_DEPTH => Some(self.object(depth)),
            Some(b'[') if depth < MAX_DEPTH => Some(self.array(depth)),
            _ => self.scalar(),
        }
    }

    fn peek(&mut self) -> Option<u8> {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn scalar(&mut self) -> Option<Value> {
        let rest = &self.text[self.at..];
        let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b']' | b'}');
        let value = rest.iter().position(ends).and_then(|length| {
            self.at += length;
            decode(&rest[..length]).ok()
        });
        self.ended |= value.is_none();
        value
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at + 1;
        let mut end = start;
        while let Some(length) = self.character(end) {
            end += length;
        }
        if self.text.get(end) == Some(&b'"') {
            self.at = end + 1;
        } else {
            self.ended = true;
            // Half of a surrogate pair waits for its other half.
            end -= if self.ends_in_high_half(start, end) { 6 } else { 0 };
        }
        let quoted = [b"\"", &self.text[start..end], b"\""].concat();
        decode(&quoted).ok().and_then(|value| value.as_str().map(str::to_owned))
    }

    /// The bytes of the whole character, or whole escape, of a string at this place.
    fn character(&self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?;
        match rest.first()? {
            b'"' | 0..=0x1f => None,
            b'\\' => match rest.get(1)? {
                b'u' => rest.get(2..6).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit)).map(|_| 6),
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
                _ => None,
            },
            _ => Some(1),
        }
    }

    fn ends_in_high_half(&self, start: usize, end: usize) -> bool {
        let tail = end.checked_sub(6).filter(|from| *from >= start).map(|from| &self.text[from..end]);
        let is_escape = tail.is_some_and(|t| t.starts_with(b"\\u") && matches!(t[2], b'd' | b'D'));
        is_escape && tail.is_some_and(|t| matches!(t[3], b'8' | b'9' | b'a' | b'b' | b'A' | b'B'))
    }

    fn array(&mut self, depth: usize) -> Value {
        self.at += 1;
        let mut found = Vec::new();
        if self.take(b']') {
            return Value::Array(found);
        }
        while !self.ended {
            found.extend(self.value(depth + 1));
            if self.ended || self.take(b']') {
                break;
            }
            self.ended = !self.take(b',');
        }
        Value::Array(found)
    }

    fn object(&mut self, depth: usize) -> Value {
        self.at += 1;
        let mut found = Map::new();
        if self.take(b'}') {
            return Value::Object(found);
        }
        while !self.ended {
            self.member(&mut found, depth);
            if self.ended || self.take(b'}') {
                break;
            }
            self.ended = !self.take(b',');
        }
        Value::Object(found)
    }

    fn member(&mut self, found: &mut Map<String, Value>, depth: usize) {
        let key = if self.peek() == Some(b'"') { self.string() } else { None };
        let Some(key) = key.filter(|_| !self.ended).filter(|_| self.take(b':')) else {
            self.ended = true;
            return;
        };
        if let Some(value) = self.value(depth + 1) {
            found.insert(key, value);
        }
    }
}
