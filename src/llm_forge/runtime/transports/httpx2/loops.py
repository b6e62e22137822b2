"""Exchanges over httpx2 on asyncio: a client for each event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from functools import partial

import httpx2 as lib

from ....core.errors import ClientClosedError, ConfigError
from ...finalise import finalise
from ..limits import DEFAULT_NETWORK
from ..protocol import HttpRequest, Network, Timers
from ..slots import Slot, Slots
from .backend import CURRENT, Operation, spoil_if_more_came
from .clients import new_async_client
from .exchange import AsyncPieces, Opened, closed_while_read, prepare
from .faults import FOREIGN, fault_before_headers, fault_in_body


class Httpx2AsyncExchange(Opened):
    """An open response of `Httpx2AsyncTransport`."""

    def __init__(
        self, response: lib.Response, times: dict[str, float | None], slots: Slots, slot: Slot
    ) -> None:
        super().__init__(response, times, slots, slot)
        if not isinstance(response.stream, lib.AsyncByteStream):
            raise ConfigError("The transport answered with a sync stream on an async client.")
        self._chunks = aiter(response.stream)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Timeout | None = None

    async def read(self, timeout: float | None) -> bytes:
        """The next chunk, b"" at the end; after a TimeoutError the exchange is spoiled."""
        if not self._readable():
            return b""
        self._begin(None)
        token = CURRENT.set(self._operation)
        try:
            async with asyncio.timeout(timeout) as self._timer:
                return await self._next()
        except TimeoutError as error:
            await self._finish(reusable=False)
            if self._closing:
                raise closed_while_read() from error
            raise
        except FOREIGN as error:
            await self._finish(reusable=False)
            raise fault_in_body(error) from error
        except BaseException:
            await self._finish(reusable=False)
            raise
        finally:
            self._timer = None
            CURRENT.reset(token)

    async def close(self) -> None:
        """End the exchange; a read under way in another task ends with ConnectionLostError."""
        if self._timer is None:
            await self._finish(reusable=False)
            return
        self._closing = True
        self._timer.reschedule(self._loop.time())

    def __del__(self) -> None:
        if hasattr(self, "_timer"):
            finalise(self._forget)

    def _forget(self) -> None:
        if self._release(reusable=False) and self._loop.is_running():
            self._loop.call_soon_threadsafe(_close_later, self._loop, self._response)

    async def _next(self) -> bytes:
        async for chunk in self._chunks:
            if chunk:
                return chunk
        spoil_if_more_came(self._response)
        await self._finish(reusable=True)
        return b""

    async def _finish(self, *, reusable: bool) -> None:
        if self._release(reusable=reusable):
            with contextlib.suppress(*FOREIGN):
                await self._response.aclose()


_closing_tasks: set[asyncio.Task[None]] = set()  # asyncio itself keeps only weak references to tasks


def _close_later(loop: asyncio.AbstractEventLoop, response: lib.Response) -> None:
    task = loop.create_task(response.aclose())
    _closing_tasks.add(task)
    task.add_done_callback(_closing_tasks.discard)


class Httpx2AsyncTransport:
    """Opens exchanges on asyncio; `client` as in `Httpx2Transport`, an httpx2.AsyncClient.

    Without `client`, each event loop gets a client of its own, so any number of loops may use it. A
    user's AsyncClient stays with the event loop that used it first; from another one, ConfigError.
    """

    def __init__(
        self,
        network: Network = DEFAULT_NETWORK,
        client: lib.AsyncClient | None = None,
    ) -> None:
        self._limits = network.pool
        self._slots = Slots(network.pool)
        self._build = partial(new_async_client, network)
        self._theirs = client
        self._their_loop: weakref.ref[asyncio.AbstractEventLoop] | None = None
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, lib.AsyncClient]
        self._clients = weakref.WeakKeyDictionary()
        self._closed = False
        self._lock = threading.Lock()
        self._pid = os.getpid()

    async def open(self, request: HttpRequest, timers: Timers) -> Httpx2AsyncExchange:
        """The response once its headers arrived; raises as the timers of `Timers` say."""
        client = self._usable()
        slot = await self._slots.acquire_async(request.url, timers.pool)
        try:
            return await self._send(client, request, timers, slot)
        except BaseException:
            self._slots.release(slot)
            raise

    def active(self) -> int:
        """Exchanges open now (R-045)."""
        return self._slots.active()

    async def close(self) -> None:
        """End the idle connections of this event loop; a user's own client stays open."""
        with self._lock:
            self._closed = True
            client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _usable(self) -> lib.AsyncClient:
        if self._pid != os.getpid():
            self._start_over()
        with self._lock:
            if self._closed:
                raise ClientClosedError("The client is closed.")
            client = self._client_of_loop() if self._theirs is None else self._their_client(self._theirs)
            if client.is_closed:
                raise ClientClosedError("The httpx2 client is closed.")
            return client

    def _start_over(self) -> None:
        """In a forked child: the parent's sockets, locks and counts are not ours (R-044)."""
        self._pid, self._lock, self._slots = os.getpid(), threading.Lock(), Slots(self._limits)
        self._clients = weakref.WeakKeyDictionary()

    def _client_of_loop(self) -> lib.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = self._build()
        return self._clients[loop]

    def _their_client(self, client: lib.AsyncClient) -> lib.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._their_loop is None:
            self._their_loop = weakref.ref(loop)
        if self._their_loop() is not loop and not isinstance(client._transport, lib.MockTransport):
            raise ConfigError(
                "This httpx2.AsyncClient was used in another event loop before, where its connections "
                "belong. Make one per event loop, or leave `transport` out."
            )
        return client

    async def _send(
        self, client: lib.AsyncClient, request: HttpRequest, timers: Timers, slot: Slot
    ) -> Httpx2AsyncExchange:
        prepared, times = prepare(request, timers, AsyncPieces)
        operation = Operation()
        token = CURRENT.set(operation)
        try:
            async with asyncio.timeout(timers.response):
                response = await client.send(prepared, stream=True, follow_redirects=False)
        except FOREIGN as error:
            stale = self._theirs is None and operation.stale
            fault = fault_before_headers(error, stale=stale, timers=timers)
            if operation.connecting:
                fault.phase = "connect"
            raise fault from error
        finally:
            CURRENT.reset(token)
        try:
            return Httpx2AsyncExchange(response, times, self._slots, slot)
        except BaseException:
            await response.aclose()
            raise
