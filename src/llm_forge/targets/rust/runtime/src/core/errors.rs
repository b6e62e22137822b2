//! Every error a caller can meet, with the facts it carries.
//!
//! One enum, [`Error`]: a variant for each class of the contract, all with the same [`Facts`]. Match on a
//! variant, ask for a group ([`Error::is_api`], [`Error::is_transport`], ...), or read the facts.
//!
//! Rules: the last real error is returned, never wrapped twice; the message says what to do next; no
//! credential and no request content is ever part of a message or of the debug form.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::call_context::CallContext;

/// The longest message, in characters.
pub const MESSAGE_LIMIT: usize = 500;

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

/// One HTTP exchange made for a call.
///
/// `outcome` is the status as text or the error's kind; `duration` is in seconds; `waited` is the sleep before
/// this attempt, 0 for the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// The status as text, or the error's kind.
    pub outcome: String,
    /// Seconds from its start to its end.
    pub duration: f64,
    /// Seconds slept before it.
    pub waited: f64,
    /// The provider's id of the exchange.
    pub request_id: Option<String>,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
}

/// One entry of a provider's validation report; `path` is dotted, such as `body.messages.0.role`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorDetail {
    /// Where, dotted; empty where the report does not say.
    pub path: String,
    /// What is wrong there.
    pub message: String,
    /// The provider's word for it.
    pub kind: Option<String>,
}

/// Where a call was when its time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waiting for a connection of the pool.
    Pool,
    /// Connecting.
    Connect,
    /// Waiting for the limiter.
    Limiter,
    /// Getting a credential.
    Auth,
    /// Waiting for the response's headers.
    Response,
    /// Reading the body.
    Body,
    /// Reading a stream.
    Stream,
    /// Sleeping before a retry.
    RetrySleep,
}

impl Phase {
    /// The word of the contract, such as `retry-sleep`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Connect => "connect",
            Self::Limiter => "limiter",
            Self::Auth => "auth",
            Self::Response => "response",
            Self::Body => "body",
            Self::Stream => "stream",
            Self::RetrySleep => "retry-sleep",
        }
    }

    /// Whether the request was on its way by then.
    #[must_use]
    pub fn is_after_sending(self) -> bool {
        matches!(self, Self::Response | Self::Body | Self::Stream)
    }
}

/// What an error knows; absent facts are `None`. Durations are seconds.
#[derive(Clone, Default)]
#[allow(clippy::struct_excessive_bools)] // four independent facts of the contract
pub struct Facts {
    /// One line that says what to do next.
    pub message: String,
    /// The provider's name.
    pub provider: Option<String>,
    /// The operation's name.
    pub operation: Option<String>,
    /// The model asked for.
    pub model: Option<String>,
    /// Our own id of the call.
    pub call_id: Option<String>,
    /// What was known of the call from its start.
    pub context: Option<Arc<CallContext>>,
    /// The provider's id of the exchange.
    pub request_id: Option<String>,
    /// The HTTP status; inside a stream the one that the provider documents for the type.
    pub status: Option<u16>,
    /// The provider's error type.
    pub error_type: Option<String>,
    /// The provider's error code.
    pub code: Option<String>,
    /// The parameter that the provider names.
    pub param: Option<String>,
    /// The provider's validation report.
    pub details: Vec<ErrorDetail>,
    /// Every attempt of the call.
    pub attempts: Vec<Attempt>,
    /// Seconds since the call began.
    pub elapsed: Option<f64>,
    /// Seconds that the server, the breaker or the limiter asks to wait.
    pub retry_after: Option<f64>,
    /// Whether the policy would repeat it.
    pub retryable: bool,
    /// Whether it came in the middle of a stream.
    pub mid_stream: bool,
    /// Whether an open breaker ended the retries.
    pub circuit_open: bool,
    /// Whether the retry budget ended the retries.
    pub retry_budget_exhausted: bool,
    /// What had arrived of a stream's message.
    pub partial: Option<Value>,
    /// How many events had arrived.
    pub events_seen: Option<u64>,
    /// The id of the last event that had one.
    pub last_event_id: Option<String>,
    /// The error's body, redacted.
    pub body: Option<String>,
    /// Headers worth keeping, redacted.
    pub headers: Option<Vec<(String, String)>>,
    /// Where the call was when its time ran out.
    pub phase: Option<Phase>,
    /// The error below this one.
    pub cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Facts");
        shown.field("message", &self.message);
        let texts = [
            ("provider", &self.provider),
            ("operation", &self.operation),
            ("type", &self.error_type),
            ("code", &self.code),
            ("request_id", &self.request_id),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                shown.field(name, value);
            }
        }
        if let Some(status) = self.status {
            shown.field("status", &status);
        }
        if let Some(seconds) = self.retry_after {
            shown.field("retry_after", &seconds);
        }
        if let Some(phase) = self.phase {
            shown.field("phase", &phase.as_str());
        }
        shown.finish_non_exhaustive()
    }
}

