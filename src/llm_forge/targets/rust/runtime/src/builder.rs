//! Clients made step by step: `Client::builder(PROFILE).api_key(key).max_attempts(5).build()`.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;

use super::auth::Auth;
use super::client::Client;
use super::clock::{Chance, Clock};
use super::core::breaker::BreakerSettings;
use super::core::errors::Result;
use super::core::limiter::{Limit, Mode, Oversize};
use super::core::profile::Profile;
use super::middleware::Middleware;
use super::observability::{ClientEvent, Hook};
use super::options::{CallOptions, ClientOptions, Timeout};
use super::pool::PoolLimits;
use super::transport::Transport;

/// Options of a client to be. What is not set comes from the environment variables that the provider's description
/// names, then from the description. `C` is the client: that of an SDK stands on the runtime's.
#[must_use = "a builder makes a client when `build` is called"]
pub struct ClientBuilder<C = Client> {
    profile: Profile,
    options: ClientOptions,
    client: PhantomData<fn() -> C>,
}

impl<C> std::fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientBuilder({})", self.profile.name)
    }
}

macro_rules! sets {
    ($($(#[$doc:meta])* $name:ident($argument:ident: $kind:ty) { $($place:ident).+ = $value:expr })*) => {
        $(
            $(#[$doc])*
            pub fn $name(mut self, $argument: $kind) -> Self {
                self.options.$($place).+ = $value;
                self
            }
        )*
    };
}

impl<C: From<Client>> ClientBuilder<C> {
    /// A builder of clients of this provider.
    pub fn new(profile: Profile) -> Self {
        Self { profile, options: ClientOptions::default(), client: PhantomData }
    }

    /// Starts from these options.
    pub fn options(mut self, options: ClientOptions) -> Self {
        self.options = options;
        self
    }

    /// A header of every request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.headers.push((name.into(), value.into()));
        self
    }

    /// A header that holds a credential too, so that no text shows it.
    pub fn secret_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.options.secret_headers.push(name.clone());
        self.header(name, value)
    }

    /// An origin beside that of the base URL that credentials may go to.
    pub fn trusted_origin(mut self, url: impl Into<String>) -> Self {
        self.options.trusted_origins.push(url.into());
        self
    }

    /// A limit that this client keeps; several may be given.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.options.limits.push(limit);
        self
    }

    /// A hook that is there already, such as that of the feature `tracing`.
    pub fn hook(mut self, hook: Hook) -> Self {
        self.options.on_event.push(hook);
        self
    }

    /// A function that sees what happens in calls; it must not block.
    pub fn on_event(self, hook: impl Fn(&ClientEvent) + Send + Sync + 'static) -> Self {
        self.hook(Arc::new(hook))
    }

    /// What stands around calls and attempts, inside those that were given before.
    pub fn middleware(mut self, middleware: impl Middleware + 'static) -> Self {
        self.options.middleware.push(Arc::new(middleware));
        self
    }

    /// A configuration file; of several the last goes before the earlier ones.
    pub fn config(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.config.push(path.into());
        self
    }

    sets! {
        /// The key; it is kept secret.
        api_key(key: impl Into<SecretString>) { api_key = Some(key.into()) }
        /// Another credential than a key.
        auth(auth: Auth) { auth = Some(auth) }
        /// Where the API is.
        base_url(url: impl Into<String>) { base_url = Some(url.into()) }
        /// Plain http to other hosts than this one.
        allow_insecure_http(allow: bool) { allow_insecure_http = allow }
        /// A PEM file of the only authorities that are trusted.
        ca_bundle(path: impl Into<PathBuf>) { ca_bundle = Some(path.into()) }
        /// A proxy for every request, in place of the one that the environment names; its password is a secret.
        proxy(url: impl Into<SecretString>) { proxy = Some(url.into()) }
        /// Whether proxies of the environment are used; they are if nothing is said.
        trust_env(trust: bool) { trust_env = Some(trust) }
        /// How many connections are kept.
        pool(limits: PoolLimits) { pool = limits }
        /// Token bucket or sliding window.
        limiter_mode(mode: Mode) { limiter_mode = mode }
        /// Calls at once, for each model or family.
        concurrency(calls: u32) { concurrency = Some(calls) }
        /// What becomes of a call that is larger than a limit.
        oversize(what: Oversize) { oversize = what }
        /// Find out how many calls the server takes at once.
        adaptive_concurrency(adapt: bool) { adaptive_concurrency = adapt }
        /// Hold calls back that the server would most likely refuse; 2 is usual.
        adaptive_throttle(factor: f64) { adaptive_throttle = Some(factor) }
        /// When circuits open and close.
        breaker(settings: BreakerSettings) { breaker = settings }
        /// Time; for tests.
        clock(clock: Arc<dyn Clock>) { clock = Some(clock) }
        /// Chance, uniform in [0, 1]; for tests.
        random(chance: Chance) { random = Some(chance) }
        /// What sends requests; for tests and for stacks of your own.
        transport(transport: Arc<dyn Transport>) { transport = Some(transport) }
        /// Defaults of every call.
        calls(options: CallOptions) { calls = options }
        /// The deadline of a call.
        timeout(timeout: Timeout) { calls.timeout = Some(timeout) }
        /// From 1 to 20; 3 if nothing is said.
        max_attempts(attempts: u32) { calls.max_attempts = Some(attempts) }
        /// Seconds for one exchange.
        attempt_timeout(seconds: f64) { calls.attempt_timeout = Some(seconds) }
        /// Seconds until a stream's first event.
        first_event_timeout(seconds: f64) { calls.first_event_timeout = Some(seconds) }
        /// Seconds that a stream may be without bytes.
        idle_timeout(seconds: f64) { calls.idle_timeout = Some(seconds) }
        /// Seconds that a stream may be without events.
        stall_timeout(seconds: f64) { calls.stall_timeout = Some(seconds) }
        /// The longest wait in seconds that a server may ask for.
        max_server_wait(seconds: f64) { calls.max_server_wait = Some(seconds) }
        /// The longest wait in seconds for a limit of our own.
        max_limit_wait(seconds: f64) { calls.max_limit_wait = Some(seconds) }
        /// Seconds after which a second attempt is sent beside a slow first one.
        hedge_after(seconds: f64) { calls.hedge_after = Some(seconds) }
        /// Refuse streams that end without their terminal event.
        strict_completion(strict: bool) { calls.strict_completion = Some(strict) }
        /// Refuse results without a required field.
        strict(strict: bool) { calls.strict = Some(strict) }
    }

    /// The client.
    ///
    /// # Errors
    /// [`Error::Config`](super::core::errors::Error::Config) names the option or variable that is missing or wrong.
    pub fn build(self) -> Result<C> {
        Client::new(self.profile, self.options).map(C::from)
    }
}
