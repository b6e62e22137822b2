//! Who may send, who waits and for how long.
//!
//! How to run it (it holds no lock and sleeps nowhere; its owner does):
//!
//! - `reserve` answers `Granted`, `Refused` or `Wait`. After `Wait`, sleep until its instant and `claim`; the
//!   answer may be another, later `Wait` with the same ticket, which keeps its place.
//! - First in, first out: only the head of the queue can be granted. Whatever may free the head early
//!   (`settle`, `cancel`, `learn`, a claim that was granted or refused) is followed by waking the waiter of
//!   `head()`, who claims.
//! - A waiter that gives up calls `cancel`; a reservation is settled exactly once.
//!
//! All instants are absolute monotonic seconds.

use std::collections::{BTreeMap, HashMap};

use super::super::errors::{Error, Kind, Result};
use super::super::rate_headers::Observed;
use super::adaptive::{AdaptiveConcurrency, AdaptiveThrottle};
use super::families::Families;
use super::meters::{Meters, Mode};
use super::model::{Cost, Decision, FamilyState, Health, Limit, Refusal, Reservation, Settlement, Ticket};
use super::release::Release;

/// Connections of a client by default: the most that adaptive concurrency allows.
const POOL_SIZE: u32 = 100;
/// Seconds of float noise in a comparison of waits.
const NOISE: f64 = 1e-6;
/// A waiter behind the head is woken by the head's grant; its own timer is only a second line.
const BEHIND_HEAD: f64 = 0.010;
/// The id of reservations that charged nothing.
const UNCOUNTED: u64 = 0;

/// What becomes of a request that is larger than a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Oversize {
    /// It fails at once.
    #[default]
    Refuse,
    /// It goes out when the limit is untouched, and leaves a debt.
    AdmitWhenFull,
}

/// The numbers of a limiter beside its limits; seconds.
#[derive(Clone, Debug)]
pub struct LimiterOptions {
    /// How limits are metered.
    pub mode: Mode,
    /// The longest wait.
    pub max_wait: f64,
    /// Reservations at once, until they are settled.
    pub concurrency: Option<u32>,
    /// What becomes of requests that are larger than a limit.
    pub oversize: Oversize,
    /// Whether the concurrency follows the server's health.
    pub adaptive: bool,
    /// The K of R-121.
    pub throttle: Option<f64>,
}

impl Default for LimiterOptions {
    fn default() -> Self {
        Self {
            mode: Mode::Bucket,
            max_wait: 60.0,
            concurrency: None,
            oversize: Oversize::Refuse,
            adaptive: false,
            throttle: None,
        }
    }
}

/// One queue before any set of limits, the server's reports, a pause and a concurrency limit.
#[derive(Debug)]
pub struct Limiter {
    meters: Meters,
    families: Families,
    max_wait: f64,
    concurrency: Option<u32>,
    adaptive: Option<AdaptiveConcurrency>,
    throttle: Option<AdaptiveThrottle>,
    admits_oversize: bool,
    queue: BTreeMap<Ticket, Cost>,
    queued: Cost,
    open: HashMap<u64, (Vec<u64>, Vec<u64>)>,
    paused_until: f64,
    release: Release,
    last_id: u64,
}

impl Limiter {
    /// A limiter with these limits.
    ///
    /// # Errors
    /// [`Error::Config`] for a concurrency below 1 or a K below 1.
    pub fn new(limits: &[Limit], options: &LimiterOptions) -> Result<Self> {
        if options.concurrency == Some(0) {
            let message = "concurrency must be at least 1, or left out for no limit, not 0";
            return Err(Error::new(Kind::Config, message));
        }
        let concurrency = options.concurrency.or(options.adaptive.then_some(POOL_SIZE));
        Ok(Self {
            meters: Meters::new(limits, options.mode),
            families: Families::default(),
            max_wait: options.max_wait,
            concurrency,
            adaptive: concurrency.filter(|_| options.adaptive).map(AdaptiveConcurrency::new),
            throttle: options.throttle.map(AdaptiveThrottle::new).transpose()?,
            admits_oversize: options.oversize == Oversize::AdmitWhenFull,
            queue: BTreeMap::new(),
            queued: Cost::NOTHING,
            open: HashMap::new(),
            paused_until: f64::NEG_INFINITY,
            release: Release::default(),
            last_id: UNCOUNTED,
        })
    }

