//! HTTP/1.1 over hyper, with a pool of our own.
//!
//! A ready-made client cannot say whether it waits for the pool, for a connection or for an answer, nor whether a
//! connection that failed had been used before; the contract needs both.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use url::Url;

use super::clock::Clock;
use super::core::errors::{Error, Kind, Phase, Result};
use super::core::headers::Headers;
use super::head_guard::{Contradiction, HeadGuard};
use super::proxy::{tunnel, Proxies};
use super::request_body::RequestBody;
use super::transport::{Exchange, HttpRequest, OpenError, Timers, Transport};

const HEADER_BYTES: usize = 64 * 1024;
const HEADER_FIELDS: usize = 256;
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// How many connections are kept; seconds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolLimits {
    /// Connections to one origin.
    pub connections: usize,
    /// Of them idle.
    pub idle: usize,
    /// How long one may be idle.
    pub idle_seconds: f64,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { connections: 100, idle: 20, idle_seconds: 30.0 }
    }
}

pub(super) type WireBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// A connection; the next bytes that come are a head whenever `head` is set.
pub(super) struct Sender {
    requests: SendRequest<WireBody>,
    head: Arc<AtomicBool>,
}

impl Sender {
    pub(super) async fn send(
        &mut self,
        request: http::Request<WireBody>,
    ) -> hyper::Result<http::Response<Incoming>> {
        self.head.store(true, Ordering::SeqCst);
        self.requests.send_request(request).await
    }
}

/// What bytes go over: a socket, or TLS over one.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}
pub(super) type Wire = Box<dyn Stream>;

/// The transport that clients use unless they are given another.
pub struct HyperTransport(Arc<Pool>);

struct Pool {
    clock: Arc<dyn Clock>,
    tls: TlsConnector,
    proxies: Proxies,
    limits: PoolLimits,
    origins: Mutex<HashMap<String, Origin>>,
}

struct Origin {
    slots: Arc<Semaphore>,
    idle: Vec<(Sender, f64)>,
}

impl HyperTransport {
    /// A pool that trusts the usual certificate authorities, or only those of a PEM file, and goes through these proxies.
    ///
    /// # Errors
    /// [`Error::Config`] if the file holds no certificates.
    pub fn new(
        clock: Arc<dyn Clock>,
        limits: PoolLimits,
        ca_bundle: Option<&std::path::Path>,
        proxies: Proxies,
    ) -> Result<Self> {
        let tls = TlsConnector::from(Arc::new(tls_config(ca_bundle)?));
        Ok(Self(Arc::new(Pool { clock, tls, proxies, limits, origins: Mutex::default() })))
    }
}

pub(super) fn tls_config(ca_bundle: Option<&std::path::Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match ca_bundle {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let refuse = || Error::new(Kind::Config, "ca_bundle is not a PEM file of certificates");
            let found = CertificateDer::pem_file_iter(path).map_err(|error| refuse().caused_by(error))?;
            let (added, _) = roots.add_parsable_certificates(found.filter_map(std::result::Result::ok));
            if added == 0 {
                return Err(refuse());
            }
        }
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Error::new(Kind::Config, "TLS cannot be set up").caused_by(error))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

impl Transport for HyperTransport {
    fn open(
        &self,
        request: HttpRequest,
        timers: Timers,
        fresh: bool,
    ) -> BoxFuture<'static, std::result::Result<Exchange, OpenError>> {
        open(self.0.clone(), request, timers, fresh).boxed()
    }

    fn close(&self) {
        self.0.origins().clear();
    }
}

async fn open(
    pool: Arc<Pool>,
    request: HttpRequest,
    timers: Timers,
    fresh: bool,
) -> std::result::Result<Exchange, OpenError> {
    let began = pool.clock.now();
    let url = Url::parse(&request.url).map_err(|_| {
        OpenError::Failed(Error::new(Kind::InvalidRequest, "The URL of the request is malformed"))
    })?;
    let origin = url.origin().ascii_serialization();
    let slot = pool.slot(&origin, timers.pool).await.map_err(OpenError::Failed)?;
    let left = |pool: &Pool| timers.response.map(|most| (began + most - pool.clock.now()).max(0.0));
    let reused = if fresh { None } else { pool.idle(&origin).await };
    let is_reused = reused.is_some();
    let sender = match reused {
        Some(sender) => sender,
        None => {
            let limit = left(&pool).map_or(timers.connect, |left| left.min(timers.connect));
            pool.connect(&url, limit).await.map_err(OpenError::Failed)?
        }
    };
    let limit = left(&pool);
    pool.exchange(sender, slot, origin, &url, request, limit).await.map_err(|error| {
        if is_reused && matches!(error, Error::ConnectionLost(_)) {
            OpenError::Stale(error)
        } else {
            OpenError::Failed(error)
        }
    })
}

