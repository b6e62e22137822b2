"""What a user may set, per client and per call, and where each value came from (R-001).

Rules of this file:
- Order: call option, client argument, environment variable, configuration file, descriptor default;
  `config` finds what is not an argument.
- An environment variable that is empty or only whitespace counts as unset (R-002).
- An unknown name is a ConfigError that proposes the nearest valid one (R-010).
- Durations are seconds, at least 1 ms, finite; None is allowed only where it means "no limit" (R-011).
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from ..core.breaker import BreakerSettings
from ..core.call_context import Plain
from ..core.durations import check_seconds
from ..core.errors import ConfigError
from ..core.secrets import Secret
from .base_url import checked_url
from .clock import Clock
from .events import Hook
from .network import SHAPES as _NETWORK_SHAPES
from .network import take_network
from .rate_limiter import RateLimiter
from .transports.limits import DEFAULT_NETWORK
from .transports.protocol import Network, PoolLimits

if TYPE_CHECKING:
    from ..core.limiter import Limit, Mode, Oversize
    from .auth.api_key import ApiKey
    from .auth.basic import Basic
    from .auth.bearer import Bearer
    from .auth.custom import AuthProvider
    from .auth.oauth2 import OAuth2
    from .config.schema import ConfigFile
    from .middleware import AnyMiddleware


class Omit:
    """The type of `OMIT`: a parameter left at it is not sent at all; None is sent as JSON null."""

    def __repr__(self) -> str:
        return "OMIT"

    def __bool__(self) -> bool:
        return False


OMIT: Final = Omit()


class CallOptions(TypedDict, total=False):
    """Options of one call; durations in seconds.

    `timeout` bounds the whole call, `attempt_timeout` one exchange, `first_event_timeout` the wait for
    a stream's first event, `idle_timeout` a stream without bytes, `stall_timeout` a stream without
    events. `max_limit_wait` is the longest wait for a local limit, `max_server_wait` the longest that the
    server may ask for. Waits before retries grow by `backoff_factor` up to `max_backoff`; with
    `respect_retry_after` false what servers ask for is not heeded. `hedge_after` sends a second attempt of
    a safe unary call that takes longer than so many seconds, and takes the first answer (R-083).
    `extra_headers`, `extra_query` and `extra_body` are added to the request as they are.
    `strict` refuses an answer that lacks a required field (R-200), `strict_completion` a stream that lacks
    its terminal event (R-145). `call_metadata` is plain
    values of your own that middleware, hooks and errors see and no server does (R-050); `trace_parent` is
    a W3C trace context that the request carries on (R-232).
    """

    timeout: float | None
    max_attempts: int
    attempt_timeout: float
    first_event_timeout: float
    idle_timeout: float
    stall_timeout: float
    max_server_wait: float
    max_limit_wait: float
    max_backoff: float
    backoff_factor: float
    respect_retry_after: bool
    hedge_after: float | None
    strict: bool
    strict_completion: bool
    call_metadata: Mapping[str, Plain]
    trace_parent: str
    idempotency_key: str
    extra_headers: Mapping[str, str]
    extra_query: Mapping[str, Any]
    extra_body: Mapping[str, Any]


class CopyOptions(TypedDict, total=False):
    """What `with_options` may change: defaults of later calls, nothing that is shared (R-012)."""

    timeout: float | None
    max_attempts: int
    attempt_timeout: float
    first_event_timeout: float
    idle_timeout: float
    stall_timeout: float
    max_server_wait: float
    max_limit_wait: float
    max_backoff: float
    backoff_factor: float
    respect_retry_after: bool
    hedge_after: float | None
    connect_timeout: float
    pool_timeout: float
    strict: bool
    strict_completion: bool
    call_metadata: Mapping[str, Plain]
    headers: Mapping[str, str]


class ClientOptions(TypedDict, total=False):
    """Options of a client beyond its key, base URL, timeout, attempts and transport.

    The duration options of `CallOptions` set here are defaults for every call. `connect_timeout` and
    `pool_timeout` bound getting a connection. `pool` says how many are kept (R-037); `ca_bundle` is a PEM
    file of the only certificate authorities to trust; `proxy` is a proxy's URL; `trust_env=False` ignores
    the variables of proxies and of OpenSSL; `http2` offers HTTP/2 (R-036). `config` is a configuration
    file, or several of which a later one goes before an earlier (R-013). `auth="none"` sends no credential;
    the objects send another than the provider's own key. Credentials go to the origin of the
    base URL and to `trusted_origins`; headers listed in `secret_headers` are credentials too (R-241).
    `limits` are local limits (none by default); `oversize="admit-when-full"` lets a request larger than a
    limit go out alone (R-110). `adaptive_concurrency` lets the calls in flight follow the server's health
    (R-120); `adaptive_throttle` is the K with which calls are turned away while the server accepts few
    (R-121).
    `rate_limiter` shares all of these with other clients. `middleware` stands around calls and attempts,
    outside in (R-220). `on_event`, a function or several, sees what happens inside calls (R-230).
    """

    attempt_timeout: float
    first_event_timeout: float
    idle_timeout: float
    stall_timeout: float
    max_server_wait: float
    max_limit_wait: float
    max_backoff: float
    backoff_factor: float
    respect_retry_after: bool
    hedge_after: float | None
    connect_timeout: float
    pool_timeout: float
    strict: bool
    strict_completion: bool
    call_metadata: Mapping[str, Plain]
    allow_insecure_http: bool
    config: str | Path | ConfigFile | Sequence[str | Path | ConfigFile]
    pool: PoolLimits
    trust_env: bool
    ca_bundle: str | PathLike[str]
    proxy: str | Secret
    http2: bool | Literal["prior-knowledge"]
    auth: Literal["none"] | ApiKey | Basic | Bearer | OAuth2 | AuthProvider
    trusted_origins: Sequence[str]
    secret_headers: Sequence[str]
    headers: Mapping[str, str]
    limits: Sequence[Limit]
    limiter_mode: Mode
    concurrency: int
    oversize: Oversize
    adaptive_concurrency: bool
    adaptive_throttle: float
    rate_limiter: RateLimiter
    breaker: BreakerSettings
    on_event: Hook | Sequence[Hook]
    middleware: Sequence[AnyMiddleware]
    clock: Clock
    random: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Extras:
    """What one call adds to its request as it is; kept out of reprs, for it may hold secrets."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    idempotency_key: str | None = None
    trace_parent: str | None = None


