//! The limiter's vocabulary: limits, costs and decisions.

use super::super::errors::{Error, Kind, Result};
use super::super::profile::Unit;

/// The share of a limit, in seconds of it, that may go at once.
pub const BURST_SECONDS: f64 = 10.0;

/// At most `amount` of a unit in `period` seconds.
///
/// `burst` is the capacity in bucket mode; `None` is ten seconds' worth, at least 1. `models` names a
/// family of models that share the limit, such as `claude-opus-*`; `None` is each model that belongs to no family,
/// on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// What it counts.
    pub unit: Unit,
    /// How many.
    pub amount: f64,
    /// In how many seconds.
    pub period: f64,
    /// How many at once.
    pub burst: Option<f64>,
    /// Which models share it.
    pub models: Option<String>,
}

impl Limit {
    /// A limit with the usual burst for every model.
    ///
    /// # Errors
    /// [`Error::Config`] unless amount and period are finite and above 0.
    pub fn new(unit: Unit, amount: f64, period: f64) -> Result<Self> {
        Self { unit, amount, period, burst: None, models: None }.checked()
    }

    /// The limit, if its numbers make sense.
    ///
    /// # Errors
    /// [`Error::Config`] names the one that does not.
    pub fn checked(self) -> Result<Self> {
        let numbers = [("amount", Some(self.amount)), ("period", Some(self.period)), ("burst", self.burst)];
        for (name, value) in numbers {
            if let Some(value) = value.filter(|value| !(value.is_finite() && *value > 0.0)) {
                let message = format!("Limit.{name} must be a finite number above 0, not {value}");
                return Err(Error::new(Kind::Config, message));
            }
        }
        Ok(self)
    }

    /// Units per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.amount / self.period
    }

    /// The most that a bucket of this limit holds.
    #[must_use]
    pub fn capacity(&self) -> f64 {
        self.burst.unwrap_or_else(|| (self.rate() * BURST_SECONDS).max(1.0))
    }
}

/// What one attempt takes of each unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Requests.
    pub requests: f64,
    /// Input tokens.
    pub input: f64,
    /// Output tokens.
    pub output: f64,
}

impl Default for Cost {
    fn default() -> Self {
        Self { requests: 1.0, input: 0.0, output: 0.0 }
    }
}

impl Cost {
    /// No cost at all.
    pub const NOTHING: Self = Self { requests: 0.0, input: 0.0, output: 0.0 };

    /// The amount of one unit.
    #[must_use]
    pub fn of(&self, unit: Unit) -> f64 {
        match unit {
            Unit::Requests => self.requests,
            Unit::Tokens => self.input + self.output,
            Unit::Input => self.input,
            Unit::Output => self.output,
            Unit::Other => 0.0,
        }
    }

    pub(super) fn plus(self, other: Self, sign: f64) -> Self {
        Self {
            requests: self.requests + sign * other.requests,
            input: self.input + sign * other.input,
            output: self.output + sign * other.output,
        }
    }
}

/// How an attempt ended, for its reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It ran.
    Done,
    /// Nothing was sent.
    Unsent,
    /// The server answered 429.
    Throttled,
    /// The caller gave up.
    Cancelled,
}

/// What an ended call says about the server, for the adaptive limits: 429, 529 and time-outs are overload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It accepted the call.
    Good,
    /// It is overloaded.
    Overload,
    /// Neither.
    Unknown,
}

/// Leave to send one attempt; give it back with `Limiter::settle` exactly once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reservation {
    /// Its number.
    pub id: u64,
    /// What was reserved.
    pub cost: Cost,
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Why a call is refused at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It would wait too long.
    Wait,
    /// It can never fit.
    TooLarge,
    /// The server accepts few.
    Throttled,
}

/// What a limiter answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Send now.
    Granted(Reservation),
    /// Claim the ticket at the monotonic instant `until`, or when told that the head may go; `until` is infinite
    /// where only another call's end can free the place.
    Wait {
        /// The place in the queue.
        ticket: Ticket,
        /// When to ask again.
        until: f64,
    },
    /// Fail at once: with the wait in seconds that it would be.
    Refused {
        /// The projection.
        wait: f64,
        /// Why.
        why: Refusal,
    },
}

/// Where a limit is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitSource {
    /// It was declared.
    Local,
    /// The server told it.
    Server,
}

/// One limit as it stands, for reports; `resets_in` is in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyState {
    /// Its name.
    pub family: String,
    /// What it counts.
    pub unit: Unit,
    /// The limit.
    pub limit: Option<f64>,
    /// What is left.
    pub remaining: Option<f64>,
    /// When it is full again.
    pub resets_in: Option<f64>,
    /// Where it is known from.
    pub source: LimitSource,
}
