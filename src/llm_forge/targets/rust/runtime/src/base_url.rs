//! Base URLs: https unless loopback, no user-info, query or fragment, joined without doubled slashes.

use url::{Host, Url};

use super::core::errors::{Error, Kind, Result};
use super::core::profile::Names;

/// The base URL in its normal form, without a slash at its end.
///
/// # Errors
/// [`Error::Config`] names `source`, and never shows a user, password or query.
pub fn read_base_url(text: &str, source: &str, allow_insecure_http: bool, suffixes: Names) -> Result<String> {
    let refuse = |what: &str| Error::new(Kind::Config, format!("{source} {what}"));
    let url = checked_url(text, source, allow_insecure_http)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("must not contain a query or fragment; use extra_query on calls"));
    }
    let whole = url.as_str().trim_end_matches('/');
    let suffix = suffixes.iter().find(|suffix| url.path().trim_end_matches('/').ends_with(**suffix));
    Ok(suffix.and_then(|suffix| whole.strip_suffix(suffix)).unwrap_or(whole).trim_end_matches('/').to_owned())
}

/// A URL that credentials may go to: https or loopback, no user-info.
fn checked_url(text: &str, source: &str, allow_insecure_http: bool) -> Result<Url> {
    let refuse = |what: String| Error::new(Kind::Config, format!("{source} {what}"));
    let text = text.trim();
    if text.bytes().any(|byte| byte <= 0x20 || byte == 0x7f) {
        return Err(refuse("must be a URL without spaces or control characters".into()));
    }
    let url = Url::parse(text)
        .map_err(|_| refuse("is not a URL; expected something like https://host/path".into()))?;
    let Some(host) = url.host().filter(|_| matches!(url.scheme(), "http" | "https")) else {
        return Err(refuse("must start with https:// and name a host".into()));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("must not contain a user or password; pass credentials as api_key".into()));
    }
    if url.scheme() == "http" && !allow_insecure_http && !is_loopback(&host) {
        return Err(refuse(format!("is plain http to {host}: use https, or set allow_insecure_http")));
    }
    Ok(url)
}

/// A URL that an answer named, if it may be followed.
///
/// # Errors
/// [`Error::InvalidRequest`] if it may not.
pub(super) fn checked_link(text: &str, allow_insecure_http: bool) -> Result<String> {
    let url = checked_url(text, "The link", allow_insecure_http);
    let mut url = url.map_err(|error| Error::new(Kind::InvalidRequest, error.to_string()))?;
    url.set_fragment(None);
    Ok(url.into())
}

/// Scheme, host and port of a URL.
#[must_use]
pub fn origin_of(url: &str) -> String {
    Url::parse(url).map_or_else(
        |_| String::new(),
        |url| {
            let port = url.port_or_known_default().unwrap_or(0);
            format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default())
        },
    )
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
