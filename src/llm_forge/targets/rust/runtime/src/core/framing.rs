//! Bytes in any chunking to lines, and newline-delimited JSON to events.
//!
//! Rules of this file:
//! - LF, CR and CRLF end a line, nothing else does; one byte order mark at the start is dropped.
//! - A CR ends its line at once; an LF that comes next is part of it.
//! - Every limit is checked on each line and on the unfinished one, so memory stays bounded.
//! - Every byte is copied a fixed number of times, however small the chunks are.

use super::errors::{Error, Kind, Result};

/// Bytes.
pub const MIB: usize = 1024 * 1024;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Limits of a decoder, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct FrameLimits {
    /// Of one line.
    pub line: usize,
    /// Of one event.
    pub event: usize,
    /// Of comments without an event.
    pub comments: usize,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self { line: 8 * MIB, event: 16 * MIB, comments: MIB }
    }
}

/// One event of a stream as it was framed.
///
/// `event` is `message` where the stream named none; `raw` its data as bytes, lines joined with LF; `id` the last
/// event id at dispatch, empty if there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawEvent {
    /// Its name.
    pub event: String,
    /// Its data.
    pub raw: Vec<u8>,
    /// The last event id.
    pub id: String,
}

impl RawEvent {
    /// The data as text; bytes that are not UTF-8 are U+FFFD.
    #[must_use]
    pub fn data(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.raw)
    }
}

/// What a decoder makes of whole lines.
pub(super) trait Lines {
    /// Take one whole line without its end; an event it completes goes to `events`.
    fn line(&mut self, line: &[u8], events: &mut Vec<RawEvent>) -> Result<()>;
    /// Refuse an unfinished line that crosses a limit.
    fn check_tail(&self, tail: &[u8]) -> Result<()>;
    /// The event that the body's end completes; `tail` is the line without an end.
    fn rest(&mut self, tail: &[u8]) -> Option<RawEvent>;
}

/// Splits bytes into lines for its `Lines`.
#[derive(Debug, Default)]
pub(super) struct Framer<L> {
    pub(super) lines: L,
    head: Vec<u8>,
    decided: bool,
    after_cr: bool,
    tail: Vec<u8>,
    crossed: Option<Error>,
}

impl<L: Lines> Framer<L> {
    pub(super) fn new(lines: L) -> Self {
        Self { lines, head: Vec::new(), decided: false, after_cr: false, tail: Vec::new(), crossed: None }
    }

    /// The events that `chunk` completes; those before the byte that crosses a limit are returned first.
    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<Vec<RawEvent>> {
        if let Some(error) = &self.crossed {
            return Err(error.clone());
        }
        let mut events = Vec::new();
        if let Err(error) = self.read_from_start(chunk, &mut events) {
            self.crossed = Some(error.clone());
            if events.is_empty() {
                return Err(error);
            }
        }
        Ok(events)
    }

    pub(super) fn finish(&mut self) -> Result<Option<RawEvent>> {
        if let Some(error) = &self.crossed {
            return Err(error.clone());
        }
        self.tail.append(&mut self.head);
        let tail = std::mem::take(&mut self.tail);
        Ok(self.lines.rest(&tail))
    }

    fn read_from_start(&mut self, chunk: &[u8], events: &mut Vec<RawEvent>) -> Result<()> {
        if self.decided {
            return self.read(chunk, events);
        }
        self.head.extend_from_slice(chunk);
        if self.head.len() < BOM.len() && BOM.starts_with(&self.head) {
            return Ok(());
        }
        self.decided = true;
        let head = std::mem::take(&mut self.head);
        self.read(head.strip_prefix(BOM).unwrap_or(&head), events)
    }

    fn read(&mut self, mut chunk: &[u8], events: &mut Vec<RawEvent>) -> Result<()> {
        if self.after_cr && !chunk.is_empty() {
            self.after_cr = false;
            chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
        }
        while let Some(end) = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.take(&chunk[..end], events)?;
            let rest = &chunk[end + 1..];
            self.after_cr = chunk[end] == b'\r' && rest.is_empty();
            chunk = if chunk[end] == b'\r' { rest.strip_prefix(b"\n").unwrap_or(rest) } else { rest };
        }
        if chunk.is_empty() {
            return Ok(());
        }
        self.tail.extend_from_slice(chunk);
        self.lines.check_tail(&self.tail)
    }

    fn take(&mut self, part: &[u8], events: &mut Vec<RawEvent>) -> Result<()> {
        if self.tail.is_empty() {
            return self.lines.line(part, events);
        }
        let mut line = std::mem::take(&mut self.tail);
        line.extend_from_slice(part);
        self.lines.line(&line, events)?;
        line.clear();
        self.tail = line; // its room serves the next line
        Ok(())
    }
}

