//! One attempt: pass breaker and limiter, send, and make a result or a typed error of the answer.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{json, Value};
use url::Url;

use super::base_url::origin_of;
use super::body::{Decoder, BODY_BYTES, ERROR_BYTES};
use super::call::Call;
use super::core::breaker::{Outcome, Permit};
use super::core::classify::{breaker_outcome, server_health, settlement};
use super::core::deadline::MIN_ATTEMPT;
use super::core::error_body::{api_error, may_be_error, stream_error, ErrorContext};
use super::core::errors::{Error, Facts, Kind, Phase, Result};
use super::core::json::decode;
use super::core::limiter::{Cost, Reservation};
use super::core::profile::AnswerKind;
use super::core::rate_headers::{observe, shortened};
use super::core::required::missing_paths;
use super::core::retry::is_throttling;
use super::core::server_wait::server_wait;
use super::gate::Gate;
use super::middleware::{through, Content, Level, Response, Sender};
use super::shared::Circuit;
use super::transport::{Exchange, HttpRequest, OpenError, Timers};

const MAX_REDIRECTS: usize = 3;
const MOST_SHOWN_PATHS: usize = 5;

/// What one attempt holds while it runs; it ends exactly once, on every path: return, error, drop.
pub(super) struct Lease {
    call: Arc<Call>,
    circuit: Arc<Circuit>,
    gate: Arc<Gate>,
    permit: Option<Permit>,
    reservation: Option<Reservation>,
    ended: bool,
    sent_at: Option<f64>,
    response_time: Option<f64>,
}

impl Lease {
    /// A lease from breaker and limiter, ready to send.
    pub(super) async fn acquire(call: &Arc<Call>) -> Result<Self> {
        let prepared = call.prepared();
        let model = prepared.model.as_deref();
        let mut lease = Self {
            circuit: call.shared.circuit(call.operation.group, model, &call.elsewhere),
            gate: call.shared.gate(model, &call.elsewhere)?,
            call: call.clone(),
            permit: None,
            reservation: None,
            ended: false,
            sent_at: None,
            response_time: None,
        };
        let acquired = lease.enter().await;
        match acquired {
            Ok(()) => Ok(lease),
            Err(error) => {
                lease.end(Some(&error), None);
                Err(error)
            }
        }
    }

    async fn enter(&mut self) -> Result<()> {
        self.admit()?;
        let call = self.call.clone();
        let prepared = call.prepared();
        let cost = Cost { requests: 1.0, input: prepared.estimated_input, output: prepared.requested_output };
        let clock = &*call.shared.clock;
        let entered =
            self.gate.enter(clock, call.chance(), cost, call.deadline, call.settings.max_limit_wait);
        let (reservation, waited) = entered.await?;
        self.reservation = Some(reservation);
        if waited > 0.0 {
            call.emit("limiter-wait", json!({"waited": waited}));
            // The breaker may have opened meanwhile; the old permit is given back unused.
            self.record(Outcome::Neutral);
            self.admit()?;
        }
        Ok(())
    }

    fn admit(&mut self) -> Result<()> {
        let call = &self.call;
        let permit = self
            .circuit
            .admit(call.now(), call.shared.profile.name, &|name, facts| call.emit(name, facts))?;
        self.permit = Some(permit);
        Ok(())
    }

    /// A half-open probe that is a stream succeeds at its first application event.
    pub(super) fn probe_succeeded(&mut self) {
        if self.sent_at.is_some() && self.permit.is_some_and(|permit| permit.probe) {
            self.record(Outcome::Success);
        }
    }

    /// Report to breaker and limiter, once.
    pub(super) fn end(&mut self, error: Option<&Error>, used: Option<&Cost>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let sent = self.sent_at.is_some();
        let told = if sent || error.is_some() { breaker_outcome(error) } else { Outcome::Neutral };
        self.record(told);
        if let Some(reservation) = self.reservation.take() {
            let (how, health) = (settlement(error, sent), server_health(error));
            self.gate.leave(reservation, self.call.now(), used, how, health);
        }
    }

    fn record(&mut self, outcome: Outcome) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        let call = &self.call;
        let emit = |name, facts| call.emit(name, facts);
        self.circuit.record(permit, outcome, call.now(), call.chance(), self.response_time, &emit);
    }

    fn headers_arrived(&mut self) {
        self.response_time = self.sent_at.map(|at| self.call.now() - at);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.end(Some(&Error::new(Kind::Cancelled, "")), None);
    }
}

