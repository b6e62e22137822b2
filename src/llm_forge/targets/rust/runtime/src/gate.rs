//! The limiter with its waiters: who must wait sleeps here, first in, first out.
//!
//! The limiter decides and holds no lock; this guards it with one that is never held across a wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::clock::Clock;
use super::core::deadline::{Deadline, MIN_ATTEMPT};
use super::core::errors::{Error, Kind, Phase, Result};
use super::core::limiter::{
    Cost, Decision, FamilyState, Health, Limiter, Refusal, Reservation, Settlement, Ticket,
};
use super::core::rate_headers::Observed;

/// One limiter and its queue, shared by the calls for one model or family of models.
pub(super) struct Gate(Mutex<Inner>);

struct Inner {
    limiter: Limiter,
    signals: HashMap<Ticket, Arc<Notify>>,
}

impl Inner {
    /// Only the head can be granted; it wakes the next when it is.
    fn wake_head(&self) {
        if let Some(signal) = self.limiter.head().and_then(|head| self.signals.get(&head)) {
            signal.notify_one();
        }
    }

    /// Register who waits, in the same breath as the decision, so that no wake-up is lost.
    fn follow(&mut self, decision: &Decision) {
        match decision {
            Decision::Wait { ticket, .. } => {
                self.signals.insert(*ticket, Arc::new(Notify::new()));
            }
            _ => self.wake_head(),
        }
    }
}

/// A waiter that leaves without a decision leaves no hole.
struct Place<'a> {
    gate: &'a Gate,
    ticket: Ticket,
    decided: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.decided {
            let mut inner = self.gate.lock();
            inner.signals.remove(&self.ticket);
            inner.limiter.cancel(self.ticket);
            inner.wake_head();
        }
    }
}

impl Gate {
    pub(super) fn new(limiter: Limiter) -> Self {
        Self(Mutex::new(Inner { limiter, signals: HashMap::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reservation, and the seconds waited for it.
    pub(super) async fn enter(
        &self,
        clock: &dyn Clock,
        chance: f64,
        cost: Cost,
        deadline: Deadline,
        max_wait: f64,
    ) -> Result<(Reservation, f64)> {
        let began = clock.now();
        let mut decision = {
            let mut inner = self.lock();
            let left = deadline.left(began);
            let decision = inner.limiter.reserve(cost, began, left, Some(max_wait), chance);
            inner.follow(&decision);
            decision
        };
        let waited = matches!(decision, Decision::Wait { .. });
        loop {
            match decision {
                Decision::Granted(reservation) => {
                    return Ok((reservation, if waited { clock.now() - began } else { 0.0 }));
                }
                Decision::Refused { wait, why } => return Err(refusal(wait, why, &cost)),
                Decision::Wait { ticket, until } => {
                    decision = self.wait(clock, ticket, until, deadline, max_wait).await?;
                }
            }
        }
    }

    async fn wait(
        &self,
        clock: &dyn Clock,
        ticket: Ticket,
        until: f64,
        deadline: Deadline,
        max_wait: f64,
    ) -> Result<Decision> {
        let mut place = Place { gate: self, ticket, decided: false };
        let signal = self.lock().signals.get(&ticket).cloned().unwrap_or_default();
        let now = clock.now();
        let seconds = deadline.timer(Some((until - now).max(0.0)), now).unwrap_or(f64::INFINITY);
        tokio::select! {
            biased;
            () = signal.notified() => {}
            () = clock.sleep(seconds) => {}
        }
        let now = clock.now();
        let left = deadline.left(now);
        if left.is_some_and(|left| left < MIN_ATTEMPT) {
            let message = "The deadline passed while waiting for the rate limiter";
            return Err(Error::new(Kind::DeadlineExceeded, message).in_phase(Phase::Limiter));
        }
        let mut inner = self.lock();
        inner.signals.remove(&ticket);
        let decision = inner.limiter.claim(ticket, now, left, Some(max_wait));
        inner.follow(&decision);
        place.decided = true;
        Ok(decision)
    }

    /// Settle a reservation and wake the head waiter.
    pub(super) fn leave(
        &self,
        reservation: Reservation,
        now: f64,
        used: Option<&Cost>,
        how: Settlement,
        health: Health,
    ) {
        let mut inner = self.lock();
        inner.limiter.settle(reservation, now, used, how, health);
        inner.wake_head();
    }

    /// Take over what a response's headers say.
    pub(super) fn learn(&self, observed: &[Observed], now: f64) {
        if !observed.is_empty() {
            let mut inner = self.lock();
            inner.limiter.learn(observed, now);
            inner.wake_head();
        }
    }

    /// Hold all new sends until then.
    pub(super) fn pause(&self, until: f64, now: f64) {
        self.lock().limiter.pause(until, now);
    }

    /// What is known of each family.
    pub(super) fn snapshot(&self, now: f64) -> Vec<FamilyState> {
        self.lock().limiter.snapshot(now)
    }
}

fn refusal(wait: f64, why: Refusal, cost: &Cost) -> Error {
    match why {
        Refusal::TooLarge => {
            let message = format!(
                "The request reserves {:.0} input and {:.0} output tokens, more than a declared limit admits at once; \
                 raise that limit's burst, set max_tokens, or let such requests through alone with \
                 Oversize::AdmitWhenFull",
                cost.input, cost.output
            );
            Error::new(Kind::RateLimitConfig, message)
        }
        Refusal::Throttled => Error::new(
            Kind::RateLimitWait,
            "The server accepted so few of the recent calls that this one is not sent (adaptive_throttle)",
        ),
        Refusal::Wait => {
            let message =
                format!("The rate limiter would hold this call for {wait:.1} s, longer than it may wait");
            Error::new(Kind::RateLimitWait, message).with_retry_after(wait)
        }
    }
}
