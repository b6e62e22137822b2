//! What a user may set, per client and per call. Durations are seconds, at least 1 ms.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::auth::Auth;
use super::clock::{Chance, Clock};
use super::core::breaker::BreakerSettings;
use super::core::durations::check_seconds;
use super::core::errors::Result;
use super::core::finite::to_json;
use super::core::limiter::{Limit, Mode, Oversize};
use super::core::retry::check_attempts;
use super::middleware::Middleware;
use super::observability::Hook;
use super::pool::PoolLimits;
use super::transport::Transport;

/// The deadline of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Timeout {
    /// 600 s for unary calls, none for streams.
    #[default]
    Usual,
    /// So many seconds.
    After(f64),
    /// None.
    Never,
}

/// Resolved options of a call; the defaults are those of.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // named as in BEHAVIOUR's options; `CallOptions` explains them
pub struct Settings {
    pub timeout: Timeout,
    pub max_attempts: u32,
    pub attempt_timeout: f64,
    pub first_event_timeout: f64,
    pub idle_timeout: f64,
    pub stall_timeout: f64,
    pub max_server_wait: f64,
    pub max_limit_wait: f64,
    pub max_backoff: f64,
    pub backoff_factor: f64,
    pub respect_retry_after: bool,
    pub connect_timeout: f64,
    pub pool_timeout: f64,
    pub strict_completion: bool,
    pub strict: bool,
    pub hedge_after: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Timeout::Usual,
            max_attempts: 3,
            attempt_timeout: 600.0,
            first_event_timeout: 600.0,
            idle_timeout: 60.0,
            stall_timeout: 300.0,
            max_server_wait: 60.0,
            max_limit_wait: 60.0,
            max_backoff: 20.0,
            backoff_factor: 2.0,
            respect_retry_after: true,
            connect_timeout: 5.0,
            pool_timeout: 10.0,
            strict_completion: false,
            strict: false,
            hedge_after: None,
        }
    }
}

impl Settings {
    /// The settings, if every number is one that its option may have.
    ///
    /// # Errors
    /// [`Config`](super::core::errors::Error::Config) names the option.
    pub fn checked(self) -> Result<Self> {
        let durations = [
            ("attempt_timeout", self.attempt_timeout),
            ("first_event_timeout", self.first_event_timeout),
            ("idle_timeout", self.idle_timeout),
            ("stall_timeout", self.stall_timeout),
            ("max_server_wait", self.max_server_wait),
            ("max_limit_wait", self.max_limit_wait),
            ("max_backoff", self.max_backoff),
            ("connect_timeout", self.connect_timeout),
            ("pool_timeout", self.pool_timeout),
            ("backoff_factor", self.backoff_factor),
        ];
        for (name, value) in durations {
            check_seconds(name, value)?;
        }
        if let Timeout::After(seconds) = self.timeout {
            check_seconds("timeout", seconds)?;
        }
        if let Some(seconds) = self.hedge_after {
            check_seconds("hedge_after", seconds)?;
        }
        check_attempts(self.max_attempts)?;
        Ok(self)
    }

    /// The deadline of a call in seconds.
    #[must_use]
    pub fn call_timeout(&self, streaming: bool) -> Option<f64> {
        match self.timeout {
            Timeout::After(seconds) => Some(seconds),
            Timeout::Usual if !streaming => Some(600.0),
            _ => None,
        }
    }
}

