"""Two runs of one attempt, the second some time after the first; the first success wins (R-083).

Rules of both worlds:
- `second` is asked only when `after` seconds have passed and the first run has not ended; it may decline.
- A run that fails waits for the other one, unless its error is `final`; the last error is raised.
- The loser is cancelled on every way out. A task has given everything back when the race returns; a
  thread is woken from its wait and gives back a moment later, as nobody should wait for it.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from .abort import ABORT, Abort
from .clock import Clock
from .late import asyncio

T = TypeVar("T")
Run = Callable[[], Coroutine[Any, Any, T]]
Step = Callable[[Coroutine[Any, Any, T]], T]
Final = Callable[[BaseException], bool]


class _Racer(Generic[T]):
    """A run in a thread of its own; `changed` is set when it is over."""

    def __init__(self, clock: Clock, run: Run[T], step: Step[T], changed: threading.Event) -> None:
        self.abort = Abort()
        self.result: T | None = None
        self.error: BaseException | None = None
        self.over = False
        self._clock = clock
        self._changed = changed
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(self._work, run, step), name="llm-forge-hedge", daemon=True
        )
        clock.begin()
        try:
            thread.start()
        except BaseException:
            clock.end()
            raise

    def _work(self, run: Run[T], step: Step[T]) -> None:
        ABORT.set(self.abort)
        try:
            self.result = step(run())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self.error = error
        self.over = True
        self._changed.set()
        self._clock.end()


def race_threads(
    clock: Clock,
    step: Step[T],
    first: Run[T],
    second: Callable[[], Run[T] | None],
    after: float,
    final: Final,
) -> T:
    """The winner's result; `step` runs a coroutine to its end in place."""
    changed = threading.Event()
    racers = [_Racer(clock, first, step, changed)]
    try:
        clock.wait(changed, after)
        if not racers[0].over and (other := second()) is not None:
            racers.append(_Racer(clock, other, step, changed))
        return _winner(clock, racers, changed, final)
    finally:
        for racer in racers:
            racer.abort.fire()


def _winner(clock: Clock, racers: list[_Racer[T]], changed: threading.Event, final: Final) -> T:
    running = list(racers)
    while True:
        changed.clear()
        for racer in [one for one in running if one.over]:
            running.remove(racer)
            if racer.error is None:
                return racer.result  # type: ignore[return-value]  # it is over, and without an error
            if not running or final(racer.error):
                raise racer.error
        clock.wait(changed, None)


async def race_tasks(
    clock: Clock, first: Run[T], second: Callable[[], Run[T] | None], after: float, final: Final
) -> T:
    """The winner's result."""
    changed = asyncio.Event()
    tasks = [_task(clock, first, changed)]
    try:
        await clock.await_event(changed, after)
        if not tasks[0].done() and (other := second()) is not None:
            tasks.append(_task(clock, other, changed))
        return await _winning_task(clock, tasks, changed, final)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _task(clock: Clock, run: Run[T], changed: asyncio.Event) -> asyncio.Task[T]:
    def over(_: object) -> None:
        changed.set()
        clock.end()

    clock.begin()
    task = asyncio.create_task(run())
    task.add_done_callback(over)
    return task


async def _winning_task(
    clock: Clock, tasks: list[asyncio.Task[T]], changed: asyncio.Event, final: Final
) -> T:
    running = list(tasks)
    while True:
        changed.clear()
        for task in [one for one in running if one.done()]:
            running.remove(task)
            error = task.exception()
            if error is None:
                return task.result()
            if not running or final(error):
                raise error
        await clock.await_event(changed, None)
