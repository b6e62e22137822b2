//! A client: built once, used from many tasks, cheap to clone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use futures::FutureExt as _;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::arrival::Arrival;
use super::auth::Auth;
use super::base_url::{checked_link, origin_of, read_base_url};
use super::builder::ClientBuilder;
use super::call::Call;
use super::clock::SystemClock;
use super::core::breaker::State;
use super::core::errors::{Error, Kind, Result};
use super::core::headers::Headers;
use super::core::limiter::{FamilyState, Limiter, LimiterOptions};
use super::core::profile::{AnswerKind, AuthKind, Operation, Profile, StreamRule};
use super::download::{Download, Lines};
use super::hedge::hedged;
use super::middleware::{through, Content, Level, Response, Sender};
use super::oauth2::TokenKeeper;
use super::options::{CallOptions, ClientOptions, Settings};
use super::pages::Page;
use super::pool::HyperTransport;
use super::proxy::Proxies;
use super::pump::Pump;
use super::request::{check_header, prepare, Common, Params};
use super::resolve::{resolved, variable};
use super::shared::{locked, Circuit, Shared};
use super::stream::EventStream;
use super::transport::HttpRequest;

/// A client of one provider; clones share everything, [`Client::with_options`] shares all but defaults.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    settings: Settings,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({} at {})", self.shared.profile.name, self.shared.base_url)
    }
}

/// The file at an absolute URL that an answer named.
const DOWNLOAD_URL: Operation = Operation {
    name: "download_url",
    group: "download",
    answer: AnswerKind::Binary,
    accept: "*/*",
    ..Operation::DEFAULT
};
/// The lines at an absolute URL that an answer named.
const LINES_URL: Operation =
    Operation { name: "lines_url", answer: AnswerKind::Lines, accept: "application/jsonl", ..DOWNLOAD_URL };

/// What a call answered with, and the facts of the answer.
#[derive(Clone, Debug)]
pub struct Answer<R = Value> {
    /// The result.
    pub value: R,
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The provider's id of the exchange.
    pub request_id: Option<String>,
    /// How many attempts were made.
    pub attempts: usize,
}

/// How an answer is read: only a whole one has a usual deadline, only a stream is asked for as one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Whole,
    Events,
    Pieces,
}

impl Client {
    /// A client made step by step; what is not set comes from the environment, then from the description.
    pub fn builder(profile: Profile) -> ClientBuilder {
        ClientBuilder::new(profile)
    }

    /// A client of this provider.
    ///
    /// # Errors
    /// [`Error::Config`] names the option or variable that is missing or wrong.
    pub fn new(profile: Profile, options: ClientOptions) -> Result<Self> {
        let options = resolved(&profile, options)?;
        let settings = options.calls.over(&Settings::default())?;
        let base_url = base_url(&profile, &options)?;
        let auth = credential(&profile, &options)?;
        for (name, value) in &options.headers {
            check_header(name, value).map_err(|error| Error::new(Kind::Config, error.to_string()))?;
        }
        for origin in &options.trusted_origins {
            read_base_url(origin, "an entry of trusted_origins", options.allow_insecure_http, &[])?;
        }
        let trusted = options.trusted_origins.iter().chain([&base_url]).map(|url| origin_of(url)).collect();
        let clock = options.clock.unwrap_or_else(|| Arc::new(SystemClock::default()));
        let transport = match options.transport {
            Some(transport) => transport,
            None => {
                let proxies = match &options.proxy {
                    Some(proxy) => Proxies::all(proxy)?,
                    None if options.trust_env == Some(false) => Proxies::default(),
                    None => Proxies::from_env(),
                };
                let ca_bundle = options.ca_bundle.as_deref();
                Arc::new(HyperTransport::new(clock.clone(), options.pool, ca_bundle, proxies)?)
            }
        };
        let limiter = LimiterOptions {
            mode: options.limiter_mode,
            max_wait: settings.max_limit_wait,
            concurrency: options.concurrency,
            oversize: options.oversize,
            adaptive: options.adaptive_concurrency,
            throttle: options.adaptive_throttle,
        };
        Limiter::new(&options.limits, &limiter)?; // a value that makes no sense is told now
        for limit in &options.limits {
            limit.clone().checked()?;
        }
        let tokens = match &auth {
            Auth::OAuth2(grant) => {
                let url = grant.token_url.as_deref().unwrap_or_default();
                read_base_url(url, "OAuth2.token_url", options.allow_insecure_http, &[])?;
                Some(Arc::new(TokenKeeper::new(grant.clone(), settings.clone())))
            }
            _ => None,
        };
        let shared = Shared {
            profile: Arc::new(profile),
            tokens,
            base_url,
            allow_insecure_http: options.allow_insecure_http,
            headers: options.headers,
            secret_headers: options.secret_headers,
            auth,
            clock,
            chance: options.random.unwrap_or_else(|| Arc::new(fastrand::f64)),
            hooks: options.on_event,
            middleware: options.middleware,
            transport,
            budgets: Mutex::default(),
            trusted,
            limits: options.limits,
            limiter,
            breaker: options.breaker.checked()?,
            circuits: Mutex::default(),
            gates: Mutex::default(),
            closed: AtomicBool::new(false),
            killed: CancellationToken::new(),
            running: AtomicUsize::new(0),
            idle: Notify::new(),
            missing_terminals: AtomicUsize::new(0),
        };
        Ok(Self { shared: Arc::new(shared), settings })
    }

