"""How exchanges end before their time: cancelled, closed, dropped, timed out.

Upper bounds leave room for a busy machine; what must not happen takes a second or more.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from collections.abc import Callable

import pytest

from llm_forge.core.errors import AttemptTimeoutError, ClientClosedError, ConnectionLostError
from llm_forge.runtime.transports.protocol import Timers

from .adapters import NAMES, Adapter, everywhere
from .loopback import Loopback, Peer

ASYNC = tuple(name for name in NAMES if name.endswith("async"))
SYNC = tuple(name for name in NAMES if name.endswith("sync") and name not in ASYNC)


class Watch:
    """A script that sends one chunk, or nothing, and notes when the client went away."""

    def __init__(self, *, silent: bool = False) -> None:
        self.silent = silent
        self.gone = threading.Event()

    def __call__(self, peer: Peer) -> None:
        peer.request()
        if not self.silent:
            peer.start_chunked()
            peer.chunk(b"one")
        if peer.closed_by_client(1.0) is not None:
            self.gone.set()


async def soon(condition: Callable[[], bool], within: float) -> bool:
    """Whether the condition came true in time, while the event loop goes on."""
    end = time.monotonic() + within
    while not condition() and time.monotonic() < end:  # noqa: ASYNC110 - the event is in another thread
        await asyncio.sleep(0.002)
    return condition()


@pytest.mark.requirement("R-150")
@everywhere()
async def test_cn_08_closing_in_the_body_aborts_the_connection_at_once(adapter: Adapter) -> None:
    watch = Watch()
    with Loopback(watch) as server:
        exchange = await adapter.open(server.url())
        assert await exchange.read() == b"one"
        await exchange.close()
        await exchange.close()
        assert adapter.transport.active() == 0
        assert await soon(watch.gone.is_set, 0.1)
        with pytest.raises(ConnectionLostError):  # never b"", which would pass for the end of the body
            await exchange.read()


@pytest.mark.requirement("R-045")
@everywhere()
async def test_st_25_a_dropped_exchange_closes_its_connection(adapter: Adapter) -> None:
    watch = Watch()
    with Loopback(watch) as server:
        exchange = await adapter.open(server.url())
        assert await exchange.read() == b"one"
        del exchange
        gc.collect()
        assert await soon(watch.gone.is_set, 0.1)
        assert adapter.transport.active() == 0


@pytest.mark.requirement("R-045")
@everywhere()
async def test_an_exchange_dropped_after_a_time_out_closes_its_connection(adapter: Adapter) -> None:
    watch = Watch()
    with Loopback(watch) as server:
        exchange = await adapter.open(server.url())
        await exchange.read()
        with contextlib.suppress(TimeoutError):
            await exchange.read(0.02)
        del exchange
        gc.collect()
        assert await soon(watch.gone.is_set, 0.1)
        assert adapter.transport.active() == 0


@pytest.mark.requirement("R-045")
@everywhere()
async def test_closing_after_a_time_out_aborts_the_connection(adapter: Adapter) -> None:
    watch = Watch()
    with Loopback(watch) as server:
        exchange = await adapter.open(server.url())
        await exchange.read()
        with pytest.raises(TimeoutError):
            await exchange.read(0.02)
        await exchange.close()
        assert await soon(watch.gone.is_set, 0.1)


@pytest.mark.requirement("R-057")
@everywhere(*ASYNC)
async def test_cn_06_cancelling_a_read_and_closing_aborts_the_connection(adapter: Adapter) -> None:
    watch = Watch()
    with Loopback(watch) as server:
        exchange = await adapter.open(server.url())
        await exchange.read()
        reading = asyncio.create_task(exchange.read())
        await asyncio.sleep(0.02)
        begin = time.monotonic()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await exchange.close()
        assert time.monotonic() - begin < 0.05
        assert await soon(watch.gone.is_set, 0.1)


@pytest.mark.requirement("R-057")
@everywhere(*ASYNC)
async def test_cn_05_cancelling_while_waiting_for_headers_frees_the_slot(adapter: Adapter) -> None:
    with Loopback(Watch(silent=True)) as server:
        opening = asyncio.create_task(adapter.open(server.url()))
        assert await soon(lambda: len(server.requests()) == 1, 1.0)
        begin = time.monotonic()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert time.monotonic() - begin < 0.05
        assert adapter.transport.active() == 0


@pytest.mark.requirement("R-057")
@everywhere(*ASYNC)
async def test_cn_05_cancelling_while_waiting_for_headers_closes_the_connection(adapter: Adapter) -> None:
    watch = Watch(silent=True)
    with Loopback(watch) as server:
        opening = asyncio.create_task(adapter.open(server.url()))
        assert await soon(lambda: len(server.requests()) == 1, 1.0)
        opening.cancel()
        await asyncio.wait((opening,))
        assert await soon(watch.gone.is_set, 0.1)


@pytest.mark.requirement("R-051")
@everywhere()
async def test_dl_01_an_attempt_without_headers_is_ended_and_its_connection_closed(adapter: Adapter) -> None:
    watch = Watch(silent=True)
    with Loopback(watch) as server:
        begin = time.monotonic()
        with pytest.raises(AttemptTimeoutError):
            await adapter.open(server.url(), Timers(response=0.1))
        assert 0.09 < time.monotonic() - begin < 0.35
        assert await soon(watch.gone.is_set, 0.1)


@pytest.mark.requirement("R-042")
@everywhere(*SYNC)
async def test_closing_from_another_thread_ends_the_read_under_way(adapter: Adapter) -> None:
    watch = Watch()
    with Loopback(watch) as server:
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


@pytest.mark.requirement("R-042")
@everywhere(*ASYNC)
async def test_closing_from_another_task_ends_the_read_under_way(adapter: Adapter) -> None:
    watch = Watch()
    with Loopback(watch) as server:
        exchange = await adapter.open(server.url())
        await exchange.read()
        reading = asyncio.create_task(exchange.read(5.0))
        await asyncio.sleep(0.02)
        await exchange.close()
        with pytest.raises(ConnectionLostError):
            await reading
        assert await soon(watch.gone.is_set, 0.1)


@pytest.mark.requirement("R-042")
@everywhere()
async def test_closing_the_transport_ends_idle_connections_and_refuses_further_requests(
    adapter: Adapter,
) -> None:
    gone = threading.Event()

    def once(peer: Peer) -> None:
        peer.request()
        peer.answer()
        if peer.closed_by_client(1.0) is not None:
            gone.set()

    with Loopback(once) as server:
        await adapter.fetch(server.url())
        await adapter.close()
        await adapter.close()
        assert await soon(gone.is_set, 0.1)
        with pytest.raises(ClientClosedError):
            await adapter.open(server.url())
        assert len(server.requests()) == 1
