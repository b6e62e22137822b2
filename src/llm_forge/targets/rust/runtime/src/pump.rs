//! One stream from the network: bytes in, events out, with every timer of R-051 and every end of R-143.
//!
//! Rules of this file:
//! - Until the first application event a failure is the attempt's, and may be retried.
//! - Idle counts time without bytes, stall time without events; both stand still while the consumer is the cause:
//!   nothing is read unless somebody asks for an event.
//! - Every error carries what arrived.

use std::sync::atomic::Ordering;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{json, Value};

use super::attempt::{
    invalid_response, proceeded_twice, read_body, read_chunk, read_result, refuse, send, usage_cost, Lease,
};
use super::body::{Decoder, STREAM_BYTES};
use super::call::{outcome_name, Call};
use super::core::accumulate::Completion;
use super::core::error_body::{stream_error, ErrorContext};
use super::core::errors::{Error, Kind, Phase, Result};
use super::core::profile::StreamRule;
use super::core::reader::{Event, StreamReader};
use super::core::synthesise::synthesise;
use super::middleware::{through, Content, Level, Response, Sender};
use super::transport::{Exchange, HttpRequest};

const DRAIN_SECONDS: f64 = 0.1;
const EVENT_STREAM_STARTS: [&[u8]; 6] = [b"data:", b"event:", b":", b"id:", b"retry:", b"\xef\xbb\xbf"];
/// The longest start of an event stream.
const ENOUGH_BYTES: usize = 6;

/// One stream from its first byte to its end.
#[allow(clippy::struct_excessive_bools)] // what has happened so far, each on its own
pub(super) struct Pump {
    pub(super) call: Arc<Call>,
    lease: Lease,
    pub(super) reader: StreamReader,
    exchange: Option<Exchange>,
    decoder: Decoder,
    began: f64,
    stalled: f64,
    application_seen: bool,
    content_seen: bool,
    pub(super) handed_over: bool,
    pub(super) synthesised: bool,
    over: bool,
}

impl Pump {
    /// One attempt to open a stream: it has an event ready or is at its end.
    pub(super) async fn open(call: Arc<Call>, rule: StreamRule) -> Result<Response> {
        let lease = Some(Lease::acquire(&call).await?);
        let request = call.prepared().request.clone();
        let mut sender = StreamAttempt { call: call.clone(), rule, lease };
        let result = through(&call, Level::Attempt, &call.shared.middleware, request, &mut sender).await;
        sender.end(result.as_ref().err());
        result
    }

    async fn start(
        call: Arc<Call>,
        rule: StreamRule,
        mut lease: Lease,
        request: HttpRequest,
    ) -> Result<Response> {
        let began = call.now();
        let ends = began + call.settings.first_event_timeout;
        let opened = async {
            let mut exchange = send(&call, &mut lease, request, ends).await?;
            if !(200..300).contains(&exchange.status) {
                return Err(refuse(&call, &mut exchange, ends).await);
            }
            if matches!(exchange.status, 204 | 205) {
                let message = format!("The {} answer is empty", exchange.status);
                return Err(invalid_response(&call, &exchange, &message, b""));
            }
            Ok((Decoder::new(&exchange.headers, STREAM_BYTES)?, exchange))
        };
        let (decoder, exchange) = match opened.await {
            Ok(opened) => opened,
            Err(error) => {
                lease.end(Some(&error), None);
                return Err(error);
            }
        };
        let (status, headers) = (exchange.status, exchange.headers.clone());
        let mut pump = Box::new(Self {
            reader: reader(&call, &rule),
            exchange: Some(exchange),
            decoder,
            began,
            stalled: 0.0,
            application_seen: false,
            content_seen: false,
            handed_over: false,
            synthesised: false,
            over: false,
            lease,
            call,
        });
        match pump.begin(&rule, ends).await {
            Ok(()) => Ok(Response::new(status, headers, Content::Events(pump))),
            Err(error) => {
                pump.lease.end(Some(&error), None);
                Err(error)
            }
        }
    }

    /// Read up to the first application event or the end; fails with what failed before that.
    async fn begin(&mut self, rule: &StreamRule, ends: f64) -> Result<()> {
        let kind = self.exchange.as_ref().and_then(|exchange| exchange.headers.get("content-type"));
        let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        let labelled = match kind.as_deref() {
            Some("text/event-stream") => !rule.ndjson,
            Some(
                "application/x-ndjson"
                | "application/ndjson"
                | "application/jsonl"
                | "application/stream+json",
            ) => rule.ndjson,
            _ => false,
        };
        if !labelled && self.take_if_whole(rule, kind.as_deref(), ends).await? {
            return Ok(());
        }
        while !self.application_seen && !self.reader.ended() {
            self.read().await?;
        }
        match self.reader.failure.clone() {
            Some(failure) if !self.application_seen => Err(self.with_partial(failure)),
            _ => Ok(()),
        }
    }

