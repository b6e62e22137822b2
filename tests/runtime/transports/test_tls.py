"""The same ends over TLS, where the libraries take other paths than over plain sockets."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from llm_forge.core.errors import ConnectionLostError
from llm_forge.runtime.transports.protocol import StaleConnection

from .adapters import CA, Adapter, everywhere
from .loopback import Peer
from .test_connecting import tls_server
from .test_ending import SYNC, Watch, soon


@pytest.mark.requirement("R-199")
@everywhere(ca_bundle=CA)
async def test_tr_04_tr_05_bodies_cut_short_over_tls_are_lost_connections(adapter: Adapter) -> None:
    def short(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + b"x" * 20)

    def unterminated(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        peer.chunk(b"one")

    def reset(peer: Peer) -> None:
        unterminated(peer)
        peer.pause(0.02)
        peer.reset()

    with tls_server("good.pem", short, unterminated, reset) as server:
        for _ in range(3):
            exchange = await adapter.open(server.url())
            with pytest.raises(ConnectionLostError):
                await exchange.body()


@pytest.mark.requirement("R-038")
@everywhere(ca_bundle=CA)
async def test_tr_02_tr_03_losses_before_the_head_over_tls(adapter: Adapter) -> None:
    def hang_up(peer: Peer) -> None:
        peer.request()

    def hang_up_on_second(peer: Peer) -> None:
        peer.request()
        peer.answer()
        peer.request()

    with tls_server("good.pem", hang_up, hang_up_on_second) as server:
        with pytest.raises(ConnectionLostError) as first:
            await adapter.open(server.url())
        assert not isinstance(first.value, StaleConnection)
        await adapter.fetch(server.url())
        with pytest.raises(StaleConnection):
            await adapter.open(server.url())


@pytest.mark.requirement("R-038")
@everywhere(ca_bundle=CA)
async def test_tr_03_an_idle_tls_connection_that_the_server_closed_is_not_used(adapter: Adapter) -> None:
    def once(peer: Peer) -> None:
        peer.request()
        peer.answer()

    with tls_server("good.pem", once) as server:
        await adapter.fetch(server.url())
        await asyncio.sleep(0.03)
        assert await adapter.fetch(server.url()) == b"{}"
        assert len(server.requests()) == 2


@pytest.mark.requirement("R-052", "R-150")
@everywhere(ca_bundle=CA)
async def test_cn_08_a_read_times_out_and_closing_aborts_over_tls(adapter: Adapter) -> None:
    watch = Watch()
    with tls_server("good.pem", watch) as server:
        exchange = await adapter.open(server.url())
        assert await exchange.read() == b"one"
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            await exchange.read(0.1)
        assert 0.09 < time.monotonic() - begin < 0.35
        await exchange.close()
        assert await soon(watch.gone.is_set, 0.1)


@pytest.mark.requirement("R-042")
@everywhere(*SYNC, ca_bundle=CA)
async def test_closing_from_another_thread_ends_the_read_over_tls(adapter: Adapter) -> None:
    watch = Watch()
    with tls_server("good.pem", watch) as server:
        exchange = await adapter.open(server.url())
        await exchange.read()
        closer = threading.Timer(0.05, exchange.inner.close)
        closer.start()
        begin = time.monotonic()
        with pytest.raises(ConnectionLostError):
            await exchange.read(5.0)
        assert time.monotonic() - begin < 0.4
        closer.join()
        assert await soon(watch.gone.is_set, 0.1)
