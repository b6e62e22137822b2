//! Whether a failed attempt is repeated, and after how long.
//!
//! Rules, asked in this order:
//! - the failure is one that another attempt may cure;
//! - attempts are left;
//! - sending again cannot do a thing twice;
//! - an attempt time-out is repeated once per call;
//! - the server's wait is neither longer than we accept nor than the time left;
//! - the whole wait ends early enough for an attempt to follow.
//!
//! The retry budget is asked by the caller, last, with the cost given here.

use super::deadline::MIN_ATTEMPT;
use super::errors::{Error, Kind, Result};
use super::profile::Replay;

/// The most attempts that a call may have.
pub const MOST_ATTEMPTS: u32 = 20;
/// Tokens of the budget that a retry costs.
pub const RETRY_COST: u32 = 5;
/// Tokens that a retry after an attempt's time-out costs.
pub const TIMEOUT_RETRY_COST: u32 = 10;

/// What kind of failure an attempt ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The server answered with a status.
    Status,
    /// No connection was made.
    Connect,
    /// The server refused the HTTP/2 stream.
    RefusedStream,
    /// The connection ended before the response did.
    Lost,
    /// The attempt's own timer.
    Timeout,
    /// No connection of the pool became free.
    Pool,
    /// Never repeated: certificate, redirect, too large, undecodable, local rejection.
    Fatal,
}

impl FailureKind {
    /// Nothing of the request was taken on. A pool time-out is ours to add to R-076's list: nothing was sent.
    fn is_never_processed(self) -> bool {
        matches!(self, Self::Connect | Self::RefusedStream | Self::Pool)
    }
}

/// What went wrong in an attempt; `server_wait` is in seconds, `should_retry` the server's own word, and
/// `terminal_quota` marks a 429 that waiting does not cure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failure {
    /// What kind it is.
    pub kind: FailureKind,
    /// The status, if the server answered.
    pub status: Option<u16>,
    /// How long the server asks to wait.
    pub server_wait: Option<f64>,
    /// What the server says of another attempt.
    pub should_retry: Option<bool>,
    /// Whether a quota is spent for good.
    pub terminal_quota: bool,
}

impl Failure {
    /// A failure of which nothing but its kind is known.
    #[must_use]
    pub fn of(kind: FailureKind) -> Self {
        Self { kind, status: None, server_wait: None, should_retry: None, terminal_quota: false }
    }
}

/// Where a wait comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitSource {
    /// Our own backoff.
    Backoff,
    /// The server.
    Server,
    /// None: another token is tried at once.
    Token,
    /// A second attempt beside a slow first one.
    Hedge,
}

impl WaitSource {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backoff => "backoff",
            Self::Server => "server",
            Self::Token => "token",
            Self::Hedge => "hedge",
        }
    }
}

/// Why there is no further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// Another attempt would not cure it.
    NotRetryable,
    /// All attempts are made.
    Attempts,
    /// The server asks for too long a wait.
    ServerWait,
    /// The deadline comes first.
    Deadline,
    /// Sending again could do a thing twice.
    Replay,
    /// The second time-out of the call.
    TimeoutAgain,
}

/// Wait `after` seconds and try again; `cost` is what the retry budget is to pay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// Seconds.
    pub after: f64,
    /// Where the wait comes from.
    pub source: WaitSource,
    /// Tokens.
    pub cost: u32,
}

/// What the decision needs to know of the call.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools)] // independent facts
pub struct Situation {
    /// The operation's replay class.
    pub replay: Replay,
    /// Whether the body can be sent again.
    pub rewindable: bool,
    /// Whether an idempotency key is really sent.
    pub keyed: bool,
    /// The call's attempt time-outs, with this one.
    pub timeouts: u32,
    /// Whether a 401 may be cured by another token.
    pub renewable: bool,
    /// Seconds to the deadline.
    pub left: Option<f64>,
    /// Uniform in [0, 1], for the backoff.
    pub chance: f64,
    /// Uniform in [0, 1], for the jitter on a server's wait.
    pub jitter: f64,
}

/// The numbers of in seconds, and the provider's additions.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// Attempts, the first included.
    pub max_attempts: u32,
    /// The bound of the first wait.
    pub base: f64,
    /// The same where the server throttles.
    pub throttle_base: f64,
    /// By how much waits grow.
    pub factor: f64,
    /// The longest backoff.
    pub cap: f64,
    /// The longest wait that a server may ask for.
    pub max_server_wait: f64,
    /// Statuses to repeat beside the usual ones.
    pub retryable_statuses: Vec<u16>,
    /// Statuses that prove that nothing was processed.
    pub not_processed: Vec<u16>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base: 0.5,
            throttle_base: 1.0,
            factor: 2.0,
            cap: 20.0,
            max_server_wait: 60.0,
            retryable_statuses: Vec::new(),
            not_processed: vec![429],
        }
    }
}

