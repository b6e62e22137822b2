"""Transport over httpx2, sync and async: users' own clients, transports and mocks, forked children.

Rules and how they are kept:
- A request object is built without the client's defaults, so no cookie, no user agent and no accepted
  encoding of httpx2 reaches the wire; the body is taken from the raw stream, before any decoding.
- httpx2 has one read timer per response. The clients built here get a network backend
  (`backend.Operation`) that gives every single read the time left, and that knows whether a connection
  was new. A user's own client keeps its own network layer: there, later reads keep the timer of the
  first read, and a lost reused connection counts as an attempt.
- A read that timed out has spoiled its connection: reading again raises ConnectionLostError.
- An AsyncClient's connections belong to one event loop, so there is one client per loop (R-043).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import threading
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache, partial
from typing import Any

import httpx2 as lib

from ...core.errors import (
    ClientClosedError,
    ConfigError,
    ConnectionLostError,
    InvalidRequestError,
)
from ...core.headers import Headers
from ..abort import abortable
from ..finalise import finalise
from .backend import CURRENT, C, Operation, instrument, shut_down, spoil_if_more_came
from .httpx2_faults import FOREIGN, TIMEOUTS, fault_before_headers, fault_in_body
from .limits import DEFAULT_NETWORK, checked_headers
from .logs import keep_secrets_out
from .protocol import BodySource, HttpRequest, Network, Timers
from .slots import Slot, Slots

keep_secrets_out()


def tls_context(trust_env: bool, ca_bundle: str | None) -> ssl.SSLContext:
    """TLS 1.2 or newer with verification always on (R-035); made once, as loading authorities is slow."""
    named = tuple(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")) if trust_env else ()
    return _tls_context(trust_env, ca_bundle, named)


@lru_cache(maxsize=8)
def _tls_context(trust_env: bool, ca_bundle: str | None, _: tuple[str | None, ...]) -> ssl.SSLContext:
    if ca_bundle is None:
        context = lib.create_ssl_context(trust_env=trust_env)
    else:
        context = ssl.create_default_context(cafile=ca_bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def client_options(network: Network) -> dict[str, Any]:
    """Keyword arguments of httpx2.Client and AsyncClient; slots limit the connections, not the pool."""
    limits = network.pool
    pool = lib.Limits(
        max_connections=None, max_keepalive_connections=limits.idle, keepalive_expiry=limits.idle_seconds
    )
    return {
        "limits": pool,
        "trust_env": network.trust_env,
        "verify": tls_context(network.trust_env, network.ca_bundle),
        "timeout": None,
        "proxy": None if network.proxy is None else network.proxy.reveal(),
        "http1": network.http2 != "prior-knowledge",
        "http2": bool(network.http2),
    }


def _new_client(network: Network) -> lib.Client:
    return instrument(_built(lib.Client, network), network.pool.keepalive_seconds)


def _new_async_client(network: Network) -> lib.AsyncClient:
    return instrument(_built(lib.AsyncClient, network), network.pool.keepalive_seconds)


def _built(cls: type[C], network: Network) -> C:
    try:
        return cls(**client_options(network))
    except ImportError as error:  # the extras of httpx2: its message names the package, not the proxy
        raise ConfigError(f"transport='httpx2' lacks a package for http2 or this proxy: {error}") from None


class _Pieces:
    """A body source as a blocking client takes it: only `__iter__` tells httpx2 which kind it is."""

    def __init__(self, source: BodySource) -> None:
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._source)


class _AsyncPieces:
    """A body source as an asyncio client takes it."""

    def __init__(self, source: BodySource) -> None:
        self._source = source

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._source)


def prepare(
    request: HttpRequest, timers: Timers, pieces: type[_Pieces] | type[_AsyncPieces] = _Pieces
) -> tuple[lib.Request, dict[str, float | None]]:
    """The request in httpx2's form, and its timers as a mapping that stays changeable."""
    headers, body = list(request.headers), request.body
    if body is not None and not isinstance(body, bytes):
        if body.size is not None:
            headers.append(("content-length", str(body.size)))
        body = pieces(body)  # type: ignore[assignment]  # one of the two kinds of iterables
    times = {
        "connect": timers.connect,
        "pool": timers.pool,
        "read": timers.response,
        "write": timers.response,
    }
    try:
        prepared = lib.Request(
            request.method,
            request.url,
            headers=headers,
            content=body,
            extensions={"timeout": times},
        )
    except (lib.InvalidURL, ValueError) as error:
        raise InvalidRequestError("The URL, method or a header of the request is not valid.") from error
    return prepared, times


def received_headers(response: lib.Response) -> Headers:
    """Headers with text where the bytes are UTF-8, else latin-1, so that no byte is lost (R-047)."""
    return checked_headers((_text(name), _text(value)) for name, value in response.headers.raw)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _closed_while_read() -> ConnectionLostError:
    return ConnectionLostError("The response was closed while it was read.", phase="body")


