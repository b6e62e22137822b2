"""Closing a client while calls run, over real connections (TR-14)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from llm_forge import AsyncOpenAI, ClientClosedError, OpenAI
from llm_forge.runtime import client as client_module
from llm_forge.simulator.server import Exchange, Server

QUESTION = [{"role": "user", "content": "hello"}]
CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'
TRANSPORTS = pytest.mark.parametrize("transport", ["httpx2", "curl"])


async def hang(exchange: Exchange) -> None:
    """Streams one event and nothing more; never answers anything else."""
    if b'"stream":true' in exchange.request.body:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        await exchange.send(head + b"%x\r\n%b\r\n" % (len(CHUNK), CHUNK))
    await exchange.pause(None)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(client_module, "CLOSE_SECONDS", 0.1)
    with Server(hang) as running:
        yield running


def in_thread(work: object) -> tuple[threading.Thread, list[BaseException]]:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            work()  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001 - whatever comes is what the test looks at
            caught.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, caught


def busy(client: OpenAI | AsyncOpenAI) -> bool:
    return bool(client._shared.running)


def wait_for(condition: object) -> None:
    for _ in range(500):
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.01)
    pytest.fail("it never came to that")


@pytest.mark.requirement("R-042")
@TRANSPORTS
@pytest.mark.parametrize("streaming", [False, True])
def test_a_call_of_another_thread_ends_with_the_client(
    server: Server, transport: str, streaming: bool
) -> None:
    client = OpenAI(api_key="key-of-a-test", base_url=server.url, transport=transport)
    completions = client.chat.completions

    def work() -> None:
        if streaming:
            completions.stream(model="m", messages=QUESTION).result()
        else:
            completions.create(model="m", messages=QUESTION)

    thread, caught = in_thread(work)
    wait_for(lambda: busy(client) and server.open_connections)
    time.sleep(0.05)
    client.close()
    thread.join(5)
    assert [type(error) for error in caught] == [ClientClosedError]


@pytest.mark.requirement("R-042")
@TRANSPORTS
def test_ones_own_open_stream_does_not_hold_up_closing(
    server: Server, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CLOSE_SECONDS", 60.0)
    with OpenAI(api_key="key-of-a-test", base_url=server.url, transport=transport) as client:
        forgotten = iter(client.chat.completions.stream(model="m", messages=QUESTION))
        next(forgotten)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    del forgotten


@pytest.mark.requirement("R-042")
@TRANSPORTS
@pytest.mark.parametrize("streaming", [False, True])
def test_a_call_of_another_task_ends_with_the_client(server: Server, transport: str, streaming: bool) -> None:
    async def play() -> BaseException | None:
        client = AsyncOpenAI(api_key="key-of-a-test", base_url=server.url, transport=transport)
        completions = client.chat.completions
        if streaming:
            task = asyncio.create_task(completions.stream(model="m", messages=QUESTION).result())
        else:
            task = asyncio.create_task(completions.create(model="m", messages=QUESTION))
        await asyncio.to_thread(wait_for, lambda: busy(client) and server.open_connections)
        await asyncio.sleep(0.05)
        await client.close()
        done, _ = await asyncio.wait([task], timeout=5)
        return task.exception() if done else None

    assert isinstance(asyncio.run(play()), ClientClosedError)
