"""Transport over pyreqwest (reqwest and hyper, in Rust), sync and async.

Rules and how they are kept:
- pyreqwest's blocking client has no timer per read and cannot give up a wait, so both sides use its
  coroutines: asyncio awaits them, `step.Step` runs them on the calling thread.
- The body is read with a buffer limit of 0: chunks are handed over as they arrive, not in blocks.
- The connect timer is fixed when a pyreqwest client is built, so there is one client per connect
  timer in use. Callers should pass a constant `Timers.connect`.
- pyreqwest does not survive a fork: in a child this transport hands over to httpx2 (R-044).
- Not kept: an exchange given up *before its response headers* is only forgotten. pyreqwest detaches
  the request instead of ending it, so the connection stays open until the server answers or, where
  `Timers.total` is given, until that time is over (docs/adr/0001-transport.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyreqwest import exceptions as lib
from pyreqwest.client import ClientBuilder

from ...core.errors import AttemptTimeoutError, ClientClosedError, ConnectionLostError, InvalidRequestError
from ...core.headers import Headers
from ..abort import abortable
from ..finalise import finalise
from .limits import DEFAULT_LIMITS, checked_headers
from .protocol import AsyncExchange, Exchange, HttpRequest, PoolLimits, Timers
from .pyreqwest_faults import fault_before_headers, fault_in_body
from .slots import Slot, Slots
from .step import Step

if TYPE_CHECKING:
    from pyreqwest.bytes import Bytes
    from pyreqwest.client import Client
    from pyreqwest.request import StreamRequest
    from pyreqwest.response import Response

    from .httpx2 import Httpx2AsyncTransport, Httpx2Transport

MAX_CLIENTS: Final = 8  # distinct connect timers kept; the oldest client goes, its requests finish
AFTER_OURS: Final = 0.05  # reqwest's total timer fires after ours, to end a request that was given up
LOST_VALUE: Final = "\ufffd"  # pyreqwest offers no way to read a header value outside ASCII

_started_in: int | None = None


def started_before_fork() -> bool:
    """Whether pyreqwest was started in a parent of this process, so that it cannot be used here."""
    return _started_in is not None and _started_in != os.getpid()


class _Unsent:
    """A native request. Its own repr raises once it is sent, which would spoil tracebacks with locals."""

    __slots__ = ("native",)

    def __init__(self, native: StreamRequest) -> None:
        self.native = native


class _Clients:
    """pyreqwest clients by connect timer, built on first use."""

    def __init__(self, limits: PoolLimits, trust_env: bool, ca_bundle: str | None) -> None:
        self.limits = limits
        self._trust_env = trust_env
        self._ca_bundle = ca_bundle
        self._lock = threading.Lock()
        self._clients: dict[float | None, Client] = {}
        self._closed = False
        self._pid = os.getpid()

    def forked(self) -> bool:
        """Whether a parent of this process started pyreqwest, here or in another transport."""
        return self._pid != os.getpid() or started_before_fork()

    def request(self, request: HttpRequest, timers: Timers) -> _Unsent:
        """The request in pyreqwest's form, not sent yet."""
        try:
            builder = (
                self._client(timers.connect)
                .request(request.method, request.url)
                .headers(list(request.headers))
            )
            if timers.total is not None:
                builder = builder.timeout(timedelta(seconds=timers.total + AFTER_OURS))
            if request.body is not None:
                # A body source is collected here: this adapter's sends cannot wait for pieces.
                builder = builder.body_bytes(
                    request.body if isinstance(request.body, bytes) else b"".join(request.body)
                )
            return _Unsent(builder.streamed_read_buffer_limit(0).build_streamed())
        except (lib.BuilderError, ValueError) as error:
            raise InvalidRequestError("The URL, method or a header of the request is not valid.") from error

    def drain(self) -> list[Client]:
        """Refuse further requests and hand out the clients to close."""
        with self._lock:
            self._closed = True
            clients, self._clients = list(self._clients.values()), {}
            return clients

    def _client(self, connect: float | None) -> Client:
        with self._lock:
            if self._closed:
                raise ClientClosedError("The client is closed.")
            if connect not in self._clients:
                if len(self._clients) >= MAX_CLIENTS:
                    del self._clients[next(iter(self._clients))]
                self._clients[connect] = self._build(connect)
            return self._clients[connect]

    def _build(self, connect: float | None) -> Client:
        global _started_in
        _started_in = os.getpid()
        builder = _plain(ClientBuilder())
        builder = builder.pool_idle_timeout(timedelta(seconds=self.limits.idle_seconds))
        builder = builder.pool_max_idle_per_host(self.limits.idle)
        builder = builder.tcp_keepalive(timedelta(seconds=self.limits.keepalive_seconds))
        if connect is not None:
            builder = builder.connect_timeout(timedelta(seconds=connect))
        if not self._trust_env:
            builder = builder.no_proxy()
        if self._ca_bundle is not None:
            builder = builder.add_root_certificate_pem(Path(self._ca_bundle).read_bytes())
        return builder.build()


