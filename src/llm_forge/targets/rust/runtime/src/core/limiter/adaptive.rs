//! Limits that follow how the server copes; both are off unless asked for.

use super::super::errors::{Error, Kind, Result};
use super::super::outcome_window::OutcomeWindow;

const DECREASE: f64 = 0.7;
const DECREASE_INTERVAL: f64 = 1.0;
const THROTTLE_WINDOW: f64 = 120.0;
const BUCKETS: u32 = 12;

/// Additive increase, multiplicative decrease of the calls in flight, within 1 and `most`.
#[derive(Debug)]
pub(super) struct AdaptiveConcurrency {
    most: f64,
    limit: f64,
    decreased_at: Option<f64>,
}

impl AdaptiveConcurrency {
    pub(super) fn new(most: u32) -> Self {
        Self { most: f64::from(most), limit: f64::from(most), decreased_at: None }
    }

    /// Calls that may be in flight now.
    pub(super) fn limit(&self) -> f64 {
        self.limit.floor()
    }

    /// A call went well: as many of them as the limit raise it by one.
    pub(super) fn succeed(&mut self) {
        self.limit = (self.limit + 1.0 / self.limit).min(self.most);
    }

    /// A call was throttled or timed out; one of a burst counts.
    pub(super) fn overload(&mut self, now: f64) {
        if self.decreased_at.is_some_and(|at| now - at < DECREASE_INTERVAL) {
            return;
        }
        self.decreased_at = Some(now);
        self.limit = (self.limit * DECREASE).max(1.0);
    }
}

/// Turns calls away when the server has accepted few of the recent ones.
#[derive(Debug)]
pub(super) struct AdaptiveThrottle {
    k: f64,
    requests: OutcomeWindow,
    accepts: OutcomeWindow,
}

impl AdaptiveThrottle {
    pub(super) fn new(k: f64) -> Result<Self> {
        if !(k.is_finite() && k >= 1.0) {
            let message = format!("adaptive_throttle must be at least 1, or left out for off, not {k}");
            return Err(Error::new(Kind::Config, message));
        }
        let window = || OutcomeWindow::new(THROTTLE_WINDOW, BUCKETS);
        Ok(Self { k, requests: window(), accepts: window() })
    }

    /// Whether this attempt is turned away; it counts as attempted either way.
    #[allow(clippy::cast_precision_loss)] // counts of two minutes
    pub(super) fn rejects(&mut self, now: f64, chance: f64) -> bool {
        let (requests, accepts) = (self.requests.totals(now).total, self.accepts.totals(now).total);
        self.requests.add(now, false, false);
        chance < ((requests as f64 - self.k * accepts as f64) / (requests as f64 + 1.0)).max(0.0)
    }

    /// The server accepted a call.
    pub(super) fn accept(&mut self, now: f64) {
        self.accepts.add(now, false, false);
    }
}
