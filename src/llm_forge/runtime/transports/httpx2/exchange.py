"""Requests in httpx2's form, and what its open responses share, blocking or on asyncio."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator

import httpx2 as lib

from ....core.errors import ConnectionLostError, InvalidRequestError
from ....core.headers import Headers
from ..limits import checked_headers
from ..protocol import BodySource, HttpRequest, Timers
from ..slots import Slot, Slots
from .backend import Operation


class Pieces:
    """A body source as a blocking client takes it: only `__iter__` tells httpx2 which kind it is."""

    def __init__(self, source: BodySource) -> None:
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._source)


class AsyncPieces:
    """A body source as an asyncio client takes it."""

    def __init__(self, source: BodySource) -> None:
        self._source = source

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._source)


def prepare(
    request: HttpRequest, timers: Timers, pieces: type[Pieces] | type[AsyncPieces] = Pieces
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


def closed_while_read() -> ConnectionLostError:
    """The error of a read that another thread or task ended."""
    return ConnectionLostError("The response was closed while it was read.", phase="body")


class Opened:
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
