//! Fetching a URL that somebody else supplied, such as the image of a prompt.
//!
//! - Every address that is dialled is checked at that moment: a name that changes its mind between check and use gains
//!   nothing.
//! - Each redirect is a new URL, checked like the first. No proxy is asked, which would resolve names itself.
//! - No credential, cookie or header of a client goes along. Size and time have limits.

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio_rustls::TlsConnector;
use url::Url;

use super::clock::{Clock, SystemClock};
use super::core::addresses::is_public;
use super::core::errors::{Error, Facts, Kind, Phase, Result};
use super::pool::{broken, dial, endpoint_of, headers, secured, spoken, tls_config, wire_request};
use super::request::user_agent;
use super::request_body::RequestBody;
use super::transport::HttpRequest;

const MOST_BYTES: usize = 20 * 1024 * 1024;
const MOST_REDIRECTS: usize = 3;
const SECONDS: f64 = 30.0;

/// What was fetched; `url` is where it was in the end, and its query may hold a signature.
#[derive(Clone)]
#[allow(missing_docs)] // explained above
pub struct Fetched {
    pub content: Bytes,
    pub content_type: Option<String>,
    pub url: String,
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fetched({} bytes)", self.content.len())
    }
}

/// Which hosts may be asked, and how much they may send.
struct Fetch {
    tls: TlsConnector,
    allowed: fn(IpAddr) -> bool,
    most: usize,
}

/// The content, of at most 20 MiB, of a public https URL that need not be trusted, within 30 seconds.
///
/// # Errors
/// [`Error::InvalidRequest`] for a URL that is not public, [`Error::ResponseTooLarge`] beyond the limit,
/// [`Error::Redirect`] beyond three redirects, [`Error::InvalidResponse`] for a status that is not 2xx, and the
/// transport errors of a call.
pub async fn fetch_url(url: &str) -> Result<Fetched> {
    let tls = TlsConnector::from(std::sync::Arc::new(tls_config(None)?));
    let fetch = Fetch { tls, allowed: is_public, most: MOST_BYTES };
    tokio::select! {
        biased;
        fetched = fetch.follow(url) => fetched,
        () = SystemClock::default().timer(SECONDS) => {
            Err(Error::new(Kind::AttemptTimeout, "The URL was not fetched in time").in_phase(Phase::Body))
        }
    }
}

impl Fetch {
    async fn follow(&self, url: &str) -> Result<Fetched> {
        let mut url = Url::parse(url).map_err(|_| not_fetched())?;
        for _ in 0..=MOST_REDIRECTS {
            if !self.may_ask(&url) {
                return Err(not_fetched());
            }
            match self.once(&url).await? {
                Ok(fetched) => return Ok(fetched),
                Err(next) => url = next,
            }
        }
        Err(Error::new(Kind::Redirect, format!("The URL redirects more than {MOST_REDIRECTS} times")))
    }

    /// Plain http is only for tests, whose own rule lets loopback through.
    fn may_ask(&self, url: &Url) -> bool {
        let (host, _) = endpoint_of(url);
        let tested =
            host.parse().is_ok_and(|address: IpAddr| address.is_loopback() && (self.allowed)(address));
        (url.scheme() == "https" || tested) && url.username().is_empty() && url.password().is_none()
    }

    /// The content, or the URL that it redirects to.
    async fn once(&self, url: &Url) -> Result<std::result::Result<Fetched, Url>> {
        let (host, port) = endpoint_of(url);
        let unknown = |cause: std::io::Error| {
            Error::new(Kind::Connect, "The host of the URL is not known")
                .in_phase(Phase::Connect)
                .caused_by(cause)
        };
        let found: Vec<_> = tokio::net::lookup_host((host.as_str(), port)).await.map_err(unknown)?.collect();
        if !found.iter().all(|address| (self.allowed)(address.ip())) {
            return Err(not_fetched());
        }
        let mut failed = not_fetched();
        for address in found {
            match dial(&address.ip().to_string(), port).await {
                Err(error) => failed = error,
                Ok(stream) if url.scheme() == "https" => {
                    return self.ask(secured(&self.tls, stream, &host).await?, url).await;
                }
                Ok(stream) => return self.ask(stream, url).await,
            }
        }
        Err(failed)
    }

