//! Connections through a proxy: one that is told, or the one that the usual variables name.
//!
//! Every target, also a plain one, is reached by CONNECT (RFC 9110 section 9.3.6), so that the proxy sees neither
//! requests nor credentials. No `.netrc` is read.

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use url::Url;

use super::core::errors::{Error, Kind, Phase, Result};

const MOST_HEAD_BYTES: usize = 16 * 1024;

/// Which requests go through which proxy.
#[derive(Default)]
pub struct Proxies(Option<Matcher>);

impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proxies([redacted])")
    }
}

impl Proxies {
    /// One proxy for every request; its password is a secret.
    ///
    /// # Errors
    /// [`Error::Config`] unless it is an http or https URL with a host; it never shows the URL.
    pub fn all(url: &SecretString) -> Result<Self> {
        let parsed = Url::parse(url.expose_secret()).ok();
        let fits = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if !parsed.is_some_and(|url| fits(&url)) {
            return Err(Error::new(Kind::Config, "proxy must be a URL with a host, http or https"));
        }
        Ok(Self(Some(Matcher::builder().all(url.expose_secret()).build())))
    }

    /// Those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    #[must_use]
    pub fn from_env() -> Self {
        Self(Some(Matcher::from_env()))
    }

    pub(super) fn of(&self, url: &Url) -> Option<Intercept> {
        self.0.as_ref()?.intercept(&url.as_str().parse().ok()?)
    }
}

/// Asks a proxy, to which `stream` leads, for a way to the target.
pub(super) async fn tunnel<S>(mut stream: S, proxy: &Intercept, target: &str) -> Result<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(credential) = proxy.basic_auth() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(credential.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let head = head_of(&mut stream).await?;
    match head.split(|byte| *byte == b' ').nth(1) {
        Some([b'2', _, _]) => Ok(stream),
        status => {
            let status =
                String::from_utf8_lossy(status.unwrap_or(b"nothing")).chars().take(3).collect::<String>();
            Err(refuse(&format!("The proxy answered {status}")))
        }
    }
}

/// The head of the proxy's answer; what follows belongs to the target, so no byte too many is read.
async fn head_of<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.map_err(lost)?);
        if head.len() > MOST_HEAD_BYTES {
            return Err(refuse("The proxy's answer is too long"));
        }
    }
    Ok(head)
}

fn refuse(message: &str) -> Error {
    Error::new(Kind::Connect, format!("{message}; is the proxy the right one?")).in_phase(Phase::Connect)
}

fn lost(cause: std::io::Error) -> Error {
    refuse("The proxy cannot be reached").caused_by(cause)
}
