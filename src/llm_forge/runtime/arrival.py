"""A 2xx answer that is read piece by piece: files and lines, not server-sent events.

Rules of this file:
- Until the first byte a failure is the attempt's, and may be retried; afterwards nothing is.
- There is no limit for the whole (R-195); no byte for `idle_timeout` ends it, and so does the deadline,
  if the caller set one.
- An answer that is cut raises; it never looks complete (R-199).
"""

from __future__ import annotations

from typing import Any

from ..core.errors import (
    ClientClosedError,
    ConnectionLostError,
    DeadlineExceededError,
    ForgeError,
    ProtocolError,
    StreamIdleError,
)
from ..core.headers import Headers
from .answer import invalid_response
from .attempt import acquire, read_chunk, refuse, send
from .body import Decoder
from .call import run
from .context import Call, outcome_name
from .lease import Lease
from .middleware import through
from .transports.protocol import HttpRequest

NO_LIMIT = 1 << 62
NO_CONTENT = (204, 205)
# Media types that promise nothing about the bytes: any answer but a page fits them.
_ANYTHING = ("*/*", "application/octet-stream", "application/binary")


class Arrival:
    """One open answer; made by `open_arrival`."""

    wraps: tuple[Any, ...] = ()  # middleware sees that something streams, and cannot wrap the pieces of it

    def __init__(self, call: Call, lease: Lease) -> None:
        self.call = call
        self.headers = Headers()
        self.received_bytes = 0
        self.complete = False
        self.handed_over = False
        self._lease = lease
        self._began = call.io.now()
        self._exchange: Any = None
        self._decoder = Decoder(self.headers, NO_LIMIT)
        self._first: bytes | None = None

    async def open(self, request: HttpRequest) -> Arrival:
        """Send the request, and read up to the first decoded byte or the end within the attempt's timer."""
        call, ends = self.call, self._began + self.call.settings.attempt_timeout
        self._exchange = await send(call, self._lease, request, ends)
        if not 200 <= self._exchange.status < 300:
            raise await refuse(call, self._exchange, ends)
        if problem := _unfit(call, self._exchange):
            message = f"The {self._exchange.status} answer {problem}"
            raise invalid_response(call, self._exchange, message, b"")
        self.headers = self._exchange.headers
        self._decoder = Decoder(self.headers, NO_LIMIT)
        self._first = await self._first_piece(ends)
        return self

    async def _first_piece(self, ends: float) -> bytes:
        while chunk := await read_chunk(self.call, self._exchange, ends, "body"):
            if first := self._decoder.feed(chunk):
                return first
        self._decoder.finish()
        return b""

    async def more(self) -> bytes:
        """The next decoded bytes, b"" at the end. Raises what cut the answer short, enriched."""
        if self.complete:
            return b""
        try:
            piece = await self._next()
        except BaseException as error:
            await self.end(error)
            raise
        self.received_bytes += len(piece)
        if not piece:
            self.complete = True
            await self.end(None)
        return piece

    async def _next(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            while chunk := await self._read():
                if piece := self._decoder.feed(chunk):
                    return piece
            self._decoder.finish()
        except ForgeError as error:
            raise self._told(error) from error.__cause__
        return b""

    async def _read(self) -> bytes:
        call, now = self.call, self.call.io.now()
        left, idle = call.deadline.left(now), call.settings.idle_timeout
        limit = idle if left is None else max(0.0, min(left, idle))
        try:
            chunk: bytes = await call.io.read(self._exchange, limit)
        except TimeoutError as error:
            if left is not None and left <= idle:
                raise DeadlineExceededError(
                    "The call's deadline passed while the answer was read", phase="body"
                ) from error
            raise StreamIdleError(f"The answer sent nothing for {idle:g} s") from error
        return chunk

    def _told(self, error: ForgeError) -> ForgeError:
        """The error as the user gets it."""
        if self.call.shared.closed and isinstance(error, (ConnectionLostError, ProtocolError)):
            error = ClientClosedError("The client was closed while this answer was read")
        error.mid_stream = True
        if self.handed_over:
            self.call.fail_last(error)
        return self.call.enrich(error)

    async def end(self, error: BaseException | None) -> None:
        """Stop here: give back what the attempt holds and abort the connection. Idempotent."""
        self._settle(error)
        try:
            await self._lease.close()
        finally:
            self._release(self._outcome(error))

    def abandon(self) -> None:
        """The handle was dropped without being closed: give back what needs no waiting."""
        self._settle(None)
        self._lease.exchange = None
        self._exchange = None
        self._release(self._outcome(None))

    def _settle(self, error: BaseException | None) -> None:
        self._lease.end(error if error is not None or self.complete else GeneratorExit())

    def _outcome(self, error: BaseException | None) -> str:
        if error is not None:
            return outcome_name(error)
        return "ok" if self.complete else "left"

    def _release(self, outcome: str) -> None:
        if self.handed_over:
            self.handed_over = False
            self.call.finish(outcome)


async def open_arrival(call: Call) -> Arrival:
    """One attempt: an answer whose first byte has arrived, or that is empty."""
    lease = await acquire(call)
    arrival = Arrival(call, lease)
    try:
        answer = await through(call, call.shared.steps.attempt, call.prepared.request, arrival.open)
        _check_unchanged(answer is arrival)
    except BaseException as error:
        lease.end(error)
        await lease.close()
        raise
    return arrival


def _check_unchanged(same: bool) -> None:
    if not same:
        raise TypeError("middleware cannot replace or wrap an answer that is a file or lines")


def _unfit(call: Call, exchange: Any) -> str:
    """Why this cannot be the file or the lines that were asked for, "" if it can (R-198).

    A page where none was promised is a portal or a proxy; JSON instead of sound or a picture is an error.
    """
    if exchange.status in NO_CONTENT:
        return "is empty"
    kind = (exchange.headers.get("content-type") or "").partition(";")[0].strip().lower()
    promised = call.operation.accept.partition(";")[0].strip().lower()
    if kind == "text/html" and promised != kind:
        return "is a page"
    if kind == "application/json" and call.operation.answer == "binary":
        return "is JSON" if promised not in (*_ANYTHING, kind) and not promised.startswith("text/") else ""
    return ""


async def arrive(call: Call) -> Arrival:
    """Open an answer through the one retry loop; the call ends with the reading."""
    opened: list[Arrival] = []

    async def send_call(request: HttpRequest) -> Arrival:
        opened.append(await run(call.asking(request), open_arrival))
        return opened[-1]

    call.begin()
    try:
        answer = await through(call, call.shared.steps.call, call.prepared.request, send_call)
        _check_unchanged(bool(opened) and answer is opened[-1] and not answer.wraps)
    except BaseException as error:
        for one in opened:
            await one.end(error)
        call.finish(outcome_name(error))
        raise
    for one in opened[:-1]:
        await one.end(None)
    opened[-1].handed_over = True
    return opened[-1]