    /// Leave to send, a place in the queue, or a refusal; `left` is the seconds to the deadline.
    ///
    /// All limits are charged together or none is. `max_wait` is this call's own, `None` the limiter's.
    /// `chance` in [0, 1] is for adaptive throttling.
    pub fn reserve(
        &mut self,
        cost: Cost,
        now: f64,
        left: Option<f64>,
        max_wait: Option<f64>,
        chance: f64,
    ) -> Decision {
        if self.throttle.as_mut().is_some_and(|throttle| throttle.rejects(now, chance)) {
            return Decision::Refused { wait: 0.0, why: Refusal::Throttled };
        }
        if self.queue.is_empty() && self.is_unlimited(now) {
            return Decision::Granted(Reservation { id: UNCOUNTED, cost });
        }
        if !self.admits_oversize && self.meters.is_too_large(&cost) {
            return Decision::Refused { wait: 0.0, why: Refusal::TooLarge };
        }
        if self.queue.is_empty() && self.head_ready_at(&cost, now) <= now {
            return self.grant(cost, now);
        }
        self.enqueue(cost, now, self.longest(left, max_wait))
    }

    /// The decision on a waiter whose time has come; refused at once for a ticket that is not waiting.
    ///
    /// Only the head is granted; only the head is refused, if from now on it would wait longer than `max_wait` or
    /// its time left, as after a new pause.
    pub fn claim(&mut self, ticket: Ticket, now: f64, left: Option<f64>, max_wait: Option<f64>) -> Decision {
        let Some(cost) = self.queue.get(&ticket).copied() else {
            return Decision::Refused { wait: 0.0, why: Refusal::Wait };
        };
        let ready = self.head_ready_at(&cost, now);
        if self.head() != Some(ticket) {
            return Decision::Wait { ticket, until: ready.max(now + BEHIND_HEAD) };
        }
        if ready <= now {
            self.leave(ticket);
            self.release.granted(self.meters.step(&cost), self.queue.len(), now);
            return self.grant(cost, now);
        }
        if is_too_long(ready - now, self.longest(left, max_wait)) {
            self.cancel(ticket);
            return Decision::Refused { wait: ready - now, why: Refusal::Wait };
        }
        self.note_hold(&cost, now);
        Decision::Wait { ticket, until: ready }
    }

