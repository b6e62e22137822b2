//! A 2xx answer that is read piece by piece: files and lines, not server-sent events.
//!
//! - Until the first byte a failure is the attempt's, and may be retried; afterwards nothing is.
//! - There is no limit for the whole; no byte for the idle timeout ends it, and so does the deadline, if the
//!   caller set one.
//! - An answer that is cut is an error; it never looks complete.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};

use super::attempt::{invalid_response, proceeded_twice, read_chunk, refuse, send, Lease};
use super::body::Decoder;
use super::call::{outcome_name, Call};
use super::core::errors::{Error, Kind, Phase, Result};
use super::core::headers::Headers;
use super::core::profile::AnswerKind;
use super::middleware::{through, Content, Level, Response, Sender};
use super::transport::{Exchange, HttpRequest};

/// One open answer.
pub(super) struct Arrival {
    pub(super) call: Arc<Call>,
    pub(super) headers: Headers,
    lease: Lease,
    exchange: Option<Exchange>,
    decoder: Decoder,
    first: Option<Vec<u8>>,
    handed_over: bool,
    over: bool,
}

impl Arrival {
    /// One attempt: an answer whose first byte has arrived, or that is empty.
    pub(super) async fn open(call: Arc<Call>) -> Result<Response> {
        let lease = Some(Lease::acquire(&call).await?);
        let request = call.prepared().request.clone();
        let mut sender = ArrivalAttempt { call: call.clone(), lease };
        let result = through(&call, Level::Attempt, &call.shared.middleware, request, &mut sender).await;
        sender.end(result.as_ref().err());
        result
    }

    async fn begin(call: Arc<Call>, mut lease: Lease, request: HttpRequest) -> Result<Response> {
        let (exchange, decoder, first) = match first_piece(&call, &mut lease, request).await {
            Ok(begun) => begun,
            Err(error) => {
                lease.end(Some(&error), None);
                return Err(error);
            }
        };
        let (status, headers) = (exchange.status, exchange.headers.clone());
        let arrival = Self {
            headers: headers.clone(),
            exchange: Some(exchange).filter(|_| first.is_some()),
            call,
            lease,
            decoder,
            first,
            handed_over: false,
            over: false,
        };
        Ok(Response::new(status, headers, Content::Pieces(Box::new(arrival))))
    }

    /// The arrival in a call's response, which middleware cannot replace or wrap.
    pub(super) fn of(response: Response) -> Result<Self> {
        match response.content {
            Content::Pieces(arrival) if response.wraps.is_empty() => Ok(arrival.hand_over()),
            _ => {
                let message = "Middleware cannot replace or wrap an answer that is a file or lines";
                Err(Error::new(Kind::Raised, message))
            }
        }
    }

    /// The call ends with the reading from here on.
    fn hand_over(mut self) -> Self {
        self.handed_over = true;
        self
    }

    /// The next decoded bytes, `None` at the end. Errors are enriched.
    pub(super) async fn more(&mut self) -> Result<Option<Bytes>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first.into()));
        }
        let call = self.call.clone();
        match call.unless_cancelled(self.next()).await {
            Ok(Some(piece)) => Ok(Some(piece)),
            Ok(None) => {
                self.end(None);
                Ok(None)
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Stop with this error: it is enriched and the connection aborted.
    pub(super) fn fail(&mut self, mut error: Error) -> Error {
        error.facts_mut().mid_stream = true;
        self.end(Some(&error));
        if matches!(error, Error::Cancelled(_)) {
            return error;
        }
        self.call.fail_last(&error);
        self.call.enrich(error)
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some(exchange) = &mut self.exchange else { return Ok(None) };
            let idle = self.call.settings.idle_timeout;
            let left = self.call.deadline.left(self.call.now());
            let limit = left.map_or(idle, |left| left.min(idle)).max(0.0);
            let chunk = tokio::select! {
                biased;
                chunk = exchange.body.next() => chunk,
                () = self.call.shared.clock.timer(limit) => return Err(late(left, idle)),
            };
            let Some(chunk) = chunk else {
                self.exchange = None;
                self.decoder.finish()?;
                return Ok(None);
            };
            let piece = self.decoder.feed(&chunk?)?;
            if !piece.is_empty() {
                return Ok(Some(piece.into()));
            }
        }
    }

    /// Give back what the attempt holds; once.
    fn end(&mut self, error: Option<&Error>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        self.lease.end(error, None);
        self.exchange = None;
        if self.handed_over {
            self.call.finish(&outcome_name(error));
        }
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if !std::mem::replace(&mut self.over, true) {
            self.lease.end(Some(&Error::new(Kind::Cancelled, "")), None);
            if self.handed_over {
                self.call.finish("left");
            }
        }
    }
}

fn late(left: Option<f64>, idle: f64) -> Error {
    if left.is_some_and(|left| left <= idle) {
        let message = "The call's deadline passed while the answer was read";
        return Error::new(Kind::DeadlineExceeded, message).in_phase(Phase::Body);
    }
    Error::new(Kind::StreamIdle, format!("The answer sent nothing for {idle} s"))
}

struct ArrivalAttempt {
    call: Arc<Call>,
    lease: Option<Lease>,
}

impl ArrivalAttempt {
    /// Middleware did not proceed.
    fn end(&mut self, error: Option<&Error>) {
        if let Some(mut lease) = self.lease.take() {
            lease.end(error, None);
        }
    }
}

impl Sender for ArrivalAttempt {
    fn send(&mut self, request: HttpRequest) -> BoxFuture<'_, Result<Response>> {
        match self.lease.take() {
            Some(lease) => Arrival::begin(self.call.clone(), lease, request).boxed(),
            None => futures::future::ready(Err(proceeded_twice())).boxed(),
        }
    }
}

/// Send, and read up to the first decoded byte or the end within the attempt's timer.
async fn first_piece(
    call: &Arc<Call>,
    lease: &mut Lease,
    request: HttpRequest,
) -> Result<(Exchange, Decoder, Option<Vec<u8>>)> {
    let ends = call.now() + call.settings.attempt_timeout;
    let mut exchange = send(call, lease, request, ends).await?;
    if !(200..300).contains(&exchange.status) {
        return Err(refuse(call, &mut exchange, ends).await);
    }
    if let Some(problem) = unfit(call, &exchange) {
        let message = format!("The {} answer {problem}", exchange.status);
        return Err(invalid_response(call, &exchange, &message, b""));
    }
    let mut decoder = Decoder::new(&exchange.headers, usize::MAX)?;
    while let Some(chunk) = read_chunk(call, &mut exchange, Some(ends)).await? {
        let piece = decoder.feed(&chunk)?;
        if !piece.is_empty() {
            return Ok((exchange, decoder, Some(piece)));
        }
    }
    decoder.finish()?;
    Ok((exchange, decoder, None))
}

/// Why this cannot be the file or the lines that were asked for. A page where none was promised is a portal
/// or a proxy; JSON instead of sound or a picture is an error.
fn unfit(call: &Call, exchange: &Exchange) -> Option<&'static str> {
    let media_type = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let kind = media_type(exchange.headers.get("content-type").unwrap_or_default());
    let promised = media_type(call.operation.accept);
    let anything = matches!(promised.as_str(), "*/*" | "application/octet-stream" | "application/binary");
    let is_file = call.operation.answer == AnswerKind::Binary && !anything && !promised.starts_with("text/");
    match kind.as_str() {
        _ if matches!(exchange.status, 204 | 205) => Some("is empty"),
        _ if kind == promised => None,
        "text/html" => Some("is a page"),
        "application/json" if is_file => Some("is JSON"),
        _ => None,
    }
}
