"""What pyreqwest's exceptions mean in our terms, in one table (R-070, R-199, R-216).

Rules:
- The exception's class decides first. Where one class stands for several faults, the library's own
  list of causes (`details["causes"]`, texts of reqwest, hyper and rustls) decides, by the table below.
- Texts that a server sent never reach these causes.
- One cause quotes the URL, whose query may hold a key (R-022, R-218): it is taken out of the exception
  before that becomes a `__cause__`.
- A fault that no row knows is retryable only if the library calls it a network fault.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyreqwest import exceptions as lib

from ...core.errors import (
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    ForgeError,
    InvalidRequestError,
    ProtocolError,
    TlsError,
    TransportError,
)
from .limits import too_large
from .protocol import StaleConnection

CONNECTING = "client error (Connect)"
CERTIFICATE = "invalid peer certificate"
HEAD_TOO_LARGE = "message head is too large"
SHORT_BODY = "end of file before message length reached"
CUT_TLS = "peer closed connection without sending TLS close_notify"
QUOTES_URL = "error sending request for url"


def fault_before_headers(error: lib.PyreqwestError, *, reused: bool) -> ForgeError:
    """The error to raise for a failure before the response headers were complete."""
    causes = without_url(error)
    if isinstance(error, lib.BuilderError):
        return InvalidRequestError("The request cannot be sent: its URL, method or a header is not valid.")
    if isinstance(error, lib.ClientClosedError):
        return ClientClosedError("The client was closed while the request was under way.")
    if _has(causes, CONNECTING) or isinstance(error, lib.ConnectTimeoutError):
        return connect_fault(causes)
    if _has(causes, HEAD_TOO_LARGE):
        return too_large()
    if isinstance(error, lib.NetworkError):
        return lost_before_headers(reused=reused)
    return ProtocolError(
        "The answer is not HTTP. Check the base_url and proxies in between.", phase="response"
    )


def connect_fault(causes: Sequence[str]) -> TransportError:
    """TlsError for a refused certificate, else ConnectError (a handshake cut short is retryable)."""
    if _has(causes, CERTIFICATE):
        return TlsError(
            "The server's certificate was not accepted. Check the host name, or pass the CA bundle "
            "that signed it.",
            phase="connect",
        )
    return ConnectError("No connection could be made. Check the base_url and the network.", phase="connect")


def lost_before_headers(*, reused: bool) -> ConnectionLostError:
    """ConnectionLostError, as StaleConnection if the connection had served a request before."""
    lost = StaleConnection if reused else ConnectionLostError
    return lost("The connection ended before the response began.", phase="response")


def fault_in_body(error: lib.PyreqwestError) -> ForgeError:
    """The error to raise for a failure while the body was read."""
    causes = without_url(error)
    if isinstance(error, lib.NetworkError) or _has(causes, SHORT_BODY) or _has(causes, CUT_TLS):
        return ConnectionLostError("The connection ended before the response did.", phase="body")
    if isinstance(error, lib.ClientClosedError):
        return ClientClosedError("The client was closed while the response was read.", phase="body")
    return ProtocolError("The response body breaks HTTP framing.", phase="body")


def without_url(error: lib.PyreqwestError) -> list[str]:
    """The library's cause texts, outermost first, after the one with the URL was taken out of it."""
    causes = error.details.get("causes") if isinstance(error, lib.DetailedPyreqwestError) else None
    if not causes:
        return []
    causes[:] = [cause for cause in causes if not cause["message"].startswith(QUOTES_URL)]
    return [cause["message"] for cause in causes]


def _has(causes: Sequence[str], text: str) -> bool:
    return any(cause.startswith(text) for cause in causes)
