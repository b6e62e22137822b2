//! What the server said about its families, and how long that holds a call.
//!
//! Rules:
//! - State ends at the reported reset; after it the family is unknown, not full: nothing is held.
//! - Until then the lowest reported remaining wins, whatever order responses arrive in; for refill meaning,
//!   remaining rises by the refill in between.
//! - Calls that went out since the report was taken over are subtracted until they are settled, so that a crowd
//!   does not share the same last few units.
//! - Without a usable reset nothing is ever held.

use super::super::profile::ResetMeaning;
use super::super::rate_headers::Observed;
use super::model::{Cost, FamilyState, LimitSource};

/// A server may invent names; we do not keep them without end.
const MOST_FAMILIES: usize = 64;

/// The server's families in the order in which they were first told.
#[derive(Debug, Default)]
pub(super) struct Families(Vec<Learned>);

#[derive(Debug)]
struct Learned {
    observed: Observed,
    reported: f64,
    seen_at: f64,
    under_way: f64,
    epoch: u64,
}

impl Families {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Take over what a response reports; a family without a remaining count is skipped.
    pub(super) fn learn(&mut self, observed: &[Observed], now: f64) {
        for one in observed.iter().filter(|one| one.remaining.is_some()) {
            if let Some(known) = self.0.iter_mut().find(|known| known.observed.family == one.family) {
                known.learn(one, now);
            } else if self.0.len() < MOST_FAMILIES {
                self.0.push(Learned::new(one, now, 1));
            }
        }
    }

    /// Until when a call of this cost is held behind what is `ahead` of it; `now` if it is not.
    pub(super) fn ready_at(&self, cost: &Cost, now: f64, ahead: &Cost) -> f64 {
        let amount = |one: &Learned| cost.of(one.observed.unit);
        let asked = self.0.iter().filter(|one| amount(one) > 0.0);
        asked.map(|one| one.ready_at(amount(one) + ahead.of(one.observed.unit), now)).fold(now, f64::max)
    }

    /// Count a call that goes out; the marks are for `release`.
    pub(super) fn charge(&mut self, cost: &Cost) -> Vec<u64> {
        let charge = |one: &mut Learned| {
            one.under_way += cost.of(one.observed.unit);
            one.epoch
        };
        self.0.iter_mut().map(charge).collect()
    }

    /// The call ended: the server's next report includes it, if it has not yet.
    pub(super) fn release(&mut self, marks: &[u64], cost: &Cost) {
        for (one, epoch) in self.0.iter_mut().zip(marks) {
            if one.epoch == *epoch {
                one.under_way = (one.under_way - cost.of(one.observed.unit)).max(0.0);
            }
        }
    }

    /// Every family as it stands; remaining is `None` once its reset has passed.
    pub(super) fn states(&self, now: f64) -> Vec<FamilyState> {
        let state = |one: &Learned| FamilyState {
            family: one.observed.family.clone(),
            unit: one.observed.unit,
            limit: one.observed.limit,
            remaining: (!one.expired(now)).then(|| (one.refilled(now) - one.under_way).max(0.0)),
            resets_in: one.observed.resets_at.map(|at| (at - now).max(0.0)),
            source: LimitSource::Server,
        };
        self.0.iter().map(state).collect()
    }
}

impl Learned {
    fn new(observed: &Observed, now: f64, epoch: u64) -> Self {
        let reported = observed.remaining.unwrap_or(0.0);
        Self { observed: observed.clone(), reported, seen_at: now, under_way: 0.0, epoch }
    }

    /// Take over a later report, unless an earlier one of the same window said less.
    fn learn(&mut self, observed: &Observed, now: f64) {
        let both = self.observed.resets_at.zip(observed.resets_at);
        let Some((known, told)) = both.filter(|_| !self.expired(now)) else {
            *self = Self::new(observed, now, self.epoch + 1);
            return;
        };
        if observed.remaining.unwrap_or(0.0) <= self.refilled(now) {
            *self = Self::new(observed, now, self.epoch + 1);
            if observed.meaning == ResetMeaning::Window {
                // Delay on the way only ever makes a window's end look later than it is.
                self.observed.resets_at = Some(known.min(told));
            }
        }
    }

    fn expired(&self, now: f64) -> bool {
        self.observed.resets_at.is_some_and(|at| now >= at)
    }

    fn ready_at(&self, amount: f64, now: f64) -> f64 {
        let Some(resets_at) = self.observed.resets_at.filter(|at| now < *at) else {
            return now;
        };
        let missing = amount + self.under_way - self.refilled(now);
        if missing <= 1e-9 * amount.max(1.0) {
            return now;
        }
        self.rate().map_or(resets_at, |rate| (now + missing / rate).min(resets_at))
    }

    fn refilled(&self, now: f64) -> f64 {
        self.reported + self.rate().map_or(0.0, |rate| (now - self.seen_at) * rate)
    }

    /// Units a second of a refilling family, `None` if it does not refill or the report does not say.
    fn rate(&self) -> Option<f64> {
        if self.observed.meaning != ResetMeaning::Refill {
            return None;
        }
        let seconds = self.observed.resets_at? - self.seen_at;
        let units = self.observed.limit? - self.reported;
        (seconds > 0.0 && units > 0.0).then(|| units / seconds)
    }
}
