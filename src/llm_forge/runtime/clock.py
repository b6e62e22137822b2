"""Time, as something a client is given: the system's, or a virtual one in tests (R-052)."""

from __future__ import annotations

import threading
import time

from .late import asyncio


class Clock:
    """The system's clock; subclass it to give a client another time.

    `now` is monotonic seconds, `wall` seconds since the epoch. `real` says how long a socket really
    waits for a timer of that many clock seconds: a virtual clock runs faster than the network.
    """

    def now(self) -> float:
        """Monotonic seconds; only differences mean anything."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch, for servers' dates only."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait in a thread."""
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Wait in a task."""
        await asyncio.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float | None) -> None:
        """Wait in a thread until `event` is set or the time is over."""
        event.wait(seconds)

    async def await_event(self, event: asyncio.Event, seconds: float | None) -> None:
        """Wait in a task until `event` is set or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return

    def begin(self) -> None:
        """A thread or task that the client itself starts takes part from now on."""

    def end(self) -> None:
        """It has ended."""

    def real(self, seconds: float | None) -> float | None:
        """The real seconds that a socket waits for a timer of `seconds`."""
        return seconds