class _Opened:
    """What both exchanges share."""

    def __init__(
        self, response: lib.Response, times: dict[str, float | None], slots: Slots, slot: Slot
    ) -> None:
        self.status: int = response.status_code
        self.headers: Headers = received_headers(response)
        self._response = response
        self._times = times
        self._slots = slots
        self._slot = slot
        self._pid = os.getpid()
        self._operation = Operation()
        self._ended = False
        self._clean = False
        self._closing = False

    def _readable(self) -> bool:
        """False after the clean end; ConnectionLostError if the rest cannot come any more."""
        if self._pid != os.getpid():
            raise ConnectionLostError("The response belongs to the process that was forked.", phase="body")
        if self._ended and not self._clean:
            raise ConnectionLostError("The response was closed, or its read timed out.", phase="body")
        return not self._ended

    def _begin(self, timeout: float | None) -> None:
        """Set the time of the next read; `times` matters to a user's own client only."""
        self._times["read"] = timeout
        self._operation.deadline = None if timeout is None else time.monotonic() + timeout

    def _release(self, *, reusable: bool) -> bool:
        """Whether this call ended the exchange."""
        if self._ended or self._pid != os.getpid():
            return False
        self._ended, self._clean = True, reusable
        self._slots.release(self._slot)
        return True


class Httpx2Exchange(_Opened):
    """An open response of `Httpx2Transport`."""

    def __init__(
        self, response: lib.Response, times: dict[str, float | None], slots: Slots, slot: Slot
    ) -> None:
        super().__init__(response, times, slots, slot)
        if not isinstance(response.stream, lib.SyncByteStream):
            raise ConfigError("The transport answered with an async stream on a sync client.")
        self._chunks = iter(response.stream)
        self._reading = False

    def read(self, timeout: float | None) -> bytes:
        """The next chunk, b"" at the end; after a TimeoutError the exchange is spoiled."""
        if not self._readable():
            return b""
        self._begin(timeout)
        token = CURRENT.set(self._operation)
        self._reading = True
        try:
            return self._next()
        except TIMEOUTS as error:
            self._finish(reusable=False)
            raise TimeoutError from error
        except FOREIGN as error:
            self._finish(reusable=False)
            raise (_closed_while_read() if self._closing else fault_in_body(error)) from error
        except BaseException:
            self._finish(reusable=False)
            raise
        finally:
            self._reading = False
            CURRENT.reset(token)

    def close(self) -> None:
        """End the exchange; from another thread, also the read under way."""
        if not self._reading:
            self._finish(reusable=False)
            return
        self._closing = True
        stream = self._response.extensions.get("network_stream")
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def __del__(self) -> None:
        if hasattr(self, "_chunks"):
            finalise(partial(self._finish, reusable=False))

    def _next(self) -> bytes:
        for chunk in self._chunks:
            if chunk:
                return chunk
        if self._closing:
            self._finish(reusable=False)
            raise _closed_while_read()
        spoil_if_more_came(self._response)
        self._finish(reusable=True)
        return b""

    def _finish(self, *, reusable: bool) -> None:
        if self._release(reusable=reusable):
            with contextlib.suppress(*FOREIGN):
                self._response.close()


class Httpx2Transport:
    """Opens exchanges on the calling thread; used from many threads at once.

    `client` is a user's own httpx2.Client (its proxies, mounts, TLS and event hooks apply, its cookies,
    default headers and base URL do not); it is closed by its owner, and `network` gives its pool only.
    """

    def __init__(
        self,
        network: Network = DEFAULT_NETWORK,
        client: lib.Client | None = None,
    ) -> None:
        self._limits = network.pool
        self._slots = Slots(network.pool)
        self._own = client is None
        self._build = partial(_new_client, network)
        self._client = client
        self._closed = False
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def open(self, request: HttpRequest, timers: Timers) -> Httpx2Exchange:
        """The response once its headers arrived; raises as the timers of `Timers` say."""
        client = self._usable()
        slot = self._slots.acquire(request.url, timers.pool)
        try:
            return self._send(client, request, timers, slot)
        except BaseException:
            self._slots.release(slot)
            raise

    def active(self) -> int:
        """Exchanges open now (R-045)."""
        return self._slots.active()

    def close(self) -> None:
        """End all connections, also under a read of another thread; a user's own client stays open."""
        with self._lock:
            self._closed = True
            client = self._client if self._own else None
        if client is not None and self._pid == os.getpid():
            shut_down(client)
            client.close()

    def _usable(self) -> lib.Client:
        if self._pid != os.getpid():
            self._start_over()
        with self._lock:
            if self._closed:
                raise ClientClosedError("The client is closed.")
            if self._client is None:
                self._client = self._build()
            if self._client.is_closed:
                raise ClientClosedError("The httpx2 client is closed.")
            return self._client

    def _start_over(self) -> None:
        """In a forked child: the parent's sockets, locks and counts are not ours (R-044)."""
        self._pid, self._lock, self._slots = os.getpid(), threading.Lock(), Slots(self._limits)
        if self._own:
            self._client = None

    def _send(self, client: lib.Client, request: HttpRequest, timers: Timers, slot: Slot) -> Httpx2Exchange:
        prepared, times = prepare(request, timers)
        operation = Operation.within(timers.response)
        token = CURRENT.set(operation)
        try:
            with abortable(operation.abort):
                response = client.send(prepared, stream=True, follow_redirects=False)
        except FOREIGN as error:
            stale = self._own and operation.stale
            raise fault_before_headers(error, stale=stale, timers=timers) from error
        finally:
            CURRENT.reset(token)
        try:
            return Httpx2Exchange(response, times, self._slots, slot)
        except BaseException:
            response.close()
            raise


class Httpx2AsyncExchange(_Opened):
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
                raise _closed_while_read() from error
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
        self._build = partial(_new_async_client, network)
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
        prepared, times = prepare(request, timers, _AsyncPieces)
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