/// The tokens a result reports, `None` if it reports none.
pub(super) fn usage_cost(usage: Option<&Value>) -> Option<Cost> {
    let usage = usage?;
    let first = |names: [&str; 2]| names.iter().find_map(|name| usage.get(*name)?.as_f64());
    let (input, output) =
        (first(["input_tokens", "prompt_tokens"]), first(["output_tokens", "completion_tokens"]));
    (input.is_some() || output.is_some()).then(|| Cost {
        requests: 1.0,
        input: input.unwrap_or(0.0),
        output: output.unwrap_or(0.0),
    })
}

/// Open the exchange and return it with its headers learnt; `ends` is when the attempt's timer fires.
///
/// Follows up to three same-origin redirects of bodiless requests.
pub(super) async fn send(
    call: &Arc<Call>,
    lease: &mut Lease,
    mut request: HttpRequest,
    ends: f64,
) -> Result<Exchange> {
    if lease.sent_at.is_some() {
        return Err(proceeded_twice());
    }
    let (profile, number) = (&call.shared.profile, call.attempt_number());
    let told = [(profile.attempt_header, number), (profile.previous_attempts_header, number - 1)];
    for (name, count) in told {
        if let Some(name) = name {
            request.headers.push((name.to_ascii_lowercase(), count.to_string()));
        }
    }
    for _ in 0..=MAX_REDIRECTS {
        let exchange = open(call, lease, &request, ends).await?;
        lease.headers_arrived();
        call.note_response(exchange.status, &exchange.headers);
        learn(call, &lease.gate, &exchange);
        if !matches!(exchange.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(exchange);
        }
        request = redirected(&request, &exchange)?;
    }
    Err(Error::new(Kind::Redirect, format!("More than {MAX_REDIRECTS} redirects")))
}

/// The error of attempt middleware that proceeds again.
pub(super) fn proceeded_twice() -> Error {
    let message = "Attempt middleware may proceed once; repeating is for the client, or for call middleware";
    Error::new(Kind::Raised, message)
}

async fn open(call: &Arc<Call>, lease: &mut Lease, request: &HttpRequest, ends: f64) -> Result<Exchange> {
    let wired = authorized(call, request, ends).await?;
    let now = call.now();
    let limit = call.deadline.timer(Some(ends - now), now);
    if limit.is_some_and(|limit| limit < MIN_ATTEMPT) {
        let message = "No time is left to send the request";
        return Err(Error::new(Kind::DeadlineExceeded, message).in_phase(Phase::Connect));
    }
    let timers = Timers {
        pool: limit.map_or(call.settings.pool_timeout, |limit| limit.min(call.settings.pool_timeout)),
        connect: call.settings.connect_timeout,
        response: limit,
    };
    lease.sent_at = Some(now);
    let transport = &call.shared.transport;
    let error = match transport.open(wired.clone(), timers, false).await {
        Ok(exchange) => return Ok(exchange),
        Err(OpenError::Failed(error)) => error,
        // The server closed an idle connection under us: once more, not counted as an attempt.
        Err(OpenError::Stale(_)) if is_replayable(call) => match transport.open(wired, timers, true).await {
            Ok(exchange) => return Ok(exchange),
            Err(OpenError::Failed(error) | OpenError::Stale(error)) => error,
        },
        Err(OpenError::Stale(error)) => error,
    };
    let phase = error.facts().phase.unwrap_or(Phase::Response);
    Err(call.or_deadline(error, phase))
}

/// The request with its credential. Where its origin is not trusted none is added, and headers that hold secrets are
/// taken away, as is the trace context.
async fn authorized(call: &Call, request: &HttpRequest, ends: f64) -> Result<HttpRequest> {
    let mut wired = request.clone();
    if call.shared.trusted.contains(&origin_of(&request.url)) {
        let secrets = call.credential(ends).await?;
        call.shared.auth.apply(&call.shared.profile.auth, &secrets, &mut wired);
    } else {
        let is_trace = |name: &str| matches!(name, "traceparent" | "tracestate" | "baggage");
        wired.headers.retain(|(name, _)| !is_trace(name) && !call.shared.is_secret_header(name));
    }
    Ok(wired)
}

fn is_replayable(call: &Call) -> bool {
    use super::core::profile::Replay;
    let may = match call.operation.replay {
        Replay::Safe => true,
        Replay::Keyed => call.prepared().keyed,
        Replay::Once => false,
    };
    may && call.prepared().request.body.can_repeat()
}