/// A decoder of either kind.
#[derive(Debug)]
pub enum FrameDecoder {
    /// Server-sent events.
    Sse(super::sse::SseDecoder),
    /// Lines of JSON.
    Lines(JsonLineDecoder),
}

impl FrameDecoder {
    /// The events that `chunk` completes.
    ///
    /// # Errors
    /// [`Error::ResponseTooLarge`] at the byte that crosses a limit.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<Vec<RawEvent>> {
        match self {
            Self::Sse(decoder) => decoder.feed(chunk),
            Self::Lines(decoder) => decoder.feed(chunk),
        }
    }

    /// The unfinished event at the end of the body.
    ///
    /// # Errors
    /// [`Error::ResponseTooLarge`] if a limit was crossed.
    pub fn finish(&mut self) -> Result<Option<RawEvent>> {
        match self {
            Self::Sse(decoder) => decoder.finish(),
            Self::Lines(decoder) => decoder.finish(),
        }
    }

    /// The id at the last dispatch.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        match self {
            Self::Sse(decoder) => Some(decoder.last_event_id()).filter(|id| !id.is_empty()),
            Self::Lines(_) => None,
        }
    }

    /// How many events or lines were not valid UTF-8.
    #[must_use]
    pub fn decode_errors(&self) -> u64 {
        match self {
            Self::Sse(decoder) => decoder.decode_errors(),
            Self::Lines(decoder) => decoder.decode_errors(),
        }
    }
}

/// Newline-delimited JSON: every line that is not blank is an event.
#[derive(Debug)]
pub struct JsonLineDecoder(Framer<JsonLines>);

#[derive(Debug)]
struct JsonLines {
    most: usize,
    decode_errors: u64,
}

impl JsonLineDecoder {
    /// One with these limits.
    #[must_use]
    pub fn new(limits: FrameLimits) -> Self {
        Self(Framer::new(JsonLines { most: limits.line, decode_errors: 0 }))
    }

    /// The lines that `chunk` completes.
    ///
    /// # Errors
    /// [`Error::ResponseTooLarge`] at the byte that crosses the limit.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<Vec<RawEvent>> {
        self.0.feed(chunk)
    }

    /// What came after the last line end.
    ///
    /// # Errors
    /// [`Error::ResponseTooLarge`] if the limit was crossed.
    pub fn finish(&mut self) -> Result<Option<RawEvent>> {
        self.0.finish()
    }

    /// How many lines were not valid UTF-8.
    #[must_use]
    pub fn decode_errors(&self) -> u64 {
        self.0.lines.decode_errors
    }
}

impl JsonLines {
    fn event(&mut self, line: &[u8]) -> RawEvent {
        self.decode_errors += u64::from(std::str::from_utf8(line).is_err());
        RawEvent { event: "message".into(), raw: line.to_vec(), id: String::new() }
    }
}

impl Lines for JsonLines {
    fn line(&mut self, line: &[u8], events: &mut Vec<RawEvent>) -> Result<()> {
        self.check_tail(line)?;
        if !is_blank(line) {
            events.push(self.event(line));
        }
        Ok(())
    }

    fn check_tail(&self, tail: &[u8]) -> Result<()> {
        if tail.len() > self.most {
            return Err(too_large("a line of the stream", self.most));
        }
        Ok(())
    }

    fn rest(&mut self, tail: &[u8]) -> Option<RawEvent> {
        (!is_blank(tail)).then(|| self.event(tail))
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c))
}

/// The error of a crossed limit.
pub(super) fn too_large(what: &str, limit: usize) -> Error {
    Error::new(Kind::ResponseTooLarge, format!("{what} exceeded the limit of {limit} bytes"))
}
