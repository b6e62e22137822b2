//! Plays a corpus trace against the limiter, in virtual time, as the runtime would.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use llm_forge_runtime::core::errors::{Error, Kind, Result};
use llm_forge_runtime::core::limiter::{
    Cost, Decision, Health, Limit, Limiter, LimiterOptions, Mode, Oversize, Refusal, Reservation, Settlement,
    Ticket,
};
use llm_forge_runtime::core::profile::LimitHeaders;
use llm_forge_runtime::core::rate_headers::observe;
use serde_json::{json, Map, Value};

use crate::core_functions::{headers, WALL};
use crate::leaked::{limit_headers, unit};

/// A trace of calls and responses to the times at which the calls were admitted.
pub fn limiter(trace: &Value) -> Result<Value> {
    let limits = limits_of(&trace["limits"])?;
    let rules = trace["rules"].as_array().into_iter().flatten().map(limit_headers).collect();
    let mut play = Play {
        limiter: Limiter::new(&limits, &options(trace)?)?,
        calls: Map::new(),
        rules,
        chance: trace["chance"].as_f64().unwrap_or(1.0),
        waiting: HashMap::new(),
        told: HashMap::new(),
        queue: BinaryHeap::new(),
        order: 0,
    };
    for step in trace["steps"].as_array().into_iter().flatten() {
        play.push(step["at"].as_f64().unwrap_or(0.0), What::Step(step.clone()));
    }
    play.run();
    Ok(json!({"calls": play.calls}))
}

/// The limits of JSON, by the names of the contract.
pub fn limits_of(given: &Value) -> Result<Vec<Limit>> {
    given.as_array().into_iter().flatten().map(limit).collect()
}

/// One limit.
pub fn limit(given: &Value) -> Result<Limit> {
    Limit {
        unit: unit(given["unit"].as_str()),
        amount: given["amount"].as_f64().unwrap_or(f64::NAN),
        period: given["period"].as_f64().unwrap_or(f64::NAN),
        burst: given["burst"].as_f64(),
        models: given["models"].as_str().map(str::to_owned),
    }
    .checked()
}

/// How limits are metered.
pub fn mode(word: Option<&str>) -> Mode {
    if word == Some("sliding") {
        Mode::Sliding
    } else {
        Mode::Bucket
    }
}

/// What becomes of large requests.
pub fn oversize(word: Option<&str>) -> Oversize {
    if word == Some("admit-when-full") {
        Oversize::AdmitWhenFull
    } else {
        Oversize::Refuse
    }
}

fn options(trace: &Value) -> Result<LimiterOptions> {
    let concurrency = match trace["concurrency"].as_i64() {
        None => None,
        Some(count) => Some(u32::try_from(count).map_err(|_| Error::new(Kind::Config, "concurrency"))?),
    };
    Ok(LimiterOptions {
        mode: mode(trace["mode"].as_str()),
        max_wait: trace["max_wait"].as_f64().unwrap_or(60.0),
        concurrency,
        oversize: oversize(trace["oversize"].as_str()),
        adaptive: trace["adaptive"].as_bool().unwrap_or(false),
        throttle: trace["throttle"].as_f64(),
    })
}

enum What {
    Step(Value),
    Due(Ticket),
    End(String, Reservation),
}

struct Entry {
    at: f64,
    order: u64,
    what: What,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The earliest is the greatest, which a heap gives first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.total_cmp(&self.at).then(other.order.cmp(&self.order))
    }
}

struct Play {
    limiter: Limiter,
    calls: Map<String, Value>,
    rules: Vec<LimitHeaders>,
    chance: f64,
    waiting: HashMap<Ticket, String>,
    told: HashMap<String, Value>,
    queue: BinaryHeap<Entry>,
    order: u64,
}

impl Play {
    fn push(&mut self, at: f64, what: What) {
        self.order += 1;
        self.queue.push(Entry { at, order: self.order, what });
    }

