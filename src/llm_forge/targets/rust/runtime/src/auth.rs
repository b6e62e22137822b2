//! Credentials: added at send time only, to a request that nobody keeps.

use std::sync::Arc;

use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};

use super::core::errors::{Error, Kind, Result};
use super::core::profile::{AuthKind, AuthScheme, Placement};
use super::oauth2::OAuth2;
use super::transport::HttpRequest;

/// A function that gives the credential, asked once per attempt.
pub type KeySource = Arc<
    dyn Fn() -> std::result::Result<SecretString, Box<dyn std::error::Error + Send + Sync>> + Send + Sync,
>;

/// Which credential a client sends.
#[derive(Clone)]
pub enum Auth {
    /// None.
    None,
    /// A key, where the provider's description says.
    Key(SecretString),
    /// A key from a function, where the provider's description says.
    Source(KeySource),
    /// A key in a place of the user's choice.
    ApiKey {
        /// The key.
        key: SecretString,
        /// Where it goes.
        placement: Placement,
        /// The name of the header, query parameter or cookie.
        name: String,
    },
    /// `Authorization: Bearer`.
    Bearer(SecretString),
    /// `Authorization: Basic`.
    Basic {
        /// The user, without a colon.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// Tokens from a token endpoint.
    OAuth2(OAuth2),
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth([redacted])")
    }
}

impl Auth {
    /// The credential, if it is one that can be sent.
    ///
    /// # Errors
    /// [`Error::Config`] that never shows the value.
    pub fn checked(self, scheme: &AuthScheme) -> Result<Self> {
        Ok(match self {
            Self::Key(key) => Self::Key(clean(&key, "api_key")?),
            Self::Bearer(token) => Self::Bearer(clean(&token, "the bearer token")?),
            Self::ApiKey { key, placement, name } => {
                Self::ApiKey { key: clean(&key, "the key")?, placement, name }
            }
            Self::Basic { user, .. } if user.contains(':') => {
                return Err(Error::new(Kind::Config, "A user of HTTP Basic must not contain a colon"));
            }
            Self::OAuth2(grant) => Self::OAuth2(grant.checked(scheme)?),
            other => other,
        })
    }

    /// The credential of an attempt, and what of it must never be shown. Tokens of OAuth 2 are not among it: they come
    /// from the client that asked for them.
    ///
    /// # Errors
    /// [`Error::Auth`] with the cause if a function fails.
    pub fn secrets(&self) -> Result<Vec<SecretString>> {
        Ok(match self {
            Self::None => Vec::new(),
            Self::Key(key) | Self::ApiKey { key, .. } | Self::Bearer(key) => vec![key.clone()],
            Self::OAuth2(grant) => grant.secrets().collect(),
            Self::Basic { user, password } => vec![basic(user, password), password.clone()],
            Self::Source(source) => {
                let refuse = |cause: Box<dyn std::error::Error + Send + Sync>| {
                    let mut error = Error::new(Kind::Auth, "The function that gives the credential failed");
                    error.facts_mut().cause = Some(Arc::from(cause));
                    error
                };
                vec![clean(&source().map_err(refuse)?, "the credential's function")?]
            }
        })
    }

    /// The query parameters that hold a credential.
    #[must_use]
    pub fn parameters(&self, scheme: &AuthScheme) -> Vec<String> {
        match self {
            Self::ApiKey { placement: Placement::Query, name, .. } => vec![name.clone()],
            Self::Key(_) | Self::Source(_) if scheme.placement == Placement::Query => {
                vec![scheme.name.to_owned()]
            }
            _ => Vec::new(),
        }
    }

    /// Adds the credential, which [`Auth::secrets`] gave, to a request.
    pub fn apply(&self, scheme: &AuthScheme, secrets: &[SecretString], request: &mut HttpRequest) {
        let Some(secret) = secrets.first().map(ExposeSecret::expose_secret) else {
            return;
        };
        match self {
            Self::None => {}
            Self::Bearer(_) | Self::OAuth2(_) => {
                request.set_header("authorization", &format!("Bearer {secret}"));
            }
            Self::Basic { .. } => request.set_header("authorization", &format!("Basic {secret}")),
            Self::ApiKey { placement, name, .. } => place(request, *placement, name, secret),
            Self::Key(_) | Self::Source(_) => match scheme.kind {
                AuthKind::ApiKey => place(request, scheme.placement, scheme.name, secret),
                AuthKind::Basic => request.set_header("authorization", &format!("Basic {secret}")),
                _ => request.set_header("authorization", &format!("Bearer {secret}")),
            },
        }
    }
}

fn basic(user: &str, password: &SecretString) -> SecretString {
    let pair = format!("{user}:{}", password.expose_secret());
    base64::engine::general_purpose::STANDARD.encode(pair).into()
}

fn place(request: &mut HttpRequest, placement: Placement, name: &str, secret: &str) {
    match placement {
        Placement::Header => request.set_header(name, secret),
        Placement::Cookie => {
            let pair = format!("{name}={secret}");
            let known =
                request.headers.iter().find(|(known, _)| known == "cookie").map(|(_, value)| value.clone());
            request.set_header("cookie", &known.map_or(pair.clone(), |known| format!("{known}; {pair}")));
        }
        Placement::Query => {
            let between = if request.url.contains('?') { '&' } else { '?' };
            let query: String =
                url::form_urlencoded::Serializer::new(String::new()).append_pair(name, secret).finish();
            request.url = format!("{}{between}{query}", request.url);
        }
    }
}

/// A credential without the white space around it.
///
/// # Errors
/// [`Error::Config`] naming `source`, never the value.
pub fn clean(secret: &SecretString, source: &str) -> Result<SecretString> {
    let value = secret.expose_secret().trim();
    let refuse = |what: String| Error::new(Kind::Config, format!("{source} {what}"));
    if value.is_empty() {
        return Err(refuse("is empty: set it to the credential".to_owned()));
    }
    if let Some(at) = value.chars().position(|c| !('!'..='~').contains(&c)) {
        let what = format!("holds a character at position {} that no credential has; copy it again", at + 1);
        return Err(refuse(what));
    }
    Ok(value.into())
}
