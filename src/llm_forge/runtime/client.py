"""The two client classes that generated clients extend: one for threads, one for asyncio.

A client is immutable; `with_options` makes a cheap copy that shares pool, limits, breakers and budget
(R-012). Use it as a context manager, or close it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, Unpack

from ..core.errors import ClientClosedError, ConfigError, ForgeError
from ..core.lazy import LateModule
from ..core.profile import Operation, Profile
from .auth.credential import KeySource
from .auth.resolve import resolve_auth
from .base_url import checked_link, read_base_url
from .circuit import Circuit
from .clock import Clock
from .config.find import find_options
from .config.sources import ARGUMENT, DEFAULT, values
from .enclosing import call_deadline
from .events import Hooks
from .io import AsyncIo, Io, SyncIo, run_now
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
from .transports import resolve_async_transport, resolve_transport
from .transports.protocol import Network

if TYPE_CHECKING:
    from . import context, download, health, pages, request, stream, unary
    from .context import Call
    from .download import AsyncDownload, AsyncLines, Download, Lines
    from .health import Health
    from .pages import AsyncPageOf, AsyncPaging, PageOf, Turn
    from .request import RequestParts
    from .stream import AsyncStream, Stream
else:  # what makes calls is imported by the first of them
    context, download, health, pages, request, stream, unary = (
        LateModule(f".{name}", __package__)
        for name in ("context", "download", "health", "pages", "request", "stream", "unary")
    )

R = TypeVar("R")
E = TypeVar("E")
P = TypeVar("P", bound="PageOf[Any]")
AP = TypeVar("AP", bound="AsyncPageOf[Any]")
CLOSE_SECONDS = 5.0


class Resource:
    """A group of operations of a client."""

    def __init__(self, client: Any) -> None:
        self._client = client


class SyncResource(Resource):
    """A group of operations that block."""

    _client: SyncClient


class AsyncResource(Resource):
    """A group of operations that are awaited."""

    _client: AsyncClient


class _Client:
    """What both kinds of client share: options, state, requests."""

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
    ) -> Call:
        body = parts.get("body")
        known = body if isinstance(body, Mapping) else ()
        settings, extras = call_settings(self._settings, options, known)
        prepared = request.prepare(
            operation, self.profile, self._shared.base_url, settings, extras, streaming=streaming, **parts
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


class SyncClient(_Client):
    """A client whose calls block; safe to use from many threads."""

    _takes = (Middleware,)

    def _make_io(self, transport: Any, network: Network, clock: Clock, chance: Callable[[], float]) -> Io:
        given = None if transport is None else resolve_transport(transport, network)
        return SyncIo(given, clock, chance, network)

    def call(self, operation: Operation[R, E], *, options: CallOptions, **parts: Unpack[RequestParts]) -> R:
        """Make one unary call; any error of core.errors may be raised."""
        self._check_open()
        run = unary.run_unary  # the first call imports it, before its time begins to run
        call = self._prepared_call(operation, parts, options, streaming=False)
        return operation.result(run_now(run(call)))

    def stream(
        self, operation: Operation[R, E], *, options: CallOptions, **parts: Unpack[RequestParts]
    ) -> Stream[E, R]:
        """A stream that opens when it is entered or first used."""
        self._check_open()
        call = self._prepared_call(operation, parts, options, streaming=True)
        return stream.Stream(call.restarted)

    def stream_events(
        self, operation: Operation[Any, E], *, options: CallOptions, **parts: Unpack[RequestParts]
    ) -> Stream[E, list[E]]:
        """A stream that adds up to the list of its events, of an operation that also answers whole."""
        return self.stream(operation, options=options, **parts)

    def download(
        self, operation: Operation[Any, Any], *, options: CallOptions, **parts: Unpack[RequestParts]
    ) -> Download:
        """A file that opens when it is entered or first used."""
        self._check_open()
        return download.Download(self._prepared_call(operation, parts, options, streaming=True))

    def download_url(self, url: str, **options: Unpack[CallOptions]) -> Download:
        """The file at an absolute URL that an answer named, such as one with results (R-241).

        Credentials go along only to the origin of `base_url` and to `trusted_origins`. For URLs that somebody
        else supplied there is `fetch_url`.
        """
        checked = checked_link(url, allow_insecure_http=self._settings.allow_insecure_http)
        return self.download(download.LINK, options=options, url=checked)

    def lines(
        self, operation: Operation[R, Any], *, options: CallOptions, **parts: Unpack[RequestParts]
    ) -> Lines[R]:
        """Lines of JSON that open when they are entered or first used."""
        self._check_open()
        return download.Lines(self._prepared_call(operation, parts, options, streaming=True))

    def paged(
        self,
        operation: Operation[Any, Any],
        page: type[P],
        *,
        options: CallOptions,
        **parts: Unpack[RequestParts],
    ) -> P:
        """The first page of a list, which gets the following ones."""
        paging = replace(operation, result=page)

        def fetch(turn: Turn) -> P:
            found: P = self.call(paging, options=turn.options, **turn.parts)
            found._turn = turn
            return found

        return fetch(pages.Turn(operation, self.base_url, options, parts, fetch))

    def health_check(self, *, timeout: float = 10.0) -> Health:
        """What one cheap call shows, within `timeout` seconds and without a retry.

        Never raises for what the provider or the network does: that is in the `Health`.
        """
        probe, began = health.probe_of(self.profile), self._shared.io.now()
        try:
            self.call(probe, options={"timeout": timeout, "max_attempts": 1})
        except ForgeError as error:
            return self._health(began, error)
        return self._health(began, None)

    def close(self) -> None:
        """Let running calls finish for five seconds, then close the pool; safe to repeat (R-042)."""
        self._closed = True
        if self._copied or self._shared.closed:
            return
        io = self._shared.io
        assert isinstance(io, SyncIo)  # noqa: S101 - made by _make_io above
        me = io.owner()
        with self._shared.lock:
            self._shared.closed = True
            self._shared.idle.wait_for(lambda: not self._shared.others_run(me), io.clock.real(CLOSE_SECONDS))
        self._shared.auth.close()
        io.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Client):
    """A client whose calls are awaited."""

    def _make_io(self, transport: Any, network: Network, clock: Clock, chance: Callable[[], float]) -> Io:
        given = None if transport is None else resolve_async_transport(transport, network)
        return AsyncIo(given, clock, chance, network)

    async def call(
        self, operation: Operation[R, E], *, options: CallOptions, **parts: Unpack[RequestParts]
    ) -> R:
        """Make one unary call; any error of core.errors may be raised."""
        self._check_open()
        run = unary.run_unary  # the first call imports it, before its time begins to run
        call = self._prepared_call(operation, parts, options, streaming=False)
        return operation.result(await run(call))

    def stream(
        self, operation: Operation[R, E], *, options: CallOptions, **parts: Unpack[RequestParts]
    ) -> AsyncStream[E, R]:
        """A stream that opens when it is entered or first used."""
        self._check_open()
        call = self._prepared_call(operation, parts, options, streaming=True)
        return stream.AsyncStream(call.restarted)

    def stream_events(
        self, operation: Operation[Any, E], *, options: CallOptions, **parts: Unpack[RequestParts]
    ) -> AsyncStream[E, list[E]]:
        """A stream that adds up to the list of its events, of an operation that also answers whole."""
        return self.stream(operation, options=options, **parts)

    def download(
        self, operation: Operation[Any, Any], *, options: CallOptions, **parts: Unpack[RequestParts]
    ) -> AsyncDownload:
        """A file that opens when it is entered or first used."""
        self._check_open()
        return download.AsyncDownload(self._prepared_call(operation, parts, options, streaming=True))

    def download_url(self, url: str, **options: Unpack[CallOptions]) -> AsyncDownload:
        """The file at an absolute URL that an answer named, such as one with results (R-241).

        Credentials go along only to the origin of `base_url` and to `trusted_origins`. For URLs that somebody
        else supplied there is `fetch_url`.
        """
        checked = checked_link(url, allow_insecure_http=self._settings.allow_insecure_http)
        return self.download(download.LINK, options=options, url=checked)

    def lines(
        self, operation: Operation[R, Any], *, options: CallOptions, **parts: Unpack[RequestParts]
    ) -> AsyncLines[R]:
        """Lines of JSON that open when they are entered or first used."""
        self._check_open()
        return download.AsyncLines(self._prepared_call(operation, parts, options, streaming=True))

    def paged(
        self,
        operation: Operation[Any, Any],
        page: type[AP],
        *,
        options: CallOptions,
        **parts: Unpack[RequestParts],
    ) -> AsyncPaging[AP, Any]:
        """A list: its first page when awaited, its items when iterated over."""
        paging = replace(operation, result=page)

        async def fetch(turn: Turn) -> AP:
            found: AP = await self.call(paging, options=turn.options, **turn.parts)
            found._turn = turn
            return found

        first = pages.Turn(operation, self.base_url, options, parts, fetch)
        return pages.AsyncPaging(lambda: fetch(first))

    async def health_check(self, *, timeout: float = 10.0) -> Health:
        """What one cheap call shows, within `timeout` seconds and without a retry.

        Never raises for what the provider or the network does: that is in the `Health`.
        """
        probe, began = health.probe_of(self.profile), self._shared.io.now()
        try:
            await self.call(probe, options={"timeout": timeout, "max_attempts": 1})
        except ForgeError as error:
            return self._health(began, error)
        return self._health(began, None)

    async def close(self) -> None:
        """Let running calls finish for five seconds, then close the pool; safe to repeat (R-042)."""
        self._closed = True
        if self._copied or self._shared.closed:
            return
        self._shared.closed = True
        io = self._shared.io
        assert isinstance(io, AsyncIo)  # noqa: S101 - made by _make_io above
        ends = io.now() + CLOSE_SECONDS
        while self._shared.others_run(io.owner()) and io.now() < ends:
            await io.sleep(0.01)
        self._shared.auth.close()
        await io.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
