"""What libcurl's error codes mean in our terms, in one table (R-070, R-199, R-216).

The code decides. Where one code stands for a lost connection and for broken HTTP, libcurl's words for a
lost one decide; servers' texts never reach these words.
"""

from __future__ import annotations

import pycurl

from ....core.errors import (
    ConnectError,
    ConnectionLostError,
    ForgeError,
    InvalidRequestError,
    ProtocolError,
    TlsError,
)
from ..limits import too_large
from ..protocol import StaleConnection, Timers

PROXY = 97  # CURLE_PROXY, and the next: codes for which pycurl has no name
TOO_LARGE = 100
CONNECTING = {
    pycurl.E_COULDNT_RESOLVE_PROXY,
    pycurl.E_COULDNT_RESOLVE_HOST,
    pycurl.E_COULDNT_CONNECT,
    pycurl.E_SSL_CONNECT_ERROR,
    PROXY,
    pycurl.E_OPERATION_TIMEDOUT,
}
CERTIFICATE = {pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_ISSUER_ERROR, pycurl.E_SSL_INVALIDCERTSTATUS}
REQUEST = {pycurl.E_URL_MALFORMAT, pycurl.E_BAD_FUNCTION_ARGUMENT}
LOST = {pycurl.E_GOT_NOTHING, pycurl.E_SEND_ERROR, pycurl.E_PARTIAL_FILE}
LOST_WORDS = ("Recv failure", "OpenSSL SSL_read", "SSL", "recv failure", "schannel", "Connection")
HEADERS_TOO_LARGE = ("Too large response headers", "Too many response headers", "CONNECT response too large")

Fault = tuple[int, str]  # libcurl's code and words


def fault_before_headers(fault: Fault, *, stale: bool, timers: Timers) -> ForgeError:
    """The error to raise for a failure before the response headers were complete."""
    code, words = fault
    if stale:
        return StaleConnection("The connection ended before the response began.", phase="response")
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return ConnectError(f"No connection within {timers.connect} s.", phase="connect")
    if code in CERTIFICATE:
        return TlsError(
            "The server's certificate was not accepted. Check the host name, or pass the CA bundle "
            "that signed it.",
            phase="connect",
        )
    if code in CONNECTING:
        return ConnectError(
            "No connection could be made. Check the base_url and the network.", phase="connect"
        )
    if code in REQUEST:
        return InvalidRequestError("The request cannot be sent: its URL, method or a header is not valid.")
    if code == TOO_LARGE or words.startswith(HEADERS_TOO_LARGE):
        return too_large()
    if code in LOST or (code == pycurl.E_RECV_ERROR and words.startswith(LOST_WORDS)):
        return ConnectionLostError("The connection ended before the response began.", phase="response")
    return ProtocolError(
        "The answer is not HTTP. Check the base_url and proxies in between.", phase="response"
    )


def fault_in_body(fault: Fault) -> ForgeError:
    """The error to raise for a failure while the body was read."""
    code, words = fault
    if code in LOST or (code == pycurl.E_RECV_ERROR and words.startswith(LOST_WORDS)):
        return ConnectionLostError("The connection ended before the response did.", phase="body")
    return ProtocolError("The response body breaks HTTP framing.", phase="body")


def cause(fault: Fault) -> pycurl.error:
    """libcurl's own error, for `__cause__`; its words hold no part of a URL but the host."""
    return pycurl.error(*fault)
