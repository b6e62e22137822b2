"""What only libcurl's adapter has to get right: forks that exit, and event loops it cannot use."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from llm_forge.runtime.transports.curl import CurlAsyncTransport, loops
from llm_forge.runtime.transports.protocol import Timers

from .adapters import CA, post
from .loopback import Loopback, answer_all
from .test_connecting import tls_server

FORKS = """
import os, sys, asyncio
from llm_forge.runtime.transports import HttpRequest, Network, Timers
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
