//! Webhooks as they arrive.

use secrecy::SecretString;
use serde_json::Value;

use super::clock::{Clock as _, SystemClock};
use super::core::errors::Result;
use super::core::headers::Headers;
use super::core::webhooks::WebhookScheme;

/// The JSON of a webhook that is genuine and fresh. `body` are the bytes as they arrived; several secrets are
/// tried in turn, for while one is being replaced.
///
/// # Errors
/// Those of [`WebhookScheme::check`].
pub fn verify_webhook<'a>(
    scheme: &WebhookScheme,
    body: &[u8],
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    secrets: &[SecretString],
) -> Result<Value> {
    scheme.check(body, &Headers::new(headers), secrets, SystemClock::default().wall())
}
