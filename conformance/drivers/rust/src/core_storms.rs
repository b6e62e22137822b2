//! Many threads against one breaker and one limiter, and waits drawn with the language's own source of chance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

use llm_forge_runtime::core::breaker::{Breaker, Outcome, State};
use llm_forge_runtime::core::errors::Result;
use llm_forge_runtime::core::limiter::{Cost, Decision, Health, Limiter, LimiterOptions, Settlement};
use llm_forge_runtime::core::profile::Replay;
use llm_forge_runtime::core::retry::{Failure, FailureKind, RetryPolicy, Situation};
use serde_json::{json, Value};

use crate::core_functions::breaker_settings;
use crate::core_limiter::limit;

/// Virtual time that moves on with every look at it, in whatever thread.
struct TickingClock {
    tick: f64,
    ticks: AtomicU64,
}

impl TickingClock {
    fn new(told: &Value) -> Self {
        Self { tick: told["tick"].as_f64().unwrap_or(1e-4), ticks: AtomicU64::new(0) }
    }

    #[allow(clippy::cast_precision_loss)]
    fn now(&self) -> f64 {
        (self.ticks.fetch_add(1, Ordering::SeqCst) + 1) as f64 * self.tick
    }
}

fn in_threads(count: u64, work: impl Fn(&mut fastrand::Rng) + Sync) {
    std::thread::scope(|scope| {
        for seed in 0..count {
            let work = &work;
            scope.spawn(move || work(&mut fastrand::Rng::with_seed(seed)));
        }
    });
}

fn number(told: &Value, name: &str) -> u64 {
    told[name].as_u64().unwrap_or(0)
}

#[derive(Default)]
struct Tally {
    admitted: u64,
    rejected: u64,
    probes: u64,
    most_probes: u64,
    changes: Vec<(State, State)>,
}

/// Threads against one breaker.
pub fn breaker_storm(told: &Value) -> Result<Value> {
    let breaker = Mutex::new(Breaker::new(breaker_settings(&told["settings"])?));
    let (tally, clock) = (Mutex::new(Tally::default()), TickingClock::new(told));
    let lock = |tally: &Mutex<Tally>, change: &dyn Fn(&mut Tally)| {
        if let Ok(mut tally) = tally.lock() {
            change(&mut tally);
        }
    };
    let take_changes = |breaker: &mut Breaker| {
        let changes = breaker.take_transitions();
        lock(&tally, &|tally| tally.changes.extend(changes.iter().map(|one| (one.before, one.after))));
    };
    in_threads(number(told, "threads"), |dice| {
        for _ in 0..number(told, "each") {
            let admitted = breaker.lock().map(|mut breaker| {
                let admitted = breaker.admit(clock.now());
                take_changes(&mut breaker);
                admitted
            });
            let Ok(Ok(permit)) = admitted else {
                lock(&tally, &|tally| tally.rejected += 1);
                continue;
            };
            lock(&tally, &|tally| {
                tally.admitted += 1;
                tally.probes += u64::from(permit.probe);
                tally.most_probes = tally.most_probes.max(tally.probes);
            });
            let outcome = match dice.u32(0..10) {
                0..5 => Outcome::Success,
                5..9 => Outcome::Failure,
                _ => Outcome::Neutral,
            };
            // Before the permit goes back, or the next probe would be counted while this one still is.
            lock(&tally, &|tally| tally.probes -= u64::from(permit.probe));
            if let Ok(mut breaker) = breaker.lock() {
                breaker.record(permit, outcome, clock.now(), dice.f64(), None);
                take_changes(&mut breaker);
            }
        }
    });
    let last = breaker.lock().map_or(State::Closed, |breaker| breaker.state());
    let tally = tally.into_inner().unwrap_or_default();
    let count = |wanted: State, side: &dyn Fn(&(State, State)) -> State, extra: State| {
        tally.changes.iter().filter(|change| side(change) == wanted).count() + usize::from(extra == wanted)
    };
    let states = [State::Closed, State::Open, State::HalfOpen];
    let chained =
        states.iter().all(|state| count(*state, &|c| c.1, State::Closed) == count(*state, &|c| c.0, last));
    Ok(json!({
        "most_probes": tally.most_probes,
        "attempts": tally.admitted + tally.rejected,
        "admitted_some": tally.admitted > 0,
        "rejected_some": tally.rejected > 0,
        "chained": chained,
    }))
}

