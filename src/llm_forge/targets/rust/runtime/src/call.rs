//! One call: what it is, the record of its attempts, and what is told of it.

use std::future::Future;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use serde_json::{json, Value};

use super::base_url::origin_of;
use super::core::answer_facts::answer_facts;
use super::core::call_context::CallContext;
use super::core::classify::failure_of;
use super::core::deadline::Deadline;
use super::core::error_body::request_id_of;
use super::core::errors::{Attempt, Error, Kind, Phase, Result};
use super::core::headers::Headers;
use super::core::profile::{Operation, Replay};
use super::core::redact::Redactor;
use super::core::retry::Retry;
use super::core::tokens::Token;
use super::observability::{tell, ClientEvent};
use super::options::{CallOptions, Settings};
use super::request::Prepared;
use super::shared::{closed, locked, Elsewhere, Running, Shared};
use super::transport::HttpRequest;

/// One call: what it is, and the record of its attempts.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    pub(super) operation: Operation,
    pub(super) settings: Settings,
    pub(super) options: CallOptions,
    pub(super) deadline: Deadline,
    pub(super) started: f64,
    pub(super) streaming: bool,
    pub(super) elsewhere: Elsewhere,
    id: String,
    prepared: Mutex<Arc<Prepared>>,
    pub(super) state: Mutex<State>,
    over: Mutex<Option<Running>>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) number: u32,
    pub(super) began: f64,
    pub(super) plan: Option<Retry>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) timeouts: u32,
    pub(super) last_error: Option<Error>,
    pub(super) headers: Option<Headers>,
    pub(super) status: Option<u16>,
    pub(super) secrets: Vec<SecretString>,
    pub(super) token: Option<Token>,
    pub(super) renewals: u32,
    /// Attempts of earlier rounds, where call middleware proceeds more than once.
    pub(super) earlier: usize,
}

impl State {
    /// Attempts of the running round, without those that only replaced a token.
    pub(super) fn made(&self) -> u32 {
        let made = self.attempts.len().saturating_sub(self.earlier);
        u32::try_from(made).unwrap_or(u32::MAX).saturating_sub(self.renewals).max(1)
    }
}

impl Call {
    pub(super) fn new(
        shared: Arc<Shared>,
        operation: Operation,
        prepared: Prepared,
        settings: Settings,
        options: CallOptions,
        streaming: bool,
    ) -> Self {
        let started = shared.clock.now();
        let id = format!("{:032x}", fastrand::u128(..));
        let deadline = Deadline::after(settings.call_timeout(streaming), started);
        let elsewhere = Some(origin_of(&prepared.request.url));
        let elsewhere = elsewhere.filter(|origin| *origin != origin_of(&shared.base_url));
        Self {
            shared,
            operation,
            settings,
            options,
            deadline,
            started,
            streaming,
            elsewhere,
            id,
            prepared: Mutex::new(Arc::new(prepared)),
            state: Mutex::default(),
            over: Mutex::default(),
        }
    }

    /// What is sent.
    pub(super) fn prepared(&self) -> Arc<Prepared> {
        locked(&self.prepared).clone()
    }

    /// Send what middleware has made of the request.
    pub(super) fn ask(&self, request: HttpRequest) {
        if self.shared.middleware.is_empty() {
            return;
        }
        let changed = self.prepared().again(request, &self.shared.profile);
        *locked(&self.prepared) = Arc::new(changed);
    }

    /// A copy for one of two attempts that run at once; it alone changes it.
    pub(super) fn branch(&self, number: u32, plan: Option<Retry>) -> Self {
        let secrets = locked(&self.state).secrets.clone();
        let state = State { number, plan, began: self.now(), secrets, ..State::default() };
        Self {
            shared: self.shared.clone(),
            operation: self.operation.clone(),
            settings: self.settings.clone(),
            options: self.options.clone(),
            deadline: self.deadline,
            started: self.started,
            streaming: self.streaming,
            elsewhere: self.elsewhere.clone(),
            id: self.id.clone(),
            prepared: Mutex::new(self.prepared()),
            state: Mutex::new(state),
            over: Mutex::default(),
        }
    }

    /// Take over what a branch knows of its attempt.
    pub(super) fn adopt(&self, branch: &Self) {
        let other = locked(&branch.state);
        let mut state = locked(&self.state);
        (state.number, state.plan, state.began) = (other.number, other.plan, other.began);
        state.token.clone_from(&other.token);
        state.headers.clone_from(&other.headers);
        state.status = other.status;
        state.secrets.extend(other.secrets.iter().cloned());
    }

    /// After how many seconds the running attempt gets company.
    pub(super) fn hedge_after(&self) -> Option<f64> {
        let first = locked(&self.state).plan.is_none();
        let repeatable = self.operation.replay == Replay::Safe && self.settings.max_attempts > 1;
        let request = self.prepared();
        let whole = !request.request.body.is_present() || request.request.body.bytes().is_some();
        self.settings.hedge_after.filter(|_| first && repeatable && whole)
    }

