//! What a client knows of a provider and of one operation: facts, no behaviour.
//!
//! Generated SDKs are mostly `static` values of these types. All names are wire names.

/// A table of wire names and values.
pub type Pairs = &'static [(&'static str, &'static str)];
/// A list of wire names.
pub type Names = &'static [&'static str];

/// How a reset is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetForm {
    /// `1m30s`.
    Duration,
    /// A number of seconds.
    Seconds,
    /// Seconds since the epoch.
    Epoch,
    /// A date and time of RFC 3339.
    Rfc3339,
}

/// What happens at a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetMeaning {
    /// A window ends.
    Window,
    /// The family has refilled to its limit.
    Refill,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Requests.
    Requests,
    /// Input and output tokens together.
    Tokens,
    /// Input tokens.
    Input,
    /// Output tokens.
    Output,
    /// A unit that we do not count.
    Other,
}

impl Unit {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Input => "input",
            Self::Output => "output",
            Self::Other => "other",
        }
    }
}

/// When a request may be sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replay {
    /// Freely.
    #[default]
    Safe,
    /// With an idempotency key that the provider honours.
    Keyed,
    /// Only after failures that prove it was not processed.
    Once,
}

/// How a stream's events add up to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Chunks with `choices`, ended by `[DONE]`.
    ChatCompletion,
    /// Blocks by index, ended by `message_stop`.
    BlockEvent,
    /// Typed events that build one Response.
    Response,
    /// Entries that grow by typed events.
    Conversation,
    /// Events that add up to nothing but their list.
    Events,
}

/// What the body of a 2xx answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerKind {
    /// A JSON object.
    #[default]
    Object,
    /// Any JSON value; null is one.
    Json,
    /// Lines of JSON.
    Lines,
    /// Bytes.
    Binary,
    /// Nothing.
    Empty,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyKind {
    /// A JSON object.
    #[default]
    Object,
    /// Other JSON, the parameter `body`.
    Json,
    /// A form with files.
    Multipart,
    /// A form as it stands in a URL.
    Form,
    /// Bytes, the parameter `body`.
    Binary,
}

/// How a parameter is written, where that is not usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterStyle {
    /// Joined by commas.
    Comma,
    /// Joined by spaces.
    Space,
    /// Joined by pipes.
    Pipe,
    /// An object's fields as parameters of their own.
    Fields,
    /// An object's fields as `name=value`, joined by commas.
    Pairs,
    /// As JSON.
    Json,
    /// In a path, behind a dot.
    Label,
    /// In a path, each part behind a dot.
    LabelExploded,
    /// In a path, behind a semicolon and the name.
    Matrix,
    /// In a path, each part behind a semicolon and its name.
    MatrixExploded,
}

/// The response headers, in lower case, of one rate-limit family.
#[derive(Clone, Debug)]
pub struct LimitHeaders {
    /// Its name.
    pub family: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The header of the limit.
    pub limit: &'static str,
    /// The header of what is left.
    pub remaining: &'static str,
    /// The header of the reset; there may be none.
    pub reset: Option<&'static str>,
    /// How the reset is written.
    pub reset_form: ResetForm,
    /// What the reset means.
    pub reset_meaning: ResetMeaning,
    /// Seconds in which the limit is gained, for families without a reset.
    pub period: Option<f64>,
}

/// How a provider's errors are read.
#[derive(Clone, Debug)]
pub struct ErrorRules {
    /// The status of error types that arrive without one.
    pub status_of_type: &'static [(&'static str, u16)],
    /// Types and codes of a quota that waiting does not cure.
    pub terminal_codes: Names,
    /// Statuses that are repeated, beside those that always are.
    pub retryable_statuses: &'static [u16],
    /// Statuses that prove that the request was not processed.
    pub not_processed: &'static [u16],
}

impl ErrorRules {
    /// The rules of a provider that says nothing of its own.
    pub const DEFAULT: Self = Self {
        status_of_type: &[],
        terminal_codes: &["insufficient_quota", "billing_hard_limit_reached", "billing_error"],
        retryable_statuses: &[],
        not_processed: &[429],
    };
}

