"""Base URLs: https unless loopback, no user-info, query or fragment, joined without doubled slashes.

Source: R-008, R-009. Errors never show what stands before an `@` or behind a `?`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import SplitResult, urlencode, urlsplit

from ..core.errors import ConfigError, InvalidRequestError

_UNSAFE = re.compile(r"[\x00-\x20\x7f]")


def read_base_url(
    text: str, source: str, *, allow_insecure_http: bool = False, suffixes: tuple[str, ...] = ()
) -> str:
    """The base URL in its normal form, without a slash at its end; ConfigError names `source`."""
    parts = checked_url(text, source, allow_insecure_http=allow_insecure_http)
    if parts.query or parts.fragment:
        raise ConfigError(f"{source} must not contain a query or fragment; use extra_query on calls")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    path = _without_suffix(parts.path.rstrip("/"), suffixes)
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port is not None else ''}{path}"


def checked_url(text: str, source: str, *, allow_insecure_http: bool = False) -> SplitResult:
    """The parts of a URL that credentials may go to: https or loopback, no user-info (R-008, R-009)."""
    if not isinstance(text, str) or _UNSAFE.search(text.strip()):
        raise ConfigError(f"{source} must be a URL without spaces or control characters")
    try:
        parts = urlsplit(text.strip())
        parts.port  # noqa: B018 - reading it checks it
    except ValueError as error:
        raise ConfigError(f"{source} is not a URL; expected something like https://host/path") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{source} must start with https:// and name a host")
    if "@" in parts.netloc:
        raise ConfigError(f"{source} must not contain a user or password; pass credentials as api_key")
    if parts.scheme == "http" and not (allow_insecure_http or is_loopback(parts.hostname or "")):
        raise ConfigError(
            f"{source} is plain http to {parts.hostname}: use https, or pass allow_insecure_http=True"
        )
    return parts


def checked_link(url: str, *, allow_insecure_http: bool = False) -> str:
    """A URL that an answer named, if it may be followed; InvalidRequestError if it may not."""
    try:
        checked_url(url, "The link", allow_insecure_http=allow_insecure_http)
    except ConfigError as error:
        raise InvalidRequestError(error.message) from None
    return url.strip().partition("#")[0]


def _without_suffix(path: str, suffixes: tuple[str, ...]) -> str:
    for suffix in suffixes:
        if path.endswith(suffix):
            return path[: -len(suffix)].rstrip("/")
    return path


def is_loopback(host: str) -> bool:
    """Whether plain http to this host stays on the machine (R-008)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, the port always written; ValueError for a port that is none."""
    end = url.find("/", url.find("//") + 2)
    start = url if end < 0 else url[:end]
    # A user-info or query may hold a secret, which nothing is to keep.
    return _origin(url) if "@" in start or "?" in start else _kept_origin(start)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{parts.hostname}:{port}"


_kept_origin = lru_cache(maxsize=256)(_origin)  # every attempt asks, for the same few


def fill_path(template: str, segments: Mapping[str, str]) -> str:
    """A path template with its percent-encoded parameters, none of which can change the route (R-240)."""
    path = template
    for name, encoded in segments.items():
        if not encoded or encoded in (".", ".."):
            raise InvalidRequestError(f"Path parameter {name!r} must not be empty, '.' or '..'")
        path = path.replace("{" + name + "}", encoded)
    return path


def encode_query(pairs: list[tuple[str, str]]) -> str:
    """A query string with its question mark, or nothing."""
    return f"?{urlencode(pairs)}" if pairs else ""
