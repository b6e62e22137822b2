"""The scripted server behind a certificate."""

from __future__ import annotations

import http.client
import ssl

import pytest

from llm_forge.simulator import Reply, ScriptedServer
from tests.certificates import certificates

CERTIFICATES = certificates()


def certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "good.pem")
    return context


def get(server: ScriptedServer, path: str, context: ssl.SSLContext) -> bytes:
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def test_it_speaks_tls_and_survives_a_client_that_does_not_trust_it() -> None:
    trusting = ssl.create_default_context(cafile=str(CERTIFICATES / "ca.pem"))
    with ScriptedServer(tls=certified()) as server:
        scenario = server.scenario([Reply(text="x"), Reply(events=["abc"], end="reset"), Reply(text="y")])
        path = scenario.url.removeprefix(server.url)
        assert server.url.startswith("https://127.0.0.1:")
        assert get(server, path, trusting) == b"x"
        with pytest.raises((ConnectionError, ssl.SSLError, http.client.IncompleteRead)):
            get(server, path, trusting)
        with pytest.raises(ssl.SSLCertVerificationError):
            get(server, path, ssl.create_default_context())
        assert get(server, path, trusting) == b"y"