def _plain(builder: ClientBuilder) -> ClientBuilder:
    """Everything that would change a request or a response by itself, off."""
    builder = builder.follow_redirects(False).referer(False).default_cookie_store(False)
    builder = builder.gzip(False).brotli(False).zstd(False).deflate(False)
    return builder.min_tls_version("TLSv1.2").http1_lower_case_headers().user_agent("llm-forge")


def _headers(response: Response) -> Headers:
    fields = response.headers
    try:
        return checked_headers(fields.items())
    except ValueError:
        return checked_headers(
            (name, value) for name in dict.fromkeys(fields.keys()) for value in _values(fields, name)
        )


def _values(fields: Any, name: str) -> list[str]:
    try:
        return list(fields.getall(name))
    except ValueError:
        return [LOST_VALUE]


def _response_timeout(seconds: float | None) -> AttemptTimeoutError:
    return AttemptTimeoutError(f"No response headers within {seconds} s.", phase="response")


class _Opened:
    """What both exchanges share: the open response and the duty to end it exactly once."""

    def __init__(self, request: _Unsent, response: Response, slots: Slots, slot: Slot) -> None:
        self.status: int = response.status
        self._body = response.body_reader
        self._request = request
        self._slots = slots
        self._slot = slot
        self._pid = os.getpid()
        self._ended = False
        self._clean = False
        try:
            self.headers: Headers = _headers(response)
        except BaseException:
            self._end(reusable=False)
            raise

    def _readable(self) -> bool:
        """False after the clean end; ConnectionLostError if the rest cannot come any more."""
        if self._pid != os.getpid():
            raise ConnectionLostError("The response belongs to the process that was forked.", phase="body")
        if self._ended and not self._clean:
            raise ConnectionLostError("The response was closed before its end.", phase="body")
        return not self._ended

    def _end(self, *, reusable: bool) -> None:
        if self._ended or self._pid != os.getpid():
            return
        self._ended, self._clean = True, reusable
        leave = self._request.native.__aexit__(None, None, None)
        with contextlib.suppress(StopIteration, lib.PyreqwestError, RuntimeError):
            leave.send(None)  # ends in its first step: it only tells the library's thread to stop reading
        self._slots.release(self._slot, reusable=reusable)

    def __del__(self) -> None:
        if hasattr(self, "_ended"):
            finalise(partial(self._end, reusable=False))


class PyreqwestExchange(_Opened):
    """An open response of `PyreqwestTransport`."""

    _step: Step[Bytes | None] | None = None

    def read(self, timeout: float | None) -> bytes:
        """The next chunk, b"" at the end; TimeoutError leaves the exchange readable."""
        if not self._readable():
            return b""
        if self._step is None:
            self._step = Step(self._body.read_chunk())
        try:
            chunk = self._step.run(timeout)
        except lib.PyreqwestError as error:
            self._abort()
            raise fault_in_body(error) from error
        except InterruptedError as error:
            self._abort()
            raise ConnectionLostError("The response was closed while it was read.", phase="body") from error
        self._step = None
        if chunk is not None:
            return bytes(chunk)
        self._end(reusable=True)
        return b""

    def close(self) -> None:
        """End the exchange; from another thread, also the read under way."""
        step = self._step
        if step is not None and step.running:
            step.interrupt()
        else:
            self._abort()

    def __del__(self) -> None:
        if hasattr(self, "_ended"):
            finalise(self._abort)

    def _abort(self) -> None:
        step, self._step = self._step, None
        if step is not None and self._pid == os.getpid():
            step.cancel()
        self._end(reusable=False)


