"""A request in libcurl's form: exactly the headers it was given, whatever libcurl would like to add."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import pycurl

from ....core.errors import InvalidRequestError
from ..protocol import BodySource, HttpRequest

ADDED = ("accept", "content-type", "expect", "user-agent")  # libcurl adds these unless told not to
SAFE = re.compile(r"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:: [^\r\n\0]+|;)\n)*")  # RFC 9110 section 5.1, R-240


def header_lines(headers: tuple[tuple[str, str], ...]) -> list[str]:
    """The lines for HTTPHEADER; InvalidRequestError for one that would break the request."""
    lines = [f"{name}: {value}" if value.strip() else f"{name};" for name, value in headers]
    if not SAFE.fullmatch("\n".join([*lines, ""])):
        raise invalid()
    names = {name.lower() for name, _ in headers}
    lines += [f"{name}:" for name in ADDED if name not in names]
    return lines


def invalid() -> InvalidRequestError:
    """The error of a request that cannot be sent."""
    return InvalidRequestError("The URL, method or a header of the request is not valid.")


Read = Callable[[int], bytes | int]  # what libcurl asks for the next bytes of a body


def set_request(easy: pycurl.Curl, request: HttpRequest, reader: Callable[[BodySource], Read]) -> None:
    """Give the handle its next request; `reader` makes what a body in pieces is read with."""
    lines = header_lines(request.headers)
    try:
        easy.setopt(pycurl.URL, request.url)
        easy.setopt(pycurl.HTTPHEADER, lines)
        _set_method(easy, request.method, request.body, reader)
    except (ValueError, TypeError) as error:
        raise invalid() from error


def _set_method(
    easy: pycurl.Curl, method: str, body: bytes | BodySource | None, reader: Callable[[BodySource], Read]
) -> None:
    easy.unsetopt(pycurl.CUSTOMREQUEST)
    if isinstance(body, bytes) or (body is None and method == "POST"):
        easy.setopt(pycurl.POST, 1)
        easy.setopt(pycurl.POSTFIELDS, body or b"")
        natural = "POST"
    elif body is not None:
        easy.setopt(pycurl.UPLOAD, 1)
        easy.setopt(pycurl.READFUNCTION, reader(body))
        easy.setopt(pycurl.INFILESIZE_LARGE, -1 if body.size is None else body.size)
        natural = "PUT"
    elif method == "HEAD":
        easy.setopt(pycurl.NOBODY, 1)
        natural = "HEAD"
    else:
        easy.setopt(pycurl.HTTPGET, 1)
        natural = "GET"
    if method != natural:
        easy.setopt(pycurl.CUSTOMREQUEST, method)


class Reader:
    """Hands a body in pieces to libcurl, in the sizes it asks for; `keep` gets what the body raises."""

    def __init__(self, pieces: Iterable[bytes], keep: Callable[[BaseException], None]) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)
        self._left = memoryview(b"")
        self._keep = keep

    def __call__(self, size: int) -> bytes | int:
        """The next bytes, b"" at the end."""
        try:
            while not self._left:
                self._left = memoryview(next(self._pieces))
        except StopIteration:
            return b""
        except BaseException as error:  # noqa: BLE001 - raised where the exchange is opened
            self._keep(error)
            return int(pycurl.READFUNC_ABORT)
        piece, self._left = bytes(self._left[:size]), self._left[size:]
        return piece
