"""Prints client.rs and profile.rs: the client, and what it knows of its provider."""

from __future__ import annotations

from ...spec import ir
from .names import pascal
from .printing import Literal, Value, listed, pairs, some, statement, structure, texts, updated, used
from .service_writer import children, imports, write_method
from .text import Quoted
from .view import View

_CLIENT = """\
/// Makes the calls; cheap to clone, and clones share everything.
#[derive(Clone, Debug)]
pub struct Client {
    runtime: runtime::Client,
}

impl From<runtime::Client> for Client {
    fn from(runtime: runtime::Client) -> Self {
        Self { runtime }
    }
}

impl Client {
    /// A client with the key and the base URL of the environment.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self> {
        Self::new(ClientOptions::default())
    }

    /// Options one by one: `Client::builder().max_attempts(5).build()`.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(PROFILE.clone())
    }

    /// A client with these options; what they leave open is taken from the environment.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) names the option or variable that is missing or wrong.
    pub fn new(options: ClientOptions) -> Result<Self> {
        Ok(Self { runtime: runtime::Client::new(PROFILE.clone(), options)? })
    }

    /// A copy with other defaults, which shares connections, limits and circuits.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for a number that its option cannot have.
    pub fn with_options(&self, options: &CallOptions) -> Result<Self> {
        Ok(Self { runtime: self.runtime.with_options(options)? })
    }

    /// The client of the runtime, which makes the call of any operation, and tells all of its answer.
    #[must_use]
    pub fn runtime(&self) -> &runtime::Client {
        &self.runtime
    }

    /// Whether the provider's cheapest GET answers; `None` where its description names none.
    ///
    /// # Errors
    /// What kept it from answering.
    pub async fn health_check(&self, options: CallOptions) -> Result<Option<Value>> {
        self.runtime.health_check(options).await
    }

    /// What is known of the limits, by model or family.
    #[must_use]
    pub fn rate_limit_status(&self) -> BTreeMap<String, Vec<FamilyState>> {
        self.runtime.rate_limit_status()
    }

    /// Where each circuit stands, by operation group, or group and model.
    #[must_use]
    pub fn circuit_states(&self) -> BTreeMap<String, State> {
        self.runtime.circuit_states()
    }

    /// Let running calls finish for five seconds, then cancel them; later calls fail.
    pub async fn close(&self) {
        self.runtime.close().await;
    }"""


def write_client(view: View) -> str:
    """The client, with the services and methods that stand on it."""
    body = [
        *_CLIENT.split("\n"),
        *children(view.root, "&self.runtime", "'_"),
        *(line for method in view.root.methods for line in write_method(method, "&self.runtime")),
        "}",
    ]
    head = [
        f"// {view.header}",
        "",
        "use std::collections::BTreeMap;",
        "",
        "use serde_json::Value;",
        "",
        "use crate::profile::PROFILE;",
        "use crate::runtime::core::breaker::State;",
        "use crate::runtime::core::limiter::FamilyState;",
        *imports(body, []),
        *used("crate::services", [child.name for _, child in view.root.children]),
    ]
    return "\n".join([*head, "", *body]) + "\n"


def write_profile(view: View) -> str:
    """What the client knows of its provider."""
    api = view.api
    found: list[tuple[str, Value | None]] = [
        ("name", Quoted(api.provider)),
        ("base_url", Quoted(api.servers[0]) if api.servers else None),
        ("env_api_key", texts(api.env.api_key)),
        ("env_base_url", texts(api.env.base_url)),
        ("auth", _auth(api.auth)),
        ("headers", pairs(api.headers)),
        ("request_id_headers", texts(api.request_id_headers)),
        ("errors", _errors(api.errors)),
        ("rate_limits", listed([_limit(one) for one in api.rate_limits]) if api.rate_limits else None),
        ("base_url_suffixes", texts(api.base_url_suffixes)),
        ("secret_headers", texts(api.secret_headers)),
        ("idempotency_header", _some_text(api.idempotency_header)),
        ("attempt_header", _some_text(api.attempt_header)),
        ("previous_attempts_header", _some_text(api.previous_attempts_header)),
        ("health", some(_health(api))),
    ]
    body = statement("pub static PROFILE: Profile =", updated("Profile", found, "Profile::DEFAULT"))
    text = "\n".join(body)
    named = [one for one in _NAMES if f"{one}::" in text or f"{one} {{" in text]
    head = [f"// {view.header}", "//! What is known of the provider.", ""]
    doc = "/// The provider, as its description has it."
    return "\n".join([*head, *used("crate::runtime::core::profile", named), "", doc, *body]) + "\n"


