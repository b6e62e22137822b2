"""What a user may give as a file, as a source of its bytes (R-046, R-078).

Rules of this file:
- Nothing is read before it is sent, and then in pieces; only what the user holds in memory is in memory.
- A file that can seek is sent from its position at call time, on every attempt.
- An iterator, and a file that cannot seek, can be sent once.
- Blocking reads of an asyncio client happen on a thread.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

from ..core.errors import InvalidRequestError
from .late import asyncio
from .transports.protocol import BodySource

PIECE = 64 * 1024

Content: TypeAlias = bytes | bytearray | os.PathLike[str] | IO[bytes] | Iterable[bytes] | AsyncIterable[bytes]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file with the name and media type that the server is to see.

    `content` is bytes, a `pathlib.Path`, a file opened in binary mode (an asyncio one on an async client),
    or an iterable of bytes. Name and type are guessed where they are not given; `size` in bytes is needed
    only for content that does not tell and a server that does not take chunked bodies.
    """

    content: Content
    file_name: str | None = None
    content_type: str | None = None
    size: int | None = None


FileInput: TypeAlias = Content | Upload


def is_file(value: Any) -> bool:
    """Whether a value is the content of a file rather than a JSON value."""
    if isinstance(value, (Upload, bytes, bytearray, os.PathLike)) or hasattr(value, "read"):
        return True
    return isinstance(value, (Iterator, AsyncIterable))


def as_upload(value: Any, what: str) -> Upload:
    """The upload that a value means; InvalidRequestError for what cannot be one."""
    if isinstance(value, Upload):
        return value
    if isinstance(value, str):
        raise InvalidRequestError(f"{what} is text: pass pathlib.Path(...) for a file, or bytes")
    return Upload(value)


def given_name(upload: Upload) -> str | None:
    """The name of the file, as far as it is known."""
    if upload.file_name is not None:
        return upload.file_name
    if isinstance(upload.content, os.PathLike):
        return Path(upload.content).name
    name = getattr(upload.content, "name", None)
    return Path(name).name if isinstance(name, str) and not name.startswith("<") else None


def source_of(upload: Upload, what: str) -> bytes | BodySource:
    """The content as bytes or as a source; InvalidRequestError where it cannot be read as bytes."""
    content = upload.content
    if isinstance(content, (bytes, bytearray)):
        return bytes(content)  # a copy of a bytearray: later changes must not reach the request
    if isinstance(content, os.PathLike):
        return PathSource(Path(content), what)
    read = getattr(content, "read", None)
    if read is not None:
        return _file_source(content, upload.size, what)
    if isinstance(content, AsyncIterable):
        return AsyncSource(content, upload.size, what)
    if isinstance(content, Iterable) and not isinstance(content, str):
        return IterableSource(content, upload.size, what)
    raise InvalidRequestError(f"{what} cannot be sent as a file: {type(content).__name__}")


def _file_source(file: Any, size: int | None, what: str) -> BodySource:
    if isinstance(file, io.TextIOBase):
        raise InvalidRequestError(f"{what} is a file opened as text: open it in binary mode ('rb')")
    if asyncio.iscoroutinefunction(file.read):
        return AsyncFileSource(file, size, what)
    return FileSource(file, size, what)


