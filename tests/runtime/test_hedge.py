"""Hedging in both worlds, over transports that answer when they are told to."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest

from llm_forge.core.breaker import BreakerSettings
from llm_forge.core.errors import BadRequestError, ConnectionLostError, ForgeError, ServerError
from llm_forge.core.headers import Headers
from llm_forge.core.limiter import Limit
from llm_forge.core.profile import Operation
from llm_forge.runtime.client import AsyncClient, SyncClient
from llm_forge.runtime.events import Event
from llm_forge.runtime.transports.protocol import HttpRequest, Timers
from tests.runtime.kit import CHAT, ONCE, PROFILE

SOON, PATIENT = 0.02, 10.0


class BlockingExchange:
    """An answer whose headers are there at once and whose body comes when the play is over."""

    headers = Headers([("content-type", "application/json")])

    def __init__(self, transport: Threads, number: int) -> None:
        self.status = 200
        self._transport = transport
        self._number = number
        self._pieces = [b""]
        self._closed = threading.Event()

    def read(self, timeout: float | None) -> bytes:
        if not self._pieces:
            return b""
        self._pieces.clear()
        slow = self._transport.slow.get(self._number)
        if slow is not None and self._closed.wait(min(timeout or PATIENT, PATIENT)):
            self._transport.given_up.append(self._number)
            raise ConnectionLostError("closed under the read")
        return json.dumps({"id": f"r{self._number}", "usage": {}}).encode()

    def close(self) -> None:
        self._closed.set()


class Threads:
    """A blocking transport: slow requests answer never, others at once with a status or an error."""

    def __init__(self, slow: dict[int, bool], outcomes: dict[int, Any] | None = None) -> None:
        self.slow = slow
        self.outcomes = outcomes or {}
        self.given_up: list[int] = []
        self.requests: list[HttpRequest] = []
        self._lock = threading.Lock()

    def open(self, request: HttpRequest, timers: Timers) -> BlockingExchange:
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        exchange = BlockingExchange(self, number)
        exchange.status = self.outcomes.get(number, 200)
        return exchange

    def close(self) -> None:
        pass


class TaskExchange:
    """The asyncio twin."""

    headers = Headers([("content-type", "application/json")])

    def __init__(self, transport: Tasks, number: int) -> None:
        self.status = transport.outcomes.get(number, 200)
        self._transport = transport
        self._number = number
        self._read = False

    async def read(self, timeout: float | None) -> bytes:
        if self._read:
            return b""
        self._read = True
        if self._number in self._transport.slow:
            if self._number == 2:
                self._transport.both_read.set()
            try:
                await asyncio.sleep(PATIENT)
            except asyncio.CancelledError:
                self._transport.given_up.append(self._number)
                raise
        return json.dumps({"id": f"r{self._number}", "usage": {}}).encode()

    async def close(self) -> None:
        pass


class Tasks:
    """The asyncio twin."""

    def __init__(self, slow: dict[int, bool], outcomes: dict[int, Any] | None = None) -> None:
        self.slow = slow
        self.outcomes = outcomes or {}
        self.given_up: list[int] = []
        self.requests: list[HttpRequest] = []
        self.both_read = asyncio.Event()

    async def open(self, request: HttpRequest, timers: Timers) -> TaskExchange:
        self.requests.append(request)
        return TaskExchange(self, len(self.requests))

    async def close(self) -> None:
        pass


class Blocking(SyncClient):
    profile = PROFILE


class Awaited(AsyncClient):
    profile = PROFILE


class World:
    """One of the two kinds of client over its kind of transport."""

    def __init__(self, *, awaited: bool, slow: tuple[int, ...] = (1,), **outcomes: int) -> None:
        planned = {int(name[1:]): status for name, status in outcomes.items()}
        cls = Tasks if awaited else Threads
        self.transport: Any = cls(dict.fromkeys(slow, True), planned)
        self.events: list[Event] = []
        self._awaited = awaited

    def client(self, **options: Any) -> Any:
        given = {"api_key": "k", "transport": self.transport, "on_event": self.events.append, **options}
        return Awaited(**given) if self._awaited else Blocking(**given)

    def call(self, client: Any, operation: Operation[Any, Any] = CHAT, **options: Any) -> Any:
        body = {"model": "m", "messages": []}
        options = {"hedge_after": SOON, **options}
        if self._awaited:
            return asyncio.run(client.call(operation, body=body, options=options))
        return client.call(operation, body=body, options=options)

    def ended(self) -> list[tuple[int, str]]:
        """How each attempt ended, in order."""
        return [(e.attempt, e.facts["outcome"]) for e in self.events if e.name == "attempt-end"]

    def gave_up(self, number: int) -> bool:
        """Whether a request was given up; a thread may need a moment to notice."""
        ends = time.monotonic() + 5
        while number not in self.transport.given_up and time.monotonic() < ends:
            time.sleep(0.001)
        return number in self.transport.given_up


both = pytest.mark.parametrize("awaited", [False, True], ids=["threads", "tasks"])


@both
@pytest.mark.requirement("R-083")
def test_a_second_attempt_wins_over_a_slow_first_one_which_is_given_up(awaited: bool) -> None:
    world = World(awaited=awaited)
    client = world.client()
    assert world.call(client).id == "r2"
    assert len(world.transport.requests) == 2
    assert world.gave_up(1)
    assert world.ended() == [(1, "cancelled"), (2, "ok")]
    retry = next(event for event in world.events if event.name == "retry")
    assert dict(retry.facts) == {"cause": "slow", "status": None, "wait": SOON, "source": "hedge"}


@both
@pytest.mark.requirement("R-083")
def test_a_quick_first_attempt_is_alone(awaited: bool) -> None:
    world = World(awaited=awaited, slow=())
    assert world.call(world.client(), hedge_after=5.0).id == "r1"
    assert len(world.transport.requests) == 1
    assert world.ended() == [(1, "ok")]


@both
@pytest.mark.requirement("R-083")
def test_a_first_attempt_that_fails_quickly_is_retried_as_ever(awaited: bool) -> None:
    world = World(awaited=awaited, slow=(), r1=500)
    client = world.client(random=lambda: 0.0)
    assert world.call(client, hedge_after=5.0).id == "r2"
    assert world.ended() == [(1, "ServerError"), (2, "ok")]


@both
@pytest.mark.requirement("R-083")
def test_both_attempts_take_room_of_the_limiter_and_the_loser_gives_it_back(awaited: bool) -> None:
    world = World(awaited=awaited)
    client = world.client(limits=[Limit("requests", 1, 1000, burst=5)], concurrency=2)
    world.call(client)
    assert world.gave_up(1)
    remaining = client.rate_limit_status()["m"][0].remaining
    assert 3.0 <= remaining < 3.1
    gate = client._shared.limiter.gate("m")
    ends = time.monotonic() + 5
    while gate._limiter._open and time.monotonic() < ends:
        time.sleep(0.001)
    assert not gate._limiter._open


@both
@pytest.mark.requirement("R-083")
def test_without_room_for_the_hedge_the_first_attempt_goes_on_alone(awaited: bool) -> None:
    world = World(awaited=awaited)
    world.transport.slow = {}
    client = world.client(limits=[Limit("requests", 1, 1000, burst=1)])
    budget = client._shared.budget_of()
    world.transport.slow = {1: True}
    with pytest.raises(ForgeError) as caught:
        world.call(client, attempt_timeout=0.2, max_limit_wait=1.0, max_attempts=2)
    assert caught.value.kind == "AttemptTimeoutError"
    assert len(world.transport.requests) == 1
    assert [attempt.number for attempt in caught.value.attempts] == [1]
    assert budget.tokens == 490  # what the hedge cost came back; the retry after a time-out was paid


@both
@pytest.mark.requirement("R-083")
@pytest.mark.requirement("R-075")
def test_the_retry_budget_pays_for_hedges_and_gets_back_what_a_winning_one_cost(awaited: bool) -> None:
    world = World(awaited=awaited)
    client = world.client()
    client._shared.budget_of().tokens = 5
    world.call(client)
    assert client._shared.budget_of().tokens == 5

    poor = World(awaited=awaited)
    client = poor.client()
    client._shared.budget_of().tokens = 4
    with pytest.raises(ForgeError) as caught:
        poor.call(client, attempt_timeout=0.1)
    assert caught.value.retry_budget_exhausted
    assert len(poor.transport.requests) == 1


@both
@pytest.mark.requirement("R-083")
def test_only_safe_operations_with_attempts_left_are_hedged(awaited: bool) -> None:
    for operation, options in ((ONCE, {}), (CHAT, {"max_attempts": 1}), (CHAT, {"hedge_after": None})):
        world = World(awaited=awaited)
        with pytest.raises(ForgeError):
            world.call(world.client(), operation, attempt_timeout=0.1, **{"max_attempts": 1, **options})
        assert len(world.transport.requests) == 1


@both
@pytest.mark.requirement("R-083")
def test_a_hedge_that_cannot_be_cured_ends_the_call_at_once(awaited: bool) -> None:
    world = World(awaited=awaited, r2=400)
    with pytest.raises(BadRequestError) as caught:
        world.call(world.client())
    assert [(one.number, one.outcome) for one in caught.value.attempts] == [
        (1, "cancelled"),
        (2, "BadRequestError"),
    ]
    assert world.gave_up(1)


@both
@pytest.mark.requirement("R-083")
def test_when_both_fail_the_third_attempt_is_an_ordinary_retry(awaited: bool) -> None:
    world = World(awaited=awaited, r2=500, r3=500)
    client = world.client(random=lambda: 0.0, breaker=BreakerSettings(enabled=False))
    with pytest.raises(ServerError) as caught:
        world.call(client, attempt_timeout=0.15)
    assert [(one.number, one.outcome) for one in caught.value.attempts] == [
        (1, "AttemptTimeoutError"),
        (2, "ServerError"),
        (3, "ServerError"),
    ]


@pytest.mark.requirement("R-057")
@pytest.mark.requirement("R-083")
def test_cancelling_a_hedged_call_cancels_both_attempts() -> None:
    world = World(awaited=True, slow=(1, 2))
    client = world.client(concurrency=2)

    async def play() -> None:
        body = {"model": "m", "messages": []}
        task = asyncio.create_task(client.call(CHAT, body=body, options={"hedge_after": SOON}))
        async with asyncio.timeout(PATIENT):
            await world.transport.both_read.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sorted(world.transport.given_up) == [1, 2]
        assert not client._shared.limiter.gate("m")._limiter._open
        assert client.circuit("chat").state == "closed"

    asyncio.run(play())