/// Which kind of credential a provider takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthKind {
    /// A key as it is.
    ApiKey,
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`.
    Basic,
    /// Tokens from a token endpoint.
    OAuth2,
    /// None.
    None,
}

/// Where a key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// A header.
    Header,
    /// The query.
    Query,
    /// A cookie.
    Cookie,
}

/// How a client proves itself to a token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// HTTP Basic.
    #[default]
    Basic,
    /// Parameters of the body.
    Body,
}

/// Where a credential goes; `name` is that of the header, query parameter or cookie.
#[derive(Clone, Debug)]
pub struct AuthScheme {
    /// Its kind.
    pub kind: AuthKind,
    /// Where a key goes.
    pub placement: Placement,
    /// The name it goes by.
    pub name: &'static str,
    /// Where `OAuth2` tokens come from.
    pub token_url: Option<&'static str>,
    /// What `OAuth2` tokens are asked for.
    pub scopes: Names,
    /// How the client proves itself to the token endpoint.
    pub client_auth: ClientAuth,
    /// Whether it is sent only where there is one.
    pub optional: bool,
}

impl AuthScheme {
    /// A bearer token.
    pub const BEARER: Self = Self {
        kind: AuthKind::Bearer,
        placement: Placement::Header,
        name: "authorization",
        token_url: None,
        scopes: &[],
        client_auth: ClientAuth::Basic,
        optional: false,
    };
}

/// A cheap GET without arguments that shows whether the API works.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The operation's name.
    pub name: &'static str,
    /// Its path.
    pub path: &'static str,
    /// Its group.
    pub group: &'static str,
}

/// One provider as its description gives it.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// Where its API is.
    pub base_url: &'static str,
    /// Environment variables that may hold the key.
    pub env_api_key: Names,
    /// Environment variables that may hold another base URL.
    pub env_base_url: Names,
    /// The credential.
    pub auth: AuthScheme,
    /// Headers of every request.
    pub headers: Pairs,
    /// Where its request ids are.
    pub request_id_headers: Names,
    /// How its errors are read.
    pub errors: ErrorRules,
    /// Its rate-limit headers.
    pub rate_limits: &'static [LimitHeaders],
    /// Path ends that users' base URLs may carry although the operations' paths bring them already.
    pub base_url_suffixes: Names,
    /// Headers that are credentials too.
    pub secret_headers: Names,
    /// The header of an idempotency key.
    pub idempotency_header: Option<&'static str>,
    /// The header of the attempt's number.
    pub attempt_header: Option<&'static str>,
    /// The header of how many attempts went before.
    pub previous_attempts_header: Option<&'static str>,
    /// A cheap GET.
    pub health: Option<Probe>,
}

impl Profile {
    /// A provider of which nothing is known but where it is; a start for `..Profile::DEFAULT`.
    pub const DEFAULT: Self = Self {
        name: "",
        base_url: "",
        env_api_key: &[],
        env_base_url: &[],
        auth: AuthScheme::BEARER,
        headers: &[],
        request_id_headers: &["request-id", "x-request-id"],
        errors: ErrorRules::DEFAULT,
        rate_limits: &[],
        base_url_suffixes: &[],
        secret_headers: &[],
        idempotency_header: None,
        attempt_header: None,
        previous_attempts_header: None,
        health: None,
    };
}

/// The value that a body's stream parameter is set to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StreamValue {
    /// A boolean.
    Bool(bool),
    /// A text.
    Text(&'static str),
}

/// How an operation streams.
#[derive(Clone, Debug)]
pub struct StreamRule {
    /// How its events add up.
    pub family: Family,
    /// The field of the body that asks for a stream, unless there is none.
    pub parameter: Option<&'static str>,
    /// What it is set to.
    pub value: StreamValue,
    /// Whether a line of JSON is an event.
    pub ndjson: bool,
    /// Of the family `Events`: values of `type_field` that end a stream.
    pub terminal: Names,
    /// The field that tells events apart; `event-name` is the name of a server-sent event.
    pub type_field: &'static str,
}

impl StreamRule {
    /// Whether no event is known to end the stream, so that the end of the body does.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.family == Family::Events && self.terminal.is_empty()
    }

    /// The rule of a family whose body has the field `stream`.
    #[must_use]
    pub const fn of(family: Family) -> Self {
        Self {
            family,
            parameter: Some("stream"),
            value: StreamValue::Bool(true),
            ndjson: false,
            terminal: &[],
            type_field: "type",
        }
    }
}

/// How an operation's body is written.
#[derive(Clone, Debug)]
pub struct BodyRule {
    /// Its kind.
    pub kind: BodyKind,
    /// Its media type.
    pub media_type: &'static str,
    /// Fields that hold files.
    pub files: Names,
    /// Fields whose objects are written as `name[key]`.
    pub deep: Names,
    /// The types that single fields are sent with.
    pub media_types: Pairs,
}

impl BodyRule {
    /// A JSON object.
    pub const JSON: Self = Self {
        kind: BodyKind::Object,
        media_type: "application/json",
        files: &[],
        deep: &[],
        media_types: &[],
    };
}

/// How a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStyle {
    /// After the id of the last item.
    AfterId,
    /// Before the id of the first item.
    BeforeId,
    /// At a cursor that the answer names.
    Cursor,
    /// At the next number.
    Page,
    /// At a link that the answer names.
    Link,
}

/// How the next page of a list is asked for.
///
/// `items`, `id`, `more`, `next` and `total` are dotted paths into the answer (`id` into an item); "" for none.
#[derive(Clone, Debug)]
pub struct PageRule {
    /// How the list goes on.
    pub style: PageStyle,
    /// Where the items are.
    pub items: &'static str,
    /// The parameter that says where to go on.
    pub param: &'static str,
    /// Where an item's id is.
    pub id: &'static str,
    /// The parameter of lists that go backwards.
    pub before: &'static str,
    /// Where the cursor or link is.
    pub next: &'static str,
    /// Where it says that there is more.
    pub more: &'static str,
    /// The first page's number.
    pub start: i64,
    /// The parameter of a page's size.
    pub size_param: &'static str,
    /// Where the number of all items is.
    pub total: &'static str,
    /// Whether the parameter goes into the body.
    pub in_body: bool,
    /// The rule for answers with nothing at `next`.
    pub otherwise: Option<&'static PageRule>,
}

impl PageRule {
    /// A start for `..PageRule::DEFAULT`.
    pub const DEFAULT: Self = Self {
        style: PageStyle::Cursor,
        items: "data",
        param: "",
        id: "id",
        before: "",
        next: "",
        more: "",
        start: 1,
        size_param: "",
        total: "",
        in_body: false,
        otherwise: None,
    };
}

/// One operation of a provider.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its name, such as `messages.create`.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with `{names}`.
    pub path: &'static str,
    /// How it streams.
    pub stream: Option<StreamRule>,
    /// When it may be sent again.
    pub replay: Replay,
    /// Which operations share its breaker.
    pub group: &'static str,
    /// Whether it has a body.
    pub has_body: bool,
    /// What it answers.
    pub answer: AnswerKind,
    /// The media type it answers with.
    pub accept: &'static str,
    /// How its body is written.
    pub body: BodyRule,
    /// How its list goes on.
    pub pages: Option<PageRule>,
    /// What its answer must have, as dotted paths; checked where the caller is strict.
    pub required: Names,
    /// How parameters are written, by place and name such as `query.tags`.
    pub styles: &'static [(&'static str, ParameterStyle)],
}

impl Operation {
    /// A start for `..Operation::DEFAULT`.
    pub const DEFAULT: Self = Self {
        name: "",
        method: "GET",
        path: "/",
        stream: None,
        replay: Replay::Safe,
        group: "default",
        has_body: false,
        answer: AnswerKind::Object,
        accept: "application/json",
        body: BodyRule::JSON,
        pages: None,
        required: &[],
        styles: &[],
    };
}
