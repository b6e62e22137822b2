"""The two client classes that generated clients extend: one for threads, one for asyncio.

Each adds to `AnyClient` how its calls are made and how it closes. Use it as a context manager, or close it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from ..core.errors import ForgeError
from ..core.lazy import LateModule
from ..core.profile import Operation
from .any_client import AnyClient
from .base_url import checked_link
from .clock import Clock
from .io import AsyncIo, Io, SyncIo, run_now
from .middleware import Middleware
from .options import (
    CallOptions,
)
from .transports import resolve_async_transport, resolve_transport
from .transports.protocol import Network

if TYPE_CHECKING:
    from . import download, health, pages, stream, unary
    from .download import AsyncDownload, AsyncLines, Download, Lines
    from .health import Health
    from .pages import AsyncPageOf, AsyncPaging, PageOf, Turn
    from .request import RequestParts
    from .stream import AsyncStream, Stream
else:  # what makes calls is imported by the first of them
    download, health, pages, stream, unary = (
        LateModule(f".{name}", __package__) for name in ("download", "health", "pages", "stream", "unary")
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


class SyncClient(AnyClient):
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
        call = self._prepared_call(operation, parts, options, streaming=True, events=True)
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


class AsyncClient(AnyClient):
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
        call = self._prepared_call(operation, parts, options, streaming=True, events=True)
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