fn redirected(request: &HttpRequest, exchange: &Exchange) -> Result<HttpRequest> {
    let from = Url::parse(&request.url).ok();
    let location = exchange.headers.get("location").unwrap_or_default();
    let target = from.as_ref().and_then(|from| from.join(location).ok());
    let origin =
        target.as_ref().map_or_else(|| "an invalid URL".to_owned(), |to| to.origin().ascii_serialization());
    let same = from.zip(target).filter(|(from, to)| from.origin() == to.origin() && to.username().is_empty());
    match same.filter(|_| matches!(request.method, "GET" | "HEAD")) {
        Some((_, target)) => Ok(HttpRequest { url: target.to_string(), ..request.clone() }),
        None => {
            let status = exchange.status;
            let message =
                format!("The server redirects ({status}) to {origin}, which is not followed; check base_url");
            Err(Error::with_facts(
                Kind::Redirect,
                Facts { message, status: Some(status), ..Facts::default() },
            ))
        }
    }
}

fn learn(call: &Call, gate: &Gate, exchange: &Exchange) {
    let (limits, now, wall) = (call.shared.profile.rate_limits, call.now(), call.shared.clock.wall());
    let mut observed = observe(&exchange.headers, limits, now, wall);
    if is_throttling(exchange.status) && call.settings.respect_retry_after {
        if let Some(wait) = server_wait(&exchange.headers, exchange.status, limits, wall) {
            gate.pause(now + wait, now);
            observed = shortened(observed, now + wait);
        }
    }
    gate.learn(&observed, now);
}

/// The next body bytes before the attempt's timer (`ends`) and the deadline; `None` at the end.
pub(super) async fn read_chunk(
    call: &Call,
    exchange: &mut Exchange,
    ends: Option<f64>,
) -> Result<Option<Bytes>> {
    let now = call.now();
    let limit = call.deadline.timer(ends.map(|ends| ends - now), now).unwrap_or(f64::INFINITY);
    tokio::select! {
        biased;
        chunk = exchange.body.next() => chunk.transpose(),
        () = call.shared.clock.timer(limit) => {
            let message = "The response was not complete when the attempt's time ran out";
            let late = Error::new(Kind::AttemptTimeout, message).in_phase(Phase::Body);
            Err(call.or_deadline(late, Phase::Body))
        }
    }
}

/// The whole decoded body, under the limits of R-195.
pub(super) async fn read_body(
    call: &Call,
    exchange: &mut Exchange,
    ends: f64,
    first: Vec<u8>,
    mut decoder: Decoder,
) -> Result<Vec<u8>> {
    let failed = !(200..300).contains(&exchange.status);
    let mut body = first;
    while let Some(chunk) = read_chunk(call, exchange, Some(ends)).await? {
        body.extend_from_slice(&decoder.feed(&chunk)?);
        if failed && body.len() > ERROR_BYTES {
            // An error body is cut at its limit instead of refused: its beginning says enough.
            body.truncate(ERROR_BYTES);
            return Ok(body);
        }
    }
    decoder.finish()?;
    Ok(body)
}

/// The typed error of a response that is not 2xx.
pub(super) async fn refuse(call: &Call, exchange: &mut Exchange, ends: f64) -> Error {
    let read = match Decoder::new(&exchange.headers, BODY_BYTES) {
        Ok(decoder) => read_body(call, exchange, ends, Vec::new(), decoder).await,
        Err(error) => Err(error),
    };
    // The status alone is worth more than the lost body.
    let body = match read {
        Err(error) if !error.is_transport() => return error,
        read => read.unwrap_or_default(),
    };
    let (profile, redactor) = (&call.shared.profile, call.redactor());
    let wait = server_wait(&exchange.headers, exchange.status, profile.rate_limits, call.shared.clock.wall());
    let context =
        ErrorContext { profile, redactor: &redactor, max_server_wait: call.settings.max_server_wait };
    api_error(exchange.status, &exchange.headers, &body, wait, &context)
}

/// One attempt of a unary call: the decoded JSON, null where no body is promised.
pub(super) async fn unary(call: Arc<Call>) -> Result<Response> {
    let mut lease = Lease::acquire(&call).await?;
    let request = call.prepared().request.clone();
    let mut sender = UnaryAttempt { call: call.clone(), lease: &mut lease };
    let result = through(&call, Level::Attempt, &call.shared.middleware, request, &mut sender).await;
    let value = result.as_ref().ok().and_then(Response::value);
    let used = value.and_then(|value| usage_cost(value.get("usage")));
    lease.end(result.as_ref().err(), used.as_ref());
    result
}