    /// Whether the retry budget pays this.
    pub(super) fn pay(&self, cost: u32) -> bool {
        locked(&self.shared.budgets).entry(self.elsewhere.clone()).or_default().spend(cost)
    }

    /// Give the retry budget back what it paid.
    pub(super) fn refund(&self, cost: u32) {
        locked(&self.shared.budgets).entry(self.elsewhere.clone()).or_default().refund(cost);
    }

    /// Whether another attempt may cure this.
    pub(super) fn is_retryable(&self, error: &Error) -> bool {
        let headers = locked(&self.state).headers.clone();
        self.policy().is_retryable(&failure_of(error, headers.as_ref()))
    }

    /// Count this call as running and say so; an error if the client is closed.
    pub(super) fn begin(&self) -> Result<()> {
        *locked(&self.over) = Some(self.shared.begin()?);
        let facts = json!({
            "provider": self.shared.profile.name,
            "operation": self.operation.name,
            "model": self.prepared().model,
            "stream": self.streaming,
        });
        self.emit("call-start", facts);
        Ok(())
    }

    /// Count this call as over, once.
    pub(super) fn finish(&self, outcome: &str) {
        self.finish_with(outcome, None);
    }

    /// The same, with what the caller gets, or has got so far.
    pub(super) fn finish_with(&self, outcome: &str, answer: Option<&Value>) {
        let running = locked(&self.over).take();
        if running.is_some() {
            let elapsed = self.now() - self.started;
            let (status, attempts) = {
                let state = locked(&self.state);
                (state.status, state.attempts.len())
            };
            let mut facts = answer.filter(|_| self.is_watched()).map(answer_facts).unwrap_or_default();
            facts.insert("outcome".to_owned(), outcome.into());
            facts.insert("status".to_owned(), status.into());
            facts.insert("attempts".to_owned(), attempts.into());
            facts.insert("elapsed".to_owned(), elapsed.into());
            self.emit("call-end", Value::Object(facts));
        }
    }

    pub(super) fn now(&self) -> f64 {
        self.shared.clock.now()
    }

    pub(super) fn chance(&self) -> f64 {
        (self.shared.chance)()
    }

    pub(super) fn attempt_number(&self) -> u32 {
        locked(&self.state).number
    }

    pub(super) fn context(&self) -> CallContext {
        CallContext {
            call_id: self.id.clone(),
            provider: self.shared.profile.name.to_owned(),
            operation: self.operation.name.to_owned(),
            model: self.prepared().model.clone(),
            stream: self.streaming,
            attempt: self.attempt_number(),
            started: self.started,
            deadline: self.deadline.at,
            origin: origin_of(&self.prepared().request.url),
            trace_parent: self.options.trace_parent.clone(),
            metadata: self.options.metadata.clone(),
        }
    }

    /// Whether anybody is told what happens.
    pub(super) fn is_watched(&self) -> bool {
        !self.shared.hooks.is_empty()
    }

    /// Tell the client's hooks; costs next to nothing where there are none.
    pub(super) fn emit(&self, name: &'static str, facts: Value) {
        if !self.is_watched() {
            return;
        }
        let facts = match facts {
            Value::Object(facts) => facts,
            _ => serde_json::Map::new(),
        };
        tell(&self.shared.hooks, &ClientEvent { name, context: Arc::new(self.context()), facts });
    }

    /// The credential of this attempt, remembered so that no text shows it; `ends` is when its timer fires.
    pub(super) async fn credential(&self, ends: f64) -> Result<Vec<SecretString>> {
        let secrets = match &self.shared.tokens {
            None => self.shared.auth.secrets()?,
            Some(tokens) => {
                let token = tokens.current(self, ends).await?;
                let access = token.access.clone();
                locked(&self.state).token = Some(token);
                vec![access]
            }
        };
        self.remember(&secrets);
        Ok(secrets)
    }