macro_rules! errors {
    ($($variant:ident, $name:literal, $doc:literal;)*) => {
        /// Everything that can go wrong. The name of the contract is [`Error::kind`]'s [`Kind::as_str`].
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Error {
            $(#[doc = $doc] $variant(Box<Facts>),)*
        }

        /// The kinds of [`Error`], without their facts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $(#[doc = $doc] $variant,)*
        }

        impl Kind {
            /// The contract's name of the class, by which all languages compare errors.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The kind of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            fn with(self, facts: Box<Facts>) -> Error {
                match self { $(Self::$variant => Error::$variant(facts),)* }
            }
        }

        impl Error {
            /// Which kind of error this is.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$variant,)* }
            }

            /// What it knows.
            #[must_use]
            pub fn facts(&self) -> &Facts {
                match self { $(Self::$variant(facts) => facts,)* }
            }

            /// What it knows, to add to it.
            pub fn facts_mut(&mut self) -> &mut Facts {
                match self { $(Self::$variant(facts) => facts,)* }
            }
        }
    };
}

errors! {
    Config, "ConfigError", "An option, environment variable, file or description is wrong.";
    InvalidRequest, "InvalidRequestError", "The request was refused before any I/O (R-202, R-240).";
    CircuitOpen, "CircuitOpenError", "The breaker of this origin and group is open (R-094).";
    RateLimitWait, "RateLimitWaitError", "The local limiter would make the call wait too long (R-112).";
    RateLimitConfig, "RateLimitConfigError", "The request can never fit into the declared limit (R-110).";
    ClientClosed, "ClientClosedError", "The client was closed before or during the call (R-042).";
    Auth, "AuthError", "A credential could not be obtained (R-007, R-029).";
    DeadlineExceeded, "DeadlineExceededError", "The call's time ran out; the phase says where (R-055).";
    Connect, "ConnectError", "No connection could be made: refused, unreachable, DNS, or the timer.";
    Tls, "TlsError", "The certificate or host name was not accepted; never retried.";
    PoolTimeout, "PoolTimeoutError", "No connection of the pool became free in time (R-037).";
    AttemptTimeout, "AttemptTimeoutError", "One attempt took longer than its own timer (R-051).";
    ConnectionLost, "ConnectionLostError", "The connection ended before the response did (R-199).";
    Protocol, "ProtocolError", "The peer broke HTTP or a content encoding (R-197).";
    Redirect, "RedirectError", "A redirect that is not followed (R-041).";
    ResponseTooLarge, "ResponseTooLargeError", "A response limit was crossed; never retried (R-196).";
    Api, "ApiError", "The provider answered with an error status that has no class of its own.";
    BadRequest, "BadRequestError", "400.";
    Authentication, "AuthenticationError", "401: the key is missing, wrong or revoked.";
    QuotaExceeded, "QuotaExceededError", "402, or a 429 that waiting does not cure (R-072).";
    PermissionDenied, "PermissionDeniedError", "403.";
    NotFound, "NotFoundError", "404: often an unknown model or id.";
    Conflict, "ConflictError", "409.";
    RequestTooLarge, "RequestTooLargeError", "413.";
    Unprocessable, "UnprocessableError", "422.";
    RateLimit, "RateLimitError", "429; `retry_after` is the server's wait if it named one.";
    Capacity, "CapacityError", "498: no flex capacity right now.";
    Server, "ServerError", "5xx.";
    Overloaded, "OverloadedError", "529.";
    Unavailable, "UnavailableError", "503.";
    GatewayTimeout, "GatewayTimeoutError", "504.";
    InvalidResponse, "InvalidResponseError", "A 2xx answer that is not what the operation returns (R-198).";
    Stream, "StreamError", "A stream that cannot be read, such as one that was read before (R-140).";
    StreamInterrupted, "StreamInterruptedError", "The body ended before the stream did (R-144).";
    StreamIdle, "StreamIdleError", "No bytes arrived for the idle time (R-051).";
    StreamStall, "StreamStallError", "Bytes arrived, but no event for the stall time (R-051).";
    StreamDecode, "StreamDecodeError", "An event whose data is not valid JSON (R-147).";
    StreamProtocol, "StreamProtocolError", "Events in an order that the family does not allow (R-170).";
    Raised, "Raised", "An error of the caller's own code, such as middleware; never retried (R-222).";
    Cancelled, "Cancelled", "The caller's token cancelled the call (R-057); never retried.";
}