/// Options of one call, or defaults of a client for all its calls; what is `None` is left as it was.
///
/// `timeout` bounds the whole call, `attempt_timeout` one exchange, `first_event_timeout` the wait for a stream's
/// first event, `idle_timeout` a stream without bytes, `stall_timeout` a stream without events. `max_limit_wait` is
/// the longest wait for a local limit, `max_server_wait` the longest that the server may ask for. `strict` refuses results without a required field. `hedge_after`
/// sends a second attempt beside one that is slower. `cancel` ends the
/// call with [`Cancelled`](super::core::errors::Error::Cancelled); so does dropping its future, without a word.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // explained above
pub struct CallOptions {
    pub timeout: Option<Timeout>,
    pub max_attempts: Option<u32>,
    pub attempt_timeout: Option<f64>,
    pub first_event_timeout: Option<f64>,
    pub idle_timeout: Option<f64>,
    pub stall_timeout: Option<f64>,
    pub max_server_wait: Option<f64>,
    pub max_limit_wait: Option<f64>,
    pub max_backoff: Option<f64>,
    pub backoff_factor: Option<f64>,
    pub respect_retry_after: Option<bool>,
    pub connect_timeout: Option<f64>,
    pub pool_timeout: Option<f64>,
    pub strict_completion: Option<bool>,
    pub strict: Option<bool>,
    pub hedge_after: Option<f64>,
    pub idempotency_key: Option<String>,
    pub trace_parent: Option<String>,
    pub metadata: Map<String, Value>,
    pub extra_headers: Vec<(String, String)>,
    pub extra_query: Map<String, Value>,
    pub extra_body: Map<String, Value>,
    pub cancel: Option<CancellationToken>,
}

impl CallOptions {
    /// A field of the body that the description does not know, or in the place of one that it knows.
    ///
    /// # Errors
    /// [`InvalidRequest`](super::core::errors::Error::InvalidRequest) for NaN, an infinity, and whatever else JSON
    /// cannot hold.
    pub fn extra_field<T: Serialize + ?Sized>(mut self, name: impl Into<String>, value: &T) -> Result<Self> {
        self.extra_body.insert(name.into(), to_json(value)?);
        Ok(self)
    }

    /// These settings with what is given here.
    ///
    /// # Errors
    /// [`Config`](super::core::errors::Error::Config) for a number that its option cannot have.
    pub fn over(&self, start: &Settings) -> Result<Settings> {
        Settings {
            timeout: self.timeout.unwrap_or(start.timeout),
            max_attempts: self.max_attempts.unwrap_or(start.max_attempts),
            attempt_timeout: self.attempt_timeout.unwrap_or(start.attempt_timeout),
            first_event_timeout: self.first_event_timeout.unwrap_or(start.first_event_timeout),
            idle_timeout: self.idle_timeout.unwrap_or(start.idle_timeout),
            stall_timeout: self.stall_timeout.unwrap_or(start.stall_timeout),
            max_server_wait: self.max_server_wait.unwrap_or(start.max_server_wait),
            max_limit_wait: self.max_limit_wait.unwrap_or(start.max_limit_wait),
            max_backoff: self.max_backoff.unwrap_or(start.max_backoff),
            backoff_factor: self.backoff_factor.unwrap_or(start.backoff_factor),
            respect_retry_after: self.respect_retry_after.unwrap_or(start.respect_retry_after),
            connect_timeout: self.connect_timeout.unwrap_or(start.connect_timeout),
            pool_timeout: self.pool_timeout.unwrap_or(start.pool_timeout),
            strict_completion: self.strict_completion.unwrap_or(start.strict_completion),
            strict: self.strict.unwrap_or(start.strict),
            hedge_after: self.hedge_after.or(start.hedge_after),
        }
        .checked()
    }
}

/// Options of a client; [`Default`] takes all from the environment and the provider's description.
#[derive(Clone, Default)]
#[allow(missing_docs)] // named as in BEHAVIOUR's options
pub struct ClientOptions {
    pub api_key: Option<SecretString>,
    pub auth: Option<Auth>,
    pub base_url: Option<String>,
    pub config: Vec<PathBuf>,
    pub proxy: Option<SecretString>,
    pub trust_env: Option<bool>,
    pub calls: CallOptions,
    pub headers: Vec<(String, String)>,
    pub secret_headers: Vec<String>,
    pub allow_insecure_http: bool,
    pub trusted_origins: Vec<String>,
    pub ca_bundle: Option<PathBuf>,
    pub pool: PoolLimits,
    pub limits: Vec<Limit>,
    pub limiter_mode: Mode,
    pub concurrency: Option<u32>,
    pub oversize: Oversize,
    pub adaptive_concurrency: bool,
    pub adaptive_throttle: Option<f64>,
    pub breaker: BreakerSettings,
    pub on_event: Vec<Hook>,
    pub middleware: Vec<Arc<dyn Middleware>>,
    pub clock: Option<Arc<dyn Clock>>,
    pub random: Option<Chance>,
    pub transport: Option<Arc<dyn Transport>>,
}
