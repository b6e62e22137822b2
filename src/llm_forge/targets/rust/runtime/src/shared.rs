//! What the calls of a client share: circuits, limits, the retry budget, the transport.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::auth::Auth;
use super::clock::{Chance, Clock};
use super::core::breaker::{Breaker, BreakerSettings, Outcome, Permit, State};
use super::core::budget::RetryBudget;
use super::core::errors::{Error, Kind, Result};
use super::core::limiter::{family_of, limits_of, FamilyState, Limit, Limiter, LimiterOptions};
use super::core::profile::Profile;
use super::core::redact::{names_a_secret, secrets_in_header, Redactor};
use super::gate::Gate;
use super::middleware::Middleware;
use super::oauth2::TokenKeeper;
use super::observability::Hook;
use super::transport::Transport;

/// Seconds that running calls may take to end when their client is closed.
const CLOSE_SECONDS: f64 = 5.0;

pub(super) struct Shared {
    pub(super) profile: Arc<Profile>,
    pub(super) base_url: String,
    pub(super) allow_insecure_http: bool,
    pub(super) trusted: BTreeSet<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) secret_headers: Vec<String>,
    pub(super) auth: Auth,
    pub(super) tokens: Option<Arc<TokenKeeper>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Chance,
    pub(super) hooks: Vec<Hook>,
    pub(super) middleware: Vec<Arc<dyn Middleware>>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) budgets: Mutex<BTreeMap<Elsewhere, RetryBudget>>,
    pub(super) limits: Vec<Limit>,
    pub(super) limiter: LimiterOptions,
    pub(super) breaker: BreakerSettings,
    pub(super) circuits: Mutex<BTreeMap<String, Arc<Circuit>>>,
    pub(super) gates: Mutex<BTreeMap<String, Arc<Gate>>>,
    pub(super) closed: AtomicBool,
    pub(super) killed: CancellationToken,
    pub(super) running: AtomicUsize,
    pub(super) idle: Notify,
    pub(super) missing_terminals: AtomicUsize,
}

/// The origin of a request that does not go to the client's own; its circuit, limits and budget are apart, for a
/// storage host that fails says nothing of the API.
pub(super) type Elsewhere = Option<String>;

/// A lock whose holder never panics in the middle of a change.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// What the calls to a token endpoint share: it is another origin, so it has a breaker and a budget of its own, and
    /// nobody is told of its calls but by their end.
    pub(super) fn endpoint(&self, profile: Profile, url: &str) -> Self {
        Self {
            profile: Arc::new(profile),
            base_url: url.to_owned(),
            allow_insecure_http: self.allow_insecure_http,
            trusted: BTreeSet::new(),
            headers: Vec::new(),
            secret_headers: Vec::new(),
            auth: Auth::None,
            tokens: None,
            clock: self.clock.clone(),
            chance: self.chance.clone(),
            hooks: Vec::new(),
            middleware: Vec::new(),
            transport: self.transport.clone(),
            budgets: Mutex::default(),
            limits: Vec::new(),
            limiter: LimiterOptions::default(),
            breaker: self.breaker.clone(),
            circuits: Mutex::default(),
            gates: Mutex::default(),
            closed: AtomicBool::new(false),
            killed: self.killed.clone(),
            running: AtomicUsize::new(0),
            idle: Notify::new(),
            missing_terminals: AtomicUsize::new(0),
        }
    }

    /// The circuit of an operation group, or of one model of it.
    pub(super) fn circuit(&self, group: &str, model: Option<&str>, elsewhere: &Elsewhere) -> Arc<Circuit> {
        let per_model = model.filter(|_| self.breaker.per_model);
        let mut name = per_model.map_or_else(|| group.to_owned(), |model| format!("{group}/{model}"));
        if let Some(origin) = elsewhere {
            name = format!("{name} at {origin}");
        }
        let mut circuits = locked(&self.circuits);
        let new = || {
            Arc::new(Circuit { name: name.clone(), breaker: Mutex::new(Breaker::new(self.breaker.clone())) })
        };
        circuits.entry(name.clone()).or_insert_with(new).clone()
    }

    /// The limiter of a model or of its family, or of an origin that the declared limits are not about.
    pub(super) fn gate(&self, model: Option<&str>, elsewhere: &Elsewhere) -> Result<Arc<Gate>> {
        let declared: &[Limit] = if elsewhere.is_some() { &[] } else { &self.limits };
        let name = elsewhere.as_deref().or(model).unwrap_or_default();
        let family = family_of(name, declared);
        let key = family.unwrap_or(name);
        let mut gates = locked(&self.gates);
        if let Some(gate) = gates.get(key) {
            return Ok(gate.clone());
        }
        let gate = Arc::new(Gate::new(Limiter::new(&limits_of(family, declared), &self.limiter)?));
        gates.insert(key.to_owned(), gate.clone());
        Ok(gate)
    }

    /// What is known of the limits, by model or family.
    pub(super) fn limit_status(&self) -> BTreeMap<String, Vec<FamilyState>> {
        let now = self.clock.now();
        locked(&self.gates).iter().map(|(name, gate)| (name.clone(), gate.snapshot(now))).collect()
    }

    /// Removes every credential of this client and of one request from texts.
    pub(super) fn redactor(&self, secrets: &[SecretString], headers: &[(String, String)]) -> Redactor {
        let carried = headers
            .iter()
            .filter(|(name, _)| self.is_secret_header(name))
            .flat_map(|(_, value)| secrets_in_header(value));
        let known = match (&self.auth, &self.tokens) {
            (Auth::Source(_), _) => Vec::new(),
            (_, Some(tokens)) => tokens.secrets(),
            (auth, None) => auth.secrets().unwrap_or_default(),
        };
        let all: Vec<SecretString> = carried.chain(secrets.iter().cloned()).chain(known).collect();
        let mut hidden = self.secret_headers.clone();
        hidden.extend(self.profile.secret_headers.iter().map(|name| (*name).to_owned()));
        hidden.push(self.profile.auth.name.to_owned());
        Redactor::new(&all, &hidden, &self.auth.parameters(&self.profile.auth))
    }

    /// Whether a header holds a credential.
    pub(super) fn is_secret_header(&self, name: &str) -> bool {
        let listed = |one: &str| one.eq_ignore_ascii_case(name);
        names_a_secret(name)
            || self.secret_headers.iter().any(|one| listed(one))
            || self.profile.secret_headers.iter().any(|one| listed(one))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Count a call as running.
    pub(super) fn begin(self: &Arc<Self>) -> Result<Running> {
        if self.is_closed() {
            return Err(closed());
        }
        self.running.fetch_add(1, Ordering::SeqCst);
        Ok(Running(self.clone()))
    }

    /// Let running calls finish for five seconds, then cancel them; safe to repeat.
    pub(super) async fn close(&self) {
        if self.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        self.transport.close();
        let ends = self.clock.now() + CLOSE_SECONDS;
        while self.running.load(Ordering::SeqCst) > 0 {
            let left = ends - self.clock.now();
            if left <= 0.0 {
                break;
            }
            tokio::select! {
                biased;
                () = self.idle.notified() => {}
                () = self.clock.sleep(left.min(0.01)) => {}
            }
        }
        self.killed.cancel();
        self.transport.close();
    }
}