class PyreqwestTransport:
    """Opens exchanges on the calling thread; used from many threads at once.

    `trust_env` honours the proxy variables; `ca_bundle` is the path of a PEM file of further
    authorities to trust.
    """

    def __init__(
        self, limits: PoolLimits = DEFAULT_LIMITS, *, trust_env: bool = True, ca_bundle: str | None = None
    ) -> None:
        self._clients = _Clients(limits, trust_env, ca_bundle)
        self._slots = Slots(limits)
        self._options: dict[str, Any] = {"limits": limits, "trust_env": trust_env, "ca_bundle": ca_bundle}
        self._child: Httpx2Transport | None = None
        self._opened: weakref.WeakSet[PyreqwestExchange] = weakref.WeakSet()

    def open(self, request: HttpRequest, timers: Timers) -> Exchange:
        """The response once its headers arrived; raises as the timers of `Timers` say."""
        if self._clients.forked():
            return self._successor().open(request, timers)
        slot = self._slots.acquire(request.url, timers.pool)
        try:
            return self._send(request, timers, slot)
        except BaseException:
            self._slots.release(slot, reusable=False)
            raise

    def active(self) -> int:
        """Exchanges open now (R-045)."""
        return self._child.active() if self._child else self._slots.active()

    def close(self) -> None:
        """End idle connections, requests that wait for their headers, and open exchanges."""
        if self._clients.forked():
            if self._child is not None:
                self._child.close()
            return
        for client in self._clients.drain():
            Step(client.close()).run(1.0)
        for exchange in tuple(self._opened):
            exchange.close()

    def _send(self, request: HttpRequest, timers: Timers, slot: Slot) -> PyreqwestExchange:
        prepared = self._clients.request(request, timers)
        step = Step(prepared.native.__aenter__())
        try:
            with abortable(step.interrupt):
                response = step.run(timers.response)
        except lib.PyreqwestError as error:
            raise fault_before_headers(error, reused=slot.reused) from error
        except TimeoutError as error:
            step.cancel()
            raise _response_timeout(timers.response) from error
        except BaseException:
            step.cancel()
            raise
        exchange = PyreqwestExchange(prepared, response, self._slots, slot)
        self._opened.add(exchange)
        return exchange

    def _successor(self) -> Httpx2Transport:
        from .httpx2 import Httpx2Transport

        if self._child is None:
            self._child = Httpx2Transport(**self._options)
        return self._child


class PyreqwestAsyncExchange(_Opened):
    """An open response of `PyreqwestAsyncTransport`."""

    loop: asyncio.AbstractEventLoop | None = None
    _timer: asyncio.Timeout | None = None
    _closing = False

    async def read(self, timeout: float | None) -> bytes:
        """The next chunk, b"" at the end; TimeoutError leaves the exchange readable."""
        if not self._readable():
            return b""
        try:
            async with asyncio.timeout(timeout) as self._timer:
                chunk = await self._body.read_chunk()
        except lib.PyreqwestError as error:
            self._end(reusable=False)
            raise fault_in_body(error) from error
        except TimeoutError as error:
            if not self._closing:
                raise
            self._end(reusable=False)
            raise ConnectionLostError("The response was closed while it was read.", phase="body") from error
        finally:
            self._timer = None
        if chunk is not None:
            return bytes(chunk)
        self._end(reusable=True)
        return b""

    async def close(self) -> None:
        """End the exchange; a read under way in another task ends with ConnectionLostError."""
        if self._timer is None:
            self._end(reusable=False)
            return
        self._closing = True
        self._timer.reschedule(asyncio.get_running_loop().time())


class PyreqwestAsyncTransport:
    """Opens exchanges on asyncio; works from any number of event loops (R-043)."""

    def __init__(
        self, limits: PoolLimits = DEFAULT_LIMITS, *, trust_env: bool = True, ca_bundle: str | None = None
    ) -> None:
        self._clients = _Clients(limits, trust_env, ca_bundle)
        self._slots = Slots(limits)
        self._options: dict[str, Any] = {"limits": limits, "trust_env": trust_env, "ca_bundle": ca_bundle}
        self._child: Httpx2AsyncTransport | None = None
        self._opened: weakref.WeakSet[PyreqwestAsyncExchange] = weakref.WeakSet()

    async def open(self, request: HttpRequest, timers: Timers) -> AsyncExchange:
        """The response once its headers arrived; raises as the timers of `Timers` say."""
        if self._clients.forked():
            return await self._successor().open(request, timers)
        slot = await self._slots.acquire_async(request.url, timers.pool)
        try:
            return await self._send(request, timers, slot)
        except BaseException:
            self._slots.release(slot, reusable=False)
            raise

    def active(self) -> int:
        """Exchanges open now (R-045)."""
        return self._child.active() if self._child else self._slots.active()

    async def close(self) -> None:
        """End idle connections, requests that wait for their headers, and this loop's open exchanges."""
        if self._clients.forked():
            if self._child is not None:
                await self._child.close()
            return
        for client in self._clients.drain():
            await client.close()
        for exchange in tuple(self._opened):
            if exchange.loop is asyncio.get_running_loop():
                await exchange.close()

    async def _send(self, request: HttpRequest, timers: Timers, slot: Slot) -> PyreqwestAsyncExchange:
        prepared = self._clients.request(request, timers)
        try:
            async with asyncio.timeout(timers.response):
                response = await prepared.native.__aenter__()
        except lib.PyreqwestError as error:
            raise fault_before_headers(error, reused=slot.reused) from error
        except TimeoutError as error:
            raise _response_timeout(timers.response) from error
        exchange = PyreqwestAsyncExchange(prepared, response, self._slots, slot)
        exchange.loop = asyncio.get_running_loop()
        self._opened.add(exchange)
        return exchange

    def _successor(self) -> Httpx2AsyncTransport:
        from .httpx2 import Httpx2AsyncTransport

        if self._child is None:
            self._child = Httpx2AsyncTransport(**self._options)
        return self._child