    /// A waiter gives up and leaves no hole; tickets that do not wait are ignored.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.leave(ticket);
        if self.queue.is_empty() {
            self.release = Release::default(); // nobody is left of those who were held
        }
    }

    /// End a reservation with what it really used; a second time changes nothing.
    ///
    /// `Unsent` gives everything back, `Throttled` all but the request; `Done` and `Cancelled` charge the tokens
    /// `used` instead of the estimate, which stands where `used` is `None`. `health` feeds the adaptive limits.
    pub fn settle(
        &mut self,
        reservation: Reservation,
        now: f64,
        used: Option<&Cost>,
        how: Settlement,
        health: Health,
    ) {
        if let Some((metered, reported)) = self.open.remove(&reservation.id) {
            self.meters.settle(&metered, &reservation.cost, used, how, now);
            self.families.release(&reported, &reservation.cost);
            self.adapt(health, now);
        }
    }

    /// The only waiter that can be granted next; `None` if nobody waits.
    #[must_use]
    pub fn head(&self) -> Option<Ticket> {
        self.queue.keys().next().copied()
    }

    /// Hold all new sends until then; the latest of several pauses counts.
    pub fn pause(&mut self, until: f64, now: f64) {
        if now < until && until.is_finite() {
            self.paused_until = self.paused_until.max(until);
        }
    }

    /// Take over what a response reports.
    pub fn learn(&mut self, observed: &[Observed], now: f64) {
        self.families.learn(observed, now);
    }

    /// Every limit as it stands: the declared ones, then the server's.
    pub fn snapshot(&mut self, now: f64) -> Vec<FamilyState> {
        let mut states = self.meters.states(now);
        states.extend(self.families.states(now));
        states
    }

    fn is_unlimited(&self, now: f64) -> bool {
        let nothing = self.meters.is_empty() && self.families.is_empty() && self.concurrency.is_none();
        nothing && now >= self.paused_until && self.throttle.is_none()
    }

    fn adapt(&mut self, health: Health, now: f64) {
        if let Some(adaptive) = &mut self.adaptive {
            match health {
                Health::Good => adaptive.succeed(),
                Health::Overload => adaptive.overload(now),
                Health::Unknown => {}
            }
        }
        if let Some(throttle) = self.throttle.as_mut().filter(|_| health == Health::Good) {
            throttle.accept(now);
        }
    }

    /// Whether so many calls are in flight, with those ahead, that another's end must come first.
    #[allow(clippy::cast_precision_loss)] // counts of calls
    fn is_crowded(&self, ahead: usize) -> bool {
        let most = self.adaptive.as_ref().map(AdaptiveConcurrency::limit).or(self.concurrency.map(f64::from));
        most.is_some_and(|most| (self.open.len() + ahead) as f64 >= most)
    }

    /// When a head of this cost could go, `now` if it can; infinite if another call must end first.
    fn head_ready_at(&mut self, cost: &Cost, now: f64) -> f64 {
        if self.is_crowded(0) {
            return f64::INFINITY;
        }
        let held = self.held_until(cost, now, &Cost::NOTHING).max(self.release.not_before);
        held.max(self.meters.ready_at(cost, now, &Cost::NOTHING))
    }

    /// The end of the pause and of the server's windows that hold this cost.
    fn held_until(&self, cost: &Cost, now: f64, ahead: &Cost) -> f64 {
        self.paused_until.max(self.families.ready_at(cost, now, ahead)).max(now)
    }

    fn note_hold(&mut self, cost: &Cost, now: f64) {
        if self.held_until(cost, now, &Cost::NOTHING) > now {
            self.release.arm();
        }
    }

    fn enqueue(&mut self, cost: Cost, now: f64, longest: f64) -> Decision {
        let ready = self.projection(&cost, now);
        if is_too_long(ready - now, longest) {
            return Decision::Refused { wait: ready - now, why: Refusal::Wait };
        }
        self.note_hold(&cost, now);
        let ticket = Ticket(self.next_id());
        let ahead = self.queue.len();
        self.queue.insert(ticket, cost);
        self.queued = self.queued.plus(cost, 1.0);
        let until = match ahead {
            _ if self.is_crowded(ahead) => f64::INFINITY,
            0 => ready,
            _ => ready.max(now + BEHIND_HEAD),
        };
        Decision::Wait { ticket, until }
    }

    /// When a new waiter may expect to go behind all others, the ends of other calls left aside.
    fn projection(&mut self, cost: &Cost, now: f64) -> f64 {
        let queued = self.queued;
        let ready = self.held_until(cost, now, &queued).max(self.meters.ready_at(cost, now, &queued));
        let released = self.held_until(cost, now, &Cost::NOTHING).max(self.release.not_before);
        if released <= now {
            return ready;
        }
        ready.max(released + Release::delay(self.queue.len(), self.meters.step(cost)))
    }

    /// The longest wait that a call accepts: its own or the limiter's, and never beyond its deadline.
    fn longest(&self, left: Option<f64>, max_wait: Option<f64>) -> f64 {
        let accepted = max_wait.unwrap_or(self.max_wait) + NOISE;
        left.map_or(accepted, |left| left.min(accepted))
    }

    fn leave(&mut self, ticket: Ticket) {
        if let Some(cost) = self.queue.remove(&ticket) {
            self.queued = if self.queue.is_empty() { Cost::NOTHING } else { self.queued.plus(cost, -1.0) };
        }
    }

    fn grant(&mut self, cost: Cost, now: f64) -> Decision {
        let id = self.next_id();
        let marks = (self.meters.charge(&cost, now), self.families.charge(&cost));
        self.open.insert(id, marks);
        Decision::Granted(Reservation { id, cost })
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

/// The end of another call cannot be foreseen; the deadline bounds that wait.
fn is_too_long(wait: f64, longest: f64) -> bool {
    longest < wait && wait < f64::INFINITY
}