/// Threads against one limiter that lets nobody wait; what they took, and the balance when it is full.
#[allow(clippy::cast_precision_loss)]
pub fn limiter_storm(told: &Value) -> Result<Value> {
    let limit = limit(&told["limit"])?;
    let limiter = Mutex::new(Limiter::new(std::slice::from_ref(&limit), &LimiterOptions::default())?);
    let (clock, tries, taken) = (TickingClock::new(told), AtomicU64::new(0), AtomicU64::new(0));
    let threads = number(told, "threads");
    let each = number(told, "acquisitions") / threads.max(1);
    in_threads(threads, |dice| {
        for _ in 0..each {
            tries.fetch_add(1, Ordering::SeqCst);
            let Ok(mut limiter) = limiter.lock() else { return };
            let decision = limiter.reserve(Cost::default(), clock.now(), None, Some(0.0), 1.0);
            let reservation = match decision {
                Decision::Granted(reservation) => reservation,
                Decision::Wait { ticket, .. } => {
                    limiter.cancel(ticket);
                    continue;
                }
                Decision::Refused { .. } => continue,
            };
            let unsent = dice.f64() < 0.1;
            let how = if unsent { Settlement::Unsent } else { Settlement::Done };
            limiter.settle(reservation, clock.now(), None, how, Health::Unknown);
            taken.fetch_add(u64::from(!unsent), Ordering::SeqCst);
        }
    });
    let (now, taken) = (clock.now(), taken.into_inner() as f64);
    let later = now + limit.capacity() / limit.rate();
    let balance = limiter.lock().ok().and_then(|mut limiter| limiter.snapshot(later)[0].remaining);
    Ok(json!({
        "tries": tries.into_inner(),
        "within_limit_and_burst": taken <= limit.capacity() + limit.rate() * now,
        "all_that_was_there": taken >= limit.rate() * now - 1.0,
        "balance_when_full": balance,
    }))
}

/// Waits before one attempt with real chance: how far their distribution is from the uniform one.
#[allow(clippy::cast_precision_loss, clippy::unnecessary_wraps)]
pub fn backoff(told: &Value) -> Result<Value> {
    let mut dice = fastrand::Rng::with_seed(number(told, "seed"));
    let (policy, failure, count) =
        (RetryPolicy::default(), Failure::of(FailureKind::Lost), number(told, "count"));
    let attempt = u32::try_from(number(told, "attempt")).unwrap_or(1);
    let mut draw = || {
        let call = Situation {
            replay: Replay::Safe,
            rewindable: true,
            keyed: false,
            timeouts: 0,
            renewable: false,
            left: None,
            chance: dice.f64(),
            jitter: dice.f64(),
        };
        policy.decide(attempt, &failure, &call).map(|plan| plan.after)
    };
    let most = told["most"].as_f64().unwrap_or(1.0);
    let mut waits: Vec<f64> = (0..count).filter_map(|_| draw().ok()).map(|wait| wait / most).collect();
    waits.sort_by(f64::total_cmp);
    let total = count as f64;
    let distance = |(at, wait): (usize, &f64)| {
        (wait - at as f64 / total).abs().max((wait - (at + 1) as f64 / total).abs())
    };
    let distance = waits.iter().enumerate().map(distance).fold(0.0, f64::max);
    let within = waits.iter().all(|wait| (0.0..=1.0).contains(wait));
    Ok(json!({"count": waits.len(), "distance": distance, "within": within}))
}
