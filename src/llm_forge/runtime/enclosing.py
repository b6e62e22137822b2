"""A deadline for a block of code: every call made inside it ends by then (R-056)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..core.deadline import Deadline
from ..core.durations import check_seconds
from .clock import Clock

_ENDS: ContextVar[tuple[Clock, float] | None] = ContextVar("llm_forge_deadline", default=None)


@contextmanager
def deadline(seconds: float, *, clock: Clock | None = None) -> Iterator[None]:
    """Calls inside end within so many seconds from now; of several deadlines the earliest counts.

    It holds for this thread or task, and for tasks started inside: a new thread begins without one. Calls end
    with DeadlineExceededError; nothing else in the block is interrupted. ConfigError for a duration that
    cannot be. `clock` is for tests.
    """
    check_seconds("deadline", seconds)
    own = clock or Clock()
    ends = (own, own.now() + seconds)
    outer = _ENDS.get()
    if outer is not None and outer[1] - outer[0].now() < seconds:
        ends = outer
    token = _ENDS.set(ends)
    try:
        yield
    finally:
        _ENDS.reset(token)


def call_deadline(timeout: float | None, now: float) -> Deadline:
    """The deadline of a call that begins now: its own or the enclosing one, whichever is earlier."""
    own = Deadline.after(timeout, now)
    enclosing = _ENDS.get()
    if enclosing is None:
        return own
    clock, ends = enclosing
    return own.tighten(Deadline(now + ends - clock.now()))
