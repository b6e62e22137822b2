"""What blocking and asyncio clients have in common: making one, copying it, asking it, preparing a call.

A client is immutable; `with_options` makes a cheap copy that shares everything else (R-012).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack

from ..core.call_context import CallContext
from ..core.errors import ClientClosedError, ConfigError, ForgeError
from ..core.lazy import LateModule
from ..core.profile import Operation, Profile
from .auth.credential import KeySource
from .auth.resolve import resolve_auth
from .base_url import read_base_url
from .circuit import Circuit
from .clock import Clock
from .config.find import find_options
from .config.sources import ARGUMENT, DEFAULT, values
from .enclosing import call_deadline
from .events import Event, EventName, Hooks
from .io import Io
from .middleware import AnyMiddleware, AsyncMiddleware, Middleware, steps_of
from .options import (
    OMIT,
    OPTION_NAMES,
    CallOptions,
    ClientOptions,
    CopyOptions,
    Omit,
    Settings,
    call_settings,
    client_settings,
    copy_settings,
    hooks_of,
    reject_unknown,
)
from .rate_limiter import RateLimiter
from .shared import Shared
from .transports.protocol import Network

if TYPE_CHECKING:
    from . import context, health, request
    from .context import Call
    from .health import Health
    from .request import RequestParts
else:  # what makes calls is imported by the first of them
    context, health, request = (
        LateModule(f".{name}", __package__) for name in ("context", "health", "request")
    )


class AnyClient:
    """A client but for its calls: made from options, able to prepare a call and to tell how it stands."""

    profile: ClassVar[Profile]
    _takes: ClassVar[tuple[type, ...]] = (Middleware, AsyncMiddleware)
    _shared: Shared
    _settings: Settings

    def __init__(
        self,
        *,
        api_key: KeySource | None = None,
        base_url: str | None = None,
        timeout: float | Omit | None = OMIT,
        max_attempts: int | None = None,
        transport: Any = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        named = {
            "api_key": api_key,
            "base_url": base_url,
            "max_attempts": max_attempts,
            "transport": transport,
        }
        given = {**options, **{name: value for name, value in named.items() if value is not None}}
        if not isinstance(timeout, Omit):
            given["timeout"] = timeout
        reject_unknown(given, OPTION_NAMES, "client option")
        if api_key is not None and options.get("auth") is not None:
            raise ConfigError("api_key and auth exclude each other: give the one that the server wants")
        found = find_options(self.profile, given)
        self._sources = {name: one.source for name, one in found.items()}
        self._open(values(found))

    def _open(self, options: Mapping[str, Any]) -> None:
        settings = client_settings(options)
        auth = resolve_auth(self.profile, settings, options.get("api_key"), type(self).__name__)
        url = self._base_url(options, settings)
        clock, chance = options.get("clock") or Clock(), options.get("random") or random.random
        io = self._make_io(options.get("transport"), settings.network, clock, chance)
        self._settings = settings
        limiter = options.get("rate_limiter") or settings.new_limiter()
        steps = steps_of(self._checked_middleware(options.get("middleware") or ()))
        hooks = Hooks([*hooks_of(options), *steps.hooks], steps.readers)
        self._shared = Shared(self.profile, url, auth, settings, io, hooks, limiter, steps)
        self._copied = False
        self._closed = False

    def _make_io(self, transport: Any, network: Network, clock: Clock, chance: Callable[[], float]) -> Io:
        raise NotImplementedError

    def _checked_middleware(self, middleware: Sequence[AnyMiddleware]) -> Sequence[AnyMiddleware]:
        for one in middleware:
            if not isinstance(one, self._takes):
                wanted = " or ".join(cls.__name__ for cls in self._takes)
                raise ConfigError(f"middleware of {type(self).__name__} must be {wanted}, not {one!r}")
        return middleware

    def _base_url(self, options: Mapping[str, Any], settings: Settings) -> str:
        url = options.get("base_url", self.profile.base_url)
        if url == self.profile.base_url == "":
            raise ConfigError(
                f"{type(self).__name__} needs base_url, the server's address, such as https://host/v1"
            )
        source = self._sources.get("base_url", "the description")
        return read_base_url(
            url,
            "base_url" if source == ARGUMENT else f"base_url ({source})",
            allow_insecure_http=settings.allow_insecure_http,
            suffixes=self.profile.base_url_suffixes,
        )

    @property
    def base_url(self) -> str:
        """Where requests go."""
        return self._shared.base_url

    def sources(self, **options: Unpack[CallOptions]) -> dict[str, str]:
        """Where the value of every option came from, without revealing any (R-001).

        With the options of a call: where that call would have them from.
        """
        call_settings(self._settings, options)
        found = {name: self._sources.get(name, DEFAULT) for name in OPTION_NAMES}
        if "base_url" not in self._sources:
            found["base_url"] = "description"
        return {**found, "api_key": self._shared.auth.source, **dict.fromkeys(options, "call option")}

    @property
    def rate_limiter(self) -> RateLimiter:
        """The limits of its calls, to share with another client of the same credential (R-105)."""
        return self._shared.limiter

    def rate_limit_status(self) -> dict[str, list[Any]]:
        """What is known of the limits, by model or, where limits were declared for one, by family."""
        return self._shared.limiter.status(self._shared.io.now())

    def circuit(self, group: str, model: str | None = None) -> Circuit:
        """The circuit of an operation group, to look at and to switch by hand (R-090).

        `model` matters where `BreakerSettings.per_model` is set. Copies of a client share its circuits.
        """
        return self._shared.circuit(group, model)

    def circuits(self) -> dict[str, Circuit]:
        """The circuits that calls have used so far, by name."""
        return self._shared.circuits()

    def _health(self, began: float, error: ForgeError | None) -> Health:
        if isinstance(error, (ClientClosedError, ConfigError)):
            raise error  # the caller's own mistakes say nothing of the provider
        return health.Health(
            ok=error is None,
            latency=self._shared.io.now() - began,
            circuits={name: circuit.state for name, circuit in self.circuits().items()},
            limits=self.rate_limit_status(),
            **(health.failure(error) if error is not None else {}),
        )

    @property
    def missing_fields(self) -> int:
        """How many required fields answers lacked at their top level; `strict=True` refuses those (R-200)."""
        return self._shared.missing_fields

    @property
    def hook_failures(self) -> int:
        """How often a hook raised; its call never noticed (R-234)."""
        return self._shared.hooks.failures

    def tell(self, name: EventName, context: CallContext, **facts: Any) -> None:
        """Tell the client's hooks of what is no call of its own, such as an item of a batch (R-230)."""
        self._shared.hooks.tell(Event(name, context, facts))

    def with_options(self, **options: Unpack[CopyOptions]) -> Self:
        """A copy with other options that shares everything else; closing it leaves this one open."""
        copy = object.__new__(type(self))
        copy.__dict__.update({name: value for name, value in self.__dict__.items() if name.startswith("_")})
        copy._settings = copy_settings(self._settings, options)
        copy._sources = {**self._sources, **dict.fromkeys(options, "with_options")}
        copy._copied = True
        copy._closed = False
        return copy

    def _prepared_call(
        self,
        operation: Operation[Any, Any],
        parts: RequestParts,
        options: CallOptions,
        *,
        streaming: bool,
        events: bool = False,
    ) -> Call:
        """A call ready to run. `streaming`: its body arrives over time; `events`: as those of a stream."""
        body = parts.get("body")
        known = body if isinstance(body, Mapping) else ()
        settings, extras = call_settings(self._settings, options, known)
        prepared = request.prepare(
            operation, self.profile, self._shared.base_url, settings, extras, streaming=events, **parts
        )
        now = self._shared.io.now()
        timeout = settings.call_timeout(streaming=streaming)
        return context.Call(
            shared=self._shared,
            io=self._shared.io,
            operation=operation,
            prepared=prepared,
            settings=settings,
            extras=extras,
            deadline=call_deadline(timeout, now),
            started=now,
            streaming=streaming,
        )

    def _check_open(self) -> None:
        if self._closed or self._shared.closed:
            raise ClientClosedError("This client is closed; create a new one", provider=self.profile.name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse to set an option, which would be without effect: a client does not change (R-012)."""
        if name in OPTION_NAMES:
            raise AttributeError(f"A client does not change: use with_options({name}=...) or make another")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._shared.base_url!r}, api_key=[redacted])"
