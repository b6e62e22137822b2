from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_forge import AsyncOpenAI, OpenAI
from llm_forge.runtime.transports import NAMES
from llm_forge.simulator.server import Server

from .abandoning import abandon, abandon_async, endless
from .servers import TEXT
from .world import MESSAGES

TRANSPORTS = pytest.mark.parametrize("transport", NAMES)
THREADS, CALLS = 16, 12
SLACK = 4  # the server's ends of the last connections may close a moment later


@pytest.fixture(autouse=True)
def _without_warnings_of_sockets() -> Iterator[None]:
    """asyncio itself drops a socket when a task is cancelled just as it has connected, and warns of idle
    connections whose event loop is gone; they are closed all the same, which `handles` sees."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def handles() -> int:
    """Open file descriptors of this process; 0 where they cannot be counted."""
    gc.collect()
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.is_dir() else 0


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(endless) as running:
        yield running


@pytest.mark.requirement("R-045", "R-150")
@TRANSPORTS
def test_streams_left_in_every_way_give_their_connections_back(server: Server, transport: str) -> None:
    assert abandon(server.url, transport, 20) == 0
    before = handles()
    assert abandon(server.url, transport, 200) == 0
    assert handles() <= before + SLACK


@pytest.mark.requirement("R-045", "R-057", "R-150")
@TRANSPORTS
def test_tasks_cancelled_at_random_instants_give_their_connections_back(
    server: Server, transport: str
) -> None:
    assert asyncio.run(abandon_async(server.url, transport, 20)) == 0
    before = handles()
    assert asyncio.run(abandon_async(server.url, transport, 200)) == 0
    assert handles() <= before + SLACK


@pytest.mark.requirement("R-043")
@TRANSPORTS
def test_sixteen_threads_share_a_client(server: Server, transport: str) -> None:
    texts: list[str | None] = []

    def work(client: OpenAI) -> None:
        for number in range(CALLS):
            if number % 3 == 0:
                with client.chat.completions.stream(model="m", messages=MESSAGES) as stream:
                    next(iter(stream))
            else:
                result = client.chat.completions.create(model="m", messages=MESSAGES)
                texts.append(result.choices[0].message.content)

    with OpenAI(api_key="canary", base_url=server.url, transport=transport) as client:
        threads = [threading.Thread(target=work, args=(client,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert texts == [TEXT] * (THREADS * CALLS * 2 // 3)


@pytest.mark.requirement("R-043")
@TRANSPORTS
def test_two_event_loops_use_a_client_at_once_and_one_after_another(server: Server, transport: str) -> None:
    client = AsyncOpenAI(api_key="canary", base_url=server.url, transport=transport)
    texts: list[str | None] = []

    async def work() -> None:
        for _ in range(CALLS):
            result = await client.chat.completions.create(model="m", messages=MESSAGES)
            texts.append(result.choices[0].message.content)

    threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    asyncio.run(work())
    asyncio.run(client.close())
    assert texts == [TEXT] * (3 * CALLS)
