"""Gives up, from another thread, what a blocking attempt waits for (R-083).

asyncio cancels a task; a thread cannot be cancelled. So whoever blocks says how it can be woken
(`abortable`), and is woken by `Abort.fire`; the wait then ends with CancelledError, as in a task.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

from .late import asyncio

Wake = Callable[[], object]


class Abort:
    """The switch of one thread; `fire` may be called from any other, any number of times."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wakes: list[Wake] = []
        self.fired = False

    def fire(self) -> None:
        """End the wait under way, and every later one before it begins."""
        with self._lock:
            self.fired = True
            wakes = tuple(self._wakes)
        for wake in wakes:
            wake()

    def check(self) -> None:
        """CancelledError once `fire` was called."""
        if self.fired:
            raise asyncio.CancelledError

    @contextmanager
    def during(self, wake: Wake) -> Iterator[None]:
        """While this lasts, `fire` calls `wake`.

        CancelledError if `fire` was called before, or if the wait fails because of it. A wait that ended well
        at the same moment keeps what it brought; the next one is not begun.
        """
        with self._lock:
            self.check()
            self._wakes.append(wake)
        try:
            yield
        except BaseException:
            if self.fired:
                raise asyncio.CancelledError from None
            raise
        finally:
            with self._lock:
                self._wakes.remove(wake)


ABORT: ContextVar[Abort | None] = ContextVar("llm_forge_abort", default=None)


_UNWATCHED = nullcontext()


def abortable(wake: Wake) -> AbstractContextManager[None]:
    """A wait that the running thread's `Abort` may end, if the thread has one."""
    abort = ABORT.get()
    return _UNWATCHED if abort is None else abort.during(wake)


def check_abort() -> None:
    """CancelledError if the running thread was told to give up."""
    abort = ABORT.get()
    if abort is not None:
        abort.check()
