"""What only libcurl's adapter has to get right: forks that exit, HTTP/2, and event loops it cannot use."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys

import pytest

from llm_forge.core.errors import TransportError
from llm_forge.runtime.transports.curl import CurlAsyncTransport, loops
from llm_forge.runtime.transports.protocol import Timers

from .adapters import CA, CERTIFICATES, Adapter, everywhere, post
from .loopback import Loopback, Peer, answer_all
from .test_connecting import tls_server

FORKS = """
import os, sys, asyncio
from llm_forge.runtime.transports import HttpRequest, Network, Timers
from llm_forge.core.errors import TransportError
from llm_forge.runtime.transports.curl import CurlAsyncTransport, CurlTransport
request = HttpRequest("GET", sys.argv[1], ())
network = Network(ca_bundle=sys.argv[2])

def fetch(transport):
    exchange = transport.open(request, Timers())
    while exchange.read(5.0):
        pass

async def fetch_async(transport):
    exchange = await transport.open(request, Timers())
    while await exchange.read(5.0):
        pass

async def twice(transport):
    await fetch_async(transport)
    if os.fork() == 0:
        sys.exit(0)  # with all that an exit cleans up
    os.wait()
    await fetch_async(transport)

transport = CurlTransport(network)
fetch(transport)
if os.fork() == 0:
    sys.exit(0)
os.wait()
fetch(transport)
asyncio.run(twice(CurlAsyncTransport(network)))
"""


@pytest.mark.requirement("R-044")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
def test_a_child_that_exits_says_no_good_bye_on_its_parents_tls_connections() -> None:
    with tls_server("good.pem", answer_all) as server:
        command = [sys.executable, "-W", "ignore", "-c", FORKS, server.url(), CA]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert [len(peer.requests) for peer in server.peers] == [2, 2]


def negotiating(*protocols: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "good.pem")
    context.set_alpn_protocols(list(protocols))
    return context


def chosen(peer: Peer) -> str | None:
    assert isinstance(peer.sock, ssl.SSLSocket)
    return peer.sock.selected_alpn_protocol()


@pytest.mark.requirement("R-036")
@everywhere("curl-sync", "curl-async", ca_bundle=CA)
async def test_http_2_is_not_offered_unless_asked_for(adapter: Adapter) -> None:
    with Loopback(tls=negotiating("h2", "http/1.1")) as server:
        assert await adapter.fetch(server.url()) == b"{}"
        assert [chosen(peer) for peer in server.peers] == ["http/1.1"]


@pytest.mark.requirement("R-036")
@everywhere("curl-sync", "curl-async", ca_bundle=CA, http2=True)
async def test_http_2_is_offered_when_asked_for_and_the_server_chooses(adapter: Adapter) -> None:
    found = []

    def note(peer: Peer) -> None:
        found.append(chosen(peer))

    with Loopback(tls=negotiating("http/1.1")) as server:
        assert await adapter.fetch(server.url()) == b"{}"
    with Loopback(note, tls=negotiating("h2", "http/1.1")) as server, pytest.raises(TransportError):
        await adapter.open(server.url())
    assert found[0] == "h2"


@pytest.mark.requirement("R-036")
@everywhere("curl-sync", "curl-async", http2="prior-knowledge")
async def test_http_2_without_asking_only_where_it_is_configured(adapter: Adapter) -> None:
    heard = []

    def listen(peer: Peer) -> None:
        heard.append(peer.sock.recv(24))

    with Loopback(listen) as server, pytest.raises(TransportError):
        await adapter.open(server.url())
    assert heard[0] == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 section 3.4


@pytest.mark.requirement("R-043")
def test_an_event_loop_that_cannot_watch_sockets_is_served_by_httpx2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_watches_sockets", lambda _: False)

    async def main(url: str) -> bytes:
        transport = CurlAsyncTransport()
        exchange = await transport.open(post(url), Timers())
        body = await exchange.read(2.0)
        assert transport.active() == 1
        await exchange.close()
        await transport.close()
        assert transport.active() == 0
        return body

    with Loopback() as server:
        assert asyncio.run(main(server.url())) == b"{}"
