"""What whole-system scenarios are made of: the real asynchronous client over the virtual network."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, MutableSequence, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from llm_forge import AsyncOpenAI, BreakerSettings, ConfigError, Event, ForgeError, InvalidRequestError

from .network import Network, Server
from .servers import TEXT
from .virtual_time import LoopClock

MESSAGES: Any = [{"role": "user", "content": "Say hello"}]
NO_BREAKER = BreakerSettings(enabled=False)


@dataclass
class Log:
    """Everything that the clients told, with its virtual time; calls are numbered as they began."""

    events: list[tuple[float, str, int, int, str]] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """A hook."""
        number = self.calls.setdefault(event.call_id, len(self.calls))
        now = asyncio.get_running_loop().time()
        self.events.append((now, event.name, number, event.attempt, repr(sorted(event.facts.items()))))

    def count(self, name: str) -> int:
        """How often an event was told."""
        return sum(event[1] == name for event in self.events)

    def ended_once(self) -> bool:
        """Whether each call began once and ended once."""
        wanted = dict.fromkeys(range(len(self.calls)), 1)
        kinds = ("call-start", "call-end")
        return all(Counter(event[2] for event in self.events if event[1] == kind) == wanted for kind in kinds)


@dataclass(frozen=True)
class Ended:
    """One call: when it began and ended, and how: "ok" or the kind of its error."""

    began: float
    at: float
    outcome: str


@dataclass
class World:
    """A client of a server in virtual time, and what came of its calls."""

    client: AsyncOpenAI
    network: Network
    log: Log
    ended: MutableSequence[Ended] = field(default_factory=list)

    async def call(self, *, stream: bool = False, **options: Any) -> None:
        """One call; anything but the whole text or a typed error is raised."""
        began = asyncio.get_running_loop().time()
        try:
            text = await (self._streamed(options) if stream else self._whole(options))
            assert text == TEXT, f"a short result passed for a whole one: {text!r}"
            outcome = "ok"
        except (InvalidRequestError, ConfigError):
            raise  # ours, not the server's
        except ForgeError as error:
            outcome = error.kind
        self.ended.append(Ended(began, asyncio.get_running_loop().time(), outcome))

    async def _whole(self, options: Any) -> str | None:
        result = await self.client.chat.completions.create(model="m", messages=MESSAGES, **options)
        return result.choices[0].message.content

    async def _streamed(self, options: Any) -> str | None:
        async with self.client.chat.completions.stream(model="m", messages=MESSAGES, **options) as stream:
            result = await stream.result()
        return result.choices[0].message.content

    @property
    def succeeded(self) -> float:
        """The share of calls that gave a result."""
        return sum(one.outcome == "ok" for one in self.ended) / len(self.ended)


@asynccontextmanager
async def world(server: Server, seed: int, **options: Any) -> AsyncIterator[World]:
    """A client of this server; at the end nothing of it is left open."""
    network, log = Network(server), Log()
    chance = Random(seed).random
    settings = {"clock": LoopClock(), "random": chance, "on_event": log, **options}
    async with AsyncOpenAI(api_key="canary", transport=network, **settings) as client:
        yield World(client, network, log)
    assert network.open_now == 0, "a connection was left open"
    assert log.ended_once(), "a call ended twice, or never"


async def in_parallel(count: int, concurrency: int, work: Callable[[int], Awaitable[None]]) -> None:
    """`work` for every number below `count`, at most so many at once."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await work(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(worker())


async def steadily(per_second: float, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Begin `work` so often, whether or not earlier ones have ended."""
    async with asyncio.TaskGroup() as group:
        for _ in range(int(per_second * seconds)):
            group.create_task(work())  # type: ignore[arg-type]
            await asyncio.sleep(1 / per_second)


def per_second(times: Sequence[float]) -> Counter[int]:
    """How many of these instants lie in each second."""
    return Counter(int(at) for at in times)
