"""Group commit: what several slots want durable goes to the disk in one transaction (R-182).

Nothing is held back by a timer: while one transaction is under way, the next gathers, of at most 100 changes.
A slot waits for its own, so that it sends nothing before its last answer is durable, and a kill -9 leaves at
most one call of each slot to be paid for twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from .store import Change

T = TypeVar("T")
GROUP = 100
Offload = Callable[..., Awaitable[Any]]


class DiskThread:
    """One thread for everything that waits for the disk, so that the event loop does not."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="llm-forge-job")

    async def __call__(self, work: Callable[..., T], *arguments: Any) -> T:
        """`work(*arguments)`, in its turn."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def close(self) -> None:
        """Wait for what is under way, and end the thread."""
        self._pool.shutdown()


@asynccontextmanager
async def disk_thread(given: Offload | None = None) -> AsyncIterator[Offload]:
    """A thread for the disk, or what is given in its place."""
    if given is not None:
        yield given
        return
    disk = DiskThread()
    try:
        yield disk
    finally:
        disk.close()


class Applies(Protocol):
    """A store that makes changes durable."""

    def apply(self, changes: Iterable[Change]) -> list[int]:
        """All or none; the items whose change came too late to count."""


class Committer:
    """Changes of a store, from many tasks; `offload` runs a function off the event loop."""

    def __init__(self, store: Applies, offload: Offload) -> None:
        self._store = store
        self._offload = offload
        self._waiting: deque[tuple[tuple[Change, ...], asyncio.Future[frozenset[int]]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def write(self, *changes: Change) -> frozenset[int]:
        """Return when the changes are durable: the items among them whose change came too late to count.

        A caller that is cancelled meanwhile does not take them back. Raises what the store raises.
        """
        done: asyncio.Future[frozenset[int]] = asyncio.get_running_loop().create_future()
        self._waiting.append((changes, done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_groups())
        return await done

    async def idle(self) -> None:
        """Return when nothing is left to be written."""
        while self._writer is not None:
            await asyncio.wait([self._writer])

    async def _write_groups(self) -> None:
        try:
            while self._waiting:
                group = [self._waiting.popleft()]
                size = len(group[0][0])
                while self._waiting and size + len(self._waiting[0][0]) <= GROUP:
                    group.append(self._waiting.popleft())
                    size += len(group[-1][0])
                await self._write(group)
        finally:
            self._writer = None

    async def _write(self, group: list[tuple[tuple[Change, ...], asyncio.Future[frozenset[int]]]]) -> None:
        changes = [change for some, _ in group for change in some]
        try:
            late = frozenset(await self._offload(self._store.apply, changes))
        except Exception as error:  # noqa: BLE001 - handed to those who wait for it
            for _, done in group:
                if not done.done():
                    done.set_exception(error)
            return
        for _, done in group:
            if not done.done():
                done.set_result(late)
