"""Form bodies: multipart/form-data (RFC 7578) and application/x-www-form-urlencoded.

Rules of this file:
- A field that is absent or None is left out: a form has no null.
- A list becomes one field for each entry, an object one field of JSON. Where the description says
  `deepObject`, entries are called `name[]`, and an object becomes `name[key]` fields.
- Names inside headers lose CR, LF, NUL, quotes and backslashes (R-046).
- Files are sent as their bytes come; a form of at most 1 MiB without files on disk is one piece.
"""

from __future__ import annotations

import mimetypes
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from ..core.codec import encode
from ..core.errors import InvalidRequestError
from ..core.profile import BodyRule
from ..core.views import View
from .options import Omit
from .transports.protocol import BodySource
from .uploads import Upload, as_upload, given_name, is_file, source_of

SMALL_BYTES = 1024 * 1024
MOST_PARTS = 1000
_UNSAFE_IN_NAME = re.compile(r'[\r\n\0"\\]')
_TYPES = {
    "flac": "audio/flac", "jsonl": "application/jsonl", "m4a": "audio/mp4", "md": "text/markdown",
    "mp3": "audio/mpeg", "mp4": "video/mp4", "oga": "audio/ogg", "ogg": "audio/ogg", "pdf": "application/pdf",
    "wav": "audio/wav", "webm": "audio/webm", "webp": "image/webp",
}  # fmt: skip
Piece = bytes | BodySource


def urlencoded(values: Mapping[str, Any], rule: BodyRule) -> bytes:
    """The body of a urlencoded form."""
    pairs: list[tuple[str, str]] = []
    for name, value in _flat(values, rule):
        if is_file(value):
            raise InvalidRequestError(f"{name} is a file, which this kind of form cannot carry")
        pairs.append((name, _text(value)))
    return urlencode(pairs).encode()


def multipart(values: Mapping[str, Any], rule: BodyRule) -> tuple[bytes | BodySource, str]:
    """The body of a multipart form and its content type; the boundary is the same on every attempt."""
    boundary = secrets.token_hex(16)
    pieces: list[Piece] = []
    count = 0
    for name, value in _flat(values, rule):
        count += 1
        head, content = _part(name, value, rule)
        pieces += [f"--{boundary}\r\n{head}\r\n\r\n".encode(), content, b"\r\n"]
    if count > MOST_PARTS:
        raise InvalidRequestError(f"A form of {count} parts was refused; at most {MOST_PARTS} are sent")
    pieces.append(f"--{boundary}--\r\n".encode())
    return _joined(pieces), f"multipart/form-data; boundary={boundary}"


def _joined(pieces: list[Piece]) -> bytes | BodySource:
    small = [piece for piece in pieces if isinstance(piece, bytes)]
    if len(small) == len(pieces) and sum(map(len, small)) <= SMALL_BYTES:
        return b"".join(small)
    return Pieces(pieces)


class Pieces:
    """Bytes and sources one after another, as one source."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces
        sizes = [len(piece) if isinstance(piece, bytes) else piece.size for piece in pieces]
        self.size = None if None in sizes else sum(size for size in sizes if size is not None)
        self.rewindable = all(isinstance(piece, bytes) or piece.rewindable for piece in pieces)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                yield from piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                async for one in piece:
                    yield one


def _part(name: str, value: Any, rule: BodyRule) -> tuple[str, Piece]:
    """The headers of a part, and its content."""
    field = name.removesuffix("[]")
    told = rule.media_types.get(field, "")
    if field in rule.files or is_file(value):
        return _file_part(name, as_upload(value, name), told)
    if not told and isinstance(value, (Mapping, View)):
        told = "application/json"
    head = f'Content-Disposition: form-data; name="{_header_name(name)}"'
    return head + (f"\r\nContent-Type: {told}" if told else ""), _text(value).encode()


def _file_part(name: str, upload: Upload, told: str) -> tuple[str, Piece]:
    file_name = _header_name(re.split(r"[/\\]", given_name(upload) or "upload")[-1])
    kind = _header_name(upload.content_type or told or guess_type(file_name))
    head = f'Content-Disposition: form-data; name="{_header_name(name)}"; filename="{file_name}"'
    return f"{head}\r\nContent-Type: {kind}", source_of(upload, name)


def guess_type(file_name: str) -> str:
    """The media type that a file's name suggests, `application/octet-stream` for none."""
    extension = file_name.rpartition(".")[2].lower()
    return _TYPES.get(extension) or mimetypes.guess_type(file_name)[0] or "application/octet-stream"


def _header_name(text: str) -> str:
    return _UNSAFE_IN_NAME.sub("", text).encode("utf-8", "replace").decode()


def _flat(values: Mapping[str, Any], rule: BodyRule) -> Iterator[tuple[str, Any]]:
    """Names and values with lists and deep objects opened."""
    for name, value in values.items():
        if value is None or isinstance(value, Omit):
            continue
        if name in rule.deep and isinstance(value, (Mapping, View)):
            held: dict[str, Any] = dict(value)
            yield from ((f"{name}[{key}]", one) for key, one in held.items() if one is not None)
        elif isinstance(value, (list, tuple)):
            entry = f"{name}[]" if name in rule.deep else name
            yield from ((entry, one) for one in value)
        else:
            yield name, value


def _text(value: Any) -> str:
    """A field as text: JSON for objects, plain for the rest."""
    if isinstance(value, str):
        encode(value)  # refuses lone surrogates
        return value
    return encode(value).decode()
