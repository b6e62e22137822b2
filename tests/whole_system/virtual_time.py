"""An event loop whose time never passes by itself: when everybody waits, it jumps to the next timer.

Hours of thousands of tasks take seconds, in an order that depends on nothing but the program and its
seeds. Who waits for something that nobody will ever do is found out at once.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from llm_forge.runtime.clock import Clock

T = TypeVar("T")
EPOCH = 1_800_000_000.0


class EverybodyWaits(Exception):  # noqa: N818 - it says what is the case
    """No timer is set and nothing is ready: the program hangs."""


class _Jump(selectors.SelectSelector):
    """Does not wait for a timer, but lets the loop's time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise EverybodyWaits
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time begins at 0."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Virtual seconds."""
        return self._jump.now


class LoopClock(Clock):
    """The running loop's time, for a client."""

    def now(self) -> float:
        """Seconds since the loop was made."""
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        """The same, from a fixed instant of the calendar."""
        return EPOCH + self.now()


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time; EverybodyWaits if it would never end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
