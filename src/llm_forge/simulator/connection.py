"""One accepted connection: requests in, bytes out, nothing decided.

Rules:
- Requests are parsed by h11; answers are bytes that the application chose, so nothing is corrected.
- TCP_NODELAY is always set: what is sent as two pieces leaves as two pieces.
- The first `send` and every eighth after it let the event loop turn: a long reply neither holds other
  connections up nor hides that its client has left. (A turn costs twice as much as a write.)
- A client that closes its end is noticed at once, even while nothing is being sent, and its time is
  kept. (A client that half-closes looks the same to a socket, so it counts as gone.)
- Times are seconds of `time.monotonic`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import h11

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_SENDS_A_TURN = 8


class ClientClosedError(Exception):
    """The client closed or reset the connection before the answer was complete."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived: header names in lower case, values and order as sent."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    arrived_at: float
    connection: int
    http_version: str = "1.1"

    @property
    def path(self) -> str:
        """The target without its query, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the first question mark, as sent."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)

    @property
    def wants_close(self) -> bool:
        """Whether the client asked for the connection to end after this answer."""
        option = (self.header("connection") or "").lower()
        return "close" in option or (self.http_version == "1.0" and "keep-alive" not in option)


class Connection(asyncio.Protocol):
    """A connection of a running server; `application` answers each request through an `Exchange`."""

    def __init__(self, application: Application, number: int, registry: set[Connection]) -> None:
        self.number = number
        self.peer_closed_at: float | None = None
        self.task: asyncio.Task[None] | None = None
        self._application = application
        self._registry = registry
        self._received = bytearray()
        self._arrival = asyncio.Event()
        self._peer_closed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._sends = itertools.count()
        self._lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start answering; called by the event loop."""
        self.transport = cast("asyncio.Transport", transport)
        self._registry.add(self)
        self._socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        """Keep bytes for the parser; called by the event loop."""
        self._received += data
        self._arrival.set()

    def eof_received(self) -> bool:
        """Note that the client is gone, keep our end open; called by the event loop."""
        self._note_peer_closed()
        return self.transport.get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Wake everything that waits on this connection; called by the event loop."""
        self._registry.discard(self)
        self._note_peer_closed()
        self._writable.set()
        self._lost.set()

    def pause_writing(self) -> None:
        """Hold `send` back; called by the event loop."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let `send` go on; called by the event loop."""
        self._writable.set()

    async def send(self, data: bytes) -> None:
        """Write bytes as they are; ClientClosedError if nobody is there to read them.

        What was written before the client left counts as sent: the next call raises.
        """
        self._check_peer()
        self.transport.write(data)
        if next(self._sends) % _SENDS_A_TURN == 0:
            await asyncio.sleep(0)  # a socket that takes everything would keep the loop from reading
        await self._writable.wait()
        if self.transport.is_closing():
            self._check_peer()

    async def pause(self, seconds: float | None) -> None:
        """Wait, for ever with None; ClientClosedError as soon as the client leaves."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._peer_closed.wait(), seconds)
        self._check_peer()

    def reset(self) -> None:
        """End with RST: what is unsent is lost and the client sees a reset."""
        self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()

    def half_close(self) -> None:
        """End our direction with FIN and keep reading."""
        if self.transport.can_write_eof():
            self.transport.write_eof()

    async def peer_closed(self) -> None:
        """Return once the client has left."""
        await self._peer_closed.wait()

    async def closed(self) -> None:
        """Return once the socket is gone."""
        await self._lost.wait()

    def _socket(self) -> socket.socket:
        return cast("socket.socket", self.transport.get_extra_info("socket"))

    def _note_peer_closed(self) -> None:
        if self.peer_closed_at is None:
            self.peer_closed_at = time.monotonic()
        self._peer_closed.set()
        self._arrival.set()

    def _check_peer(self) -> None:
        if self.transport.is_closing():  # a write has failed, before the loop could tell
            self._note_peer_closed()
        if self._peer_closed.is_set():
            raise ClientClosedError

    async def _serve(self) -> None:
        try:
            while (request := await self._next_request()) and await self._answer(request):
                pass
        except h11.RemoteProtocolError as error:
            self.transport.write(_bad_request(error))
        finally:
            self.transport.close()

    async def _answer(self, request: Request) -> bool:
        exchange = Exchange(request, self)
        try:
            await self._application(exchange)
        except ClientClosedError:
            return False
        return exchange.keep_alive and not request.wants_close

    async def _next_request(self) -> Request | None:
        """Parse one request; None when the client left before it was complete."""
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                if not await self._feed(parser):
                    return None
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                self._received[:0] = parser.trailing_data[0]
                return _request(head, bytes(body), self.number)
            else:
                return None

    async def _feed(self, parser: h11.Connection) -> bool:
        if parser.they_are_waiting_for_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self._received:
            if self._peer_closed.is_set():
                return False
            self._arrival.clear()
            await self._arrival.wait()
        parser.receive_data(bytes(self._received))
        self._received.clear()
        return True


@dataclass(slots=True)
class Exchange:
    """One request and full control over the bytes that answer it.

    The application sends a whole response, framing included, and clears `keep_alive` if the
    connection must end after it. `sent` counts the bytes written.
    """

    request: Request
    connection: Connection
    keep_alive: bool = True
    sent: int = 0

    async def send(self, data: bytes) -> None:
        """Write bytes; ClientClosedError if the client is gone."""
        await self.connection.send(data)
        self.sent += len(data)

    async def pause(self, seconds: float | None) -> None:
        """Wait, for ever with None; ClientClosedError as soon as the client leaves."""
        await self.connection.pause(seconds)

    def reset(self) -> None:
        """End the connection with RST."""
        self.keep_alive = False
        self.connection.reset()

    def close(self) -> None:
        """End the connection with FIN once what was written is out."""
        self.keep_alive = False

    async def half_close(self) -> None:
        """Send FIN and keep reading until the client leaves."""
        self.keep_alive = False
        self.connection.half_close()
        await self.connection.peer_closed()


Application = Callable[[Exchange], Awaitable[None]]
"""Answers one exchange; called once per request in the server's event loop."""


def _request(head: h11.Request, body: bytes, connection: int) -> Request:
    return Request(
        method=head.method.decode("ascii"),
        target=head.target.decode("latin-1"),
        headers=tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers),
        body=body,
        arrived_at=time.monotonic(),
        connection=connection,
        http_version=head.http_version.decode("ascii"),
    )


def _bad_request(error: h11.RemoteProtocolError) -> bytes:
    body = f"bad request: {error}\n".encode()
    head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
