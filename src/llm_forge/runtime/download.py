"""What a user holds of an answer that is a file or lines of JSON, for threads and for asyncio.

It opens when it is entered or first used, and is read once. Leaving it in any way, also by breaking out
of a loop or dropping it, closes its connection at once.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import urlsplit

from ..core.errors import ResponseTooLargeError, StreamError
from ..core.file_names import disposition_name
from ..core.profile import Operation
from ..core.views import View
from .arrival import Arrival, arrive
from .context import Call
from .files import AtomicFile, choose_target
from .finalise import finalise
from .io import run_now
from .late import asyncio
from .line_reader import LineReader

E = TypeVar("E")
LINK: Operation[Any, Any] = Operation(
    "download_url", "GET", "", View, group="download", answer="binary", accept="*/*"
)
MOST_BYTES = 64 * 1024 * 1024


class _Facts:
    """What every handle of an arriving answer knows."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._arrival: Arrival | None = None
        self._reading = False
        self._closed = False

    def _header(self, name: str) -> str | None:
        if self._arrival is None:
            raise StreamError("The answer has not arrived; enter it or read it first")
        return self._arrival.headers.get(name)

    @property
    def content_type(self) -> str | None:
        """The media type the server named."""
        return self._header("content-type")

    @property
    def size(self) -> int | None:
        """The bytes announced; None where the server announced none, or compressed them."""
        length = self._header("content-length") or ""
        return int(length) if length.isdecimal() and self._header("content-encoding") is None else None

    @property
    def served_name(self) -> str | None:
        """The file name the server gave, as it gave it: `to_file` makes it safe before it is used."""
        named = disposition_name(self._header("content-disposition") or "")
        return named or urlsplit(self._call.prepared.request.url).path.rpartition("/")[2] or None

    @property
    def request_id(self) -> str | None:
        """The provider's id of this exchange."""
        return self._call.request_id

    def _begin_reading(self) -> None:
        if self._reading:
            raise StreamError("An answer can be read once")
        self._reading = True

    def _check_unclosed(self) -> None:
        if self._closed:
            raise StreamError("The answer was closed before it was read")

    def _is_over(self, arrival: Arrival) -> bool:
        """Whether all was read; StreamError if it was closed before, for the rest would seem complete."""
        if self._closed and not arrival.complete:
            raise StreamError("The answer was closed before its end")
        return self._closed


class _Answer(_Facts):
    """An arriving answer that blocks."""

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def to_file(self, path: str | os.PathLike[str]) -> Path:
        """Store the answer and return its path; in a folder, under the server's name made safe.

        The file appears when it is whole, with mode 0600, and replaces an older one of that path.
        FileExistsError if the folder has a file of the server's name already.
        """
        arrival = self._open()
        try:
            file = AtomicFile(choose_target(path, self.served_name))
        except OSError:
            self.close()
            raise
        try:
            for piece in self._pieces(arrival):
                file.write(piece)
            return file.commit()
        finally:
            file.discard()

    def close(self) -> None:
        """Close the connection; safe in every state."""
        if not self._closed:
            self._closed = True
            if self._arrival is not None:
                run_now(self._arrival.end(None))

    def __del__(self) -> None:
        if not self._closed:
            finalise(self.close)

    def _open(self) -> Arrival:
        if self._arrival is None:
            self._check_unclosed()
            self._arrival = run_now(arrive(self._call.restarted()))
            self._call = self._arrival.call
        return self._arrival

    def _pieces(self, arrival: Arrival) -> Iterator[bytes]:
        self._begin_reading()
        return self._rest(arrival)

    def _rest(self, arrival: Arrival) -> Iterator[bytes]:
        try:
            while not self._is_over(arrival) and (piece := run_now(arrival.more())):
                yield piece
        finally:
            finalise(self.close)  # a suspended generator is closed by whoever collects it


class Download(_Answer):
    """A file that arrives: `read` it, iterate over its bytes, or store it with `to_file`."""

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces(self._open())

    def read(self, max_bytes: int = MOST_BYTES) -> bytes:
        """All bytes; ResponseTooLargeError beyond `max_bytes` (64 MiB), which `to_file` has no need of."""
        pieces, total = [], 0
        for piece in self:
            total += len(piece)
            if total > max_bytes:
                self.close()
                raise _too_large(max_bytes)
            pieces.append(piece)
        return b"".join(pieces)


