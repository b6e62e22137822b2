//! A circuit breaker of one origin and operation group.
//!
//! Rules:
//! - Closed counts outcomes of attempts in a sliding window of buckets; enough failures open it.
//! - Open rejects until its time is over, then half-open admits probes, at most `probes` at once.
//! - `successes_to_close` good probes in a row close it; one bad one re-opens it, for twice as long.
//! - Every transition starts a new generation; an outcome of an older one changes nothing but the count of
//!   probes under way, which is kept over generations so that the limit holds for every interleaving.

use super::durations::check_seconds;
use super::errors::{Error, Kind, Result};
use super::outcome_window::OutcomeWindow;
use super::retry::{Failure, FailureKind};

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Everything is sent.
    Closed,
    /// Nothing is sent.
    Open,
    /// Probes are sent.
    HalfOpen,
    /// Opened by hand.
    ForcedOpen,
    /// Switched off.
    Disabled,
}

impl State {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::ForcedOpen => "forced-open",
            Self::Disabled => "disabled",
        }
    }
}

/// How an attempt counts; `Neutral` is for attempts cancelled or never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server is there.
    Success,
    /// It is not.
    Failure,
    /// Nothing is known.
    Neutral,
}

/// Durations in seconds; `jitter` is the share by which the open time varies both ways.
///
/// The slow-call rule counts answers whose headers took longer than `slow_call_seconds` and opens at
/// `slow_call_ratio` of all outcomes; `None` switches it off. `per_model` gives each model of an
/// operation group a breaker of its own.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)] // the doc comment above and the names say all
pub struct BreakerSettings {
    pub window: f64,
    pub buckets: u32,
    pub min_outcomes: u32,
    pub ratio: f64,
    pub open_seconds: f64,
    pub open_max: f64,
    pub jitter: f64,
    pub probes: u32,
    pub successes_to_close: u32,
    pub enabled: bool,
    pub slow_call_seconds: Option<f64>,
    pub slow_call_ratio: f64,
    pub per_model: bool,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            window: 30.0,
            buckets: 10,
            min_outcomes: 20,
            ratio: 0.5,
            open_seconds: 5.0,
            open_max: 30.0,
            jitter: 0.2,
            probes: 1,
            successes_to_close: 2,
            enabled: true,
            slow_call_seconds: None,
            slow_call_ratio: 1.0,
            per_model: false,
        }
    }
}

impl BreakerSettings {
    /// The settings, if they make sense.
    ///
    /// # Errors
    /// [`Error::Config`] names the one that does not.
    pub fn checked(self) -> Result<Self> {
        check_seconds("breaker.window", self.window)?;
        check_seconds("breaker.open_seconds", self.open_seconds)?;
        check_seconds("breaker.open_max", self.open_max)?;
        if let Some(slow) = self.slow_call_seconds {
            check_seconds("breaker.slow_call_seconds", slow)?;
        }
        let counts = [
            ("buckets", self.buckets),
            ("min_outcomes", self.min_outcomes),
            ("probes", self.probes),
            ("successes_to_close", self.successes_to_close),
        ];
        for (name, value) in counts {
            check(name, f64::from(value), "at least 1", value >= 1)?;
        }
        for (name, value) in [("ratio", self.ratio), ("slow_call_ratio", self.slow_call_ratio)] {
            check(name, value, "above 0 and at most 1", value > 0.0 && value <= 1.0)?;
        }
        check("jitter", self.jitter, "at least 0 and below 1", (0.0..1.0).contains(&self.jitter))?;
        Ok(self)
    }
}

fn check(name: &str, value: f64, allowed: &str, holds: bool) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::new(Kind::Config, format!("breaker.{name} must be {allowed}, not {value}")))
}

/// Leave to send one attempt; give it back with [`Breaker::record`] exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The breaker's generation when it was given.
    pub generation: u64,
    /// Whether the attempt is a probe.
    pub probe: bool,
}

/// Send nothing; ask again after so many seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rejected {
    /// Seconds.
    pub retry_after: f64,
}

/// One change of state, at a monotonic instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    /// The state before.
    pub before: State,
    /// The state after.
    pub after: State,
    /// When.
    pub at: f64,
}

/// Decides who may send; holds no lock, so its owner guards every call.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
    window: OutcomeWindow,
    generation: u64,
    open_until: f64,
    failed_probes: u32,
    good_probes: u32,
    probes_under_way: u32,
    transitions: Vec<Transition>,
}

