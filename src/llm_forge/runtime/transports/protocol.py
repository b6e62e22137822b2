"""The small protocol between the call loop and an HTTP library.

Rules every adapter keeps:
- No redirect is followed, nothing is retried, nothing is decompressed, no header is added beyond
  what HTTP itself needs (host, content-length, transfer-encoding); no cookies, no netrc.
- A body that is a `BodySource` is sent as its pieces come, never collected: with its size as
  content-length, or chunked where it has none. Asyncio adapters iterate it with `async for`. What its
  iteration raises leaves `open` as it is. `open` iterates it at most once, and nobody resends it.
- Library exceptions never escape: they become the TransportError classes of core.errors with the
  original as `__cause__` (R-216). A timer that fires raises the error named at the timer.
- A body that ends short of its Content-Length, or without its last chunk, is ConnectionLostError
  from `read` (R-199), never a normal end.
- A failure of a *reused* connection before any response byte raises `StaleConnection`, so that the
  loop can send again once without counting an attempt (R-038) if the adapter cannot do so itself.
- `close` of an exchange is idempotent, safe in every state, and aborts what is unread.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ...core.durations import check_seconds
from ...core.errors import ConfigError, ConnectionLostError
from ...core.headers import Headers
from ...core.secrets import Secret


@dataclass(frozen=True, slots=True)
class Timers:
    """Seconds, None for no limit.

    `connect`: TCP and TLS together, ConnectError. `pool`: wait for a free connection,
    PoolTimeoutError. `response`: from the first byte sent (or the start of `open`) until the response
    headers are complete, AttemptTimeoutError.
    """

    connect: float | None = 5.0
    pool: float | None = 10.0
    response: float | None = 600.0


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """R-037 and R-039: connections per origin, idle ones kept, idle lifetime and keep-alive in seconds.

    ConfigError for no connection at all, and for durations that cannot be.
    """

    connections: int = 100
    idle: int = 20
    idle_seconds: float = 30.0
    keepalive_seconds: float = 60.0

    def __post_init__(self) -> None:
        for name, least in (("connections", 1), ("idle", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ConfigError(f"{name} of a pool must be a whole number from {least}, not {value!r}")
        if not 0 <= self.idle_seconds < math.inf:
            raise ConfigError(
                f"idle_seconds of a pool must be finite seconds from 0, not {self.idle_seconds!r}"
            )
        check_seconds("keepalive_seconds", self.keepalive_seconds)


@dataclass(frozen=True, slots=True)
class Network:
    """How connections are made (R-035, R-036, R-040).

    `trust_env` honours the variables of proxies and of OpenSSL. `ca_bundle` is the path of a PEM file of the
    only authorities to trust. `proxy` is the URL of a proxy for every request, and may hold a password.
    `http2` offers HTTP/2 in the TLS handshake; "prior-knowledge" speaks it without asking.
    """

    pool: PoolLimits = PoolLimits()
    trust_env: bool = True
    ca_bundle: str | None = None
    proxy: Secret | None = None
    http2: bool | Literal["prior-knowledge"] = False


class BodySource(Protocol):
    """A request body that is not held in memory (R-046).

    `size` is its length in bytes, None if nobody knows. `rewindable` says that iterating again gives
    the same bytes again from the start; one that is not can be iterated once (R-078).
    """

    @property
    def size(self) -> int | None: ...

    @property
    def rewindable(self) -> bool: ...

    def __iter__(self) -> Iterator[bytes]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it goes on the wire; `url` is absolute, `body` is whole, a source of pieces, or None.

    Its repr shows neither query, headers nor body: a debugger or a traceback with locals must not (R-004).
    """

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes | BodySource | None = field(default=None, repr=False)

    @property
    def rewindable(self) -> bool:
        """Whether the request can be sent again (R-078)."""
        return self.body is None or isinstance(self.body, bytes) or self.body.rewindable


class StaleConnection(ConnectionLostError):  # noqa: N818 - it names a state, and never reaches users
    """A reused connection failed before any byte of the response (R-038)."""


class Exchange(Protocol):
    """A response whose headers have arrived (sync)."""

    status: int
    headers: Headers

    def read(self, timeout: float | None) -> bytes:
        """The next raw body bytes as they arrive, b"" at the clean end.

        Raises TimeoutError (the built-in) after `timeout` seconds without a byte, after which some
        libraries cannot read on. Raises ConnectionLostError or ProtocolError.
        """
        ...

    def close(self) -> None:
        """Return the connection if the body was read to its end, else abort it."""
        ...


class Transport(Protocol):
    """Opens exchanges (sync); used from many threads at once."""

    def open(self, request: HttpRequest, timers: Timers) -> Exchange: ...

    def close(self) -> None: ...


class AsyncExchange(Protocol):
    """`Exchange` for asyncio; `close` never waits for the network longer than a moment."""

    status: int
    headers: Headers

    async def read(self, timeout: float | None) -> bytes: ...

    async def close(self) -> None: ...


class AsyncTransport(Protocol):
    """Opens exchanges on asyncio; cancelling a task aborts its exchange and frees the connection."""

    async def open(self, request: HttpRequest, timers: Timers) -> AsyncExchange: ...

    async def close(self) -> None: ...
