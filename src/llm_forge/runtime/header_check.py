"""What a request's header may hold."""

from __future__ import annotations

import re

from ..core.errors import InvalidRequestError

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_FORBIDDEN = re.compile(r"[\r\n\0]")


def check_header(name: str, value: str) -> None:
    """Refuse a header that would break the request apart (R-240)."""
    if not _TOKEN.match(name):
        raise InvalidRequestError(f"Header name {name!r} has a character that HTTP does not allow")
    if _FORBIDDEN.search(value):
        raise InvalidRequestError(f"The value of header {name!r} contains CR, LF or NUL")
    if not value.isascii():
        raise InvalidRequestError(f"The value of header {name!r} must be ASCII")
