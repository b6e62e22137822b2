//! What users put around calls and around attempts.
//!
//! - Order outside in, as given. Around calls stands outside deadline, retry, breaker and limiter, and runs once a
//!   call; around attempts stands inside them, outside auth and transport, and runs once an attempt.
//! - A changed request is passed on as a copy, which no other attempt sees.
//! - No middleware sees a credential, and none changes the origin.
//! - An error of the contract that middleware returns follows the retry rules; one of its own,
//!   [`Error::raised`], ends the call.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::FutureExt as _;
use serde_json::Value;
use url::Url;

use super::arrival::Arrival;
use super::base_url::origin_of;
use super::call::Call;
use super::core::call_context::CallContext;
use super::core::errors::{Error, Kind, Result};
use super::core::headers::Headers;
use super::core::reader::Event;
use super::pump::Pump;
use super::request::check_header;
use super::request_body::RequestBody;
use super::transport::HttpRequest;

/// A request as middleware sees it: without credentials. `body` is `None` where it is not held in memory;
/// `body_is_streamed` then says so.
#[derive(Clone)]
#[allow(missing_docs)] // explained above
pub struct Request {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Bytes>,
    pub body_is_streamed: bool,
}

impl std::fmt::Debug for Request {
    /// Neither query, headers nor body: they may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.url.split('?').next().unwrap_or_default())
    }
}

/// The events of a stream.
pub type EventSource = BoxStream<'static, Result<Event>>;
/// Makes other events of a stream's.
pub type WrapEvents = Box<dyn FnOnce(EventSource) -> EventSource + Send>;

/// What an answer is made of.
pub(super) enum Content {
    Whole(Value),
    Events(Box<Pump>),
    Pieces(Box<Arrival>),
}

/// What came of a request.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    pub(super) content: Content,
    pub(super) wraps: Vec<WrapEvents>,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Response({})", self.status)
    }
}

impl Response {
    /// An answer without sending anything.
    #[must_use]
    pub fn of(value: Value) -> Self {
        Self { status: 200, headers: Headers::default(), content: Content::Whole(value), wraps: Vec::new() }
    }

    pub(super) fn new(status: u16, headers: Headers, content: Content) -> Self {
        Self { status, headers, content, wraps: Vec::new() }
    }

    /// The JSON of a whole answer; `None` where events, a file or lines follow.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match &self.content {
            Content::Whole(value) => Some(value),
            _ => None,
        }
    }

    /// Whether events follow; see [`Response::with_events`].
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self.content, Content::Events(_))
    }

    /// The same response with another value; a stream is given up for it.
    #[must_use]
    pub fn with_value(self, value: Value) -> Self {
        Self { content: Content::Whole(value), wraps: Vec::new(), ..self }
    }

    /// The same stream with its events passed through `wrap`, as they are read. The accumulated message is made of the
    /// events that come out.
    #[must_use]
    pub fn with_events(mut self, wrap: impl FnOnce(EventSource) -> EventSource + Send + 'static) -> Self {
        self.wraps.push(Box::new(wrap));
        self
    }
}

/// Stands around the calls and the attempts of a client; each of both is passed on unless it is written.
pub trait Middleware: Send + Sync {
    /// Around a call, outside the retries; it may proceed more than once, or not at all.
    fn call<'a>(
        &'a self,
        about: &'a CallContext,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Response>> {
        let _ = about;
        proceed(request, next)
    }

    /// Around an attempt; it may proceed once, or not at all.
    fn attempt<'a>(
        &'a self,
        about: &'a CallContext,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Response>> {
        let _ = about;
        proceed(request, next)
    }
}

fn proceed(request: Request, mut next: Next<'_>) -> BoxFuture<'_, Result<Response>> {
    async move { next.run(request).await }.boxed()
}

/// What a middleware stands around.
#[derive(Clone, Copy)]
pub(super) enum Level {
    Call,
    Attempt,
}

/// The innermost: what sends.
pub(super) trait Sender: Send {
    fn send(&mut self, request: HttpRequest) -> BoxFuture<'_, Result<Response>>;
}

/// What stands inside a middleware.
pub struct Next<'a> {
    call: &'a Call,
    level: Level,
    around: &'a [Arc<dyn Middleware>],
    before: HttpRequest,
    shown: Request,
    sender: &'a mut dyn Sender,
}

impl std::fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Next({} more)", self.around.len())
    }
}

impl Next<'_> {
    /// Send the request, through what stands further inside.
    ///
    /// # Errors
    /// What became of it; [`Error::InvalidRequest`] for a request that goes to another origin or cannot be sent.
    pub async fn run(&mut self, request: Request) -> Result<Response> {
        let request = self.applied(request)?;
        through(self.call, self.level, self.around, request, self.sender).await
    }

    /// The changed request, checked, with the headers that were hidden put back.
    fn applied(&self, changed: Request) -> Result<HttpRequest> {
        check_changed(&self.before, &changed)?;
        let mut headers = changed.headers;
        for (name, value) in &self.before.headers {
            let given = headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
            if self.call.shared.is_secret_header(name) && !given {
                headers.push((name.clone(), value.clone()));
            }
        }
        let body = match changed.body {
            Some(body) if Some(&body) != self.shown.body.as_ref() => RequestBody::whole(body),
            _ => self.before.body.clone(),
        };
        Ok(HttpRequest { method: changed.method, url: changed.url, headers, body })
    }
}

fn check_changed(before: &HttpRequest, changed: &Request) -> Result<()> {
    let refuse = |message: String| Err(Error::new(Kind::InvalidRequest, message));
    let Ok(url) = Url::parse(&changed.url) else {
        return refuse("Middleware made a URL that is malformed".to_owned());
    };
    let origin = origin_of(&changed.url);
    if origin != origin_of(&before.url) || !url.username().is_empty() {
        return refuse(format!(
            "Middleware changed the request's origin to {origin}; make a client with that base URL instead"
        ));
    }
    changed.headers.iter().try_for_each(|(name, value)| check_header(name, value))
}

/// What `sender` brings, or what the middleware around it makes of that.
pub(super) fn through<'a>(
    call: &'a Call,
    level: Level,
    around: &'a [Arc<dyn Middleware>],
    request: HttpRequest,
    sender: &'a mut dyn Sender,
) -> BoxFuture<'a, Result<Response>> {
    async move {
        let Some((first, rest)) = around.split_first() else {
            return sender.send(request).await;
        };
        let (about, shown) = (call.context(), shown_request(call, &request));
        let next = Next { call, level, around: rest, before: request, shown: shown.clone(), sender };
        match level {
            Level::Call => first.call(&about, shown, next).await,
            Level::Attempt => first.attempt(&about, shown, next).await,
        }
    }
    .boxed()
}

/// The request without headers that may hold credentials, also those that the caller set.
fn shown_request(call: &Call, request: &HttpRequest) -> Request {
    let shows = |(name, _): &&(String, String)| !call.shared.is_secret_header(name);
    let body = request.body.bytes().cloned();
    Request {
        method: request.method,
        url: request.url.clone(),
        headers: request.headers.iter().filter(shows).cloned().collect(),
        body_is_streamed: request.body.is_present() && body.is_none(),
        body,
    }
}
