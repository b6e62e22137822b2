"""Documents on other hosts, which a `$ref` may lead to where the user allows their origin (R-247).

Rules of this file:
- Only https, only origins that were allowed by name, nothing with a user or password in its URL.
- Each document is fetched once a run and has a limit of its own, and so have all of them together.
- How a URL is fetched is for the caller to say: this package opens no connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import SplitResult, urlsplit

MAX_REMOTE_BYTES = 16 * 1024 * 1024
MAX_REMOTE_TOTAL = 64 * 1024 * 1024
MAX_REMOTE_DOCUMENTS = 100

Fetch = Callable[[str], bytes]
"""The content at an https URL; RemoteError if it cannot be had. Follows no redirect to another origin."""


class RemoteError(Exception):
    """A document that may not or cannot be fetched; the message says why, and what helps if anything does."""


class Remote:
    """The origins that references may lead to, and what was fetched from them; for one run.

    Args:
        origins: such as `https://example.com`; a host alone is taken as https.
        fetch: gets the content of a URL.

    Raises:
        RemoteError: an origin that is none.
    """

    def __init__(self, origins: Iterable[str], fetch: Fetch) -> None:
        self.origins = frozenset(map(origin, origins))
        self._fetch = fetch
        self._fetched: dict[str, bytes] = {}

    def content(self, url: str) -> bytes:
        """What is at a URL; RemoteError if its origin is not allowed, or it is too much or cannot be had."""
        if url not in self._fetched:
            self._check(url)
            content = self._fetch(url)
            self._check_size(content)
            self._fetched[url] = content
        return self._fetched[url]

    def _check(self, url: str) -> None:
        its_origin = origin(url, whole=False)
        if its_origin not in self.origins:
            raise RemoteError(f"its origin is not allowed; save it beside, or --allow-remote {its_origin}")
        if len(self._fetched) >= MAX_REMOTE_DOCUMENTS:
            raise RemoteError(f"it is one of more than {MAX_REMOTE_DOCUMENTS} remote documents")

    def _check_size(self, content: bytes) -> None:
        if len(content) > MAX_REMOTE_BYTES:
            raise RemoteError(f"it is larger than {MAX_REMOTE_BYTES // 1024 // 1024} MiB")
        if sum(map(len, self._fetched.values())) + len(content) > MAX_REMOTE_TOTAL:
            raise RemoteError(
                f"remote documents are larger than {MAX_REMOTE_TOTAL // 1024 // 1024} MiB in all"
            )


def origin(url: str, *, whole: bool = True) -> str:
    """Scheme, host and port of an https URL; with `whole` nothing else may stand in it.

    Raises:
        RemoteError: another scheme, a user or password, no host, a port that is none, or more than an origin.
    """
    text = url if "://" in url or not whole else f"https://{url}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise RemoteError("it is no URL") from None
    if parts.scheme != "https":
        raise RemoteError("only https is fetched; save it beside the description")
    if not parts.hostname or "@" in parts.netloc or not text.isprintable() or " " in text:
        raise RemoteError("it must name a host, without a user or password")
    if whole and _has_more(parts):
        raise RemoteError("an origin ends with its host or port, such as https://example.com")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}" + ("" if port in (None, 443) else f":{port}")


def _has_more(parts: SplitResult) -> bool:
    return parts.path not in ("", "/") or bool(parts.query or parts.fragment)


def nowhere(url: str) -> bytes:
    """The `Fetch` of a description that no origin is allowed to."""
    raise RemoteError(f"{shown_url(url)} is not fetched")


def shown_url(url: str) -> str:
    """A URL as messages name it: without its query, which may hold a signature."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
