"""Clocks whose sleeps take no time, for threads and for asyncio.

Rules of this file:
- Sleeping moves the clock instead of waiting: when nobody who takes part is awake, the clock jumps to
  the earliest wake-up and wakes that one sleeper. So concurrent calls wake in the order of virtual time.
- Who is in a network call is awake. With a `scale` (real seconds of one virtual second) time also
  flows meanwhile, and timers of sockets shrink by it; without one, only sleeps move the clock.
- A sleeper that waits for an event wakes by the event or by time, whichever comes first.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llm_forge.runtime.clock import Clock

_POLL = 0.002  # an event is set without telling the clock
_RECHECK = 0.25
_HOPS = 6  # turns of the event loop after which nothing that was set can still be under way


@dataclass(eq=False)
class Sleeper:
    """Someone asleep until `wake`, or until `event` is set."""

    wake: float
    order: int
    event: Any = None
    future: asyncio.Future[None] | None = None
    woken: bool = False
    void: bool = False
    released: bool = False


class VirtualClock(Clock):
    """Time that begins at 0; `note` is told every sleep. With `jump` false it only flows."""

    jump = True

    def __init__(self, scale: float | None, wall: float, note: Callable[[float], None]) -> None:
        self.scale = scale
        self._wall = wall
        self._note = note
        self._offset = 0.0
        self._start = time.monotonic()
        self._awake = 0
        self._sleepers: list[Sleeper] = []
        self._orders = itertools.count()

    def now(self) -> float:
        """Virtual seconds since the scenario began."""
        return self._offset + self._flowed()

    def wall(self) -> float:
        """The time of day that goes with `now`."""
        return self._wall + self.now()

    def jump_wall(self, seconds: float) -> None:
        """Let the time of day jump; `now` does not notice."""
        self._wall += seconds

    def real(self, seconds: float | None) -> float | None:
        """How long a socket really waits."""
        return seconds if seconds is None or self.scale is None else seconds * self.scale

    def _flowed(self) -> float:
        return (time.monotonic() - self._start) / self.scale if self.scale else 0.0

    def _sleeper(self, seconds: float | None, event: Any) -> Sleeper:
        wake = math.inf if seconds is None else self.now() + seconds
        return Sleeper(wake, next(self._orders), event)

    def _next(self) -> Sleeper | None:
        """Who may be woken by a jump now, if anyone."""
        if self._awake > 0 or not self._sleepers or not self.jump:
            return None
        if any(one.event is not None and one.event.is_set() for one in self._sleepers):
            return None
        first = min(self._sleepers, key=lambda one: (one.wake, one.order))
        return None if first.wake == math.inf else first

    def _wake(self, sleeper: Sleeper) -> None:
        """Jump to a sleeper's time if that lies ahead, and count it as awake."""
        self._offset += max(0.0, sleeper.wake - self.now())
        self._mark(sleeper)

    def _mark(self, sleeper: Sleeper) -> None:
        if not sleeper.woken:
            sleeper.woken = True
            self._sleepers.remove(sleeper)
            self._awake += 1


class ThreadClock(VirtualClock):
    """The virtual clock of threads."""

    def __init__(self, scale: float | None, wall: float, note: Callable[[float], None]) -> None:
        super().__init__(scale, wall, note)
        self._changed = threading.Condition()

    def begin(self) -> None:
        """One more takes part, awake."""
        with self._changed:
            self._awake += 1

    def end(self) -> None:
        """One of those awake takes part no more."""
        with self._changed:
            self._awake -= 1
            self._advance()

    def sleep(self, seconds: float) -> None:
        """Take part in virtual time until `seconds` have passed."""
        self._note(seconds)
        self._pause(self._fall_asleep(seconds, None))

    def wait(self, event: threading.Event, seconds: float | None) -> None:
        """The same, woken early by the event."""
        self._pause(self._fall_asleep(seconds, event))

    def watch(self, seconds: float, action: Callable[[], None], *, hold: bool = False) -> Callable[[], None]:
        """Do something at a time from now, in its own thread; the result takes it back.

        With `hold`, time does not jump between the action and taking it back.
        """
        with self._changed:
            sleeper = self._sleeper(seconds, None)
            self._sleepers.append(sleeper)
        thread = threading.Thread(target=self._watch, args=(sleeper, action, hold), daemon=True)
        thread.start()

        def take_back() -> None:
            with self._changed:
                sleeper.void = True
                self._mark(sleeper)
                self._release(sleeper)

        return take_back

    def _release(self, sleeper: Sleeper) -> None:
        """Give a watcher's token back, once."""
        if not sleeper.released:
            sleeper.released = True
            self._awake -= 1
            self._advance()
            self._changed.notify_all()

    def _watch(self, sleeper: Sleeper, action: Callable[[], None], hold: bool) -> None:
        with self._changed:
            while not sleeper.woken and self.now() < sleeper.wake:
                self._changed.wait(self._patience(sleeper))
            if sleeper.void:
                return
            self._mark(sleeper)
        action()
        if not hold:
            with self._changed:
                self._release(sleeper)

    def _fall_asleep(self, seconds: float | None, event: threading.Event | None) -> Sleeper:
        with self._changed:
            sleeper = self._sleeper(seconds, event)
            self._sleepers.append(sleeper)
            self._awake -= 1
            return sleeper

    def _pause(self, sleeper: Sleeper) -> None:
        with self._changed:
            try:
                while not self._over(sleeper):
                    self._advance()
                    if not self._over(sleeper):
                        self._changed.wait(self._patience(sleeper))
            finally:
                self._mark(sleeper)

    def _over(self, sleeper: Sleeper) -> bool:
        event = sleeper.event
        return sleeper.woken or (event is not None and event.is_set()) or self.now() >= sleeper.wake

    def _patience(self, sleeper: Sleeper) -> float:
        if sleeper.event is not None:
            return _POLL
        left = (sleeper.wake - self.now()) * self.scale if self.scale else _RECHECK
        return min(max(left, 0.0), _RECHECK)

    def _advance(self) -> None:
        sleeper = self._next()
        if sleeper is not None:
            self._wake(sleeper)
            self._changed.notify_all()