    /// Whether the answer is no event stream; then it was taken as the whole result.
    async fn take_if_whole(&mut self, rule: &StreamRule, kind: Option<&str>, ends: f64) -> Result<bool> {
        let first = self.first_bytes(ends).await?;
        let head = first.trim_ascii_start();
        let streamed = if rule.ndjson {
            matches!(kind, None | Some("text/plain" | "application/octet-stream")) && !head.starts_with(b"<")
        } else if kind.is_none() {
            ![&b"{"[..], b"[", b"<"].iter().any(|start| head.starts_with(start))
        } else {
            EVENT_STREAM_STARTS.iter().any(|start| head.starts_with(start))
        };
        if streamed {
            self.feed(&first);
            return Ok(false);
        }
        let Some(exchange) = &mut self.exchange else { return Ok(true) };
        let empty = Decoder::new(&super::core::headers::Headers::default(), STREAM_BYTES)?;
        let decoder = std::mem::replace(&mut self.decoder, empty);
        let body = read_body(&self.call, exchange, ends, first, decoder).await?;
        let result = read_result(&self.call, exchange, &body)?;
        let events = result.as_object().and_then(|result| synthesise(rule.family, result));
        let Some(events) = events else {
            let message = "The answer to a stream request is neither an event stream nor a result";
            return Err(invalid_response(&self.call, exchange, message, &body));
        };
        self.synthesised = true;
        for (name, data) in events {
            self.reader.accept(&name, data, String::new());
        }
        self.note_arrivals();
        Ok(true)
    }

