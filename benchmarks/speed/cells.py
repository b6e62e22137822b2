"""One thing of one client, measured in this process: `python -m benchmarks.speed.cells CELL CLIENT URL`.

Prints one number. CPU time is `time.process_time`: all threads of this process, nobody else's. What the first
calls cost (connections, caches) is left out, except in the cells that are about it.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from .contestants import CONTESTANTS, Contestant

WARM = 20
CALLS = 300
TOGETHER = 64
OPEN = 400  # with the first fifty, below the connections that every client allows


def cpu() -> float:
    return time.process_time() * 1e6


def ready(one: Contestant, url: str) -> float:
    """Milliseconds of CPU until a client is there, import included; the bare interpreter's are taken off."""
    before = cpu()
    sync, asynchronous = one.load()
    make = sync or asynchronous
    assert make is not None
    make(url)
    return (cpu() - before) / 1e3


def unary(one: Contestant, url: str) -> float:
    """Microseconds a request, one after another on one thread."""
    make, _ = one.load()
    assert make is not None
    assert one.ask is not None
    client = make(url)
    for _ in range(WARM):
        one.ask(client)
    before = cpu()
    for _ in range(CALLS):
        one.ask(client)
    return (cpu() - before) / CALLS


def unary_async(one: Contestant, url: str) -> float:
    """Microseconds a request, 64 under way at once on asyncio."""
    ask = _present(one.ask_async)

    async def worker(client: Any, calls: int) -> None:
        for _ in range(calls):
            await ask(client)

    async def run(client: Any) -> float:
        await asyncio.gather(*(worker(client, 2) for _ in range(TOGETHER)))
        before = cpu()
        await asyncio.gather(*(worker(client, CALLS // 30) for _ in range(TOGETHER)))
        return (cpu() - before) / (TOGETHER * (CALLS // 30))

    return _on_asyncio(one, url, run)


def burst(one: Contestant, url: str) -> float:
    """Microseconds an event that arrives with many others, on a thread."""
    make, _ = one.load()
    assert make is not None
    assert one.stream is not None
    client = make(url)
    one.stream(client)
    before = cpu()
    count = one.stream(client)
    return (cpu() - before) / count


def burst_async(one: Contestant, url: str) -> float:
    """Microseconds an event that arrives with many others, on asyncio."""
    return _stream_async(one, url)


def paced(one: Contestant, url: str) -> float:
    """Microseconds an event that arrives alone, on asyncio: the loop's own wake-ups count too."""
    return _stream_async(one, url)


def _stream_async(one: Contestant, url: str) -> float:
    stream = _present(one.stream_async)

    async def run(client: Any) -> float:
        await stream(client)
        before = cpu()
        count = await stream(client)
        return (cpu() - before) / count

    return _on_asyncio(one, url, run)


def memory(one: Contestant, url: str) -> float:
    """KiB of resident memory an open stream, of hundreds in one process."""
    opened = _present(one.open_async)
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    async def run(client: Any) -> float:
        kept = [await opened(client) for _ in range(50)]
        gc.collect()
        before = _resident_kib()
        for _ in range(OPEN // 50):
            kept += await asyncio.gather(*(opened(client) for _ in range(50)))
        gc.collect()
        return (_resident_kib() - before) / OPEN

    return _on_asyncio(one, url, run)


def _resident_kib() -> float:
    with open("/proc/self/statm") as file:  # noqa: PTH123 - the shortest way to a number of the kernel's
        return int(file.read().split()[1]) * resource.getpagesize() / 1024


def _present(what: Callable[[Any], Awaitable[Any]] | None) -> Callable[[Any], Awaitable[Any]]:
    assert what is not None
    return what


def _on_asyncio(one: Contestant, url: str, run: Callable[[Any], Awaitable[float]]) -> float:
    _, make = one.load()
    assert make is not None

    async def main() -> float:
        return await run(make(url))

    return asyncio.run(main())


CELLS = {
    "ready": ready,
    "unary": unary,
    "unary_async": unary_async,
    "burst": burst,
    "burst_async": burst_async,
    "paced": paced,
    "memory": memory,
}

if __name__ == "__main__":
    cell, name, target = sys.argv[1:]
    print(CELLS[cell](CONTESTANTS[name], target), flush=True)
    import os

    os._exit(0)  # what a client leaves running is not measured
