"""Fetching a URL that somebody else supplied, such as the image of a prompt (R-243).

Rules of this file:
- The host is resolved once, all its addresses must be public, and the connection goes to one of those: a
  name that changes its mind between check and use gains nothing.
- Each redirect is a new URL, checked like the first. No proxy is asked, which would resolve names itself.
- No credential, cookie or header of a client goes along. Size and time have limits.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..core.addresses import is_public
from ..core.errors import (
    AttemptTimeoutError,
    ConnectError,
    ConnectionLostError,
    InvalidRequestError,
    InvalidResponseError,
    RedirectError,
    ResponseTooLargeError,
)
from ..core.headers import Headers
from ..core.version import VERSION
from .base_url import checked_link, origin_of
from .body import Decoder

MIB = 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched; `url` is where it was in the end."""

    content: bytes = field(repr=False)
    content_type: str | None
    url: str = field(repr=False)  # its query may hold a signature


def fetch_url(
    url: str,
    *,
    max_bytes: int = 20 * MIB,
    max_redirects: int = 3,
    timeout: float = 30.0,
    allow_insecure_http: bool = False,
    origins: Collection[str] | None = None,
) -> Fetched:
    """The content of a public https URL that need not be trusted; `timeout` in seconds is for all of it.

    `origins`, such as `https://example.com`, are the only ones asked, also after a redirect; None are all.

    Raises InvalidRequestError for a URL that is not public or not of `origins`, ResponseTooLargeError
    beyond `max_bytes`, RedirectError beyond `max_redirects`, InvalidResponseError for a status that is
    not 2xx, and the transport errors of a call.
    """
    from .transports.httpx2.backend import CURRENT, Operation

    token = CURRENT.set(Operation.within(timeout))
    try:
        for _ in range(max_redirects + 1):
            checked = _checked(url, allow_insecure_http=allow_insecure_http)
            _check_origin(checked, origins)
            found = _get(checked, max_bytes)
            if isinstance(found, Fetched):
                return found
            url = urljoin(url, found)
    finally:
        CURRENT.reset(token)
    raise RedirectError(f"The URL redirects more than {max_redirects} times")


async def fetch_url_async(url: str, **options: Any) -> Fetched:
    """`fetch_url` for asyncio, on a thread of its own."""
    return await asyncio.to_thread(partial(fetch_url, url, **options))


def _checked(url: str, *, allow_insecure_http: bool) -> str:
    if not allow_insecure_http and urlsplit(url).scheme == "http":
        raise InvalidRequestError("The URL is plain http, which is not fetched")
    return checked_link(url, allow_insecure_http=allow_insecure_http)


def _check_origin(url: str, origins: Collection[str] | None) -> None:
    if origins is not None and origin_of(url) not in map(origin_of, origins):
        raise InvalidRequestError("The URL leads to an origin that is not among those allowed")


def _get(url: str, max_bytes: int) -> Fetched | str:
    """The content at a URL, or the location that it redirects to."""
    import httpcore2

    try:
        with _pool() as pool, pool.stream("GET", url, headers=_HEADERS) as response:
            headers = Headers(
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers
            )
            location = headers.get("location")
            if response.status in REDIRECTS and location:
                return location
            if not 200 <= response.status < 300:
                raise InvalidResponseError(f"The URL answers with {response.status}", status=response.status)
            content = _read(response.iter_stream(), headers, max_bytes)
            return Fetched(content, headers.get("content-type"), url)
    except httpcore2.TimeoutException as error:
        raise AttemptTimeoutError("The URL was not fetched in time", phase="body") from error
    except httpcore2.ConnectError as error:
        raise ConnectError("The host of the URL cannot be reached") from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise ConnectionLostError("The connection broke while the URL was fetched", phase="body") from error


_HEADERS = [("accept", "*/*"), ("accept-encoding", "identity"), ("user-agent", f"llm-forge/{VERSION}")]


def _pool() -> Any:
    """A pool for one fetch, whose connections go to public addresses only."""
    import httpcore2

    from .transports.httpx2.backend import Backend
    from .transports.httpx2.clients import tls_context

    class PublicOnly(Backend):
        """Resolves a name itself, and connects to what it checked."""

        def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore2.NetworkStream:
            problem: Exception | None = None
            for address in public_addresses(host, port):
                try:
                    return super().connect_tcp(address, port, *args, **options)
                except httpcore2.ConnectError as error:
                    problem = error
            raise httpcore2.ConnectError("no address of the host answers") from problem

    return httpcore2.ConnectionPool(
        ssl_context=tls_context(False, None), network_backend=PublicOnly(keepalive_seconds=60.0)
    )


def public_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host; InvalidRequestError if one of them is not public, ConnectError for none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConnectError("The host of the URL has no address") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not all(map(is_public, addresses)):
        raise InvalidRequestError("The URL leads to an address that is not public, and is not fetched")
    return addresses


def _read(pieces: Iterable[bytes], headers: Headers, max_bytes: int) -> bytes:
    announced = headers.get("content-length") or ""
    if announced.isdecimal() and int(announced) > max_bytes:
        raise ResponseTooLargeError(f"The URL holds {announced} bytes, more than the {max_bytes} allowed")
    decoder = Decoder(headers, max_bytes)
    content = b"".join([decoder.feed(piece) for piece in pieces])
    decoder.finish()
    return content
