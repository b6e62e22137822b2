"""What a client knows of a provider and of one operation: facts, no behaviour.

Generated clients are mostly instances of these dataclasses. All names are wire names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

R = TypeVar("R")
E = TypeVar("E")

ResetForm = Literal["duration", "seconds", "epoch", "rfc3339"]
ResetMeaning = Literal["window", "refill"]
LimitUnit = Literal["requests", "tokens", "input", "output", "other"]
Replay = Literal["safe", "keyed", "once"]
Family = Literal["chat-completion", "block-event", "response", "conversation", "events"]
Answer: TypeAlias = Literal["object", "json", "lines", "binary", "empty"]
BodyKind: TypeAlias = Literal["object", "json", "multipart", "form", "binary"]
ParameterStyle: TypeAlias = Literal[
    "comma", "space", "pipe", "fields", "pairs", "json", "label", "label*", "matrix", "matrix*"
]
PageStyle: TypeAlias = Literal["after-id", "before-id", "cursor", "page", "link"]
EVENT_NAME: Final = "event-name"  # the `type_field` of events that only their name tells apart


@dataclass(frozen=True, slots=True)
class LimitHeaders:
    """The response headers, in lower case, of one rate-limit family (R-113); `reset` may be absent."""

    family: str
    unit: LimitUnit
    limit: str
    remaining: str
    reset: str | None = None
    reset_form: ResetForm = "duration"
    reset_meaning: ResetMeaning = "window"
    cost: str | None = None
    period: float | None = None


@dataclass(frozen=True, slots=True)
class ErrorRules:
    """How a provider's errors are read (R-070, R-072, R-148)."""

    status_of_type: Mapping[str, int] = field(default_factory=dict)
    terminal_codes: frozenset[str] = frozenset(
        {"insufficient_quota", "billing_hard_limit_reached", "billing_error"}
    )
    retryable_statuses: frozenset[int] = frozenset()
    not_processed: frozenset[int] = frozenset({429})


@dataclass(frozen=True, slots=True)
class AuthScheme:
    """Where a credential goes (R-020, R-021). `name` is the header, query or cookie name.

    `token_url`, `scopes` and `client_auth` are for `oauth2` (R-028): where tokens come from, what they
    are asked for, and whether the client proves itself with HTTP Basic or in the body. An `optional` one is
    sent only where there is one.
    """

    kind: Literal["api-key", "bearer", "basic", "oauth2", "none"] = "bearer"
    placement: Literal["header", "query", "cookie"] = "header"
    name: str = "authorization"
    token_url: str | None = None
    scopes: tuple[str, ...] = ()
    client_auth: Literal["basic", "body"] = "basic"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """A cheap GET without arguments that shows whether the API works; `name` is its operation's."""

    name: str
    path: str
    group: str = "default"


@dataclass(frozen=True, slots=True)
class Profile:
    """One provider as its description gives it.

    `base_url_suffixes` are path ends that users' base URLs may carry although the operations' paths
    bring them already; they are dropped when a base URL is read. `capabilities` are facts for layers above.
    """

    name: str
    base_url: str
    env_api_key: tuple[str, ...] = ()
    env_base_url: tuple[str, ...] = ()
    auth: AuthScheme = AuthScheme()
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id_headers: tuple[str, ...] = ("request-id", "x-request-id")
    errors: ErrorRules = ErrorRules()
    rate_limits: tuple[LimitHeaders, ...] = ()
    base_url_suffixes: tuple[str, ...] = ()
    secret_headers: tuple[str, ...] = ()
    idempotency_header: str | None = None
    attempt_header: str | None = None
    previous_attempts_header: str | None = None
    health: Probe | None = None
    capabilities: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StreamRule(Generic[E]):
    """How an operation streams; `event` makes a typed event of decoded JSON.

    `parameter` is set to `value` in the body, unless it is None. `ndjson`: a line is an event (R-135). Of the
    family `events`, `terminal` are the values of `type_field` that end a stream, none where only the end of
    the body does; "event-name" is the name of a server-sent event instead of a field of its JSON.
    """

    family: Family
    event: Callable[[Any], E]
    parameter: str | None = "stream"
    value: Any = True
    ndjson: bool = False
    terminal: frozenset[str] = frozenset()
    type_field: str = "type"

    @property
    def is_open(self) -> bool:
        """Whether no event is known to end the stream, so that the end of the body does."""
        return self.family == "events" and not self.terminal

    @property
    def collects(self) -> bool:
        """Whether the result is the list of the events, because they add up to no other."""
        return self.family == "events"


@dataclass(frozen=True, slots=True)
class BodyRule:
    """How an operation's body is written: a JSON object, other JSON, a form, or bytes.

    Of a form, `files` are the fields that hold files, `deep` those whose objects are written as
    `name[key]`, and `media_types` the types that single fields are sent with.
    """

    kind: BodyKind = "object"
    media_type: str = "application/json"
    files: frozenset[str] = frozenset()
    deep: frozenset[str] = frozenset()
    media_types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageRule:
    """How the next page of a list is asked for (R-203); the description's `pagination` says what means what.

    `items`, `id`, `more`, `next` and `total` are dotted paths into the answer (`id` into an item).
    `otherwise` is the rule for answers with nothing at `next`.
    """

    style: PageStyle
    items: str
    param: str = ""
    id: str = "id"
    before: str = ""
    next: str = ""
    more: str = ""
    start: int = 1
    size_param: str = ""
    total: str = ""
    in_body: bool = False
    otherwise: PageRule | None = None


@dataclass(frozen=True, slots=True)
class Operation(Generic[R, E]):
    """One operation of a provider; `result` makes the typed result from decoded JSON.

    `answer` is what the body of a 2xx answer is: a JSON object, any JSON value (null is one), lines of JSON
    (`result` then makes one of them), bytes, or nothing, in which case `result` is given None (R-198).
    `accept` is its media type. `styles` say how parameters that are lists or objects are written, by place
    and name such as `query.tags`, where that is not usual: joined by `comma`, `space` or `pipe`, an object as
    `fields` of its own or as `pairs` with equal signs, or as `json`; in a path as `label` or `matrix`, with
    a star where each part has its own prefix.
    """

    name: str
    method: str
    path: str
    result: Callable[[Any], R]
    stream: StreamRule[E] | None = None
    replay: Replay = "safe"
    group: str = "default"
    has_body: bool = False
    answer: Answer = "object"
    accept: str = "application/json"
    body: BodyRule = BodyRule()
    pages: PageRule | None = None
    styles: Mapping[str, ParameterStyle] = field(default_factory=dict)
