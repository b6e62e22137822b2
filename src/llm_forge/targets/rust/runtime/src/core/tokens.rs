//! OAuth 2 tokens: how an answer is read, when a token is renewed, and who may ask for one.
//!
//! - At most one token request is under way; whoever needs a token meanwhile joins it.
//! - A request that failed fails those who wait for it; the next caller begins a new one.
//! - A token and the refresh token that came with it are taken over in one step.
//! - Only the monotonic clock counts; the time of day may jump.

use secrecy::SecretString;
use serde_json::Value;

use super::errors::{Error, Kind, Result};

const DEFAULT_LIFETIME: f64 = 3600.0;
const RENEW_SECONDS: f64 = 60.0;
const RENEW_SHARE: f64 = 0.2;

/// What a token endpoint gave; `lifetime` is in seconds.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The access token.
    pub access: SecretString,
    /// How long it is good for.
    pub lifetime: f64,
    /// Another refresh token, where the server sent one.
    pub refresh: Option<SecretString>,
}

/// An access token, until it is to be renewed.
#[derive(Clone, Debug)]
pub struct Token {
    /// The text to send.
    pub access: SecretString,
    number: u64,
    renew_at: f64,
}

/// What somebody who needs a token is to do.
#[derive(Debug)]
pub enum Ask {
    /// Use this one.
    Use(Token),
    /// Wait for the request that is under way.
    Join,
    /// Send the request.
    Begin,
}

/// Says who uses, waits for, or asks for a token; its owner holds a lock.
#[derive(Debug, Default)]
pub struct TokenSource {
    /// The refresh token to use from now on, once the server has sent another.
    pub refresh: Option<SecretString>,
    token: Option<Token>,
    under_way: bool,
    count: u64,
}

impl TokenSource {
    /// The current token, or what to do for one.
    pub fn ask(&mut self, now: f64) -> Ask {
        if let Some(token) = self.token.as_ref().filter(|token| now <= token.renew_at) {
            return Ask::Use(token.clone());
        }
        if std::mem::replace(&mut self.under_way, true) {
            return Ask::Join;
        }
        Ask::Begin
    }

    /// The request brought this; its lifetime counts from the time it was asked for.
    pub fn succeed(&mut self, granted: Granted, asked_at: f64) -> Token {
        self.under_way = false;
        self.count += 1;
        if granted.refresh.is_some() {
            self.refresh = granted.refresh;
        }
        let renew_at = asked_at + usable_for(granted.lifetime);
        let token = Token { access: granted.access, number: self.count, renew_at };
        self.token = Some(token.clone());
        token
    }

    /// The request brought nothing.
    pub fn fail(&mut self) {
        self.under_way = false;
    }

    /// Stop using a token that a server refused; a newer one stays.
    pub fn refuse(&mut self, refused: &Token) {
        self.token.take_if(|token| token.number == refused.number);
    }

    /// What no text may show.
    #[must_use]
    pub fn secrets(&self) -> Vec<SecretString> {
        let token = self.token.as_ref().map(|token| token.access.clone());
        token.into_iter().chain(self.refresh.clone()).collect()
    }
}

/// How long a token is used before it is renewed.
fn usable_for(lifetime: f64) -> f64 {
    lifetime - RENEW_SECONDS.min(RENEW_SHARE * lifetime)
}

/// The token in a token endpoint's 2xx answer (RFC 6749 section 5.1); `clean` checks that a text can be sent.
///
/// # Errors
/// [`Error::Auth`] for an answer without a bearer token.
pub fn read_grant(answer: &Value, clean: impl Fn(&str, &str) -> Result<SecretString>) -> Result<Granted> {
    let refuse = |message: &str| Error::new(Kind::Auth, message);
    let Some(access) = answer["access_token"].as_str() else {
        return Err(refuse("The token endpoint's answer has no access_token; is token_url right?"));
    };
    if answer["token_type"].as_str().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(refuse("The token endpoint gave a token that is not of type bearer"));
    }
    let cleaned = |text: &str, name: &str| clean(text, name).map_err(|error| refuse(&error.to_string()));
    let refresh = answer["refresh_token"].as_str().filter(|text| !text.is_empty());
    Ok(Granted {
        access: cleaned(access, "the token endpoint's access_token")?,
        lifetime: lifetime_of(&answer["expires_in"]),
        refresh: refresh.map(|text| cleaned(text, "the token endpoint's refresh_token")).transpose()?,
    })
}

/// The seconds of `expires_in`, a number or its text; anything else counts as missing.
fn lifetime_of(value: &Value) -> f64 {
    let told = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    told.filter(|lifetime| lifetime.is_finite() && *lifetime >= 0.0).unwrap_or(DEFAULT_LIFETIME)
}
