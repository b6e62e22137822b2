"""Nothing stays checked out: of exchanges dropped by the thousand, and calls cancelled at any instant."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from llm_forge import Anthropic, AsyncAnthropic, Limit, PoolLimits
from llm_forge.runtime.transports.protocol import Timers

from .adapters import Adapter, everywhere, post, small_pool
from .loopback import Loopback, Peer

EVENT = b'event: ping\ndata: {"type": "ping"}\n\n'
ANSWER = b'{"id": "m", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}'
ABANDONED = 1000


def stream_for_ever(peer: Peer) -> None:
    while peer.request():
        peer.start_chunked()
        peer.chunk(EVENT)
        if peer.closed_by_client(30.0) is not None:
            return


@pytest.mark.requirement("R-045")
@everywhere("curl-sync", "curl-async", **small_pool(2))
async def test_abandoned_exchanges_leave_a_pool_of_two_usable(adapter: Adapter) -> None:
    """Make it 10,000 by hand: nothing depends on the number but the time."""
    with Loopback(stream_for_ever) as server:
        request = post(server.url())
        for number in range(ABANDONED):
            exchange = await adapter.open(request, Timers(pool=10.0))
            assert await exchange.read() == EVENT
            if number % 2:
                exchange.inner.own = exchange  # garbage that only a collection finds
            del exchange
            gc.collect(0)
        assert await soon_none_active(adapter)


async def soon_none_active(adapter: Adapter) -> bool:
    end = time.monotonic() + 5.0
    while adapter.transport.active() and time.monotonic() < end:
        gc.collect()
        await asyncio.sleep(0.005)
    return adapter.transport.active() == 0


def answer_slowly(peer: Peer) -> None:
    """Answers whose parts arrive at spread-out instants, so that a cancellation may fall between any two."""
    while peer.request():
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(
            ANSWER
        )
        for part in (head[:20], head[20:], ANSWER[:10], ANSWER[10:]):
            peer.pause(0.001)
            peer.send(part)


@pytest.mark.requirement("R-045", "R-057", "R-058")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # asyncio, racing addresses
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the same, as pytest has it
@pytest.mark.parametrize("transport", ["curl", "httpx2"])
def test_calls_cancelled_at_random_instants_leave_nothing_behind(transport: str) -> None:
    chance = random.Random(20_261_125)

    async def one(client: AsyncAnthropic) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            task = asyncio.create_task(client.messages.create(model="m", max_tokens=9, messages=[]))
            await asyncio.sleep(chance.uniform(0, 0.012))
            task.cancel()
            await task

    async def main(url: str) -> None:
        client = AsyncAnthropic(
            api_key="sk-test",
            base_url=url,
            transport=transport,
            pool=PoolLimits(connections=3),
            limits=[Limit("requests", 100_000, 1)],
            concurrency=6,
        )
        async with client:
            for _ in range(25):
                await asyncio.gather(*(one(client) for _ in range(8)))
            before = asyncio.all_tasks()
            message = await client.messages.create(model="m", max_tokens=9, messages=[])
            assert message.id == "m"
            assert asyncio.all_tasks() == before
            assert transport_of(client).active() == 0
            assert not client._shared.running
            assert {circuit.state for circuit in client.circuits().values()} == {"closed"}
        gc.collect()  # so that the warnings come here, where they are expected

    with Loopback(answer_slowly) as server:
        asyncio.run(main(server.url("")))


def transport_of(client: Any) -> Any:
    return client._shared.io.transport


INTERRUPTED = """
import random, signal, sys, threading
from llm_forge import Anthropic
chance = random.Random(int(sys.argv[3]))
ask = {"model": "m", "max_tokens": 9, "messages": []}

def press(after, caught):
    # Python itself drops an exception that a finaliser raises: so press again, if it was not heard.
    while not caught.wait(after):
        signal.raise_signal(signal.SIGINT)
        after = 1.0

with Anthropic(api_key="sk-test", base_url=sys.argv[1], transport=sys.argv[2]) as client:
    for _ in range(60):
        caught = threading.Event()
        thread = threading.Thread(target=press, args=(chance.uniform(0.0005, 0.012), caught))
        try:
            thread.start()
            while True:
                client.messages.create(**ask)
        except KeyboardInterrupt:
            caught.set()
        thread.join()
    assert client.messages.create(**ask).id == "m"
    print(client._shared.io.transport.active(), len(client._shared.running), threading.active_count())
"""


@pytest.mark.requirement("R-057")
@pytest.mark.parametrize("transport", ["curl", "httpx2"])
def test_ctrl_c_at_random_instants_ends_a_blocking_call_and_leaves_nothing_behind(transport: str) -> None:
    with Loopback(answer_slowly) as server:
        command = [sys.executable, "-c", INTERRUPTED, server.url(""), transport, "7"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["0", "0", "1"], done.stderr


@pytest.mark.requirement("R-043", "R-045")
@pytest.mark.parametrize("transport", ["curl", "httpx2"])
def test_sixteen_threads_share_a_client_and_a_pool_of_four(transport: str) -> None:
    found: list[str] = []

    def work(client: Anthropic) -> None:
        found.extend(client.messages.create(model="m", max_tokens=9, messages=[]).id for _ in range(10))

    with Loopback(answer_slowly) as server:
        options: dict[str, Any] = {"transport": transport, "pool": PoolLimits(connections=4)}
        with Anthropic(api_key="sk-test", base_url=server.url(""), **options) as client:
            threads = [threading.Thread(target=work, args=(client,)) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            assert found == ["m"] * 160
            assert transport_of(client).active() == 0
            assert len(server.peers) <= 4 + 16


@pytest.mark.requirement("R-045")
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
@everywhere("curl-sync", "curl-async")
async def test_cancelled_closed_and_finished_exchanges_leave_no_descriptor(adapter: Adapter) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with Loopback(stream_for_ever) as server:
        await (await adapter.open(server.url())).close()
        before = descriptors()
        for _ in range(50):
            exchange = await adapter.open(server.url())
            await exchange.read()
            await exchange.close()
        await asyncio.sleep(0.05)
        assert descriptors() <= before + 2