impl Error {
    /// An error of this kind that knows nothing but its message.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        kind.with(Box::new(Facts { message: message.into(), ..Facts::default() }))
    }

    /// An error of this kind with these facts.
    #[must_use]
    pub fn with_facts(kind: Kind, facts: Facts) -> Self {
        kind.with(Box::new(facts))
    }

    /// An error of the caller's own code, which is its cause.
    #[must_use]
    pub fn raised(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(Kind::Raised, cause.to_string()).caused_by(cause)
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.facts_mut().cause = Some(Arc::new(cause));
        self
    }

    /// The same error with a wait in seconds.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: f64) -> Self {
        self.facts_mut().retry_after = Some(seconds);
        self
    }

    /// The same error with its phase.
    #[must_use]
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.facts_mut().phase = Some(phase);
        self
    }

    /// Whether this client declined to send.
    #[must_use]
    pub fn is_local_rejection(&self) -> bool {
        matches!(
            self,
            Self::CircuitOpen(_) | Self::RateLimitWait(_) | Self::RateLimitConfig(_) | Self::ClientClosed(_)
        )
    }

    /// Whether the exchange itself failed, below the provider's own answer.
    #[must_use]
    pub fn is_transport(&self) -> bool {
        matches!(
            self,
            Self::Connect(_)
                | Self::Tls(_)
                | Self::PoolTimeout(_)
                | Self::AttemptTimeout(_)
                | Self::ConnectionLost(_)
                | Self::Protocol(_)
                | Self::Redirect(_)
                | Self::ResponseTooLarge(_)
        )
    }

    /// Whether the provider answered with an error.
    #[must_use]
    pub fn is_api(&self) -> bool {
        self.is_server()
            || matches!(
                self,
                Self::Api(_)
                    | Self::BadRequest(_)
                    | Self::Authentication(_)
                    | Self::QuotaExceeded(_)
                    | Self::PermissionDenied(_)
                    | Self::NotFound(_)
                    | Self::Conflict(_)
                    | Self::RequestTooLarge(_)
                    | Self::Unprocessable(_)
                    | Self::RateLimit(_)
                    | Self::Capacity(_)
            )
    }

    /// Whether the provider answered 5xx.
    #[must_use]
    pub fn is_server(&self) -> bool {
        matches!(self, Self::Server(_) | Self::Overloaded(_) | Self::Unavailable(_) | Self::GatewayTimeout(_))
    }

    /// Whether a stream did not end well.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(
            self,
            Self::Stream(_)
                | Self::StreamInterrupted(_)
                | Self::StreamIdle(_)
                | Self::StreamStall(_)
                | Self::StreamDecode(_)
                | Self::StreamProtocol(_)
        )
    }

    /// The error as plain JSON for another process or language; [`Error::from_json`] restores it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        super::error_json::to_json(self)
    }

    /// The error that [`Error::to_json`] wrote; an unknown kind becomes [`Error::Api`].
    #[must_use]
    pub fn from_json(value: &Map<String, Value>) -> Self {
        super::error_json::from_json(value)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.facts().message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.facts().cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

/// The kind of an HTTP status; never untyped.
#[must_use]
pub fn kind_for_status(status: u16) -> Kind {
    match status {
        400 => Kind::BadRequest,
        401 => Kind::Authentication,
        402 => Kind::QuotaExceeded,
        403 => Kind::PermissionDenied,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        413 => Kind::RequestTooLarge,
        422 => Kind::Unprocessable,
        429 => Kind::RateLimit,
        498 => Kind::Capacity,
        503 => Kind::Unavailable,
        504 => Kind::GatewayTimeout,
        529 => Kind::Overloaded,
        500..=599 => Kind::Server,
        _ => Kind::Api,
    }
}