class Lines(_Answer, Generic[E]):
    """Lines of JSON that arrive: iterate over them as typed views, or store them with `to_file`.

    StreamInterruptedError if they are cut; its `partial` is the torn line, `events_seen` counts whole ones.
    """

    def __iter__(self) -> Iterator[E]:
        pieces = self._pieces(self._open())
        return self._typed(pieces)

    def _typed(self, pieces: Iterator[bytes]) -> Iterator[E]:
        reader = LineReader(self._call)
        try:
            with reader.errors():
                for piece in pieces:
                    reader.take(piece)
                    yield from reader.ready
                reader.take(b"")
                yield from reader.ready
        finally:
            finalise(self.close)


class _AsyncAnswer(_Facts):
    """An arriving answer of asyncio."""

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def to_file(self, path: str | os.PathLike[str]) -> Path:
        """Store the answer and return its path, as `Download.to_file` does."""
        arrival = await self._open()
        try:
            file = await asyncio.to_thread(_create, path, self.served_name)
        except OSError:
            await self.close()
            raise
        try:
            self._begin_reading()
            while piece := await self._more(arrival):
                await asyncio.to_thread(file.write, piece)
            return await asyncio.to_thread(file.commit)
        finally:
            file.discard()
            await self.close()

    async def close(self) -> None:
        """Close the connection; safe in every state."""
        if not self._closed:
            self._closed = True
            if self._arrival is not None:
                await self._arrival.end(None)

    def _abandon(self) -> None:
        if not self._closed:
            self._closed = True
            if self._arrival is not None:
                self._arrival.abandon()

    def __del__(self) -> None:
        if not self._closed:
            finalise(self._abandon)

    async def _open(self) -> Arrival:
        if self._arrival is None:
            self._check_unclosed()
            self._arrival = await arrive(self._call.restarted())
            self._call = self._arrival.call
        return self._arrival

    async def _more(self, arrival: Arrival) -> bytes:
        if self._is_over(arrival):
            return b""
        piece = await arrival.more()
        if not piece:
            self._closed = True
        return piece


class AsyncDownload(_AsyncAnswer):
    """`Download` for asyncio."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._begin_reading()
        return _Reading(self, self._next_piece)

    async def read(self, max_bytes: int = MOST_BYTES) -> bytes:
        """All bytes; ResponseTooLargeError beyond `max_bytes` (64 MiB), which `to_file` has no need of."""
        pieces, total = [], 0
        async for piece in self:
            total += len(piece)
            if total > max_bytes:
                await self.close()
                raise _too_large(max_bytes)
            pieces.append(piece)
        return b"".join(pieces)

    async def _next_piece(self) -> bytes:
        if piece := await self._more(await self._open() if not self._closed else self._opened()):
            return piece
        raise StopAsyncIteration

    def _opened(self) -> Arrival:
        if self._arrival is None:
            raise StreamError("The answer was closed before it was read")
        return self._arrival


class AsyncLines(_AsyncAnswer, Generic[E]):
    """`Lines` for asyncio."""

    def __aiter__(self) -> AsyncIterator[E]:
        self._begin_reading()
        return _Reading(self, self._next_line)

    _reader: LineReader | None = None

    async def _next_line(self) -> E:
        reader = self._reader
        if reader is None:
            await self._open()
            reader = self._reader = LineReader(self._call)
        try:
            with reader.errors():
                while not reader.ended:
                    for line in reader.ready:
                        typed: E = line
                        return typed
                    reader.take(await self._more(await self._open()))
        except BaseException:
            await self.close()
            raise
        raise StopAsyncIteration


class _Reading(Generic[E]):
    """One consumption of an answer. Dropping it closes the connection: no loop has to finalise it."""

    def __init__(self, answer: _AsyncAnswer, step: Callable[[], Any]) -> None:
        self._answer = answer
        self._step = step

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        item: E = await self._step()
        return item

    def __del__(self) -> None:
        if not self._answer._closed:
            finalise(self._answer._abandon)


def _create(path: str | os.PathLike[str], served_name: str | None) -> AtomicFile:
    return AtomicFile(choose_target(path, served_name))


def _too_large(limit: int) -> ResponseTooLargeError:
    return ResponseTooLargeError(f"The answer exceeds {limit} bytes; store it with to_file(), or iterate")