_NAMES = (
    "AuthKind", "AuthScheme", "ClientAuth", "ErrorRules", "LimitHeaders", "Placement", "Probe", "Profile",
    "ResetForm", "ResetMeaning", "Unit",
)  # fmt: skip


def _some_text(text: str | None) -> Value | None:
    return some(Quoted(text)) if text else None


_KINDS = {"api-key": "ApiKey", "bearer": "Bearer", "basic": "Basic", "oauth2": "OAuth2", "none": "None"}


def _auth(auth: ir.Auth) -> Literal | None:
    if auth == ir.Auth():
        return None
    key = auth.kind == "api-key"
    found: list[tuple[str, Value | None]] = [
        ("kind", None if auth.kind == "bearer" else f"AuthKind::{_KINDS[auth.kind]}"),
        ("placement", f"Placement::{pascal(auth.placement)}" if key and auth.placement != "header" else None),
        ("name", Quoted(auth.name) if key else None),
        ("token_url", _some_text(auth.token_url)),
        ("scopes", texts(auth.scopes)),
        ("client_auth", None if auth.client_auth == "basic" else f"ClientAuth::{pascal(auth.client_auth)}"),
        ("optional", "true" if auth.optional else None),
    ]
    return updated("AuthScheme", found, "AuthScheme::BEARER")


def _errors(errors: ir.Errors) -> Literal | None:
    statuses = [
        Literal("(", [("", Quoted(name)), ("", str(value))], ")") for name, value in errors.status_of_type
    ]
    codes, passed = errors.terminal_codes, errors.not_processed
    found: list[tuple[str, Value | None]] = [
        ("status_of_type", listed(statuses) if statuses else None),
        ("terminal_codes", None if codes is None else listed([Quoted(one) for one in sorted(codes)])),
        ("retryable_statuses", _numbers(errors.retryable_statuses) if errors.retryable_statuses else None),
        ("not_processed", None if passed is None else _numbers(passed)),
    ]
    if not any(value for _, value in found):
        return None
    return updated("ErrorRules", found, "ErrorRules::DEFAULT")


def _numbers(values: tuple[int, ...]) -> Literal:
    return listed([str(one) for one in sorted(values)])


def _limit(one: ir.RateLimit) -> Literal:
    found: list[tuple[str, Value | None]] = [
        ("family", Quoted(one.family)),
        ("unit", f"Unit::{_UNITS.get(one.unit, 'Other')}"),
        ("limit", Quoted(one.limit)),
        ("remaining", Quoted(one.remaining)),
        ("reset", _some_text(one.reset) or "None"),
        ("reset_form", f"ResetForm::{pascal(one.reset_form)}"),
        ("reset_meaning", f"ResetMeaning::{pascal(one.reset_meaning)}"),
        ("period", "None" if one.period is None else f"Some({float(one.period):_})"),
    ]
    return structure("LimitHeaders", found)


_UNITS = {"requests": "Requests", "tokens": "Tokens", "input": "Input", "output": "Output"}


def _health(api: ir.Api) -> Literal | None:
    if api.health is None:
        return None
    one = api.operation(api.health)
    return structure(
        "Probe", [("name", Quoted(one.name)), ("path", Quoted(one.path)), ("group", Quoted(one.group))]
    )