impl Breaker {
    /// A closed one, or a disabled one if the settings say so.
    #[must_use]
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            state: if settings.enabled { State::Closed } else { State::Disabled },
            window: OutcomeWindow::new(settings.window, settings.buckets),
            settings,
            generation: 0,
            open_until: 0.0,
            failed_probes: 0,
            good_probes: 0,
            probes_under_way: 0,
            transitions: Vec::new(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// A permit for one attempt.
    ///
    /// # Errors
    /// [`Rejected`] with its `retry_after`.
    pub fn admit(&mut self, now: f64) -> std::result::Result<Permit, Rejected> {
        match self.state {
            State::Closed | State::Disabled => Ok(Permit { generation: self.generation, probe: false }),
            State::ForcedOpen => Err(Rejected { retry_after: self.settings.open_max }),
            State::Open if now < self.open_until => Err(Rejected { retry_after: self.open_until - now }),
            State::Open => {
                self.enter(State::HalfOpen, now);
                self.probe()
            }
            State::HalfOpen => self.probe(),
        }
    }

    /// Report how an admitted attempt ended, once per permit.
    ///
    /// `chance` in [0, 1] spreads the open time; `response_time` is the seconds to the response headers, for the
    /// slow-call rule.
    pub fn record(
        &mut self,
        permit: Permit,
        outcome: Outcome,
        now: f64,
        chance: f64,
        response_time: Option<f64>,
    ) {
        if permit.probe {
            self.probes_under_way = self.probes_under_way.saturating_sub(1);
        }
        if permit.generation != self.generation || outcome == Outcome::Neutral {
            return;
        }
        if self.state == State::HalfOpen {
            self.record_probe(outcome, now, chance);
        } else if self.state == State::Closed {
            let slow =
                self.settings.slow_call_seconds.zip(response_time).is_some_and(|(most, took)| took > most);
            self.window.add(now, outcome == Outcome::Failure, slow);
            if self.is_tripped(now) {
                self.open(now, chance);
            }
        }
    }

    /// The transitions since the last call, each once.
    pub fn take_transitions(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.transitions)
    }

    /// Reject everything until [`Breaker::reset`].
    pub fn force_open(&mut self, now: f64) {
        self.enter(State::ForcedOpen, now);
    }

    /// Admit everything and count nothing until [`Breaker::reset`].
    pub fn disable(&mut self, now: f64) {
        self.enter(State::Disabled, now);
    }

    /// Start anew, closed and without history.
    pub fn reset(&mut self, now: f64) {
        self.failed_probes = 0;
        self.enter(State::Closed, now);
    }

    fn probe(&mut self) -> std::result::Result<Permit, Rejected> {
        if self.probes_under_way >= self.settings.probes {
            // A probe's end is not known; the shortest open time is a fair guess.
            return Err(Rejected { retry_after: self.settings.open_seconds });
        }
        self.probes_under_way += 1;
        Ok(Permit { generation: self.generation, probe: true })
    }

    fn record_probe(&mut self, outcome: Outcome, now: f64, chance: f64) {
        if outcome == Outcome::Failure {
            self.failed_probes += 1;
            self.open(now, chance);
            return;
        }
        self.good_probes += 1;
        if self.good_probes >= self.settings.successes_to_close {
            self.failed_probes = 0;
            self.enter(State::Closed, now);
        }
    }

    #[allow(clippy::cast_precision_loss)] // counts of a window are small
    fn is_tripped(&self, now: f64) -> bool {
        let counts = self.window.totals(now);
        let settings = &self.settings;
        if counts.total < u64::from(settings.min_outcomes) {
            return false;
        }
        let total = counts.total as f64;
        let too_slow =
            settings.slow_call_seconds.is_some() && counts.slow as f64 >= settings.slow_call_ratio * total;
        too_slow || counts.failed as f64 >= settings.ratio * total
    }

    fn open(&mut self, now: f64, chance: f64) {
        let settings = &self.settings;
        let grown = settings.open_seconds * 2f64.powf(f64::from(self.failed_probes.min(64)));
        let seconds = grown.min(settings.open_max);
        self.open_until = now + seconds * (1.0 + settings.jitter * (2.0 * chance - 1.0));
        self.enter(State::Open, now);
    }

    fn enter(&mut self, state: State, now: f64) {
        if state == self.state {
            return;
        }
        self.transitions.push(Transition { before: self.state, after: state, at: now });
        self.state = state;
        self.generation += 1;
        self.good_probes = 0;
        self.window.clear();
    }
}

/// How an attempt counts; `None` is an attempt without failure.
///
/// Statuses other than 500, 502, 503, 504 and 529 are successes: the server is there. A pool time-out and a fatal
/// failure without a status say nothing about the server and count as neither.
#[must_use]
pub fn outcome_of(failure: Option<&Failure>) -> Outcome {
    match failure {
        None => Outcome::Success,
        Some(Failure { status: Some(500 | 502 | 503 | 504 | 529), .. }) => Outcome::Failure,
        Some(Failure { status: Some(_), .. }) => Outcome::Success,
        Some(Failure { kind: FailureKind::Pool | FailureKind::Fatal, .. }) => Outcome::Neutral,
        Some(_) => Outcome::Failure,
    }
}