    fn run(&mut self) {
        while let Some(Entry { at, what, .. }) = self.queue.pop() {
            match what {
                What::Due(ticket) => self.due(at, ticket),
                What::End(name, reservation) => self.end(at, &name, reservation),
                What::Step(step) => self.step(at, &step),
            }
        }
    }

    fn step(&mut self, now: f64, step: &Value) {
        match step["do"].as_str() {
            Some("call") => self.call(now, step),
            Some("cancel") => self.cancel(now, step),
            Some("response") => {
                self.limiter.learn(&observe(&headers(step), &self.rules, now, WALL + now), now);
                self.wake(now);
            }
            _ => self.limiter.pause(step["until"].as_f64().unwrap_or(0.0), now),
        }
    }

    fn call(&mut self, now: f64, step: &Value) {
        let times = step["times"].as_u64();
        let base = step["as"].as_str().unwrap_or_default();
        for number in 1..=times.unwrap_or(1) {
            let name = if times.is_none() { base.to_owned() } else { format!("{base}{number}") };
            self.told.insert(name.clone(), step.clone());
            let left = step["left"].as_f64();
            let decision = self.limiter.reserve(cost(&step["cost"]), now, left, None, self.chance);
            self.take(now, name, decision);
        }
    }

    fn take(&mut self, now: f64, name: String, decision: Decision) {
        match decision {
            Decision::Wait { ticket, until } => {
                self.waiting.insert(ticket, name);
                if until.is_finite() {
                    self.push(until, What::Due(ticket));
                }
            }
            Decision::Refused { wait, why } => {
                self.calls.insert(name, json!({"refused": word(why), "wait": wait}));
            }
            Decision::Granted(reservation) => {
                self.calls.insert(name.clone(), json!({"admitted": now}));
                let lasts = self.told[&name]["lasts"].as_f64().unwrap_or(0.0);
                self.push(now + lasts, What::End(name, reservation));
                self.wake(now);
            }
        }
    }

    fn due(&mut self, now: f64, ticket: Ticket) {
        if let Some(name) = self.waiting.remove(&ticket) {
            let step = &self.told[&name];
            let left = step["left"].as_f64().map(|left| step["at"].as_f64().unwrap_or(0.0) + left - now);
            let decision = self.limiter.claim(ticket, now, left, None);
            self.take(now, name, decision);
        }
    }

    fn end(&mut self, now: f64, name: &str, reservation: Reservation) {
        let step = &self.told[name];
        let used = step.get("used").map(cost);
        let (how, health) = match step["result"].as_str() {
            Some("unsent") => (Settlement::Unsent, Health::Unknown),
            Some("throttled") => (Settlement::Throttled, Health::Overload),
            Some("cancelled") => (Settlement::Cancelled, Health::Unknown),
            _ => (Settlement::Done, Health::Good),
        };
        self.limiter.settle(reservation, now, used.as_ref(), how, health);
        self.wake(now);
    }

    fn cancel(&mut self, now: f64, step: &Value) {
        let wanted = step["call"].as_str().unwrap_or_default();
        let ticket = self.waiting.iter().find(|(_, name)| *name == wanted).map(|(ticket, _)| *ticket);
        if let Some(ticket) = ticket {
            self.waiting.remove(&ticket);
            self.calls.insert(wanted.to_owned(), json!({"cancelled": true}));
            self.limiter.cancel(ticket);
            self.wake(now);
        }
    }

    /// Something was given back: who is first in line asks again.
    fn wake(&mut self, now: f64) {
        if let Some(head) = self.limiter.head().filter(|head| self.waiting.contains_key(head)) {
            self.due(now, head);
        }
    }
}

fn cost(given: &Value) -> Cost {
    let usual = Cost::default();
    Cost {
        requests: given["requests"].as_f64().unwrap_or(usual.requests),
        input: given["input"].as_f64().unwrap_or(0.0),
        output: given["output"].as_f64().unwrap_or(0.0),
    }
}

fn word(why: Refusal) -> &'static str {
    match why {
        Refusal::Wait => "wait",
        Refusal::TooLarge => "too-large",
        Refusal::Throttled => "throttled",
    }
}