UNSET_TIMEOUT: Final = -1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Resolved options of a client; immutable (R-012). Defaults are those of R-051, R-052 and R-061.

    `timeout` None means no deadline; left alone, it is 600 s for unary calls and none for streams.
    """

    timeout: float | None = UNSET_TIMEOUT
    max_attempts: int = 3
    attempt_timeout: float = 600.0
    first_event_timeout: float = 600.0
    idle_timeout: float = 60.0
    stall_timeout: float = 300.0
    max_server_wait: float = 60.0
    max_limit_wait: float = 60.0
    max_backoff: float = 20.0
    backoff_factor: float = 2.0
    respect_retry_after: bool = True
    hedge_after: float | None = None
    connect_timeout: float = 5.0
    pool_timeout: float = 10.0
    strict: bool = False
    strict_completion: bool = False
    call_metadata: Mapping[str, Plain] = field(default_factory=dict, repr=False)
    allow_insecure_http: bool = False
    network: Network = DEFAULT_NETWORK
    auth: Any = field(default=None, repr=False)
    trusted_origins: tuple[str, ...] = ()
    secret_headers: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold secrets
    limits: tuple[Limit, ...] = ()
    limiter_mode: Mode = "bucket"
    concurrency: int | None = None
    oversize: Oversize = "refuse"
    adaptive_concurrency: bool = False
    adaptive_throttle: float | None = None
    breaker: BreakerSettings = field(default_factory=BreakerSettings)

    def call_timeout(self, *, streaming: bool) -> float | None:
        """The deadline of a call in seconds (R-052)."""
        if self.timeout == UNSET_TIMEOUT:
            return None if streaming else 600.0
        return self.timeout

    def new_limiter(self) -> RateLimiter:
        """A limiter with these limits, for a client that shares none."""
        return RateLimiter(
            self.limits,
            mode=self.limiter_mode,
            concurrency=self.concurrency,
            oversize=self.oversize,
            adaptive_concurrency=self.adaptive_concurrency,
            adaptive_throttle=self.adaptive_throttle,
        )


DURATIONS = tuple(f.name for f in fields(Settings) if f.name.endswith(("_timeout", "_wait", "_backoff")))
OPTIONAL_DURATIONS = ("timeout", "hedge_after")  # None is no limit, or no hedging
_EXTRA_NAMES = {
    "extra_headers": "headers",
    "extra_query": "query",
    "extra_body": "body",
    "idempotency_key": "idempotency_key",
    "trace_parent": "trace_parent",
}
_CALL_NAMES = frozenset(CallOptions.__annotations__)
# Shared objects that live beside the settings, not in them.
SHARED_NAMES = frozenset({"middleware", "on_event", "clock", "random", "rate_limiter", "config"})
LIMITER_NAMES = (
    "limits",
    "limiter_mode",
    "concurrency",
    "oversize",
    "adaptive_concurrency",
    "adaptive_throttle",
)
_CLIENT_NAMES = (frozenset(ClientOptions.__annotations__) - SHARED_NAMES) | {"timeout", "max_attempts"}
_EVERY_CLIENT_NAME = _CLIENT_NAMES | SHARED_NAMES | {"api_key", "base_url", "transport"}
OPTION_NAMES = tuple(sorted(_EVERY_CLIENT_NAME))
# What a configuration file may hold: no functions and objects; limits have a group of their own there.
FILE_NAMES = _EVERY_CLIENT_NAME - SHARED_NAMES - {"limits"}
_COPY_NAMES = frozenset(CopyOptions.__annotations__)
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")


def _is_plain(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and (one is None or isinstance(one, (str, int, float)))
        for name, one in value.items()
    )


def _are_hooks(value: Any) -> bool:
    """One function or several; not async ones, which nobody would await."""
    hooks = value if isinstance(value, Sequence) else [value]
    return all(callable(one) and not inspect.iscoroutinefunction(one) for one in hooks)


def _is_factor(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 1 <= value < math.inf


def _are_texts(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(one, str) for one in value)
    )


def _are_limits(value: Any) -> bool:
    from ..core.limiter import Limit

    return not isinstance(value, str) and all(isinstance(one, Limit) for one in value)


_SHAPES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "backoff_factor": (_is_factor, "a finite number from 1"),
    "respect_retry_after": (lambda value: isinstance(value, bool), "True or False"),
    "strict": (lambda value: isinstance(value, bool), "True or False"),
    "strict_completion": (lambda value: isinstance(value, bool), "True or False"),
    "allow_insecure_http": (lambda value: isinstance(value, bool), "True or False"),
    "headers": (lambda value: isinstance(value, Mapping), "a mapping of header names to values"),
    "extra_headers": (lambda value: isinstance(value, Mapping), "a mapping of header names to values"),
    "extra_query": (lambda value: isinstance(value, Mapping), "a mapping of parameter names to values"),
    "extra_body": (lambda value: isinstance(value, Mapping), "a mapping of body fields"),
    **_NETWORK_SHAPES,
    "trusted_origins": (_are_texts, "a list of URLs"),
    "secret_headers": (_are_texts, "a list of header names"),
    "limits": (
        _are_limits,
        "a list of Limit objects",
    ),
    "limiter_mode": (lambda value: value in ("bucket", "sliding"), "'bucket' or 'sliding'"),
    "oversize": (lambda value: value in ("refuse", "admit-when-full"), "'refuse' or 'admit-when-full'"),
    "adaptive_concurrency": (lambda value: isinstance(value, bool), "True or False"),
    "adaptive_throttle": (lambda value: isinstance(value, (int, float)), "a number, such as 2"),
    "rate_limiter": (lambda value: isinstance(value, RateLimiter), "a RateLimiter object"),
    "breaker": (lambda value: isinstance(value, BreakerSettings), "a BreakerSettings object"),
    "call_metadata": (_is_plain, "a mapping of names to text, numbers, true or false"),
    "trace_parent": (
        lambda value: isinstance(value, str) and _TRACE_PARENT.match(value) is not None,
        "a W3C traceparent: version, trace id, span id and flags",
    ),
    "on_event": (
        _are_hooks,
        "a function of one event, not async, or a list of them",
    ),
    "random": (callable, "a function without arguments"),
    "clock": (lambda value: isinstance(value, Clock), "a Clock object"),
    "concurrency": (lambda value: isinstance(value, int) and value >= 1, "a whole number from 1"),
}


def client_settings(options: Mapping[str, Any]) -> Settings:
    """Settings of a new client; ConfigError names what is wrong."""
    reject_unknown(options, _EVERY_CLIENT_NAME, "client option")
    _check_shapes(options)
    own = [name for name in LIMITER_NAMES if name in options]
    if own and options.get("rate_limiter") is not None:
        raise ConfigError(f"{own[0]!r} belongs to the RateLimiter here; give it there instead")
    chosen = _frozen({name: value for name, value in options.items() if name in _CLIENT_NAMES})
    chosen["network"] = take_network(chosen)
    return _checked(replace(Settings(), **chosen), chosen)


def hooks_of(options: Mapping[str, Any]) -> Sequence[Hook]:
    """The functions that see a client's events."""
    given = options.get("on_event") or ()
    return (given,) if callable(given) else tuple(given)


