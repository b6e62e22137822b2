"""Limits every adapter shares: of the pool (R-037), and of response headers (R-195)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Final

from ...core.errors import ProtocolError, ResponseTooLargeError
from ...core.headers import Headers
from .protocol import Network

DEFAULT_NETWORK: Final = Network()
MAX_FIELDS = 256
MAX_BYTES = 64 * 1024
FRAMING = 4  # ": " and the line end, as they stand on the wire


def checked_headers(pairs: Iterable[tuple[str, str]]) -> Headers:
    """Headers of the pairs; ResponseTooLargeError above 256 fields or 64 KiB."""
    headers = Headers(pairs)
    check_headers(headers)
    return headers


def check_headers(headers: Headers) -> None:
    """ResponseTooLargeError above 256 fields or 64 KiB, ProtocolError for two opinions on the body's length.

    Libraries choose one of two lengths, each its own: what follows could then pass for another answer
    (RFC 9112 section 6.3). It is asked again of headers that a user's own transport made.
    """
    fields = headers.pairs()
    size_bytes = FRAMING * len(fields) + sum(map(len, chain.from_iterable(fields)))
    if len(fields) > MAX_FIELDS or size_bytes > MAX_BYTES:
        raise too_large()
    lengths = headers.get_all("content-length")
    if lengths and (len(set(lengths)) > 1 or "transfer-encoding" in headers):
        raise ProtocolError("The response states its length in contradictory ways.", phase="response")


def too_large() -> ResponseTooLargeError:
    """The error of an answer whose header block is over the limit."""
    return ResponseTooLargeError(
        f"The response headers exceed {MAX_FIELDS} fields or {MAX_BYTES // 1024} KiB. "
        "Check what answers at this base_url; a proxy in between may add them.",
        phase="response",
    )
