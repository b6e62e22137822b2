//! What an error means for retrying, for the breaker and for the limiter.
//!
//! Only kinds and structured facts decide; message text never does.

use super::breaker::{outcome_of, Outcome};
use super::errors::{Error, Phase};
use super::headers::Headers;
use super::limiter::{Health, Settlement};
use super::retry::{Failure, FailureKind};
use super::server_wait::should_retry;

/// The failure for the retry policy; `headers` are those of the failed response, if one came.
#[must_use]
pub fn failure_of(error: &Error, headers: Option<&Headers>) -> Failure {
    if error.is_api() {
        let facts = error.facts();
        return Failure {
            kind: FailureKind::Status,
            status: facts.status,
            server_wait: facts.retry_after,
            should_retry: headers.and_then(should_retry),
            terminal_quota: matches!(error, Error::QuotaExceeded(_)) && facts.status == Some(429),
        };
    }
    Failure::of(match error {
        Error::Connect(_) => FailureKind::Connect,
        Error::PoolTimeout(_) => FailureKind::Pool,
        Error::AttemptTimeout(_) => FailureKind::Timeout,
        Error::ConnectionLost(_) | Error::StreamInterrupted(_) => FailureKind::Lost,
        _ => FailureKind::Fatal,
    })
}

/// How an attempt counts for the breaker; cancellation and local rejection count as nothing.
#[must_use]
pub fn breaker_outcome(error: Option<&Error>) -> Outcome {
    let Some(error) = error else {
        return Outcome::Success;
    };
    match error {
        Error::Cancelled(_) | Error::Raised(_) => Outcome::Neutral,
        Error::StreamIdle(_) | Error::StreamStall(_) | Error::Tls(_) | Error::Protocol(_) => Outcome::Failure,
        Error::DeadlineExceeded(facts) if facts.phase.is_some_and(Phase::is_after_sending) => {
            Outcome::Failure
        }
        Error::DeadlineExceeded(_) => Outcome::Neutral,
        // The exchange worked; what it brought was not acceptable.
        Error::InvalidResponse(_)
        | Error::Redirect(_)
        | Error::ResponseTooLarge(_)
        | Error::StreamDecode(_)
        | Error::StreamProtocol(_) => Outcome::Success,
        _ => outcome_of(Some(&failure_of(error, None))),
    }
}

/// How a reservation is settled.
#[must_use]
pub fn settlement(error: Option<&Error>, sent: bool) -> Settlement {
    match error {
        _ if !sent => Settlement::Unsent,
        Some(Error::Connect(_) | Error::PoolTimeout(_)) => Settlement::Unsent,
        Some(Error::Cancelled(_)) => Settlement::Cancelled,
        Some(error) if error.is_api() && error.facts().status == Some(429) => Settlement::Throttled,
        _ => Settlement::Done,
    }
}

/// What an ended attempt says about the server's load, for the adaptive limits.
#[must_use]
pub fn server_health(error: Option<&Error>) -> Health {
    let overloaded = error.is_some_and(|error| {
        matches!(error, Error::AttemptTimeout(_)) || matches!(error.facts().status, Some(429 | 498 | 529))
    });
    match breaker_outcome(error) {
        _ if overloaded => Health::Overload,
        Outcome::Success => Health::Good,
        _ => Health::Unknown,
    }
}
