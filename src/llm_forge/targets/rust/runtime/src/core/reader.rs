//! From a stream's bytes to its events and its end, without any I/O.
//!
//! Rules of this file:
//! - Events decoded before a failure are delivered before the failure.
//! - A stream ends explicitly, by inference, or not at all; nothing else is an end.
//! - What follows the terminal event is ignored.
//! - At most [`MAX_READY`] events are decoded ahead of the consumer; the rest of a chunk waits as bytes.

use std::collections::VecDeque;

use serde_json::Value;

use super::accumulate::{accumulator, Accumulator, Completion};
use super::error_body::may_be_error;
use super::errors::{Error, Facts, Kind};
use super::framing::{FrameDecoder, FrameLimits, JsonLineDecoder, RawEvent};
use super::json::{decode, JsonError};
use super::profile::StreamRule;
use super::sse::SseDecoder;

/// Events decoded ahead of the consumer.
pub const MAX_READY: usize = 256;
const SHOWN: usize = 2000;

/// One event: the name the wire gave it (`message` where none), its JSON, and its id (empty for none).
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its JSON.
    pub data: Value,
    /// Its id.
    pub id: String,
}

impl Event {
    /// Whether it is one of the application's, no ping.
    #[must_use]
    pub fn is_application(&self) -> bool {
        let is_ping = |word: &str| matches!(word, "ping" | "keepalive");
        !is_ping(&self.name) && !self.data.get("type").and_then(Value::as_str).is_some_and(is_ping)
    }
}

/// Makes the typed error of an event that reports one.
pub type ErrorOf = Box<dyn Fn(&Value) -> Option<Error> + Send + Sync>;
/// Cleans text that is to be shown.
pub type Redact = Box<dyn Fn(&str) -> String + Send + Sync>;

/// Feed it bytes; take events from `ready`, then look at `failure` and `completion`.
pub struct StreamReader {
    /// What the events add up to.
    pub accumulator: Box<dyn Accumulator>,
    /// Events that are decoded.
    pub ready: VecDeque<Event>,
    /// Why the stream failed.
    pub failure: Option<Error>,
    /// How it ended.
    pub completion: Option<Completion>,
    /// How many events came.
    pub events_seen: u64,
    is_open: bool,
    decoder: FrameDecoder,
    waiting: VecDeque<RawEvent>,
    body_failure: Option<Error>,
    error_of: ErrorOf,
    redact: Redact,
}

impl StreamReader {
    /// A reader of one stream.
    #[must_use]
    pub fn new(rule: &StreamRule, error_of: ErrorOf, redact: Redact) -> Self {
        let limits = FrameLimits::default();
        Self {
            accumulator: accumulator(rule),
            ready: VecDeque::new(),
            failure: None,
            completion: None,
            events_seen: 0,
            is_open: rule.is_open(),
            decoder: if rule.ndjson {
                FrameDecoder::Lines(JsonLineDecoder::new(limits))
            } else {
                FrameDecoder::Sse(SseDecoder::new(limits))
            },
            waiting: VecDeque::new(),
            body_failure: None,
            error_of,
            redact,
        }
    }

