"""What httpx2's exceptions mean in our terms (R-070, R-199, R-216).

The exception's class decides; where it does not, the class of its cause (`ssl`, `h11`) does. One text
of h11 is used: it alone tells a body that was cut short from one that breaks the framing.
The exceptions carry the request, whose URL and headers may hold a key (R-218): it is taken out before
they become a `__cause__`.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import h11
import httpcore2
import httpx2 as lib

from ....core.errors import (
    AttemptTimeoutError,
    ConnectError,
    ConnectionLostError,
    ForgeError,
    InvalidRequestError,
    PoolTimeoutError,
    ProtocolError,
    TlsError,
)
from ..limits import too_large
from ..protocol import StaleConnection, Timers

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the stack below a request may raise. A user's own transport may let any of it through.
FOREIGN = (
    *(lib.HTTPError, lib.InvalidURL, lib.StreamError, lib.SSEError),
    *(httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.ProxyError),
    *(httpcore2.UnsupportedProtocol, httpcore2.ConnectionNotAvailable, h11.ProtocolError),
    *(OSError, EOFError),
)
TIMEOUTS = (lib.TimeoutException, httpcore2.TimeoutException, TimeoutError)
CUT_SHORT = "peer closed connection"  # h11's words for a body that ended early
HEAD_TOO_LARGE = 431  # h11's status hint for a header block above its buffer


def fault_before_headers(error: Exception, *, stale: bool, timers: Timers) -> ForgeError:
    """The error to raise for a failure before the response headers were complete."""
    _forget_request(error)
    match error:
        case lib.PoolTimeout():
            return PoolTimeoutError(f"No connection became free within {timers.pool} s.", phase="pool")
        case lib.ConnectTimeout():
            return ConnectError(f"No connection within {timers.connect} s.", phase="connect")
        case lib.ConnectError() | lib.ProxyError() | httpcore2.ConnectError() | httpcore2.ProxyError():
            return _connect_fault(error)
        case socket.gaierror() | ssl.SSLCertVerificationError() | ConnectionRefusedError():
            return _connect_fault(error)
        case _ if isinstance(error, TIMEOUTS):
            return AttemptTimeoutError(f"No response headers within {timers.response} s.", phase="response")
        case lib.NetworkError() | httpcore2.NetworkError() | OSError() | EOFError():
            return _lost(stale=stale)
        case lib.RemoteProtocolError() | httpcore2.RemoteProtocolError() | h11.RemoteProtocolError():
            return _broken_head(error, stale=stale)
    return InvalidRequestError("The request cannot be sent: its URL, method or a header is not valid.")


def _forget_request(error: Exception) -> None:
    if isinstance(error, lib.HTTPError):
        error._request = None


def _connect_fault(error: Exception) -> ForgeError:
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _chain(error)):
        return TlsError(
            "The server's certificate was not accepted. Check the host name, or pass the CA bundle "
            "that signed it.",
            phase="connect",
        )
    return ConnectError("No connection could be made. Check the base_url and the network.", phase="connect")


def _lost(*, stale: bool) -> ConnectionLostError:
    lost = StaleConnection if stale else ConnectionLostError
    return lost("The connection ended before the response began.", phase="response")


def _broken_head(error: Exception, *, stale: bool) -> ForgeError:
    parser = _parser_error(error)
    if parser is None:
        return _lost(stale=stale)
    if getattr(parser, "error_status_hint", None) == HEAD_TOO_LARGE:
        return too_large()
    return ProtocolError(
        "The answer is not HTTP. Check the base_url and proxies in between.", phase="response"
    )


def fault_in_body(error: Exception) -> ForgeError:
    """The error to raise for a failure while the body was read."""
    _forget_request(error)
    parser = _parser_error(error)
    if isinstance(error, lib.RemoteProtocolError) and parser and not str(parser).startswith(CUT_SHORT):
        return ProtocolError("The response body breaks HTTP framing.", phase="body")
    return ConnectionLostError("The connection ended before the response did.", phase="body")


def _parser_error(error: BaseException) -> BaseException | None:
    """h11's own error in the chain, None when the connection just ended."""
    return next((cause for cause in _chain(error) if type(cause).__module__.startswith("h11")), None)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Causes and contexts, up to an error of ours that merely was under way at the time."""
    while error is not None and not isinstance(error, ForgeError):
        yield error
        error = error.__cause__ or error.__context__
