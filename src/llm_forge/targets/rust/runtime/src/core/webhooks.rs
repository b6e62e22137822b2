//! Signatures of webhooks: who sent a message, and when.
//!
//! - The signature is over the bytes that arrived, so it is checked before anything decodes them.
//! - Comparison takes the same time wherever it fails; every secret and every signature is tried.
//! - A message outside the replay window is refused, whatever its signature says.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::Sha256;

use super::errors::{Error, Kind, Result};
use super::headers::Headers;
use super::json::decode;

const REPLAY_WINDOW: f64 = 300.0;
const MOST_STAMP_DIGITS: usize = 15;

/// A part of what is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedPart {
    /// The message's id.
    Id,
    /// Its timestamp.
    Timestamp,
    /// The body as it arrived.
    Body,
}

/// How a provider signs: HMAC-SHA256 over the `signed` parts, joined by dots.
///
/// The signature header holds signatures separated by spaces, each `version`, a comma and the signature; without a
/// version it holds bare ones. A secret in Base64 may carry `key_prefix`; with `key_is_text` it is taken as it is.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // explained above
pub struct WebhookScheme {
    pub signature_header: &'static str,
    pub timestamp_header: &'static str,
    pub id_header: &'static str,
    pub signed: &'static [SignedPart],
    pub version: Option<&'static str>,
    pub hex_signature: bool,
    pub key_is_text: bool,
    pub key_prefix: &'static str,
}

impl WebhookScheme {
    /// The scheme of standardwebhooks.com, which `OpenAI` and many others use.
    pub const STANDARD: Self = Self {
        signature_header: "webhook-signature",
        timestamp_header: "webhook-timestamp",
        id_header: "webhook-id",
        signed: &[SignedPart::Id, SignedPart::Timestamp, SignedPart::Body],
        version: Some("v1"),
        hex_signature: false,
        key_is_text: false,
        key_prefix: "whsec_",
    };

    /// The JSON of a webhook that is genuine and fresh; `now` is in seconds since the epoch. Several secrets are tried,
    /// for while one is being replaced.
    ///
    /// # Errors
    /// [`Error::Auth`] for a message that is not genuine or more than five minutes off, [`Error::InvalidRequest`] for one
    /// that is no JSON, [`Error::Config`] for a secret that cannot be one.
    pub fn check(&self, body: &[u8], headers: &Headers, secrets: &[SecretString], now: f64) -> Result<Value> {
        let stamp = fresh_stamp(required(headers, self.timestamp_header)?, now)?;
        let id = if self.signed.contains(&SignedPart::Id) { required(headers, self.id_header)? } else { "" };
        let given: Vec<&str> = self.signatures(required(headers, self.signature_header)?).collect();
        let part = |part: &SignedPart| match part {
            SignedPart::Id => id.as_bytes(),
            SignedPart::Timestamp => stamp.as_bytes(),
            SignedPart::Body => body,
        };
        let message = self.signed.iter().map(part).collect::<Vec<_>>().join(&b'.');
        let mut genuine = false;
        for secret in secrets {
            let key = self.key(secret)?;
            for signature in &given {
                genuine |= self.fits(&key, &message, signature);
            }
        }
        if !genuine {
            return Err(refuse("The webhook's signature does not fit its content and the secret".to_owned()));
        }
        decode(body)
            .map_err(|error| Error::new(Kind::InvalidRequest, format!("The webhook is not JSON: {error}")))
    }

    /// Those of the scheme's version; those of other versions are not ours to judge.
    fn signatures<'a>(&'a self, value: &'a str) -> impl Iterator<Item = &'a str> {
        value.split_whitespace().filter_map(|word| match self.version {
            None => Some(word),
            Some(version) => word.strip_prefix(version)?.strip_prefix(','),
        })
    }

    fn key(&self, secret: &SecretString) -> Result<Vec<u8>> {
        let text = secret.expose_secret();
        if self.key_is_text {
            return Ok(text.as_bytes().to_vec());
        }
        STANDARD.decode(text.strip_prefix(self.key_prefix).unwrap_or(text)).map_err(|_| {
            Error::new(Kind::Config, "The webhook secret is not Base64; copy it whole from the provider")
        })
    }

    fn fits(&self, key: &[u8], message: &[u8], signature: &str) -> bool {
        let given = if self.hex_signature { from_hex(signature) } else { STANDARD.decode(signature).ok() };
        let Ok(mut wanted) = Hmac::<Sha256>::new_from_slice(key) else { return false };
        wanted.update(message);
        given.is_some_and(|given| wanted.verify_slice(&given).is_ok())
    }
}

fn refuse(message: String) -> Error {
    Error::new(Kind::Auth, message)
}

fn required<'a>(headers: &'a Headers, name: &str) -> Result<&'a str> {
    let found = headers.get(name).filter(|value| !value.is_empty());
    found.ok_or_else(|| refuse(format!("The webhook has no header {name}")))
}

fn fresh_stamp(stamp: &str, now: f64) -> Result<&str> {
    let is_number = stamp.len() <= MOST_STAMP_DIGITS && stamp.bytes().all(|byte| byte.is_ascii_digit());
    let Some(sent) = stamp.parse::<f64>().ok().filter(|_| is_number) else {
        return Err(refuse("The webhook's timestamp is not a whole number of seconds".to_owned()));
    };
    if (now - sent).abs() > REPLAY_WINDOW {
        let message =
            format!("The webhook's timestamp is not within {REPLAY_WINDOW} s of now; it may be a replay");
        return Err(refuse(message));
    }
    Ok(stamp)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let whole = text.len() % 2 == 0 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if whole {
        text.as_bytes().chunks(2).map(pair).collect()
    } else {
        None
    }
}
