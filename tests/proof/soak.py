"""`python -m tests.proof.soak`: memory, handles and tasks over many calls (SY-03)."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import platform
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random

from llm_forge import AsyncOpenAI, OpenAI
from llm_forge.runtime.transports import NAMES
from llm_forge.simulator.server import Server
from tests.whole_system import servers
from tests.whole_system.abandoning import abandon, abandon_async, endless
from tests.whole_system.network import Network
from tests.whole_system.servers import Faulty
from tests.whole_system.virtual_time import LoopClock, run
from tests.whole_system.world import MESSAGES, Log, World

from .record import record
from .report import write

SAMPLES = 12
HOUR = 3600.0
CALLS_PER_SECOND = 20
STATM, HANDLES = Path("/proc/self/statm"), Path("/proc/self/fd")


@dataclass(frozen=True)
class Sample:
    """This process after so many calls."""

    calls: int
    rss_mib: float
    handles: int
    tasks: int


@dataclass(frozen=True)
class Soak:
    """`slope` is MiB per 10,000 calls over the second half of the run; pairs are its lowest and highest."""

    name: str
    calls: int
    seconds: float
    slope: float
    handles: tuple[int, int]
    tasks: tuple[int, int]


def sample(calls: int) -> Sample:
    """What this process holds now, after a collection; Linux only."""
    gc.collect()
    pages = int(STATM.read_text().split()[1])
    tasks = threading.active_count()
    with contextlib.suppress(RuntimeError):  # no loop runs in this thread
        tasks += len(asyncio.all_tasks())
    return Sample(calls, pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(list(HANDLES.iterdir())), tasks)


def summary(name: str, samples: list[Sample], seconds: float) -> Soak:
    """The second half, when caches are warm."""
    half = samples[len(samples) // 2 :]
    handles, tasks = [one.handles for one in half], [one.tasks for one in half]
    return Soak(
        name, samples[-1].calls, seconds, slope(half), (min(handles), max(handles)), (min(tasks), max(tasks))
    )


def slope(samples: list[Sample]) -> float:
    """MiB per 10,000 calls, by least squares."""
    x = [one.calls / 10_000 for one in samples]
    y = [one.rss_mib for one in samples]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((at - mean_x) ** 2 for at in x)
    return sum((at - mean_x) * (value - mean_y) for at, value in zip(x, y, strict=True)) / spread


def _timed(name: str, work: Callable[[], list[Sample]]) -> Soak:
    began = time.monotonic()
    found = summary(name, work(), time.monotonic() - began)
    print(found, flush=True)
    return found


def virtual(calls: int, *, streams_only: bool = False, seed: int = 3) -> list[Sample]:
    """Calls at an even pace in virtual time, half of them streams (or all), a tenth met by faults."""

    async def work() -> list[Sample]:
        network = Network(Faulty(seed, 0.1, servers.RETRYABLE + servers.VICIOUS))
        network.arrivals = deque(maxlen=1)
        kinds = Random(seed)
        samples: list[Sample] = []
        timers = {"attempt_timeout": 20.0, "first_event_timeout": 20.0, "idle_timeout": 20.0}
        clock, chance = LoopClock(), Random(seed).random
        async with AsyncOpenAI(
            api_key="canary",
            transport=network,
            clock=clock,
            random=chance,
            timeout=60,
            **timers,  # type: ignore[arg-type]
        ) as client:
            world = World(client, network, Log(), deque(maxlen=1))
            for _ in range(SAMPLES):
                for _ in range(calls // SAMPLES):
                    stream = streams_only or kinds.random() < 0.5
                    task = asyncio.ensure_future(world.call(stream=stream))
                    await asyncio.sleep(1 / CALLS_PER_SECOND)
                    del task
                await asyncio.sleep(100)  # every call has ended
                samples.append(sample((len(samples) + 1) * (calls // SAMPLES)))
        assert network.open_now == 0
        return samples

    return run(work())


def real(transport: str, seconds: float) -> list[Sample]:
    """Blocking and asynchronous calls, whole, streamed and abandoned, over sockets for so long."""
    samples: list[Sample] = []
    calls, ends = 0, time.monotonic() + seconds
    with Server(endless) as server:
        while time.monotonic() < ends or len(samples) < SAMPLES:
            until = time.monotonic() + seconds / SAMPLES
            while time.monotonic() < until:
                calls += _round(server.url, transport)
            samples.append(sample(calls))
    return samples


def _round(url: str, transport: str) -> int:
    with OpenAI(api_key="canary", base_url=url, transport=transport) as client:
        for _ in range(100):
            client.chat.completions.create(model="m", messages=MESSAGES)
    return 100 + abandon(url, transport, 100) + asyncio.run(abandon_async(url, transport, 100)) + 200


def abandoned(transport: str, count: int) -> list[Sample]:
    """Streams left in every way on a pool of two."""
    samples: list[Sample] = []
    each = count // SAMPLES
    with Server(endless) as server:
        for number in range(SAMPLES):
            assert abandon(server.url, transport, each // 2) == 0
            assert asyncio.run(abandon_async(server.url, transport, each // 2)) == 0
            samples.append(sample((number + 1) * each))
    return samples


def main() -> int:
    """Run everything; 1 if something grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of real calls, over all transports")
    share = parser.parse_args().minutes * 60 / len(NAMES)
    hour = int(HOUR * CALLS_PER_SECOND)
    runs = [
        _timed("an hour in virtual time, whole and streamed", lambda: virtual(hour)),
        _timed("100,000 streams in virtual time", lambda: virtual(100_000, streams_only=True)),
    ]
    for name in NAMES:
        runs.append(_timed(f"10,000 streams left on a pool of 2, {name}", partial(abandoned, name, 10_000)))
        runs.append(_timed(f"mixed real calls, {name}", partial(real, name, share)))
    system = f"{platform.system()}, Python {platform.python_version()}"
    record("soak", {"system": system, "runs": [asdict(one) for one in runs]})
    print(write())
    return 0 if all(one.slope <= 1 for one in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