    /// A copy with other defaults, which shares connections, limits, circuits and the retry budget.
    ///
    /// # Errors
    /// [`Error::Config`] for a number that its option cannot have.
    pub fn with_options(&self, options: &CallOptions) -> Result<Self> {
        Ok(Self { shared: self.shared.clone(), settings: options.over(&self.settings)? })
    }

    /// Make a call: its result as JSON, null for an operation that promises no body.
    ///
    /// # Errors
    /// The last attempt's error, with all attempts listed.
    pub async fn call_json(
        &self,
        operation: &Operation,
        params: &Params,
        options: CallOptions,
    ) -> Result<Value> {
        let call = Arc::new(self.prepare(operation, params, options, Reading::Whole)?);
        run_unary(&call).await
    }

    /// Make a call: its typed result.
    ///
    /// # Errors
    /// The last attempt's error; [`Error::InvalidResponse`] for JSON of another shape.
    pub async fn call<R: DeserializeOwned>(
        &self,
        operation: &Operation,
        params: &Params,
        options: CallOptions,
    ) -> Result<R> {
        typed(operation.name, self.call_json(operation, params, options).await?)
    }

    /// Make a call: its typed result with status, headers and request id.
    ///
    /// # Errors
    /// Those of [`Client::call`].
    pub async fn answer<R: DeserializeOwned>(
        &self,
        operation: &Operation,
        params: &Params,
        options: CallOptions,
    ) -> Result<Answer<R>> {
        let call = Arc::new(self.prepare(operation, params, options, Reading::Whole)?);
        let value = typed(operation.name, run_unary(&call).await?)?;
        let (status, headers, attempts) = call.response();
        Ok(Answer { value, status, headers, request_id: call.request_id(), attempts })
    }

    /// Make a call that streams; the stream has an event ready, or is at its end.
    ///
    /// # Errors
    /// The last attempt's error; [`Error::InvalidRequest`] for an operation that does not stream.
    pub async fn stream(
        &self,
        operation: &Operation,
        params: &Params,
        options: CallOptions,
    ) -> Result<EventStream> {
        let Some(rule) = operation.stream.clone() else {
            return Err(Error::new(Kind::InvalidRequest, format!("{} does not stream", operation.name)));
        };
        let call = Arc::new(self.prepare(operation, params, options, Reading::Events)?);
        call.begin()?;
        let mut sender = Opening { call: call.clone(), rule: Some(rule.clone()) };
        let stream = opened(&call, &mut sender).await.and_then(|found| EventStream::of(found, &rule, &call));
        stream.inspect_err(|error| call.finish(&super::call::outcome_name(Some(error))))
    }

    /// The first page of a list, with items of type `T`; it knows the pages that follow.
    ///
    /// # Errors
    /// Those of [`Client::call`]; [`Error::InvalidRequest`] for an operation without pages.
    pub async fn pages<T: DeserializeOwned>(
        &self,
        operation: &Operation,
        params: &Params,
        options: CallOptions,
    ) -> Result<Page<T>> {
        Page::first(self, operation, params, options).await
    }

