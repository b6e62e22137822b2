"""The table that turns pyreqwest's exceptions into ours; each cause text as the library words it."""

from __future__ import annotations

import pytest
from pyreqwest import exceptions as lib

from llm_forge.core.errors import (
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    InvalidRequestError,
    ProtocolError,
    ResponseTooLargeError,
    TlsError,
)
from llm_forge.runtime.transports.protocol import StaleConnection
from llm_forge.runtime.transports.pyreqwest_faults import fault_before_headers, fault_in_body

URL = "error sending request for url (http://h/x?key=sk-secret)"
SENDING = "client error (SendRequest)"
CONNECTING = "client error (Connect)"


def exception(kind: type[lib.DetailedPyreqwestError], *causes: str) -> lib.DetailedPyreqwestError:
    return kind("text", {"causes": [{"message": cause} for cause in causes]})


@pytest.mark.requirement("R-070", "R-216")
@pytest.mark.parametrize(
    ("kind", "causes", "expected"),
    [
        (
            lib.ConnectError,
            (CONNECTING, "tcp connect error", "Connection refused (os error 111)"),
            ConnectError,
        ),
        (
            lib.ConnectError,
            (CONNECTING, "dns error", "failed to lookup address information"),
            ConnectError,
        ),
        (lib.ConnectError, (CONNECTING, "invalid peer certificate: UnknownIssuer"), TlsError),
        (lib.ConnectError, (CONNECTING, "tls handshake eof"), ConnectError),
        (
            lib.RequestError,
            (CONNECTING, "received corrupt message of type InvalidContentType"),
            ConnectError,
        ),
        (lib.ConnectTimeoutError, ("operation timed out",), ConnectError),
        (
            lib.ConnectError,
            (SENDING, "connection error", "Connection reset by peer"),
            ConnectionLostError,
        ),
        (
            lib.ConnectError,
            (SENDING, "connection closed before message completed"),
            ConnectionLostError,
        ),
        (lib.DecodeError, (SENDING, "message head is too large"), ResponseTooLargeError),
        (lib.DecodeError, (SENDING, "invalid HTTP version parsed"), ProtocolError),
        (lib.ClientClosedError, (), ClientClosedError),
        (lib.BuilderError, ("relative URL without a base",), InvalidRequestError),
    ],
)
def test_a_failure_before_the_headers(
    kind: type[lib.DetailedPyreqwestError], causes: tuple[str, ...], expected: type[Exception]
) -> None:
    assert type(fault_before_headers(exception(kind, URL, *causes), reused=False)) is expected


@pytest.mark.requirement("R-038")
def test_a_loss_on_a_reused_connection_is_stale_but_a_failed_connect_is_not() -> None:
    lost = exception(lib.ConnectError, URL, SENDING, "connection closed before message completed")
    refused = exception(lib.ConnectError, URL, CONNECTING, "tcp connect error")
    assert type(fault_before_headers(lost, reused=True)) is StaleConnection
    assert type(fault_before_headers(refused, reused=True)) is ConnectError


@pytest.mark.requirement("R-199")
@pytest.mark.parametrize(
    ("kind", "cause", "expected"),
    [
        (lib.RequestError, "end of file before message length reached", ConnectionLostError),
        (
            lib.RequestError,
            "peer closed connection without sending TLS close_notify:",
            ConnectionLostError,
        ),
        (lib.ReadError, "unexpected EOF during chunk size line", ConnectionLostError),
        (lib.ReadError, "Connection reset by peer (os error 104)", ConnectionLostError),
        (lib.RequestError, "Invalid chunk size line: missing size digit", ProtocolError),
        (lib.ClientClosedError, "closed", ClientClosedError),
    ],
)
def test_a_failure_in_the_body(
    kind: type[lib.DetailedPyreqwestError], cause: str, expected: type[Exception]
) -> None:
    error = exception(kind, "request or response body error", "error reading a body from connection", cause)
    assert type(fault_in_body(error)) is expected


@pytest.mark.requirement("R-218")
def test_the_cause_that_quotes_the_url_is_taken_out() -> None:
    error = exception(lib.ConnectError, URL, CONNECTING)
    fault_before_headers(error, reused=False)
    assert "sk-secret" not in f"{error!r}{error.details}{error.args}"
    assert error.details == {"causes": [{"message": CONNECTING}]}


def test_an_exception_without_causes_is_classified_by_its_class() -> None:
    assert (
        type(fault_before_headers(lib.ConnectError("t", {"causes": None}), reused=False))
        is ConnectionLostError
    )
