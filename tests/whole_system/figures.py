"""The scenarios SY-01, 02, 04, 05 and 07, each a function of its sizes that gives its figures."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from random import Random

from llm_forge import BreakerSettings
from llm_forge.runtime.scripted import Answer
from llm_forge.runtime.transports import HttpRequest

from . import servers
from .network import Server
from .servers import Faulty
from .virtual_time import run
from .world import Log, World, in_parallel, per_second, steadily, world

SEED = 7
NO_BREAKER = BreakerSettings(enabled=False)


@dataclass(frozen=True)
class Faults:
    """SY-01, SY-07: how many calls and requests, the share that succeeded, and how the calls ended."""

    calls: int
    succeeded: float
    requests: int
    retries: int
    budget_exhausted: int
    longest: float
    outcomes: dict[str, int]


def faults_of(made: World) -> Faults:
    """What came of a world's calls."""
    return Faults(
        len(made.ended),
        made.succeeded,
        len(made.network.arrivals),
        made.log.count("retry"),
        made.log.count("budget-exhausted"),
        max(one.at - one.began for one in made.ended),
        dict(Counter(one.outcome for one in made.ended).most_common()),
    )


def retryable_faults(attempts: int, calls: int = 10_000, seed: int = SEED) -> Faults:
    """SY-01: calls at concurrency 100, 30 % of the requests met by a fault that a retry cures."""

    async def work() -> Faults:
        server = Faulty(seed, 0.3, servers.RETRYABLE)
        async with world(server, seed, max_attempts=attempts, breaker=NO_BREAKER) as made:
            await in_parallel(calls, 100, lambda _: made.call())
        return faults_of(made)

    return run(work())


VICIOUS_TIMEOUT = 60.0


def vicious_faults(calls: int = 10_000, seed: int = SEED) -> Faults:
    """SY-07: whole answers and streams, also met by silence, garbage and truncation; the breaker is on."""

    async def work() -> Faults:
        server = Faulty(seed, 0.3, servers.RETRYABLE + servers.VICIOUS)
        timers = {"attempt_timeout": 20.0, "first_event_timeout": 20.0, "idle_timeout": 20.0}
        async with world(server, seed, timeout=VICIOUS_TIMEOUT, **timers) as made:
            kinds = Random(seed)
            await steadily(50, calls / 50, lambda: made.call(stream=kinds.random() < 0.5))
        return faults_of(made)

    return run(work())


@dataclass(frozen=True)
class Outage:
    """SY-02: the share of the offered load that the server saw in the outage after its first two seconds,
    and after how many seconds from its end calls begun in any one second all succeed again."""

    seen: float
    recovered_after: int


OUTAGE, CALLS_PER_SECOND = 60, 50


def outage(begins: int, window: float = 30.0, seconds: float = 600.0, seed: int = SEED) -> Outage:
    """SY-02: 50 calls a second; from `begins`, every answer of 60 s is a 500."""
    failing, chance, ends = servers.status(500), Random(seed), begins + OUTAGE

    def server(request: HttpRequest, now: float) -> Answer | Exception:
        return (failing if begins <= now < ends else servers.ok)(request, chance)

    async def work() -> World:
        async with world(server, seed, breaker=BreakerSettings(window=window)) as made:
            await steadily(CALLS_PER_SECOND, seconds, made.call)
        return made

    made = run(work())
    seen = sum(begins + 2 <= at < ends for at in made.network.arrivals)
    failed = {int(one.began) for one in made.ended if one.outcome != "ok"}
    return Outage(seen / (CALLS_PER_SECOND * (OUTAGE - 2)), max(failed) + 1 - ends)


@dataclass(frozen=True)
class Restart:
    """SY-04: the most requests in one second after the first, and how many of the calls succeeded."""

    most: int
    succeeded: int
    clients: int


LIMIT = 100


def restart(*, fair: bool, clients: int = 1000) -> Restart:
    """SY-04: as many clients as that call at once, against a server that serves 100 requests a second.

    Who comes too early is told to come back: when it is its turn, if the server is `fair`, else after a
    second, like everybody.
    """
    ended: list[World] = []

    async def one(server: Server, seed: int) -> None:
        async with world(server, seed, max_attempts=8) as made:
            await made.call()
        ended.append(made)

    async def work() -> None:
        server = _limited(fair)
        async with asyncio.TaskGroup() as group:
            for seed in range(clients):
                group.create_task(one(server, seed))

    run(work())
    seconds = per_second([at for made in ended for at in made.network.arrivals])
    succeeded = sum(call.outcome == "ok" for made in ended for call in made.ended)
    return Restart(max((n for at, n in seconds.items() if at > 0), default=0), succeeded, clients)


def _limited(fair: bool) -> Server:
    served: Counter[int] = Counter()
    chance = Random(SEED)
    turn = 1.0

    def server(request: HttpRequest, now: float) -> Answer | Exception:
        nonlocal turn
        if served[int(now)] < LIMIT:
            served[int(now)] += 1
            return servers.ok(request, chance)
        turn = max(turn, now) + 1 / LIMIT
        wait = f"{turn - now:.3f}" if fair else "1"
        return servers.status(429, ("retry-after", wait))(request, chance)

    return server


def event_log(seed: int, calls: int = 500) -> Log:
    """SY-05: everything that was told in a run full of faults."""

    async def work() -> Log:
        server = Faulty(seed, 0.4, servers.RETRYABLE + servers.VICIOUS)
        timers = {"attempt_timeout": 5.0, "first_event_timeout": 5.0, "idle_timeout": 5.0}
        async with world(server, seed, timeout=30.0, **timers) as made:
            await in_parallel(calls, 20, lambda number: made.call(stream=number % 3 == 0))
        return made.log

    return run(work())
