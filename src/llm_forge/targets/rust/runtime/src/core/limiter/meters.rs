//! All declared limits of one limiter: charged together or not at all.
//!
//! A bucket holds up to its capacity and gains its rate a second; an excess charged later is a debt. A window is a
//! log of what was admitted in the last period: in no interval of one period is more than the limit admitted.

use std::collections::VecDeque;

use super::super::profile::Unit;
use super::model::{Cost, FamilyState, Limit, LimitSource, Settlement};

/// A deficit that refills within this many seconds is float noise of the clock, not a deficit.
const NOISE: f64 = 1e-6;
/// Charges closer together than this share of a period are kept as one, so that the log has a bounded length
/// whatever the traffic.
const GRAIN: f64 = 0.01;

/// How limits are metered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Continuous refill up to a burst.
    #[default]
    Bucket,
    /// Never more than the limit in any period.
    Sliding,
}

/// Any number of meters; empty it costs nothing.
#[derive(Debug)]
pub(super) struct Meters(Vec<Meter>);

#[derive(Debug)]
struct Meter {
    limit: Limit,
    capacity: f64,
    kind: MeterKind,
}

#[derive(Debug)]
enum MeterKind {
    Bucket(Bucket),
    Window(Window),
}

#[derive(Debug)]
struct Bucket {
    balance: f64,
    at: Option<f64>,
}

#[derive(Debug, Default)]
struct Window {
    log: VecDeque<Charged>,
    used: f64,
    last_id: u64,
}

#[derive(Debug)]
struct Charged {
    id: u64,
    first: f64,
    last: f64,
    amount: f64,
}

