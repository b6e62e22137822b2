"""Runs one of pyreqwest's coroutines on the calling thread, with a timer, without an event loop.

pyreqwest's blocking client cannot give up a wait: it has no timer per read, none for the response
headers alone, and does not notice Ctrl-C. Its coroutines can: their work runs on the library's own
thread, and all they ask of a loop is a future to be woken through. `_Loop` is that much of a loop.
It is the running loop only while a coroutine is stepped, so this works inside a running event loop,
and whatever loop was running is put back. One step costs a few microseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from asyncio import events
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class _Wake:
    """A future as pyreqwest's waker uses it: yielded once, resolved from another thread."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def __iter__(self) -> Generator[_Wake, None, None]:
        yield self

    __await__ = __iter__

    def done(self) -> bool:
        return not self._lock.locked()

    def set_result(self, _: object) -> None:
        try:
            self._lock.release()
        except RuntimeError:  # released already: by the waker or by `Step.interrupt`
            return

    def wait(self, timeout: float | None) -> bool:
        return self._lock.acquire(timeout=-1 if timeout is None else max(0.0, timeout))


class _Loop:
    """The three methods of an event loop that the coroutines call."""

    def create_future(self) -> _Wake:
        return _Wake()

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: object, **_: object) -> None:
        callback(*args)

    def is_closed(self) -> bool:
        return False


_LOOP = cast("asyncio.AbstractEventLoop", _Loop())


class Step(Generic[T]):
    """One coroutine under way; `run` may be called again after a TimeoutError."""

    __slots__ = ("_coroutine", "_interrupted", "_over", "_wake", "running")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._wake: _Wake | None = None
        self._interrupted = False
        self._over = False
        self.running = False

    def run(self, timeout: float | None) -> T:
        """The coroutine's result; TimeoutError after `timeout` seconds, InterruptedError if interrupted."""
        end = None if timeout is None else time.monotonic() + timeout
        self.running = True
        try:
            while True:
                self._wake = self._enter(self._coroutine.send, None)
                if self._wake is not None:  # None: it was woken before it could wait, so step on
                    self._pause(self._wake, end)
        except StopIteration as stop:
            return cast("T", stop.value)
        finally:
            self.running = False

    def interrupt(self) -> None:
        """Make a `run` on another thread raise InterruptedError now."""
        self._interrupted = True
        if self._wake is not None:
            self._wake.set_result(None)

    def cancel(self) -> None:
        """End the coroutine with CancelledError, as asyncio would."""
        if self._over:
            return
        with contextlib.suppress(asyncio.CancelledError, StopIteration):
            self._enter(self._coroutine.throw, asyncio.CancelledError())

    def _pause(self, wake: _Wake, end: float | None) -> None:
        if self._interrupted:
            raise InterruptedError
        if not wake.wait(None if end is None else end - time.monotonic()):
            raise TimeoutError
        if self._interrupted:
            raise InterruptedError

    def _enter(self, step: Callable[[Any], Any], argument: object) -> _Wake | None:
        before = events._get_running_loop()
        events._set_running_loop(_LOOP)
        try:
            return cast("_Wake | None", step(argument))
        except BaseException:
            self._over = True
            raise
        finally:
            events._set_running_loop(before)