impl RetryPolicy {
    /// The retry to make after attempt number `attempt` (from 1) failed, or why there is none.
    ///
    /// # Errors
    /// [`GiveUp`] says why the error is final.
    pub fn decide(
        &self,
        attempt: u32,
        failure: &Failure,
        call: &Situation,
    ) -> std::result::Result<Retry, GiveUp> {
        let may_replay = call.rewindable && self.may_replay(failure, call);
        if call.renewable && failure.status == Some(401) && failure.should_retry != Some(false) {
            return if may_replay { renewed(call.left) } else { Err(GiveUp::Replay) };
        }
        if !self.is_retryable(failure) {
            return Err(GiveUp::NotRetryable);
        }
        if attempt >= self.max_attempts {
            return Err(GiveUp::Attempts);
        }
        if !may_replay {
            return Err(GiveUp::Replay);
        }
        if failure.kind == FailureKind::Timeout && call.timeouts > 1 {
            return Err(GiveUp::TimeoutAgain);
        }
        self.timed(attempt, failure, call)
    }

    /// Whether another attempt may cure this, without regard to attempts, time and replay class.
    ///
    /// A terminal quota code outweighs `x-should-retry: true`: R-072 is about one kind of response, R-068 about
    /// any.
    #[must_use]
    pub fn is_retryable(&self, failure: &Failure) -> bool {
        if failure.kind != FailureKind::Status {
            return failure.kind != FailureKind::Fatal;
        }
        if failure.should_retry == Some(false) || self.quota_is_spent(failure) {
            return false;
        }
        let known = |status| is_usually_retryable(status) || self.retryable_statuses.contains(&status);
        failure.should_retry == Some(true) || failure.status.is_some_and(known)
    }

    fn quota_is_spent(&self, failure: &Failure) -> bool {
        failure.terminal_quota
            && failure.server_wait.is_none_or(|wait| wait == 0.0 || wait > self.max_server_wait)
    }

    /// R-076; an operation that would need a key and has none counts as `once`.
    fn may_replay(&self, failure: &Failure, call: &Situation) -> bool {
        if call.replay == Replay::Safe || (call.replay == Replay::Keyed && call.keyed) {
            return true;
        }
        let not_processed = |status| self.not_processed.contains(&status);
        failure.kind.is_never_processed()
            || (failure.kind == FailureKind::Status && failure.status.is_some_and(not_processed))
    }

    fn timed(&self, attempt: u32, failure: &Failure, call: &Situation) -> std::result::Result<Retry, GiveUp> {
        let cost = if failure.kind == FailureKind::Timeout { TIMEOUT_RETRY_COST } else { RETRY_COST };
        let backoff = self.backoff(attempt, failure) * call.chance;
        let wait = failure.server_wait.unwrap_or(0.0);
        if wait > self.max_server_wait || call.left.is_some_and(|left| wait > left) {
            return Err(GiveUp::ServerWait);
        }
        let after = wait.max(backoff) + call.jitter * (wait / 10.0).min(1.0);
        if call.left.is_some_and(|left| after + MIN_ATTEMPT > left) {
            return Err(GiveUp::Deadline);
        }
        let source = if wait > 0.0 { WaitSource::Server } else { WaitSource::Backoff };
        Ok(Retry { after, source, cost })
    }

    /// The upper bound of the wait before the attempt that follows `attempt`.
    fn backoff(&self, attempt: u32, failure: &Failure) -> f64 {
        let waits = failure.server_wait.is_some_and(|wait| wait > 0.0);
        let throttled =
            failure.status.is_some_and(|status| is_throttling(status) || (status == 503 && waits));
        let base = if throttled { self.throttle_base } else { self.base };
        self.cap.min(base * self.factor.powf(f64::from(attempt - 1)))
    }
}

/// The number of attempts, if it is from 1 (no retries) to 20.
///
/// # Errors
/// [`Error::Config`] otherwise.
pub fn check_attempts(count: u32) -> Result<u32> {
    if (1..=MOST_ATTEMPTS).contains(&count) {
        return Ok(count);
    }
    let message = format!("max_attempts must be a whole number from 1 to {MOST_ATTEMPTS}, not {count}");
    Err(Error::new(Kind::Config, message))
}

/// Whether a status says that the server wants less (429, 498, 529).
#[must_use]
pub fn is_throttling(status: u16) -> bool {
    matches!(status, 429 | 498 | 529)
}

fn is_usually_retryable(status: u16) -> bool {
    matches!(status, 408 | 409 | 425 | 429 | 500 | 502 | 503 | 504 | 529)
}

/// At once with another token, if there is time for an attempt.
fn renewed(left: Option<f64>) -> std::result::Result<Retry, GiveUp> {
    if left.is_some_and(|left| left < MIN_ATTEMPT) {
        return Err(GiveUp::Deadline);
    }
    Ok(Retry { after: 0.0, source: WaitSource::Token, cost: RETRY_COST })
}
