"""A network layer for httpx2 that keeps one time limit over many reads, and remembers what happened.

httpx2 takes a timer when a response body is begun and applies it to each read, so a body that drips
outlives any deadline (R-052). Here the exchange puts an `Operation` into `CURRENT` while it runs, and
every connect, handshake, write and read gets what is left of its time. The operation also records
whether a connection was made and whether a byte came back: what R-038 asks before sending again.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import httpcore2

from .connection import Connection

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

    import httpx2

SHORTEST = 0.001  # a socket with timer 0 does not block at all, which is another mode

C = TypeVar("C", "httpx2.Client", "httpx2.AsyncClient")
OpenStreams: TypeAlias = "weakref.WeakSet[Stream]"


class Operation:
    """One `open` or `read`; `deadline` is monotonic time, None for no limit."""

    __slots__ = ("_stream", "aborted", "connected", "connecting", "deadline", "received")

    def __init__(self, deadline: float | None = None) -> None:
        self.deadline = deadline
        self.connected = False
        self.connecting = False
        self.received = False
        self.aborted = False
        self._stream: Stream | None = None

    def use(self, stream: Stream) -> float | None:
        """The time left for a step on this connection, which `abort` ends from now on."""
        self._stream = stream
        if self.aborted:
            raise httpcore2.ReadError("The request was given up.")
        return self.left(None)

    def abort(self) -> None:
        """End the step under way, from another thread, and refuse every later one."""
        self.aborted = True
        if self._stream is not None:
            self._stream.shut_down()

    @classmethod
    def within(cls, seconds: float | None) -> Operation:
        """An operation that has `seconds` from now."""
        return cls(None if seconds is None else time.monotonic() + seconds)

    @property
    def stale(self) -> bool:
        """Whether a failure now is that of a reused connection before any response byte (R-038)."""
        return not self.connected and not self.received

    def left(self, timeout: float | None) -> float | None:
        """The shorter of `timeout` and the time left, never below 1 ms."""
        if self.deadline is None:
            return timeout
        left = max(SHORTEST, self.deadline - time.monotonic())
        return left if timeout is None else min(left, timeout)


CURRENT: ContextVar[Operation] = ContextVar("llm_forge_operation")


def instrument(client: C, keepalive_seconds: float) -> C:
    """The client with its pools, also those behind proxies, on the backends below.

    httpx2 has no public way to choose the network backend; its transports keep the pool in `_pool`.
    """
    for transport in (client._transport, *client._mounts.values()):
        pool: Any = getattr(transport, "_pool", None)
        if isinstance(pool, httpcore2.ConnectionPool):
            pool._network_backend = Backend(keepalive_seconds)
        elif isinstance(pool, httpcore2.AsyncConnectionPool):
            pool._network_backend = AsyncBackend(keepalive_seconds)
    return client


def keep_alive(sock: socket.socket, seconds: float) -> None:
    """TCP keep-alive after `seconds` of silence, where the platform allows (R-039)."""
    idle = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if idle is not None:
            sock.setsockopt(socket.IPPROTO_TCP, idle, max(1, round(seconds)))


def shut_down(client: httpx2.Client) -> None:
    """End every connection of the client; closing it alone would not wake a thread that reads."""
    for transport in (client._transport, *client._mounts.values()):
        backend = getattr(getattr(transport, "_pool", None), "_network_backend", None)
        if isinstance(backend, Backend):
            for stream in tuple(backend.opened):
                stream.shut_down()


def spoil_if_more_came(response: httpx2.Response) -> None:
    """After a whole body: end the connection if it holds more bytes already.

    httpx2 would take them for the answer to the next request; they were sent before anybody asked.
    """
    part: Any = response.stream
    while part is not None and not hasattr(part, "_connection"):
        part = getattr(part, "_httpcore_stream", None) or getattr(part, "_stream", None)
    parser = getattr(getattr(part, "_connection", None), "_h11_state", None)
    stream = response.extensions.get("network_stream")
    if parser is not None and parser.trailing_data[0] and isinstance(stream, (Stream, AsyncStream)):
        stream.shut_down()


class Stream(httpcore2.NetworkStream):
    """A connection whose calls take the current operation's time; connect time covers TLS too."""

    def __init__(
        self, stream: httpcore2.NetworkStream, opened: OpenStreams, connecting: Operation | None = None
    ) -> None:
        self._stream = stream
        self._opened = opened
        self._connecting = connecting
        opened.add(self)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - httpx2's timer
        operation = CURRENT.get()
        data = self._stream.read(max_bytes, operation.use(self))
        operation.received = operation.received or bool(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - httpx2's timer
        self._stream.write(buffer, CURRENT.get().use(self))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = self._connecting.left(timeout) if self._connecting else timeout
        return Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._opened)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def shut_down(self) -> None:
        """End the connection under whoever reads from it."""
        with contextlib.suppress(OSError, AttributeError):
            self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


class Backend(httpcore2.NetworkBackend):
    """Plain sockets, with the time and the memory of the current operation."""

    def __init__(self, keepalive_seconds: float) -> None:
        self._sockets = httpcore2.SyncBackend()
        self._keepalive_seconds = keepalive_seconds
        self.opened: OpenStreams = weakref.WeakSet()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        operation = CURRENT.get()
        operation.connected = True
        connecting = Operation.within(operation.left(timeout))
        stream = self._sockets.connect_tcp(host, port, connecting.left(None), local_address, socket_options)
        keep_alive(stream.get_extra_info("socket"), self._keepalive_seconds)
        return Stream(stream, self.opened, connecting)


INFO = {"client_addr": "sockname", "server_addr": "peername", "socket": "socket", "ssl_object": "ssl_object"}


class AsyncStream(httpcore2.AsyncNetworkStream):
    """The asyncio twin; reads are timed by the exchange itself, around the whole step."""

    def __init__(self, connection: Connection, connecting: Operation) -> None:
        self._connection = connection
        self._connecting = connecting

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - httpx2's
        try:
            data = await self._connection.read(max_bytes)
        except OSError as error:
            raise httpcore2.ReadError(str(error)) from error
        if data:
            CURRENT.get().received = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - httpx2's
        try:
            await self._connection.write(buffer)
        except OSError as error:
            raise httpcore2.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._connection.abort()

    def shut_down(self) -> None:
        """End the connection."""
        self._connection.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        with _connect_errors():
            try:
                async with asyncio.timeout(self._connecting.left(timeout)):
                    await self._connection.start_tls(ssl_context, server_hostname)
            except BaseException:
                self._connection.abort()
                raise
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._connection.unusable
        return self._connection.info(INFO[info]) if info in INFO else None


class AsyncBackend(httpcore2.AsyncNetworkBackend):
    """Connections of asyncio, with the memory of the current operation."""

    def __init__(self, keepalive_seconds: float) -> None:
        self._keepalive_seconds = keepalive_seconds

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        operation = CURRENT.get()
        operation.connected = operation.connecting = True
        connecting = Operation.within(timeout)
        with _connect_errors():
            async with asyncio.timeout(timeout):
                connection = await Connection.open(host, port, local_address)
        operation.connecting = False
        connected: Any = connection.info("socket")
        keep_alive(connected, self._keepalive_seconds)
        for option in socket_options or ():
            connected.setsockopt(*option)
        return AsyncStream(connection, connecting)


@contextlib.contextmanager
def _connect_errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise httpcore2.ConnectTimeout from error
    except OSError as error:
        raise httpcore2.ConnectError(str(error)) from error
