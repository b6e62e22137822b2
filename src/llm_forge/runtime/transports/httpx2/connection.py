"""An asyncio connection for httpx2's connection pool: a socket with a receive buffer, nothing of HTTP.

httpx2's own goes through anyio, whose cancel scopes cost more CPU per event of a stream than parsing
the event does. Rules:
- At most HIGH_WATER bytes are buffered, then the socket is not read until the reader took some (R-151).
- A cancelled `read` loses nothing: bytes stay in the buffer.
- `unusable` is what the pool asks before it uses an idle connection again: an idle peer must be silent,
  so bytes, an end or an error all say no (R-038).
"""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import ssl

HIGH_WATER: Final = 256 * 1024
RACE_DELAY: Final = 0.25  # RFC 8305 section 8: seconds before the next address is tried; uvloop has none


class Connection(asyncio.Protocol):
    """One TCP or TLS connection; `read` and `write` raise OSError when it is gone."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._paused = False
        self._reader: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > HIGH_WATER and self.transport and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        _resolve(self._reader)

    def eof_received(self) -> bool:
        self._ended = True
        _resolve(self._reader)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        _resolve(self._reader)
        _resolve(self._drained)

    def pause_writing(self) -> None:
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        _resolve(self._drained)
        self._drained = None

    @classmethod
    async def open(cls, host: str, port: int, local_address: str | None) -> Connection:
        """A connected TCP connection; OSError if none of the host's addresses answers."""
        source = None if local_address is None else (local_address, 0)
        loop = asyncio.get_running_loop()
        race: dict[str, Any] = (
            {"happy_eyeballs_delay": RACE_DELAY} if isinstance(loop, asyncio.BaseEventLoop) else {}
        )
        _, connection = await loop.create_connection(cls, host, port, local_addr=source, **race)
        return connection

    async def start_tls(self, context: ssl.SSLContext, host: str | None) -> None:
        """Turn the connection into TLS; ssl.SSLError or OSError if the handshake fails."""
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(self._open_transport(), self, context, server_hostname=host)
        if transport is None:
            raise ConnectionAbortedError("The connection ended during the handshake.")
        self.transport = transport

    async def read(self, max_bytes: int) -> bytes:
        """What has arrived, at least one byte; b"" after the peer's end."""
        while not self._buffer:
            if self._error is not None:
                raise ConnectionError("The connection was lost.") from self._error
            if self._ended:
                return b""
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = bytes(self._buffer[:max_bytes])
        del self._buffer[:max_bytes]
        if self._paused and len(self._buffer) <= HIGH_WATER // 2 and not self._ended:
            self._paused = False
            self._open_transport().resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Send the bytes; waits while the peer does not take them."""
        if self._ended:
            raise ConnectionError("The connection was lost.") from self._error
        self._open_transport().write(data)
        if self._drained is not None:
            await self._drained

    def abort(self) -> None:
        """Close at once, without waiting for the peer."""
        self._ended = True
        self._open_transport().abort()

    @property
    def unusable(self) -> bool:
        """Whether an idle connection must not be used again."""
        return self._ended or bool(self._buffer) or self._has_unread()

    def _has_unread(self) -> bool:
        """Whether bytes have arrived that the event loop had no turn to read."""
        fd = self.info("socket").fileno()  # type: ignore[attr-defined]  # a socket, by asyncio's word
        if not hasattr(select, "poll"):
            return bool(select.select([fd], [], [], 0)[0])
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(0))

    def info(self, name: str) -> object:
        """The asyncio transport's `get_extra_info`."""
        return self._open_transport().get_extra_info(name)

    def _open_transport(self) -> asyncio.Transport:
        if self.transport is None:
            raise ConnectionError("The connection is not open.")
        return self.transport


def _resolve(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