class Source:
    """What all sources share; `_pieces` gives the content from its start."""

    size: int | None
    rewindable: bool

    def __init__(self, what: str, size: int | None, *, rewindable: bool) -> None:
        self.size = size
        self.rewindable = rewindable
        self._what = what
        self._begun = False

    def _begin(self) -> None:
        if self._begun and not self.rewindable:
            raise InvalidRequestError(f"{self._what} was sent already and cannot be read again")
        self._begun = True

    def _pieces(self) -> Iterator[bytes]:
        raise NotImplementedError

    def __iter__(self) -> Iterator[bytes]:
        self._begin()
        return self._checked(self._pieces())

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece

    def _checked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces, if they are bytes and as many as `size` promised the server."""
        sent = 0
        for piece in pieces:
            sent += self._length(piece)
            yield piece
        self._check_end(sent)

    def _length(self, piece: Any) -> int:
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise InvalidRequestError(f"{self._what} gave {type(piece).__name__} instead of bytes")
        return len(piece)

    def _check_end(self, sent: int) -> None:
        if self.size is not None and sent != self.size:
            raise InvalidRequestError(f"{self._what} has {sent} bytes, not {self.size} as it seemed")


class PathSource(Source):
    """A file by its path, opened anew for each attempt."""

    def __init__(self, path: Path, what: str) -> None:
        try:
            size = path.stat().st_size
            with path.open("rb"):
                pass
        except OSError as error:
            raise InvalidRequestError(f"{what} cannot be read: {error.strerror}") from error
        super().__init__(what, size, rewindable=True)
        self._path = path

    def _pieces(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            yield from _read_pieces(file)


class FileSource(Source):
    """An open file, from its position now; rewindable if it can seek."""

    def __init__(self, file: Any, size: int | None, what: str) -> None:
        self._file = file
        self._start = _position(file)
        if self._start is not None:
            end = file.seek(0, os.SEEK_END)
            file.seek(self._start)
            size = end - self._start
        super().__init__(what, size, rewindable=self._start is not None)

    def _pieces(self) -> Iterator[bytes]:
        if self._start is not None:
            self._file.seek(self._start)
        yield from _read_pieces(self._file)


class IterableSource(Source):
    """Pieces of bytes; rewindable if it is a collection rather than an iterator."""

    def __init__(self, pieces: Iterable[bytes], size: int | None, what: str) -> None:
        super().__init__(what, size, rewindable=not isinstance(pieces, Iterator))
        self._given = pieces

    def _pieces(self) -> Iterator[bytes]:
        return iter(self._given)


class _AsyncOnly(Source):
    """Content that only asyncio can read."""

    def __iter__(self) -> Iterator[bytes]:
        raise InvalidRequestError(f"{self._what} is asynchronous; use an async client to send it")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._begin()
        sent = 0
        async for piece in self._arriving():
            sent += self._length(piece)
            yield piece
        self._check_end(sent)

    def _arriving(self) -> AsyncIterator[bytes]:
        raise NotImplementedError


class AsyncSource(_AsyncOnly):
    """Pieces from asyncio; rewindable if it is a collection rather than an iterator."""

    def __init__(self, pieces: AsyncIterable[bytes], size: int | None, what: str) -> None:
        super().__init__(what, size, rewindable=not isinstance(pieces, AsyncIterator))
        self._given = pieces

    def _arriving(self) -> AsyncIterator[bytes]:
        return aiter(self._given)


class AsyncFileSource(_AsyncOnly):
    """An open file of asyncio, from its position at the first attempt; rewindable if it can seek."""

    def __init__(self, file: Any, size: int | None, what: str) -> None:
        rewindable = hasattr(file, "seek") and hasattr(file, "tell")
        super().__init__(what, size, rewindable=rewindable)
        self._file = file
        self._start: int | None = None

    async def _arriving(self) -> AsyncIterator[bytes]:
        if self._start is not None:
            await self._file.seek(self._start)
        elif self.rewindable:
            self._start = await self._file.tell()
        while piece := await self._file.read(PIECE):
            yield piece


def _position(file: Any) -> int | None:
    """Where a file stands, None if it cannot come back there."""
    try:
        if not file.seekable():
            return None
        position: int = file.tell()
    except (AttributeError, OSError, ValueError):
        return None
    return position


def _read_pieces(file: Any) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def sha256_of(body: bytes | BodySource | None) -> str | None:
    """The digest of a request body in hex, for signatures (R-031); None if it cannot be read beforehand."""
    digest = hashlib.sha256()
    if body is None or isinstance(body, bytes):
        digest.update(body or b"")
        return digest.hexdigest()
    if not body.rewindable or isinstance(body, _AsyncOnly):
        return None
    for piece in body:
        digest.update(piece)
    return digest.hexdigest()