pub(super) fn closed() -> Error {
    Error::new(Kind::ClientClosed, "The client is closed; make a new one")
}

/// A call that runs; it is over when this is dropped.
pub(super) struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_one();
        }
    }
}

/// Told of what happens: its name and its facts.
pub(super) type Emit<'a> = &'a dyn Fn(&'static str, serde_json::Value);

/// The circuit of one operation group, or of one model of it.
pub struct Circuit {
    name: String,
    breaker: Mutex<Breaker>,
}

impl std::fmt::Debug for Circuit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Circuit({}: {})", self.name, self.state().as_str())
    }
}

impl Circuit {
    /// The state now; an open circuit whose time is over turns half-open with the next call.
    #[must_use]
    pub fn state(&self) -> State {
        locked(&self.breaker).state()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Breaker)) {
        change(&mut locked(&self.breaker));
    }

    /// Leave to send one attempt; the error carries `retry_after`.
    pub(super) fn admit(&self, now: f64, provider: &str, emit: Emit<'_>) -> Result<Permit> {
        let (answer, changes) = {
            let mut breaker = locked(&self.breaker);
            (breaker.admit(now), breaker.take_transitions())
        };
        self.tell(&changes, emit);
        answer.map_err(|rejected| {
            let wait = rejected.retry_after;
            let message =
                format!("{provider} failed too often; the circuit stays open for another {wait:.1} s");
            Error::new(Kind::CircuitOpen, message).with_retry_after(wait)
        })
    }

    /// How an admitted attempt ended, once per permit.
    pub(super) fn record(
        &self,
        permit: Permit,
        outcome: Outcome,
        now: f64,
        chance: f64,
        response_time: Option<f64>,
        emit: Emit<'_>,
    ) {
        let changes = {
            let mut breaker = locked(&self.breaker);
            breaker.record(permit, outcome, now, chance, response_time);
            breaker.take_transitions()
        };
        self.tell(&changes, emit);
    }

    /// Outside the lock: a hook may take its time.
    fn tell(&self, changes: &[super::core::breaker::Transition], emit: Emit<'_>) {
        for change in changes {
            let facts = json!({
                "before": change.before.as_str(), "after": change.after.as_str(), "circuit": self.name,
            });
            emit("breaker", facts);
        }
    }
}
