"""Connection slots: how many exchanges may be open per origin, and who waits for one (R-037).

Neither HTTP library limits connections per origin with a timer per call, so both adapters take a slot
here before they open an exchange and give it back when the exchange ended. One `Slots` serves threads
and any number of event loops at once (R-043). A freed slot goes to the longest waiter.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ...core.errors import PoolTimeoutError
from ..base_url import origin_of
from ..late import asyncio
from .protocol import PoolLimits


@dataclass(slots=True)
class Slot:
    """The right to one connection to `origin`."""

    origin: str
    released: bool = False


@dataclass(slots=True, eq=False)
class _Waiter:
    wake: Callable[[], object]
    slot: Slot | None = None


@dataclass(slots=True)
class _Origin:
    active: int = 0
    waiters: deque[_Waiter] = field(default_factory=deque)


class Slots:
    """At most `limits.connections` slots per origin; safe for threads and event loops."""

    def __init__(self, limits: PoolLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._origins: dict[str, _Origin] = {}

    def active(self) -> int:
        """Slots in use now: the count of checked-out connections (R-045)."""
        with self._lock:
            return sum(origin.active for origin in self._origins.values())

    def acquire(self, url: str, timeout: float | None) -> Slot:
        """A slot for the URL's origin, PoolTimeoutError if none is free within `timeout` seconds."""
        origin = origin_of(url)
        if slot := self._take(origin):
            return slot
        ready = threading.Event()
        got = self._take_or_queue(origin, ready.set)
        if isinstance(got, Slot):
            return got
        try:
            ready.wait(timeout)
        except BaseException:
            self._leave(origin, got)
            raise
        return self._claim(origin, got, timeout)

    async def acquire_async(self, url: str, timeout: float | None) -> Slot:
        """`acquire` for asyncio; a cancelled waiter leaves the queue."""
        origin = origin_of(url)
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        got = self._take_or_queue(origin, lambda: loop.call_soon_threadsafe(_resolve, ready))
        if isinstance(got, Slot):
            return got
        try:
            await asyncio.wait((ready,), timeout=timeout)
        except BaseException:
            self._leave(origin, got)
            raise
        return self._claim(origin, got, timeout)

    def release(self, slot: Slot) -> None:
        """Give a slot back; doing it again changes nothing."""
        with self._lock:
            if slot.released:
                return
            slot.released = True
            origin = self._origins[slot.origin]
            origin.active -= 1
            self._serve_locked(slot.origin, origin)

    def _take(self, name: str) -> Slot | None:
        """A slot of an origin that is known and has one free: nothing is made that only a waiter needs."""
        with self._lock:
            origin = self._origins.get(name)
            if origin is None or origin.waiters or origin.active >= self._limits.connections:
                return None
            return self._slot_locked(name, origin)

    def _take_or_queue(self, name: str, wake: Callable[[], object]) -> Slot | _Waiter:
        with self._lock:
            origin = self._origins.setdefault(name, _Origin())
            if origin.active < self._limits.connections and not origin.waiters:
                return self._slot_locked(name, origin)
            waiter = _Waiter(wake)
            origin.waiters.append(waiter)
            return waiter

    def _slot_locked(self, name: str, origin: _Origin) -> Slot:
        origin.active += 1
        return Slot(name)

    def _serve_locked(self, name: str, origin: _Origin) -> None:
        while origin.waiters and origin.active < self._limits.connections:
            waiter = origin.waiters.popleft()
            waiter.slot = self._slot_locked(name, origin)
            try:
                waiter.wake()
            except RuntimeError:  # the waiter's event loop is closed: nobody will take this slot
                waiter.slot.released = True
                origin.active -= 1

    def _claim(self, origin: str, waiter: _Waiter, timeout: float | None) -> Slot:
        with self._lock:
            if waiter.slot is not None:
                return waiter.slot
            self._origins[origin].waiters.remove(waiter)
        raise PoolTimeoutError(
            f"No connection to {origin} became free within {timeout} s. "
            "Close streams that are no longer read, or raise the pool limit.",
            phase="pool",
        )

    def _leave(self, name: str, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.slot is None:
                self._origins[name].waiters.remove(waiter)
                return
        self.release(waiter.slot)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
