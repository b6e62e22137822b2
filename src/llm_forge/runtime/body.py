"""Response bodies: read under a deadline, decoded under limits, never silently short.

Source: R-195 (limits), R-196 (raised at the crossing byte), R-197 (accepted encodings are exactly those
advertised; a corrupt one is ProtocolError), R-199 (short bodies are the transport's ConnectionLostError).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from ..core.errors import ProtocolError, ResponseTooLargeError
from ..core.headers import Headers

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Sizes in bytes (R-195)."""

    body_bytes: int = 64 * MIB
    error_bytes: int = 64 * 1024
    stream_bytes: int = 1024 * MIB
    ratio: int = 200
    ratio_from_bytes: int = MIB


DEFAULT_LIMITS = BodyLimits()


class Decoder:
    """Undoes the content encoding piece by piece; each piece comes out as far as it can.

    Both methods raise ProtocolError for a corrupt or cut encoding and ResponseTooLargeError when
    `limit_bytes` or the permitted ratio is crossed, before the surplus is kept.
    """

    def __init__(self, headers: Headers, limit_bytes: int, limits: BodyLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._limit_bytes = limit_bytes
        self._inflate = _inflater(headers)
        self._raw_bytes = 0
        self.total_bytes = 0

    def feed(self, chunk: bytes) -> bytes:
        """The decoded bytes that this chunk completes."""
        self._raw_bytes += len(chunk)
        if self._inflate is None:
            return self._counted(chunk)
        pieces: list[bytes] = []
        try:
            while not self._inflate.eof:
                room = min(self._limit_bytes - self.total_bytes + 1, MIB)
                piece = self._inflate.decompress(chunk, room)
                pieces.append(self._counted(piece))
                chunk = self._inflate.unconsumed_tail
                if not chunk and len(piece) < room:
                    break
        except zlib.error as error:
            raise ProtocolError("The response's content encoding is corrupt") from error
        return b"".join(pieces)

    def finish(self) -> None:
        """Check, at the end of the body, that its encoding ended too."""
        if self._inflate is not None and self._raw_bytes and not self._inflate.eof:
            raise ProtocolError("The response's content encoding ended early")

    def _counted(self, piece: bytes) -> bytes:
        self.total_bytes += len(piece)
        if self.total_bytes > self._limit_bytes:
            raise ResponseTooLargeError(f"The response exceeds {self._limit_bytes} bytes")
        beyond = self.total_bytes > self._limits.ratio_from_bytes
        if beyond and self.total_bytes > self._limits.ratio * self._raw_bytes:
            raise ResponseTooLargeError(f"The response expands more than {self._limits.ratio} times")
        return piece


def _inflater(headers: Headers) -> zlib._Decompress | None:
    if "content-encoding" not in headers:
        return None
    names = [
        name.strip().lower()
        for value in headers.get_all("content-encoding")
        for name in value.split(",")
        if name.strip().lower() not in ("", "identity")
    ]
    if not names:
        return None
    if len(names) > 1 or names[0] not in ("gzip", "x-gzip", "deflate"):
        raise ProtocolError(
            f"The response has a content encoding that was not offered: {', '.join(names)[:60]}"
        )
    # 32 lets zlib tell gzip from zlib by its header.
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
