//! Server-sent events from bytes in any chunking (WHATWG HTML, section 9.2).
//!
//! Rules of this file:
//! - Lines, limits and chunks are those of `framing`.
//! - A blank line dispatches if there was a `data` line, else it only clears the event name.
//! - An event is returned by the `feed` that brought its last byte, also when that byte is a CR.
//! - The data stays bytes: JSON is decoded from them, text is made only where somebody wants it.

use super::errors::Result;
use super::framing::{too_large, FrameLimits, Framer, Lines, RawEvent};

const RETRY_DIGITS: usize = 1000;

/// Bytes in, events out; the same events for every chunking of the same bytes.
#[derive(Debug)]
pub struct SseDecoder(Framer<Fields>);

impl SseDecoder {
    /// One with these limits.
    #[must_use]
    pub fn new(limits: FrameLimits) -> Self {
        Self(Framer::new(Fields { limits, ..Fields::default() }))
    }

    /// The events that `chunk` completes.
    ///
    /// # Errors
    /// [`ResponseTooLarge`](super::errors::Error::ResponseTooLarge) at the byte that crosses a limit.
    /// Events that the same chunk completed before that byte are returned first; the next call then fails.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<Vec<RawEvent>> {
        self.0.feed(chunk)
    }

    /// The unfinished event at the end of the body, if it has data.
    ///
    /// # Errors
    /// The crossed limit, if there was one.
    pub fn finish(&mut self) -> Result<Option<RawEvent>> {
        self.0.finish()
    }

    /// The last valid reconnection time, as its digits: they may be more than a number holds.
    #[must_use]
    pub fn retry(&self) -> Option<&str> {
        self.0.lines.retry.as_deref()
    }

    /// How many fields or events were not valid UTF-8.
    #[must_use]
    pub fn decode_errors(&self) -> u64 {
        self.0.lines.decode_errors
    }

    /// The id at the last dispatch, empty for none.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.0.lines.last_event_id
    }
}

#[derive(Debug, Default)]
struct Fields {
    limits: FrameLimits,
    data: Option<Vec<u8>>,
    name: String,
    id: String,
    last_event_id: String,
    retry: Option<String>,
    decode_errors: u64,
    size: usize,
    comment_size: usize,
}

impl Fields {
    fn field(&mut self, line: &[u8]) {
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = colon.map_or((line, &[][..]), |at| (&line[..at], &line[at + 1..]));
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => self.add_data(value),
            b"event" => self.name = self.text(value),
            b"id" if !value.contains(&0) => self.id = self.text(value),
            b"retry" if is_number(value) => self.retry = Some(self.text(value)),
            _ => {}
        }
    }

    fn add_data(&mut self, value: &[u8]) {
        // An invalid sequence ends with its line, so each is counted where it comes.
        self.decode_errors += u64::from(std::str::from_utf8(value).is_err());
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
    }

    fn text(&mut self, value: &[u8]) -> String {
        self.decode_errors += u64::from(std::str::from_utf8(value).is_err());
        String::from_utf8_lossy(value).into_owned()
    }

    fn dispatch(&mut self) -> Option<RawEvent> {
        let name = std::mem::take(&mut self.name);
        self.size = 0;
        self.data.take().map(|raw| {
            self.comment_size = 0;
            let event = if name.is_empty() { "message".to_owned() } else { name };
            RawEvent { event, raw, id: self.id.clone() }
        })
    }

    fn check_comments(&self, size: usize) -> Result<()> {
        if self.comment_size + size > self.limits.comments {
            return Err(too_large("comments without an event", self.limits.comments));
        }
        Ok(())
    }
}

impl Lines for Fields {
    fn line(&mut self, line: &[u8], events: &mut Vec<RawEvent>) -> Result<()> {
        if line.is_empty() {
            events.extend(self.dispatch());
            self.last_event_id.clone_from(&self.id);
            return Ok(());
        }
        self.check_tail(line)?;
        if line[0] == b':' {
            self.comment_size += line.len();
        } else {
            self.size += line.len();
            self.field(line);
        }
        Ok(())
    }

    fn check_tail(&self, tail: &[u8]) -> Result<()> {
        if tail[0] == b':' {
            return self.check_comments(tail.len());
        }
        if tail.len() > self.limits.line {
            return Err(too_large("a line of the stream", self.limits.line));
        }
        if self.size + tail.len() > self.limits.event {
            return Err(too_large("an event of the stream", self.limits.event));
        }
        Ok(())
    }

    fn rest(&mut self, tail: &[u8]) -> Option<RawEvent> {
        if !tail.is_empty() && tail[0] != b':' {
            self.field(tail);
        }
        self.dispatch()
    }
}

fn is_number(value: &[u8]) -> bool {
    !value.is_empty() && value.len() <= RETRY_DIGITS && value.iter().all(u8::is_ascii_digit)
}