    /// No text of this call is to show these.
    pub(super) fn remember<'a>(&self, secrets: impl IntoIterator<Item = &'a SecretString>) {
        locked(&self.state).secrets.extend(secrets.into_iter().cloned());
    }

    /// When the running attempt began.
    pub(super) fn attempt_began(&self) -> f64 {
        locked(&self.state).began
    }

    /// Whether another attempt would have another credential than the one that was refused.
    pub(super) fn renewable(&self, error: &Error) -> bool {
        if error.facts().status != Some(401) {
            return false;
        }
        let (token, renewals) = {
            let state = locked(&self.state);
            (state.token.clone(), state.renewals)
        };
        if let Some((tokens, token)) = self.shared.tokens.as_ref().zip(token.as_ref()) {
            tokens.refuse(token);
        }
        token.is_some() && renewals == 0
    }

    pub(super) fn redactor(&self) -> Redactor {
        let secrets = locked(&self.state).secrets.clone();
        self.shared.redactor(&secrets, &self.prepared().request.headers)
    }

    pub(super) fn note_response(&self, status: u16, headers: &Headers) {
        let mut state = locked(&self.state);
        state.status = Some(status);
        state.headers = Some(headers.clone());
    }

    /// Status and headers of the latest response, and how many attempts were made.
    pub(super) fn response(&self) -> (u16, Headers, usize) {
        let state = locked(&self.state);
        (state.status.unwrap_or(0), state.headers.clone().unwrap_or_default(), state.attempts.len())
    }

    /// The provider's id of the latest response.
    pub(super) fn request_id(&self) -> Option<String> {
        let headers = locked(&self.state).headers.clone()?;
        let found = request_id_of(&headers, &self.shared.profile, None)?;
        Some(self.redactor().text(&found))
    }

    /// The deadline's error if it is the deadline that fired, else the error itself.
    pub(super) fn or_deadline(&self, error: Error, phase: Phase) -> Error {
        if !self.deadline.expired(self.now()) {
            return error;
        }
        let message = format!("The call's deadline passed in phase {}", phase.as_str());
        let cause = locked(&self.state).last_error.clone().unwrap_or(error);
        Error::new(Kind::DeadlineExceeded, message).in_phase(phase).caused_by(cause)
    }

    /// Add what this call knows to an error that is about to reach the user.
    pub(super) fn enrich(&self, mut error: Error) -> Error {
        let (request_id, context) = (self.request_id(), Arc::new(self.context()));
        let attempts = locked(&self.state).attempts.clone();
        let elapsed = self.now() - self.started;
        let facts = error.facts_mut();
        facts.provider = Some(context.provider.clone());
        facts.operation = Some(context.operation.clone());
        facts.model.clone_from(&context.model);
        facts.call_id = Some(context.call_id.clone());
        facts.context = Some(context);
        facts.attempts = attempts;
        facts.elapsed = Some(elapsed);
        facts.request_id = facts.request_id.take().or(request_id);
        error
    }

    /// The attempt that had succeeded failed after all, in the middle of its stream.
    pub(super) fn fail_last(&self, error: &Error) {
        let duration = self.now() - locked(&self.state).began;
        if let Some(last) = locked(&self.state).attempts.last_mut() {
            error.kind().as_str().clone_into(&mut last.outcome);
            last.duration = duration;
        }
    }

    /// Ends `work` early if the caller's token or the closing of the client says so.
    pub(super) async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let cancelled = async {
            match &self.options.cancel {
                Some(token) => token.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancelled => Err(Error::new(Kind::Cancelled, "The call was cancelled")),
            () = self.shared.killed.cancelled() => Err(self.enrich(closed())),
            result = work => result,
        }
    }

    pub(super) fn begin_attempt(&self, plan: Option<Retry>) {
        {
            let mut state = locked(&self.state);
            let latest = state.attempts.last().map_or(0, |last| last.number);
            state.number = state.number.max(latest) + 1;
            state.plan = plan;
            state.began = self.shared.clock.now();
            state.headers = None;
            state.status = None;
        }
        self.tell_attempt_start();
    }

    pub(super) fn tell_attempt_start(&self) {
        self.emit("attempt-start", json!({"method": self.prepared().request.method}));
    }

    pub(super) fn tell_retry(&self, cause: &str, status: Option<u16>, plan: &Retry) {
        let source = plan.source.as_str();
        self.emit("retry", json!({"cause": cause, "status": status, "wait": plan.after, "source": source}));
    }

    pub(super) fn end_attempt(&self, error: Option<&Error>) {
        let (began, status) = {
            let state = locked(&self.state);
            (state.began, state.status)
        };
        let facts = json!({
            "outcome": outcome_name(error),
            "status": error.and_then(|error| error.facts().status).or(status),
            "duration": self.now() - began,
            "request_id": self.request_id(),
        });
        self.emit("attempt-end", facts);
    }

    /// List the running attempt with how it ended.
    pub(super) fn note(&self, error: Option<&mut Error>) {
        let (now, request_id) = (self.now(), self.request_id());
        let mut error = error;
        {
            let mut state = locked(&self.state);
            let known = error.as_deref();
            let attempt = Attempt {
                number: state.number,
                outcome: outcome_name(known),
                duration: now - state.began,
                waited: state.plan.map_or(0.0, |plan| plan.after),
                request_id,
                status: known.and_then(|error| error.facts().status),
            };
            state.attempts.push(attempt);
            state.attempts.sort_by_key(|attempt| attempt.number); // two may have run at once
            state.timeouts += u32::from(matches!(known, Some(Error::AttemptTimeout(_))));
            if let Some(error @ Error::DeadlineExceeded(_)) = error.as_deref_mut() {
                if error.facts().cause.is_none() {
                    let last = state.last_error.clone();
                    error.facts_mut().cause = last.map(|last| Arc::new(last) as _);
                }
            }
            state.last_error = error.as_deref().cloned();
        }
        self.end_attempt(error.as_deref());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.finish("cancelled");
    }
}

/// `ok`, or the error's kind.
pub(super) fn outcome_name(error: Option<&Error>) -> String {
    match error {
        None => "ok".to_owned(),
        Some(Error::Cancelled(_)) => "cancelled".to_owned(),
        Some(Error::Raised(_)) => "raised".to_owned(),
        Some(error) => error.kind().as_str().to_owned(),
    }
}