impl Meters {
    pub(super) fn new(limits: &[Limit], mode: Mode) -> Self {
        Self(limits.iter().map(|limit| Meter::new(limit.clone(), mode)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a limit can never hold as much.
    pub(super) fn is_too_large(&self, cost: &Cost) -> bool {
        self.0.iter().any(|meter| cost.of(meter.limit.unit) > meter.capacity)
    }

    /// When the cost can be charged after what is `ahead` of it; `now` if it can be now.
    ///
    /// A cost above a limit's capacity is ready when that limit is untouched.
    pub(super) fn ready_at(&mut self, cost: &Cost, now: f64, ahead: &Cost) -> f64 {
        let mut ready = now;
        for meter in &mut self.0 {
            let amount = cost.of(meter.limit.unit);
            if amount > 0.0 {
                let need = amount.min(meter.capacity) + ahead.of(meter.limit.unit);
                ready = ready.max(meter.ready_at(need, now));
            }
        }
        ready
    }

    /// Seconds in which the buckets gain this cost again; 0 without one, as windows have no pace.
    pub(super) fn step(&self, cost: &Cost) -> f64 {
        self.0.iter().map(|meter| meter.step(cost.of(meter.limit.unit))).fold(0.0, f64::max)
    }

    /// Charge every limit; the marks are for `settle`.
    pub(super) fn charge(&mut self, cost: &Cost, now: f64) -> Vec<u64> {
        self.0.iter_mut().map(|meter| meter.charge(cost.of(meter.limit.unit), now)).collect()
    }

    /// Correct what was charged to what was used.
    pub(super) fn settle(
        &mut self,
        marks: &[u64],
        cost: &Cost,
        used: Option<&Cost>,
        how: Settlement,
        now: f64,
    ) {
        for (meter, mark) in self.0.iter_mut().zip(marks) {
            let reserved = cost.of(meter.limit.unit);
            let change = actual(meter.limit.unit, reserved, used, how) - reserved;
            if change != 0.0 {
                meter.correct(*mark, change, now);
            }
        }
    }

    /// Every limit as it stands; `resets_in` is when it is untouched again.
    pub(super) fn states(&mut self, now: f64) -> Vec<FamilyState> {
        self.0.iter_mut().map(|meter| meter.state(now)).collect()
    }
}

/// What an ended attempt took: nothing unsent, no tokens when throttled, else usage or the estimate.
fn actual(unit: Unit, reserved: f64, used: Option<&Cost>, how: Settlement) -> f64 {
    match how {
        Settlement::Unsent => 0.0,
        _ if unit == Unit::Requests => reserved,
        Settlement::Throttled => 0.0,
        _ => used.map_or(reserved, |used| used.of(unit)),
    }
}

impl Meter {
    fn new(limit: Limit, mode: Mode) -> Self {
        match mode {
            Mode::Bucket => {
                let capacity = limit.capacity();
                Self { limit, capacity, kind: MeterKind::Bucket(Bucket { balance: capacity, at: None }) }
            }
            Mode::Sliding => {
                Self { capacity: limit.amount, limit, kind: MeterKind::Window(Window::default()) }
            }
        }
    }

    fn balance(&mut self, now: f64) -> f64 {
        match &mut self.kind {
            MeterKind::Bucket(bucket) => bucket.balance(now, self.limit.rate(), self.capacity),
            MeterKind::Window(window) => window.balance(now, self.limit.period, self.capacity),
        }
    }

    fn ready_at(&mut self, amount: f64, now: f64) -> f64 {
        let free = self.balance(now);
        match &self.kind {
            MeterKind::Bucket(_) => {
                let wait = (amount - free) / self.limit.rate();
                if wait <= NOISE {
                    now
                } else {
                    now + wait
                }
            }
            MeterKind::Window(window) => window.ready_at(amount, free, now, self.limit.period, self.capacity),
        }
    }

    fn step(&self, amount: f64) -> f64 {
        match self.kind {
            MeterKind::Bucket(_) => amount / self.limit.rate(),
            MeterKind::Window(_) => 0.0,
        }
    }

    fn charge(&mut self, amount: f64, now: f64) -> u64 {
        let balance = self.balance(now);
        match &mut self.kind {
            MeterKind::Bucket(bucket) => {
                bucket.balance = balance - amount;
                0
            }
            MeterKind::Window(window) => {
                window.used = self.capacity - balance + amount;
                window.log(amount, now, self.limit.period * GRAIN)
            }
        }
    }

    /// Charge `change` more after the fact, or give it back if negative.
    ///
    /// What a window is given back belongs to the instant of the charge and is void once that has left it; an
    /// excess counts from now.
    fn correct(&mut self, mark: u64, change: f64, now: f64) {
        let balance = self.balance(now);
        match &mut self.kind {
            MeterKind::Bucket(bucket) => bucket.balance = (balance - change).min(self.capacity),
            MeterKind::Window(_) if change > 0.0 => {
                self.charge(change, now);
            }
            MeterKind::Window(window) => {
                if let Some(charged) = window.log.iter_mut().find(|charged| charged.id == mark) {
                    charged.amount += change;
                    window.used += change;
                }
            }
        }
    }

    fn state(&mut self, now: f64) -> FamilyState {
        let remaining = self.balance(now);
        let full_in = match &self.kind {
            MeterKind::Bucket(_) => (self.capacity - remaining).max(0.0) / self.limit.rate(),
            MeterKind::Window(window) => {
                window.log.back().map_or(0.0, |last| last.last + self.limit.period - now)
            }
        };
        FamilyState {
            family: format!("{}/{}s", self.limit.unit.as_str(), self.limit.period),
            unit: self.limit.unit,
            limit: Some(self.limit.amount),
            remaining: Some(remaining),
            resets_in: Some(full_in),
            source: LimitSource::Local,
        }
    }
}

impl Bucket {
    fn balance(&mut self, now: f64, rate: f64, capacity: f64) -> f64 {
        if let Some(at) = self.at.filter(|at| now > *at) {
            self.balance = (self.balance + (now - at) * rate).min(capacity);
        }
        self.at = Some(self.at.map_or(now, |at| at.max(now)));
        self.balance
    }
}

impl Window {
    fn balance(&mut self, now: f64, period: f64, capacity: f64) -> f64 {
        while self.log.front().is_some_and(|oldest| oldest.last + period <= now) {
            self.used -= self.log.pop_front().map_or(0.0, |oldest| oldest.amount);
        }
        if self.log.is_empty() {
            self.used = 0.0;
        }
        capacity - self.used
    }

    /// When `amount` can be taken; more than the capacity is projected as whole periods and a rest.
    fn ready_at(&self, amount: f64, free: f64, now: f64, period: f64, capacity: f64) -> f64 {
        let noise = capacity * 1e-9;
        if amount <= free + noise {
            return now;
        }
        let periods = ((amount / capacity - 1e-9).ceil() - 1.0).max(0.0);
        periods * period + self.freed_at(amount - periods * capacity - free, now, period, noise)
    }

    fn freed_at(&self, mut missing: f64, now: f64, period: f64, noise: f64) -> f64 {
        for charged in &self.log {
            if missing <= noise {
                return now;
            }
            missing -= charged.amount;
            if missing <= noise {
                return charged.last + period;
            }
        }
        now
    }

    fn log(&mut self, amount: f64, now: f64, grain: f64) -> u64 {
        if let Some(newest) = self.log.back_mut().filter(|newest| now - newest.first <= grain) {
            newest.amount += amount;
            newest.last = newest.last.max(now);
            return newest.id;
        }
        self.last_id += 1;
        self.log.push_back(Charged { id: self.last_id, first: now, last: now, amount });
        self.last_id
    }
}