struct UnaryAttempt<'a> {
    call: Arc<Call>,
    lease: &'a mut Lease,
}

impl Sender for UnaryAttempt<'_> {
    fn send(&mut self, request: HttpRequest) -> BoxFuture<'_, Result<Response>> {
        exchange(&self.call, self.lease, request).boxed()
    }
}

async fn exchange(call: &Arc<Call>, lease: &mut Lease, request: HttpRequest) -> Result<Response> {
    let ends = call.now() + call.settings.attempt_timeout;
    let mut exchange = send(call, lease, request, ends).await?;
    if !(200..300).contains(&exchange.status) {
        return Err(refuse(call, &mut exchange, ends).await);
    }
    let decoder = Decoder::new(&exchange.headers, BODY_BYTES)?;
    let body = read_body(call, &mut exchange, ends, Vec::new(), decoder).await?;
    let value = read_result(call, &exchange, &body)?;
    Ok(Response::new(exchange.status, exchange.headers, Content::Whole(value)))
}

/// The JSON of a 2xx body, null for an operation that promises no body, or the error that it is.
pub(super) fn read_result(call: &Call, exchange: &Exchange, body: &[u8]) -> Result<Value> {
    let decoded = decoded(exchange, body);
    if call.operation.answer == AnswerKind::Empty {
        let inside = decoded.ok().and_then(|value| error_inside(call, &value));
        return inside.map_or(Ok(Value::Null), Err);
    }
    let wrong = |reason: &str| {
        invalid_response(call, exchange, &format!("The {} answer {reason}", exchange.status), body)
    };
    let value = decoded.map_err(|reason| wrong(&reason))?;
    if call.operation.answer == AnswerKind::Object && !value.is_object() {
        return Err(wrong("is not a JSON object"));
    }
    if let Some(error) = error_inside(call, &value) {
        return Err(error);
    }
    if !call.streaming {
        lacking(call, &value)?; // a stream's result is checked when it is complete
    }
    Ok(value)
}

/// The error of a result without a required field, where the call is strict.
pub(super) fn lacking(call: &Call, value: &Value) -> Result<()> {
    if !call.settings.strict {
        return Ok(());
    }
    let missing = missing_paths(value, call.operation.required);
    if missing.is_empty() {
        return Ok(());
    }
    let shown = missing[..missing.len().min(MOST_SHOWN_PATHS)].join(", ");
    Err(Error::new(Kind::InvalidResponse, format!("The answer lacks {shown}")))
}

/// The error of a 2xx answer that is not what was asked for, with its redacted beginning.
pub(super) fn invalid_response(call: &Call, exchange: &Exchange, message: &str, body: &[u8]) -> Error {
    let redactor = call.redactor();
    let shown = redactor.text(&String::from_utf8_lossy(&body[..body.len().min(400)]));
    let facts = Facts {
        message: format!("{message}; is base_url really the API?"),
        status: Some(exchange.status),
        body: Some(shown.chars().take(200).collect()),
        headers: Some(redactor.headers(&exchange.headers)),
        ..Facts::default()
    };
    Error::with_facts(Kind::InvalidResponse, facts)
}

fn error_inside(call: &Call, value: &Value) -> Option<Error> {
    if !may_be_error("", value) || value.get("id").is_some() {
        return None; // an object of its own may tell of an error without being one
    }
    let (request_id, redactor) = (call.request_id(), call.redactor());
    let context = ErrorContext { profile: &call.shared.profile, redactor: &redactor, max_server_wait: 0.0 };
    let mut error = stream_error(value, request_id.as_deref(), &context)?;
    error.facts_mut().mid_stream = false; // the class of errors inside streams, but this is a whole answer
    Some(error)
}

fn decoded(exchange: &Exchange, body: &[u8]) -> std::result::Result<Value, String> {
    let kind = exchange.headers.get("content-type").unwrap_or("application/json");
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "application/json" && !kind.ends_with("+json") {
        return Err(format!("is {kind}, not JSON"));
    }
    if body.is_empty() {
        return Err("is empty".to_owned());
    }
    decode(body).map_err(|error| format!("is not valid JSON: {error}"))
}