/// A connection in use: its slot is free again when this is dropped.
struct Held {
    pool: Arc<Pool>,
    origin: String,
    sender: Option<Sender>,
    _slot: OwnedSemaphorePermit,
}

impl Held {
    /// The body was read to its end: the connection may serve again.
    fn give_back(&mut self) {
        if let Some(sender) = self.sender.take().filter(|sender| !sender.requests.is_closed()) {
            self.pool.keep(&self.origin, sender);
        }
    }
}

impl Pool {
    fn origins(&self) -> std::sync::MutexGuard<'_, HashMap<String, Origin>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn slot(&self, origin: &str, limit: f64) -> Result<OwnedSemaphorePermit> {
        let slots = {
            let mut origins = self.origins();
            let new =
                || Origin { slots: Arc::new(Semaphore::new(self.limits.connections)), idle: Vec::new() };
            origins.entry(origin.to_owned()).or_insert_with(new).slots.clone()
        };
        let late = || {
            let message = format!("No connection of the pool became free within {limit} s; raise pool");
            Error::new(Kind::PoolTimeout, message).in_phase(Phase::Pool)
        };
        tokio::select! {
            biased;
            slot = slots.acquire_owned() => slot.map_err(|_| late()),
            () = self.clock.timer(limit) => Err(late()),
        }
    }

    /// An idle connection that is still open.
    async fn idle(&self, origin: &str) -> Option<Sender> {
        loop {
            let oldest = self.clock.now() - self.limits.idle_seconds;
            let (mut sender, since) = self.origins().get_mut(origin)?.idle.pop()?;
            if since < oldest {
                continue;
            }
            // Whoever drives the connection has a turn to see that the server closed it.
            tokio::task::yield_now().await;
            let ready = matches!(sender.requests.ready().now_or_never(), Some(Ok(())));
            if ready && !sender.requests.is_closed() {
                return Some(sender);
            }
        }
    }

    fn keep(&self, origin: &str, sender: Sender) {
        if let Some(origin) = self.origins().get_mut(origin) {
            if origin.idle.len() < self.limits.idle {
                origin.idle.push((sender, self.clock.now()));
            }
        }
    }

    async fn connect(&self, url: &Url, limit: f64) -> Result<Sender> {
        tokio::select! {
            biased;
            sender = self.handshake(url) => sender,
            () = self.clock.timer(limit) => {
                let message = format!("No connection was made within {limit} s");
                Err(Error::new(Kind::Connect, message).in_phase(Phase::Connect))
            }
        }
    }

    async fn handshake(&self, url: &Url) -> Result<Sender> {
        let (host, port) = endpoint_of(url);
        let stream = match self.proxies.of(url) {
            None => dial(&host, port).await?,
            Some(proxy) => {
                let way = Url::parse(&proxy.uri().to_string())
                    .map_err(|error| not_connected("the proxy", error))?;
                let (name, number) = endpoint_of(&way);
                let stream = dial(&name, number).await?;
                let stream =
                    if way.scheme() == "https" { secured(&self.tls, stream, &name).await? } else { stream };
                tunnel(stream, &proxy, &format!("{}:{port}", url.host_str().unwrap_or_default())).await?
            }
        };
        if url.scheme() != "https" {
            return spoken(stream).await;
        }
        spoken(secured(&self.tls, stream, &host).await?).await
    }

    async fn exchange(
        self: &Arc<Self>,
        mut sender: Sender,
        slot: OwnedSemaphorePermit,
        origin: String,
        url: &Url,
        request: HttpRequest,
        limit: Option<f64>,
    ) -> Result<Exchange> {
        let wire = wire_request(url, &request)?;
        let response = tokio::select! {
            biased;
            response = sender.send(wire) => response.map_err(|error| broken(error, Phase::Response))?,
            () = self.clock.timer(limit.unwrap_or(f64::INFINITY)) => {
                let message = "The response did not begin before the attempt's time ran out";
                return Err(Error::new(Kind::AttemptTimeout, message).in_phase(Phase::Response));
            }
        };
        let (head, body) = response.into_parts();
        let held = Held { pool: self.clone(), origin, sender: Some(sender), _slot: slot };
        Ok(Exchange {
            status: head.status.as_u16(),
            headers: headers(&head.headers),
            body: pieces(body, held).fuse().boxed(),
        })
    }
}

fn pieces(body: Incoming, held: Held) -> impl futures::Stream<Item = Result<Bytes>> {
    futures::stream::unfold(Some((body, held)), |state| async {
        let (mut body, mut held) = state?;
        loop {
            match body.frame().await {
                None => {
                    held.give_back();
                    return None;
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Some((Ok(data), Some((body, held))));
                    }
                }
                Some(Err(error)) => return Some((Err(broken(error, Phase::Body)), None)),
            }
        }
    })
}