    async fn ask(&self, stream: super::pool::Wire, url: &Url) -> Result<std::result::Result<Fetched, Url>> {
        let request = HttpRequest {
            method: "GET",
            url: url.to_string(),
            headers: vec![
                ("accept-encoding".to_owned(), "identity".to_owned()),
                ("user-agent".to_owned(), user_agent().to_owned()),
            ],
            body: RequestBody::default(),
        };
        let mut sender = spoken(stream).await?;
        let answer = sender.send(wire_request(url, &request)?).await;
        let (head, mut body) = answer.map_err(|error| broken(error, Phase::Response))?.into_parts();
        let fields = headers(&head.headers);
        let location = fields.get("location").filter(|_| head.status.is_redirection());
        if let Some(location) = location {
            let elsewhere = || Error::new(Kind::Redirect, "The URL redirects to an invalid one");
            return url.join(location).map(Err).map_err(|_| elsewhere());
        }
        if !head.status.is_success() {
            let status = head.status.as_u16();
            let message = format!("The URL answers with {status}");
            let facts = Facts { message, status: Some(status), ..Facts::default() };
            return Err(Error::with_facts(Kind::InvalidResponse, facts));
        }
        let mut content = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(|error| broken(error, Phase::Body))?.into_data() {
                content.extend_from_slice(&data);
            }
            if content.len() > self.most {
                let message = format!("The URL holds more than the {} bytes allowed", self.most);
                return Err(Error::new(Kind::ResponseTooLarge, message));
            }
        }
        let content_type = fields.get("content-type").map(str::to_owned);
        Ok(Ok(Fetched { content: content.into(), content_type, url: url.to_string() }))
    }
}

fn not_fetched() -> Error {
    Error::new(Kind::InvalidRequest, "The URL is not a public https one, and is not fetched")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn fetched(answer: &'static str, allowed: fn(IpAddr) -> bool) -> Result<Fetched> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/image", listener.local_addr().unwrap());
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = [0; 1024];
            let _count = stream.read(&mut seen).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let tls = TlsConnector::from(std::sync::Arc::new(tls_config(None).unwrap()));
        let fetch = Fetch { tls, allowed, most: 10 };
        tokio::select! {
            fetched = fetch.follow(&url) => fetched,
            () = async { serve.await; std::future::pending().await } => unreachable!(),
        }
    }

    #[tokio::test]
    async fn content_within_the_limit_is_fetched() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 4\r\n\r\nfour";
        let fetched = fetched(answer, |_| true).await.unwrap();
        assert_eq!(
            (&fetched.content[..], fetched.content_type.as_deref()),
            (&b"four"[..], Some("image/png"))
        );
    }

    #[tokio::test]
    async fn content_beyond_the_limit_is_refused() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nelevenbytes";
        assert!(matches!(fetched(answer, |_| true).await, Err(Error::ResponseTooLarge(_))));
    }

    #[tokio::test]
    async fn a_redirect_to_a_private_address_is_not_followed() {
        let answer = "HTTP/1.1 302 Found\r\nlocation: https://10.0.0.1/\r\ncontent-length: 0\r\n\r\n";
        assert!(matches!(
            fetched(answer, |address| address.is_loopback()).await,
            Err(Error::InvalidRequest(_))
        ));
    }

    #[tokio::test]
    async fn only_public_addresses_are_asked() {
        for url in [
            "https://127.0.0.1/",
            "https://[::1]/",
            "http://example.com/",
            "https://169.254.169.254/",
            "file:///x",
        ] {
            assert!(matches!(fetch_url(url).await, Err(Error::InvalidRequest(_))), "{url}");
        }
    }
}