    /// A file that arrives: its first byte is here.
    ///
    /// # Errors
    /// The last attempt's error.
    pub async fn download(
        &self,
        operation: &Operation,
        params: &Params,
        options: CallOptions,
    ) -> Result<Download> {
        self.arrive(operation, params, options).await.map(Download::new)
    }

    /// The file at an absolute URL that an answer named, such as one with results. Credentials go along only
    /// to the origin of the base URL and to trusted origins.
    ///
    /// # Errors
    /// Those of [`Client::download`]; [`Error::InvalidRequest`] for a URL that is not https.
    pub async fn download_url(&self, url: &str, options: CallOptions) -> Result<Download> {
        self.arrive(&DOWNLOAD_URL, &self.link(url)?, options).await.map(Download::new)
    }

    /// Lines of JSON that arrive, each a `T`.
    ///
    /// # Errors
    /// The last attempt's error.
    pub async fn lines<T: DeserializeOwned + Send + 'static>(
        &self,
        operation: &Operation,
        params: &Params,
        options: CallOptions,
    ) -> Result<Lines<T>> {
        self.arrive(operation, params, options).await.map(Lines::new)
    }

    /// The lines of JSON at an absolute URL that an answer named; see [`Client::download_url`].
    ///
    /// # Errors
    /// Those of [`Client::lines`]; [`Error::InvalidRequest`] for a URL that is not https.
    pub async fn lines_url<T: DeserializeOwned + Send + 'static>(
        &self,
        url: &str,
        options: CallOptions,
    ) -> Result<Lines<T>> {
        self.arrive(&LINES_URL, &self.link(url)?, options).await.map(Lines::new)
    }

    async fn arrive(&self, operation: &Operation, params: &Params, options: CallOptions) -> Result<Arrival> {
        let call = Arc::new(self.prepare(operation, params, options, Reading::Pieces)?);
        call.begin()?;
        let mut sender = Opening { call: call.clone(), rule: None };
        let arrival = opened(&call, &mut sender).await.and_then(Arrival::of);
        arrival.inspect_err(|error| call.finish(&super::call::outcome_name(Some(error))))
    }

    fn link(&self, url: &str) -> Result<Params> {
        let url = checked_link(url, self.shared.allow_insecure_http)?;
        Ok(Params { url: Some(url), ..Params::default() })
    }

    pub(super) fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// Whether the provider's cheapest GET answers; `None` where the description names none.
    ///
    /// # Errors
    /// What kept it from answering.
    pub async fn health_check(&self, options: CallOptions) -> Result<Option<Value>> {
        let Some(probe) = &self.shared.profile.health else {
            return Ok(None);
        };
        let operation =
            Operation { name: probe.name, path: probe.path, group: probe.group, ..Operation::DEFAULT };
        self.call_json(&operation, &Params::default(), options).await.map(Some)
    }

    /// What is known of the limits, by model or family.
    #[must_use]
    pub fn rate_limit_status(&self) -> BTreeMap<String, Vec<FamilyState>> {
        self.shared.limit_status()
    }

    /// Where each circuit stands, by operation group, or group and model.
    #[must_use]
    pub fn circuit_states(&self) -> BTreeMap<String, State> {
        let circuits: Vec<(String, Arc<Circuit>)> = locked(&self.shared.circuits)
            .iter()
            .map(|(name, circuit)| (name.clone(), circuit.clone()))
            .collect();
        circuits.into_iter().map(|(name, circuit)| (name, circuit.state())).collect()
    }

    /// Refuse every call of an operation group until [`Client::reset_circuit`].
    pub fn force_open_circuit(&self, group: &str) {
        let now = self.shared.clock.now();
        self.shared.circuit(group, None, &None).change(|breaker| breaker.force_open(now));
    }

    /// Let every call of an operation group through, and count nothing, until [`Client::reset_circuit`].
    pub fn disable_circuit(&self, group: &str) {
        let now = self.shared.clock.now();
        self.shared.circuit(group, None, &None).change(|breaker| breaker.disable(now));
    }

    /// Start a circuit anew, closed and without history.
    pub fn reset_circuit(&self, group: &str) {
        let now = self.shared.clock.now();
        self.shared.circuit(group, None, &None).change(|breaker| breaker.reset(now));
    }

    /// Let running calls finish for five seconds, then cancel them; later calls fail. Safe to repeat.
    pub async fn close(&self) {
        self.shared.close().await;
    }

    fn prepare(
        &self,
        operation: &Operation,
        params: &Params,
        options: CallOptions,
        reading: Reading,
    ) -> Result<Call> {
        let settings = options.over(&self.settings)?;
        let common = Common {
            profile: &self.shared.profile,
            base_url: &self.shared.base_url,
            headers: &self.shared.headers,
            new_key: &new_key,
            chance: &*self.shared.chance,
        };
        let prepared = prepare(operation, &common, params, &options, reading == Reading::Events)?;
        let streaming = reading != Reading::Whole;
        Ok(Call::new(self.shared.clone(), operation.clone(), prepared, settings, options, streaming))
    }
}