class LoopClock(VirtualClock):
    """The virtual clock of one event loop."""

    _changes = 0

    def begin(self) -> None:
        """One more takes part, awake."""
        self._awake += 1

    def end(self) -> None:
        """One of those awake takes part no more."""
        self._awake -= 1
        self._settle()

    async def asleep(self, seconds: float) -> None:
        """Take part in virtual time until `seconds` have passed."""
        self._note(seconds)
        await self._pause(seconds, None)

    async def await_event(self, event: asyncio.Event, seconds: float | None) -> None:
        """The same, woken early by the event."""
        await self._pause(seconds, event)

    def watch(self, seconds: float, action: Callable[[], None], *, hold: bool = False) -> Callable[[], None]:
        """Do something at a time from now; the result takes it back.

        With `hold`, time does not jump between the action and taking it back.
        """
        sleeper = self._sleeper(seconds, None)
        sleeper.future = asyncio.get_running_loop().create_future()

        def act(future: asyncio.Future[None]) -> None:
            if not future.cancelled():
                action()
                if not hold:
                    self._release(sleeper)

        sleeper.future.add_done_callback(act)
        self._sleepers.append(sleeper)
        timer = self._timer(sleeper)

        def take_back() -> None:
            if timer is not None:
                timer.cancel()
            if sleeper.future is not None:
                sleeper.future.cancel()
            self._mark(sleeper)
            self._release(sleeper)

        return take_back

    def _release(self, sleeper: Sleeper) -> None:
        """Give a watcher's token back, once."""
        if not sleeper.released:
            sleeper.released = True
            self.end()

    async def _pause(self, seconds: float | None, event: asyncio.Event | None) -> None:
        sleeper = self._sleeper(seconds, event)
        sleeper.future = asyncio.get_running_loop().create_future()
        self._sleepers.append(sleeper)
        self._awake -= 1
        timer = self._timer(sleeper)
        listener = asyncio.ensure_future(self._listen(sleeper)) if event is not None else None
        self._settle()
        try:
            await sleeper.future
        finally:
            self._mark(sleeper)
            for waiting in (timer, listener):
                if waiting is not None:
                    waiting.cancel()

    async def _listen(self, sleeper: Sleeper) -> None:
        await sleeper.event.wait()
        self._finish(sleeper)

    def _timer(self, sleeper: Sleeper) -> asyncio.TimerHandle | None:
        if not self.scale or sleeper.wake == math.inf:
            return None
        real = max(0.0, (sleeper.wake - self.now()) * self.scale)
        return asyncio.get_running_loop().call_later(real, self._finish, sleeper)

    def _finish(self, sleeper: Sleeper) -> None:
        self._mark(sleeper)
        if sleeper.future is not None and not sleeper.future.done():
            sleeper.future.set_result(None)

    def _settle(self) -> None:
        """Advance once the loop had its turns and still nobody is awake."""
        self._changes += 1
        if self._awake <= 0:
            self._hop(self._changes, _HOPS)

    def _hop(self, change: int, hops: int) -> None:
        if change != self._changes or self._awake > 0:
            return
        if hops:
            asyncio.get_running_loop().call_soon(self._hop, change, hops - 1)
            return
        sleeper = self._next()
        if sleeper is not None:
            self._wake(sleeper)
            self._finish(sleeper)
