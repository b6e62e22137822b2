"""Limits in Redis, against a real server where one is installed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_forge import (
    AsyncOpenAI,
    ConfigError,
    Limit,
    RateLimitConfigError,
    RateLimitWaitError,
    TransportError,
)
from llm_forge.core.deadline import Deadline
from llm_forge.core.limiter import Cost
from llm_forge.integrations.redis import RedisRateLimiter
from llm_forge.runtime.clock import Clock
from llm_forge.runtime.io import AsyncIo
from llm_forge.simulator import Simulator
from tests.unified.jobs.kill import measure_workers

from .redis_server import SERVER, redis_server

redis = pytest.importorskip("redis", reason="redis is an extra")
pytestmark = pytest.mark.skipif(SERVER is None, reason="no redis-server on this machine")
HOURLY = Limit("requests", 20, 3600, burst=20)
GRANTS = """
import asyncio, json, sys
from tests.integrations.test_redis import HOURLY, grants
print(asyncio.run(grants(sys.argv[1], 15)))
"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with redis_server(tmp_path) as address:
        yield address


class Slept(Clock):
    """Remembers how long somebody would have slept."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []

    async def asleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)


def io_of(clock: Clock) -> AsyncIo:
    return AsyncIo(None, clock, lambda: 0.5)  # type: ignore[arg-type]  # nothing is sent


async def grants(url: str, tries: int) -> int:
    """How many of so many requests are granted at once."""
    limiter = RedisRateLimiter(url, "shared", [HOURLY])
    granted = 0
    for _ in range(tries):
        try:
            await limiter.gate("m").enter(io_of(Clock()), Cost(), Deadline.after(None, 0.0), 0.0)
        except RateLimitWaitError as error:
            assert error.retry_after
            assert error.retry_after > 100
        else:
            granted += 1
    limiter.close()
    return granted


@pytest.mark.requirement("R-105", "R-106")
def test_three_processes_are_granted_exactly_the_limit_together(url: str) -> None:
    command = [sys.executable, "-c", GRANTS, url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    counts = [json.loads(process.communicate()[0]) for process in running]
    assert sum(counts) == 20


@pytest.mark.requirement("R-108", "R-109", "R-110")
def test_what_was_not_used_is_given_back_and_what_is_too_large_is_refused(url: str) -> None:
    async def work() -> None:
        limiter = RedisRateLimiter(url, "tokens", [Limit("tokens", 1000, 3600, burst=1000)])
        gate, clock = limiter.gate("m"), Slept()
        first, _ = await gate.enter(io_of(clock), Cost(1, 100, 800), Deadline.after(None, 0.0), 0.0)
        with pytest.raises(RateLimitWaitError):
            await gate.enter(io_of(clock), Cost(1, 200, 0), Deadline.after(None, 0.0), 0.0)
        gate.leave(first, clock.now(), used=Cost(1, 100, 50), result="done")
        second, _ = await gate.enter(io_of(clock), Cost(1, 800, 0), Deadline.after(None, 0.0), 0.0)
        gate.leave(second, clock.now(), used=None, result="unsent")
        await gate.enter(io_of(clock), Cost(1, 800, 0), Deadline.after(None, 0.0), 0.0)
        with pytest.raises(RateLimitConfigError):
            await gate.enter(io_of(clock), Cost(1, 1001, 0), Deadline.after(None, 0.0))
        limiter.close()

    asyncio.run(work())


@pytest.mark.requirement("R-111", "R-117")
def test_waits_are_granted_in_order_and_a_pause_holds_every_process(url: str) -> None:
    async def work() -> None:
        one, two = (RedisRateLimiter(url, "x", [Limit("requests", 60, 60, burst=1)]) for _ in range(2))
        clock = Slept()
        for limiter in (one, two, one, two):
            await limiter.gate("m").enter(io_of(clock), Cost(), Deadline.after(None, 0.0), 60.0)
        assert [round(wait) for wait in clock.sleeps[:3]] == [1, 2, 3]
        one.gate("other").pause(clock.now() + 30, clock.now())
        with pytest.raises(RateLimitWaitError) as refused:
            await two.gate("other").enter(io_of(clock), Cost(), Deadline.after(None, 0.0), 10.0)
        assert 29 < (refused.value.retry_after or 0) <= 30
        one.close()
        two.close()

    asyncio.run(work())


def test_a_client_calls_through_shared_limits(url: str) -> None:
    async def work() -> None:
        limiter = RedisRateLimiter(url, "client", [Limit("requests", 2, 3600, burst=2)])
        base_url = simulator.base_urls["openai"]
        async with AsyncOpenAI(api_key="any", base_url=base_url, rate_limiter=limiter) as client:
            ask = client.chat.completions.create
            for _ in range(2):
                await ask(model="m", messages=[{"role": "user", "content": "hi"}])
            with pytest.raises(RateLimitWaitError):
                await ask(model="m", messages=[{"role": "user", "content": "hi"}], max_limit_wait=1)
        limiter.close()

    with Simulator() as simulator:
        asyncio.run(work())
        assert simulator.ledger.attempts() == 2


@pytest.mark.requirement("R-105", "R-184")
def test_workers_that_are_killed_keep_a_shared_limit_and_lose_nothing(url: str, tmp_path: Path) -> None:
    found = measure_workers(tmp_path, items=200, kills=4, seed=3, redis=url)
    assert found.violations == 0
    assert (found.lost, found.doubled_in_output, found.sent_again_without_reason) == (0, 0, 0)


def test_without_redis_nothing_is_sent_past_a_limit(tmp_path: Path) -> None:
    limiter = RedisRateLimiter(f"unix://{tmp_path}/nobody.sock", "x", [HOURLY])
    with pytest.raises(TransportError, match="does not answer"):
        asyncio.run(limiter.gate("m").enter(io_of(Clock()), Cost(), Deadline.after(None, 0.0)))
    with pytest.raises(ConfigError, match="shared limits"):
        RedisRateLimiter("nonsense", "x")