    /// Whether nothing more is to be read.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.completion.is_some() || self.failure.is_some()
    }

    /// Whether events wait for room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The id of the last event that carried one.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        self.decoder.last_event_id()
    }

    /// How many events or lines were not valid UTF-8.
    #[must_use]
    pub fn decode_errors(&self) -> u64 {
        self.decoder.decode_errors()
    }

    /// Decode what this chunk completes, as far as `ready` has room; `refill` decodes the rest.
    pub fn feed(&mut self, chunk: &[u8]) {
        match self.decoder.feed(chunk) {
            Ok(events) => self.waiting.extend(events),
            Err(error) => self.body_failure = Some(error),
        }
        self.refill();
    }

    /// Decode events that wait; whether that changed anything.
    pub fn refill(&mut self) -> bool {
        if self.ended() {
            return false;
        }
        let before = self.events_seen;
        while self.ready.len() < MAX_READY && !self.ended() {
            let Some(event) = self.waiting.pop_front() else { break };
            self.take(&event);
        }
        if self.waiting.is_empty() && !self.ended() {
            self.failure = self.body_failure.take();
        }
        self.ended() || self.events_seen > before
    }

    /// The body ended cleanly: decide how the stream ended; `strict` refuses inference.
    pub fn finish(&mut self, strict: bool) {
        while !self.ended() {
            let Some(event) = self.waiting.pop_front() else { break };
            self.take(&event);
        }
        let cut = !self.ended() && self.take_rest();
        if self.ended() {
            return;
        }
        match self.accumulator.ending().filter(|_| !(cut && self.is_open)) {
            Some(verdict) if !(strict && verdict == Completion::Inferred) => self.completion = Some(verdict),
            verdict => self.failure = Some(interrupted(self.cut_short(verdict))),
        }
    }

    /// Take an event that is decoded already; `None` is the sentinel.
    pub fn accept(&mut self, name: &str, data: Option<Value>, id: String) {
        if let Some(failure) = data.as_ref().and_then(|data| self.reported(name, data)) {
            self.failure = Some(failure);
            return;
        }
        if let Err(error) = self.accumulator.add(name, data.as_ref()) {
            self.failure = Some(error);
            return;
        }
        if let Some(data) = data {
            self.ready.push_back(Event { name: name.to_owned(), data, id });
        }
        if self.accumulator.terminal() {
            self.conclude();
        }
    }

    /// Take the unfinished event at the body's end if it is the terminal one; whether it was cut instead.
    fn take_rest(&mut self) -> bool {
        match self.decoder.finish() {
            Ok(Some(rest)) if self.accumulator.is_terminal(&rest.event, &rest.data()) => self.take(&rest),
            Ok(Some(_)) => return true,
            Ok(None) => {}
            Err(error) => self.failure = Some(error),
        }
        false
    }

    fn take(&mut self, event: &RawEvent) {
        self.events_seen += 1;
        match decode(&event.raw) {
            // To the accumulators nothing is the sentinel, which `null` must never pass for.
            Ok(Value::Null) => {
                let message = format!("Event {} of the stream is null", self.events_seen);
                self.failure = Some(Error::new(Kind::StreamProtocol, message));
            }
            Ok(data) => self.accept(&event.event, Some(data), event.id.clone()),
            Err(error) => self.take_other(event, &error),
        }
    }

    /// An event whose bytes are not JSON: the sentinel, JSON that is not valid UTF-8, or a failure.
    fn take_other(&mut self, event: &RawEvent, error: &JsonError) {
        let text = event.data();
        if self.accumulator.is_sentinel(&text) {
            self.accept(&event.event, None, event.id.clone());
        } else if let Ok(data) = decode(text.as_bytes()) {
            self.accept(&event.event, Some(data), event.id.clone());
        } else {
            let shown: String = (self.redact)(&text).chars().take(SHOWN).collect();
            let message = format!("Event {} of the stream is not valid JSON: {error}", self.events_seen);
            let facts = Facts { message, body: Some(shown), ..Facts::default() };
            self.failure = Some(Error::with_facts(Kind::StreamDecode, facts));
        }
    }

    /// The failure that an event reports, `None` for a harmless one.
    fn reported(&self, name: &str, data: &Value) -> Option<Error> {
        if !may_be_error(name, data) {
            return None;
        }
        let silent = || {
            let message = "The stream reported an error that says nothing more";
            (name == "error").then(|| Error::new(Kind::StreamProtocol, message))
        };
        (self.error_of)(data).or_else(silent)
    }

    fn conclude(&mut self) {
        self.completion = self.accumulator.ending();
        if self.completion.is_none() {
            let message =
                "The stream declared its end while a tool call was still incomplete; see the error's partial";
            self.failure = Some(interrupted(message.to_owned()));
        }
    }

    fn cut_short(&self, verdict: Option<Completion>) -> String {
        if verdict.is_some() {
            return "The stream ended without its terminal event, which strict_completion requires"
                .to_owned();
        }
        format!(
            "The stream was cut short after {} events, before its terminal event; what arrived is in the error's \
             partial",
            self.events_seen
        )
    }
}

impl std::fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StreamReader({} events)", self.events_seen)
    }
}

fn interrupted(message: String) -> Error {
    Error::new(Kind::StreamInterrupted, message)
}