    async fn first_bytes(&mut self, ends: f64) -> Result<Vec<u8>> {
        let mut first = Vec::new();
        while first.trim_ascii_start().len() < ENOUGH_BYTES {
            let Some(exchange) = &mut self.exchange else { break };
            match read_chunk(&self.call, exchange, Some(ends)).await {
                Ok(Some(chunk)) => first.extend(self.decoder.feed(&chunk)?),
                Ok(None) => break,
                Err(error @ (Error::ConnectionLost(_) | Error::Protocol(_))) => {
                    let broken = self.broken(error);
                    return Err(self.with_partial(broken));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(first)
    }

    /// The next event; `None` at the stream's end.
    pub(super) async fn next(&mut self) -> Result<Option<Event>> {
        while self.reader.ready.is_empty() && !self.reader.ended() {
            if !self.reader.refill() {
                self.read().await?;
            }
        }
        if let Some(event) = self.reader.ready.pop_front() {
            return Ok(Some(event));
        }
        match self.reader.failure.clone() {
            Some(failure) => Err(self.with_partial(failure)),
            None => {
                self.finish().await;
                Ok(None)
            }
        }
    }

    /// One read from the socket, decoded; timers and endings become errors.
    async fn read(&mut self) -> Result<()> {
        let began = self.call.now();
        let (limit, late) = self.limit(began);
        let Some(exchange) = &mut self.exchange else { return Ok(()) };
        let chunk = tokio::select! {
            biased;
            chunk = exchange.body.next() => Some(chunk),
            () = self.call.shared.clock.timer(limit) => None,
        };
        self.stalled += self.call.now() - began;
        match chunk {
            None => Err(self.with_partial(late)),
            Some(None) => {
                if let Err(error) = self.decoder.finish() {
                    let lost =
                        Error::new(Kind::StreamInterrupted, "The stream's content encoding ended early");
                    return Err(self.with_partial(lost.caused_by(error)));
                }
                self.reader.finish(self.call.settings.strict_completion);
                self.note_arrivals();
                Ok(())
            }
            Some(Some(Ok(chunk))) => {
                let decoded = self.decoder.feed(&chunk).map_err(|error| self.with_partial(error))?;
                self.feed(&decoded);
                Ok(())
            }
            Some(Some(Err(error))) => {
                let broken = self.broken(error);
                Err(self.with_partial(broken))
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        let before = self.reader.ready.len();
        self.reader.feed(bytes);
        if self.reader.ready.iter().skip(before).any(Event::is_application) {
            self.stalled = 0.0;
            self.note_arrivals();
        }
    }

    /// How long the next read may take, and the error of the timer that would then have fired.
    fn limit(&self, now: f64) -> (f64, Error) {
        let settings = &self.call.settings;
        let idle = settings.idle_timeout;
        let (mut limit, mut late) = if self.application_seen {
            (idle, Error::new(Kind::StreamIdle, format!("The stream sent nothing for {idle} s")))
        } else {
            let late = Error::new(Kind::AttemptTimeout, "No event of the stream arrived in time");
            (self.began + settings.first_event_timeout - now, late.in_phase(Phase::Response))
        };
        let stall = settings.stall_timeout - self.stalled;
        if self.application_seen && stall < limit {
            let message = format!("The stream sent no event for {} s", settings.stall_timeout);
            (limit, late) = (stall, Error::new(Kind::StreamStall, message));
        }
        if let Some(left) = self.call.deadline.left(now).filter(|left| *left < limit) {
            let passed = Error::new(Kind::DeadlineExceeded, "The call's deadline passed during the stream");
            (limit, late) = (left, passed.in_phase(Phase::Stream));
        }
        (limit.max(0.0), late)
    }

    fn note_arrivals(&mut self) {
        if !self.application_seen && self.reader.ready.iter().any(Event::is_application) {
            self.application_seen = true;
            self.lease.probe_succeeded();
        }
        let accumulator = &self.reader.accumulator;
        if !self.content_seen && self.reader.ready.iter().any(|event| accumulator.is_content(&event.data)) {
            self.content_seen = true;
            self.call.emit("stream-first-content", json!({"after": self.call.now() - self.call.started}));
        }
    }

    /// The stream ended well: settle, and give the server a moment so that the connection is kept.
    async fn finish(&mut self) {
        let completion = self.reader.completion.map(Completion::as_str);
        self.settle(None);
        self.call.emit("stream-end", json!({"completion": completion, "events": self.reader.events_seen}));
        if self.reader.completion == Some(Completion::Inferred) {
            self.call.shared.missing_terminals.fetch_add(1, Ordering::Relaxed);
        }
        let clock = self.call.shared.clock.clone();
        if let Some(mut exchange) = self.exchange.take().filter(|_| !self.synthesised) {
            let rest = async { while let Some(Ok(_)) = exchange.body.next().await {} };
            tokio::select! {
                biased;
                () = rest => {}
                () = clock.timer(DRAIN_SECONDS) => {}
            }
        }
        self.release("ok");
    }

    /// Stop here: settle with what is known and abort the connection; once.
    pub(super) fn end(&mut self, error: &Error) {
        if !matches!(error, Error::Cancelled(_)) {
            self.call.emit("stream-interrupted", json!({"error": error.kind().as_str()}));
        }
        self.settle(Some(error));
        self.exchange = None;
        self.release(&outcome_name(Some(error)));
    }

    fn settle(&mut self, error: Option<&Error>) {
        let used = usage_cost(self.reader.accumulator.usage()).filter(|_| self.handed_over);
        self.lease.end(error, used.as_ref());
    }

    fn release(&mut self, outcome: &str) {
        self.over = true;
        if self.handed_over {
            let answer = self.call.is_watched().then(|| self.reader.accumulator.partial());
            self.call.finish_with(outcome, answer.as_ref());
        }
    }

    fn broken(&self, cause: Error) -> Error {
        if matches!(cause, Error::ResponseTooLarge(_)) {
            return cause;
        }
        let seen = self.reader.events_seen;
        let message =
            format!("The connection broke after {seen} events; the error's partial is what arrived");
        Error::new(Kind::StreamInterrupted, message).caused_by(cause)
    }

    /// The error with what arrived, and once the stream was handed over with the facts of the call.
    fn with_partial(&self, mut error: Error) -> Error {
        let facts = error.facts_mut();
        facts.partial = Some(self.reader.accumulator.partial());
        facts.events_seen = Some(self.reader.events_seen);
        facts.last_event_id = self.reader.last_event_id().map(str::to_owned);
        if !self.handed_over {
            return error;
        }
        self.call.fail_last(&error);
        self.call.enrich(error)
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        if !self.over && self.handed_over {
            self.settle(Some(&Error::new(Kind::Cancelled, "")));
            self.release("left");
        }
    }
}

struct StreamAttempt {
    call: Arc<Call>,
    rule: StreamRule,
    lease: Option<Lease>,
}

impl StreamAttempt {
    /// Middleware did not proceed.
    fn end(&mut self, error: Option<&Error>) {
        if let Some(mut lease) = self.lease.take() {
            lease.end(error, None);
        }
    }
}

impl Sender for StreamAttempt {
    fn send(&mut self, request: HttpRequest) -> BoxFuture<'_, Result<Response>> {
        match self.lease.take() {
            Some(lease) => Pump::start(self.call.clone(), self.rule.clone(), lease, request).boxed(),
            None => futures::future::ready(Err(proceeded_twice())).boxed(),
        }
    }
}

fn reader(call: &Arc<Call>, rule: &StreamRule) -> StreamReader {
    let (of_error, of_text) = (Arc::downgrade(call), Arc::downgrade(call));
    let error_of = move |data: &Value| {
        let call = of_error.upgrade()?;
        let (request_id, redactor) = (call.request_id(), call.redactor());
        let context =
            ErrorContext { profile: &call.shared.profile, redactor: &redactor, max_server_wait: 0.0 };
        stream_error(data, request_id.as_deref(), &context)
    };
    let redact =
        move |text: &str| of_text.upgrade().map_or_else(String::new, |call| call.redactor().text(text));
    StreamReader::new(rule, Box::new(error_of), Box::new(redact))
}
