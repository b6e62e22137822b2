"""A server that never stops streaming, and callers who stop reading, in every way there is (R-045, R-150)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from random import Random
from typing import Any

from llm_forge import AsyncOpenAI, OpenAI
from llm_forge.runtime.transports import PoolLimits, resolve_async_transport, resolve_transport
from llm_forge.runtime.transports.protocol import Network
from llm_forge.simulator.server import Exchange

from .servers import BODY, EVENTS
from .world import MESSAGES

POOL = Network(pool=PoolLimits(connections=2))
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)


async def endless(exchange: Exchange) -> None:
    """Answers calls at once; a stream gets an event each millisecond until its caller leaves."""
    if not json.loads(exchange.request.body).get("stream"):
        await exchange.send(WHOLE)
        return
    await exchange.send(HEAD)
    while True:
        await exchange.send(b"%x\r\n%b\r\n" % (len(EVENTS[0]), EVENTS[0]))
        await exchange.pause(0.001)


class Left(Exception):  # noqa: N818 - it is how the caller leaves
    """What a caller raises in the middle of a stream."""


def abandon(url: str, transport: str, count: int) -> int:
    """Leave so many streams of a client with two connections, then call; how many are in use after."""
    pool = resolve_transport(transport, POOL)
    with OpenAI(api_key="canary", base_url=url, transport=pool) as client:
        for number in range(count):
            WAYS[number % len(WAYS)](client)
        assert client.chat.completions.create(model="m", messages=MESSAGES).choices
    return _in_use(pool)


def _break(client: OpenAI) -> None:
    with client.chat.completions.stream(model="m", messages=MESSAGES) as stream:
        for _ in stream:
            break


def _drop(client: OpenAI) -> None:
    next(iter(client.chat.completions.stream(model="m", messages=MESSAGES)))


def _raise(client: OpenAI) -> None:
    with contextlib.suppress(Left), client.chat.completions.stream(model="m", messages=MESSAGES) as stream:
        for _ in stream:
            raise Left


def _never_begin(client: OpenAI) -> None:
    client.chat.completions.stream(model="m", messages=MESSAGES)


WAYS: tuple[Callable[[OpenAI], None], ...] = (_break, _drop, _raise, _never_begin)


async def abandon_async(url: str, transport: str, count: int, seed: int = 1) -> int:
    """`abandon` for asyncio, where half of the callers are cancelled at a random instant."""
    chance = Random(seed)
    pool = resolve_async_transport(transport, POOL)
    async with AsyncOpenAI(api_key="canary", base_url=url, transport=pool) as client:
        for number in range(count):
            if number % 2:
                await _cancel(client, chance)
            else:
                async with client.chat.completions.stream(model="m", messages=MESSAGES) as stream:
                    await anext(aiter(stream))
        assert (await client.chat.completions.create(model="m", messages=MESSAGES)).choices
    return _in_use(pool)


async def _cancel(client: AsyncOpenAI, chance: Random) -> None:
    completions = client.chat.completions
    calls: list[Callable[[], Any]] = [
        lambda: completions.stream(model="m", messages=MESSAGES).result(),
        lambda: completions.create(model="m", messages=MESSAGES),
    ]
    task = asyncio.ensure_future(chance.choice(calls)())
    await asyncio.sleep(chance.uniform(0, 0.01))
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _in_use(pool: Any) -> int:
    return int(pool.active())
