//! What the call loop needs of HTTP: open an exchange within timers, read its body, drop it.

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::core::errors::Result;
use super::core::headers::Headers;
use super::request_body::RequestBody;

/// One request as it goes to the network; the debug form shows neither URL nor headers, which may hold secrets.
#[derive(Clone)]
pub struct HttpRequest {
    /// The method.
    pub method: &'static str,
    /// The absolute URL.
    pub url: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: RequestBody,
}

impl HttpRequest {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Sets a header in the place of another of its name.
    pub fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
}

impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpRequest({}, {:?})", self.method, self.body)
    }
}

/// How long each phase may take, in seconds; `response` is for connecting too.
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// Waiting for a connection of the pool.
    pub pool: f64,
    /// Connecting.
    pub connect: f64,
    /// Until the response's headers.
    pub response: Option<f64>,
}

/// An answer whose headers have arrived; dropping it closes the connection unless the body was read to its end.
pub struct Exchange {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body as it comes from the wire; it ends only where the body is whole.
    pub body: BoxStream<'static, Result<Bytes>>,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Exchange({})", self.status)
    }
}

/// Why no exchange was opened.
#[derive(Debug)]
pub enum OpenError {
    /// The server had closed an idle connection: nothing of a response came.
    Stale(super::core::errors::Error),
    /// Anything else.
    Failed(super::core::errors::Error),
}

/// Sends requests. No retries, no redirects, no decoding.
pub trait Transport: Send + Sync {
    /// Send a request and wait for its headers. `fresh` asks for a new connection.
    fn open(
        &self,
        request: HttpRequest,
        timers: Timers,
        fresh: bool,
    ) -> BoxFuture<'static, std::result::Result<Exchange, OpenError>>;

    /// End idle connections.
    fn close(&self);
}