def copy_settings(start: Settings, options: Mapping[str, Any]) -> Settings:
    """Settings of a copy; what copies share cannot be changed for one of them (R-012)."""
    for name in options:
        if name in _EVERY_CLIENT_NAME and name not in _COPY_NAMES:
            raise ConfigError(
                f"{name!r} is shared by a client and its copies; make a new client to change it"
            )
    reject_unknown(options, _COPY_NAMES, "option")
    _check_shapes(options)
    return _checked(replace(start, **_frozen(options)), options)


_FREEZE: Mapping[str, Callable[[Any], Any]] = {
    "headers": lambda value: MappingProxyType(dict(value or {})),
    "call_metadata": lambda value: dict(value or {}),  # errors carry it, and are pickled
    "limits": lambda value: tuple(value or ()),
    "trusted_origins": lambda value: tuple(value or ()),
    "secret_headers": lambda value: tuple(value or ()),
}


def _frozen(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as copies that their giver cannot change later (R-012)."""
    return {name: _FREEZE[name](value) if name in _FREEZE else value for name, value in options.items()}


def call_settings(
    start: Settings, options: Mapping[str, Any], parameters: Iterable[str] = ()
) -> tuple[Settings, Extras]:
    """The settings of one call, and what it adds to the request; `parameters` helps the suggestion."""
    if not options:
        return start, NO_EXTRAS
    for name in options:
        if name in _EVERY_CLIENT_NAME and name not in _CALL_NAMES:
            raise ConfigError(f"{name!r} is an option of the client, not of a call")
    reject_unknown(options, _CALL_NAMES, "option", also=parameters)
    _check_shapes(options)
    chosen = {name: value for name, value in options.items() if name not in _EXTRA_NAMES}
    extras = {_EXTRA_NAMES[name]: value for name, value in options.items() if name in _EXTRA_NAMES if value}
    settings = _checked(replace(start, **_frozen(chosen)), chosen) if chosen else start
    return settings, Extras(**extras) if extras else NO_EXTRAS


def _check_shapes(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        fits, expected = _SHAPES.get(name, (None, ""))
        if fits is not None and value is not None and not fits(value):
            shown = value if isinstance(value, (int, float)) else type(value).__name__
            raise ConfigError(f"{name} must be {expected}, not {shown}")


NO_EXTRAS: Final = Extras()


def reject_unknown(
    options: Mapping[str, Any], known: Iterable[str], what: str, *, also: Iterable[str] = ()
) -> None:
    """Raise ConfigError for the first name that is not known, with the nearest one that is (R-010)."""
    known = frozenset(known)
    for name in options:
        if name not in known:
            raise ConfigError(unknown(name, sorted(known | frozenset(also)), what))


# What other libraries call our options.
_ELSEWHERE = {
    "max_retries": "max_attempts (it counts the first attempt too)",
    "retries": "max_attempts (it counts the first attempt too)",
    "request_timeout": "timeout",
    "http_client": "transport",
    "api_base": "base_url",
    "endpoint": "base_url",
    "token": "api_key",
    "default_headers": "headers",
}


def unknown(name: str, candidates: list[str], what: str) -> str:
    """A sentence on a name that is not known, with the nearest one that is."""
    if name == "stream":
        return "Unknown option 'stream': create() returns a whole answer; call .stream(...) for a stream."
    import difflib

    near = difflib.get_close_matches(name, [*candidates, *_ELSEWHERE], n=1, cutoff=0.5)
    hint = (
        f"did you mean {_ELSEWHERE.get(near[0], near[0])}?"
        if near
        else f"known ones: {', '.join(candidates)}"
    )
    tail = " Body fields that this version does not know go into extra_body." if what == "option" else ""
    return f"Unknown {what} {name!r}; {hint}{tail}"


def _checked(settings: Settings, chosen: Mapping[str, Any]) -> Settings:
    for name in DURATIONS:
        if name in chosen:
            check_seconds(name, chosen[name])
    for name in OPTIONAL_DURATIONS:
        if name in chosen:
            check_seconds(name, chosen[name], allow_none=True)
    attempts = settings.max_attempts
    if not isinstance(attempts, int) or isinstance(attempts, bool) or not 1 <= attempts <= 20:
        raise ConfigError(f"max_attempts must be a whole number from 1 to 20, not {attempts!r}")
    for url in chosen.get("trusted_origins", ()):
        checked_url(url, "an entry of trusted_origins", allow_insecure_http=settings.allow_insecure_http)
    return settings