pub(super) async fn spoken<S>(stream: S) -> Result<Sender>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new();
    builder.allow_obsolete_multiline_headers_in_responses(true);
    builder.max_headers(HEADER_FIELDS).max_buf_size(HEADER_BYTES + 16 * 1024);
    let head = Arc::new(AtomicBool::new(false));
    let made = builder.handshake(TokioIo::new(HeadGuard::new(stream, head.clone()))).await;
    let (requests, connection) = made.map_err(|error| broken(error, Phase::Connect))?;
    tokio::spawn(connection.map(|_| ())); // its errors come to whoever waits for the answer
    Ok(Sender { requests, head })
}

/// Host, without the brackets of an IPv6 address, and port.
pub(super) fn endpoint_of(url: &Url) -> (String, u16) {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    (host.to_owned(), url.port_or_known_default().unwrap_or(443))
}

/// TLS over a stream, to a host by its name.
pub(super) async fn secured(tls: &TlsConnector, stream: Wire, host: &str) -> Result<Wire> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| not_connected(host, error))?;
    let secured = tls.connect(name, stream).await;
    Ok(Box::new(secured.map_err(|error| not_secured(host, error))?))
}

pub(super) async fn dial(host: &str, port: u16) -> Result<Wire> {
    let stream = TcpStream::connect((host, port)).await.map_err(|error| not_connected(host, error))?;
    prepare_socket(&stream).map_err(|error| not_connected(host, error))?;
    Ok(Box::new(stream))
}

fn prepare_socket(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    socket2::SockRef::from(stream).set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(KEEP_ALIVE))
}

pub(super) fn wire_request(url: &Url, request: &HttpRequest) -> Result<http::Request<WireBody>> {
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut wire = http::Request::builder().method(request.method).uri(target);
    wire = wire.header("host", &url[url::Position::BeforeHost..url::Position::AfterPort]);
    for (name, value) in &request.headers {
        wire = wire.header(name, value);
    }
    let has_body = request.body.is_present() || matches!(request.method, "POST" | "PUT" | "PATCH");
    if let Some(size) = request.body.size().filter(|_| has_body) {
        wire = wire.header("content-length", size);
    }
    wire.body(wire_body(&request.body)).map_err(|_| {
        Error::new(Kind::InvalidRequest, "A header or the URL has a character that HTTP does not allow")
    })
}

fn wire_body(body: &RequestBody) -> WireBody {
    if let Some(bytes) = body.bytes() {
        return Full::new(bytes.clone()).map_err(|never| match never {}).boxed_unsync();
    }
    if body.size() == Some(0) {
        return Full::default().map_err(|never| match never {}).boxed_unsync();
    }
    StreamBody::new(body.stream().map_ok(Frame::data)).boxed_unsync()
}

pub(super) fn headers(fields: &http::HeaderMap) -> Headers {
    let text = |value: &http::HeaderValue| {
        let latin = || value.as_bytes().iter().copied().map(char::from).collect();
        std::str::from_utf8(value.as_bytes()).map_or_else(|_| latin(), str::to_owned)
    };
    Headers::new(fields.iter().map(|(name, value)| (name.as_str(), text(value))))
}

fn not_connected(host: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    let message = format!("No connection to {host} could be made; is base_url right and the network up?");
    Error::new(Kind::Connect, message).in_phase(Phase::Connect).caused_by(cause)
}

fn not_secured(host: &str, cause: std::io::Error) -> Error {
    let refused =
        cause.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<tokio_rustls::rustls::Error>);
    if !refused {
        return not_connected(host, cause);
    }
    let message =
        format!("The certificate of {host} was not accepted; give its authority as ca_bundle if it is yours");
    Error::new(Kind::Tls, message).caused_by(cause)
}

fn contradicts(cause: &hyper::Error) -> bool {
    let source = std::error::Error::source(cause).and_then(|source| source.downcast_ref::<std::io::Error>());
    let inner = source.and_then(std::io::Error::get_ref);
    inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<Contradiction>)
}

/// A failure of hyper's, by what it says of itself.
pub(super) fn broken(cause: hyper::Error, phase: Phase) -> Error {
    let (kind, message) = if cause.is_parse() && cause.to_string().contains("too large") {
        (Kind::ResponseTooLarge, "The headers of the response exceed 64 KiB or 256 fields")
    } else if cause.is_parse() || contradicts(&cause) {
        (Kind::Protocol, "The server's answer breaks the rules of HTTP")
    } else if cause.is_user() {
        (Kind::InvalidRequest, "The body of the request could not be read; does its file still exist?")
    } else {
        (Kind::ConnectionLost, "The connection ended before the response did")
    };
    Error::new(kind, message).in_phase(phase).caused_by(cause)
}