async fn run_unary(call: &Arc<Call>) -> Result<Value> {
    call.begin()?;
    let mut sender = Unary(call.clone());
    let result = opened(call, &mut sender).await.and_then(|response| match response.content {
        Content::Whole(value) => Ok(value),
        _ => Err(Error::new(Kind::Raised, "Middleware answered a unary call with a stream")),
    });
    call.finish_with(&super::call::outcome_name(result.as_ref().err()), result.as_ref().ok());
    result
}

/// What the attempts bring, or what call middleware makes of that.
async fn opened(call: &Arc<Call>, sender: &mut dyn Sender) -> Result<Response> {
    let request = call.prepared().request.clone();
    let work = through(call, Level::Call, &call.shared.middleware, request, sender);
    call.unless_cancelled(work).await
}

/// The attempts of a unary call.
struct Unary(Arc<Call>);

impl Sender for Unary {
    fn send(&mut self, request: HttpRequest) -> BoxFuture<'_, Result<Response>> {
        self.0.ask(request);
        self.0.run(|| hedged(self.0.clone())).boxed()
    }
}

/// The attempts to open a stream of events, or of bytes where there is no rule of events.
struct Opening {
    call: Arc<Call>,
    rule: Option<StreamRule>,
}

impl Sender for Opening {
    fn send(&mut self, request: HttpRequest) -> BoxFuture<'_, Result<Response>> {
        self.call.ask(request);
        match &self.rule {
            Some(rule) => self.call.run(|| Pump::open(self.call.clone(), rule.clone())).boxed(),
            None => self.call.run(|| Arrival::open(self.call.clone())).boxed(),
        }
    }
}

/// A decoded answer as a type.
pub(super) fn typed<R: DeserializeOwned>(operation: &str, value: Value) -> Result<R> {
    serde_json::from_value(value).map_err(|error| {
        let message = format!("The answer of {operation} has another shape than described");
        Error::new(Kind::InvalidResponse, message).caused_by(error)
    })
}

/// A version 4 UUID (RFC 9562).
fn new_key() -> String {
    let bits = (fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn base_url(profile: &Profile, options: &ClientOptions) -> Result<String> {
    let found = options.base_url.clone().map(|url| ("base_url".to_owned(), url));
    let found = found.or_else(|| variable(profile.env_base_url));
    let (source, text) = found.unwrap_or_else(|| ("base_url".to_owned(), profile.base_url.to_owned()));
    read_base_url(&text, &source, options.allow_insecure_http, profile.base_url_suffixes)
}

fn credential(profile: &Profile, options: &ClientOptions) -> Result<Auth> {
    let given = options.auth.clone().or_else(|| options.api_key.clone().map(Auth::Key));
    if let Some(auth) = given {
        return auth.checked(&profile.auth);
    }
    if let Some((name, value)) = variable(profile.env_api_key) {
        let secret = super::auth::clean(&SecretString::from(value), &name)?;
        return Ok(Auth::Key(secret));
    }
    if profile.auth.optional || profile.auth.kind == AuthKind::None {
        return Ok(Auth::None);
    }
    let names = profile.env_api_key.join(", ");
    let message = format!("No credential for {}: give api_key, set {names}, or use Auth::None", profile.name);
    Err(Error::new(Kind::Config, message))
}
