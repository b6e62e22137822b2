//! The one retry loop.
//!
//! Order per attempt: breaker, limiter, auth, transport. The last real error is returned, enriched, never
//! wrapped. Dropping the future of a call gives everything back that it holds.

use std::future::Future;
use std::sync::Arc;

use serde_json::Value;

use super::call::Call;
use super::core::classify::failure_of;
use super::core::deadline::MIN_ATTEMPT;
use super::core::errors::{Error, Kind, Phase, Result};
use super::core::retry::{Retry, RetryPolicy, Situation, WaitSource};
use super::shared::locked;

/// Tokens of the retry budget that come with a first attempt that succeeds.
const FIRST_SUCCESS_GAINS: u32 = 1;

impl Call {
    fn succeed(&self) {
        self.note(None);
        let plan = locked(&self.state).plan;
        self.refund(plan.map_or(FIRST_SUCCESS_GAINS, |plan| plan.cost));
    }

    /// What is raised where this client itself declines to send: the last real error, if there is one.
    fn rejected(&self, error: Error) -> Error {
        let Some(mut last) = locked(&self.state).last_error.clone() else {
            return self.enrich(error);
        };
        last.facts_mut().circuit_open |= matches!(error, Error::CircuitOpen(_));
        if last.facts().cause.is_none() {
            last = last.caused_by(error);
        }
        self.enrich(last)
    }

    pub(super) fn policy(&self) -> RetryPolicy {
        let rules = &self.shared.profile.errors;
        RetryPolicy {
            max_attempts: self.settings.max_attempts,
            factor: self.settings.backoff_factor,
            cap: self.settings.max_backoff,
            max_server_wait: self.settings.max_server_wait,
            retryable_statuses: rules.retryable_statuses.to_vec(),
            not_processed: rules.not_processed.to_vec(),
            ..RetryPolicy::default()
        }
    }

    /// The retry to make after an attempt failed, or the final error.
    fn decide(&self, mut error: Error) -> Result<Retry> {
        let policy = self.policy();
        let (headers, number, timeouts) = {
            let state = locked(&self.state);
            (state.headers.clone(), state.made(), state.timeouts)
        };
        let mut failure = failure_of(&error, headers.as_ref());
        if !self.settings.respect_retry_after {
            failure.server_wait = None;
        }
        error.facts_mut().retryable = policy.is_retryable(&failure);
        let situation = Situation {
            replay: self.operation.replay,
            rewindable: self.prepared().request.body.can_repeat(),
            keyed: self.prepared().keyed,
            timeouts,
            renewable: self.renewable(&error),
            left: self.deadline.left(self.now()),
            chance: self.chance(),
            jitter: self.chance(),
        };
        let Ok(plan) = policy.decide(number, &failure, &situation) else {
            return Err(self.enrich(error));
        };
        if !self.pay(plan.cost) {
            error.facts_mut().retry_budget_exhausted = true;
            self.emit("budget-exhausted", Value::Null);
            return Err(self.enrich(error));
        }
        locked(&self.state).renewals += u32::from(plan.source == WaitSource::Token);
        self.tell_retry(error.kind().as_str(), error.facts().status, &plan);
        Ok(plan)
    }

    /// Wait for the next attempt; an error if it woke too late to make one.
    async fn sleep(&self, seconds: f64) -> Result<()> {
        self.shared.clock.sleep(seconds).await;
        if self.deadline.left(self.now()).is_none_or(|left| left >= MIN_ATTEMPT) {
            return Ok(());
        }
        let message = "The deadline passed while waiting to retry";
        let mut late = Error::new(Kind::DeadlineExceeded, message).in_phase(Phase::RetrySleep);
        late.facts_mut().cause = locked(&self.state).last_error.clone().map(|last| Arc::new(last) as _);
        Err(self.enrich(late))
    }

    /// Make attempts until one succeeds or the policy gives up; the last real error is returned.
    pub(super) async fn run<T, F: Future<Output = Result<T>>>(&self, attempt: impl Fn() -> F) -> Result<T> {
        {
            let mut state = locked(&self.state);
            state.earlier = state.attempts.len();
            state.last_error = None;
        }
        let mut plan = None;
        loop {
            self.begin_attempt(plan);
            let mut guard = Unended(Some(self));
            let result = attempt().await;
            guard.0 = None;
            match result {
                Ok(result) => {
                    self.succeed();
                    return Ok(result);
                }
                Err(error @ Error::Raised(_)) => {
                    self.end_attempt(Some(&error));
                    return Err(error);
                }
                Err(error) if error.is_local_rejection() => {
                    self.end_attempt(Some(&error));
                    return Err(self.rejected(error));
                }
                Err(mut error) => {
                    self.note(Some(&mut error));
                    let next = self.decide(error)?;
                    self.sleep(next.after).await?;
                    plan = Some(next);
                }
            }
        }
    }
}

/// An attempt whose future is dropped ends too.
struct Unended<'a>(Option<&'a Call>);

impl Drop for Unended<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.0 {
            call.end_attempt(Some(&Error::new(Kind::Cancelled, "")));
        }
    }
}
