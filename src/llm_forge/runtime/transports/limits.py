"""Limits every adapter shares: of the pool (R-037), and of response headers (R-195)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ...core.errors import ResponseTooLargeError
from ...core.headers import Headers
from .protocol import PoolLimits

DEFAULT_LIMITS: Final = PoolLimits()
MAX_FIELDS = 256
MAX_BYTES = 64 * 1024
FRAMING = 4  # ": " and the line end, as they stand on the wire


def checked_headers(pairs: Iterable[tuple[str, str]]) -> Headers:
    """Headers of the pairs; ResponseTooLargeError above 256 fields or 64 KiB."""
    headers = Headers(pairs)
    check_headers(headers)
    return headers


def check_headers(headers: Headers) -> None:
    """ResponseTooLargeError above 256 fields or 64 KiB, for headers that a user's own transport made."""
    fields = headers.pairs()
    size_bytes = sum(len(name) + len(value) + FRAMING for name, value in fields)
    if len(fields) > MAX_FIELDS or size_bytes > MAX_BYTES:
        raise too_large()


def too_large() -> ResponseTooLargeError:
    """The error of an answer whose header block is over the limit."""
    return ResponseTooLargeError(
        f"The response headers exceed {MAX_FIELDS} fields or {MAX_BYTES // 1024} KiB. "
        "Check what answers at this base_url; a proxy in between may add them.",
        phase="response",
    )
