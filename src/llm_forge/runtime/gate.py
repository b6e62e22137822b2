"""The limiter with its waiters: who must wait sleeps here, first in, first out (R-105 to R-122).

The limiter decides and holds no lock; this room guards it with the client's lock, which is never held
across a wait (R-059).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.deadline import MIN_ATTEMPT, Deadline
from ..core.errors import DeadlineExceededError, RateLimitConfigError, RateLimitWaitError
from ..core.limiter import Cost, Decision, Health, Limiter, Refused, Reservation, Result, Ticket, Wait
from ..core.rate_headers import Observed

if TYPE_CHECKING:
    from .io import Io, Signal

FOREVER = float("inf")


class Gate:
    """One limiter and its queue, shared by the calls for one model or family of models."""

    def __init__(self, limiter: Limiter, lock: threading.Lock) -> None:
        self._limiter = limiter
        self._lock = lock
        self._signals: dict[Ticket, Signal] = {}

    async def enter(
        self, io: Io, cost: Cost, deadline: Deadline, max_wait: float | None = None
    ) -> tuple[Reservation, float]:
        """A reservation, and the seconds waited for it.

        Raises RateLimitWaitError, RateLimitConfigError, or DeadlineExceededError (phase `limiter`).
        """
        began = io.now()
        with self._lock:
            decision = self._limiter.reserve(
                cost, began, left=deadline.left(began), max_wait=max_wait, chance=io.random()
            )
            self._follow_locked(io, decision)
        waited = isinstance(decision, Wait)
        while isinstance(decision, Wait):
            decision = await self._wait(io, decision, deadline, max_wait)
        if isinstance(decision, Refused):
            raise _refusal(decision, cost)
        return decision.reservation, io.now() - began if waited else 0.0

    async def _wait(self, io: Io, wait: Wait, deadline: Deadline, max_wait: float | None) -> Decision:
        signal = self._signals[wait.ticket]
        now = io.now()
        until = deadline.timer(wait.until - now, now)
        try:
            await signal.wait(None if until is None or until == FOREVER else max(until, 0.0))
        except BaseException:
            self._give_up(wait.ticket, io.now())
            raise
        now = io.now()
        left = deadline.left(now)
        if left is not None and left < MIN_ATTEMPT:
            self._give_up(wait.ticket, now)
            raise DeadlineExceededError(
                "The deadline passed while waiting for the rate limiter", phase="limiter"
            )
        with self._lock:
            self._signals.pop(wait.ticket, None)
            decision = self._limiter.claim(wait.ticket, now, left=left, max_wait=max_wait)
            self._follow_locked(io, decision)
        return decision

    def _follow_locked(self, io: Io, decision: Decision) -> None:
        """Register who waits, in the same breath as the decision, so that no wake-up is lost."""
        if isinstance(decision, Wait):
            self._signals[decision.ticket] = io.signal()
        else:
            self._wake_head_locked()

    def _give_up(self, ticket: Ticket, now: float) -> None:
        with self._lock:
            self._signals.pop(ticket, None)
            self._limiter.cancel(ticket, now)
            self._wake_head_locked()

    def leave(
        self,
        reservation: Reservation,
        now: float,
        *,
        used: Cost | None,
        result: Result,
        health: Health | None = None,
    ) -> None:
        """Settle a reservation and wake the head waiter."""
        with self._lock:
            self._limiter.settle(reservation, now, used=used, result=result, health=health)
            self._wake_head_locked()

    def learn(self, observed: Sequence[Observed], now: float) -> None:
        """Take over what a response's headers say (R-113 to R-116)."""
        if observed:
            with self._lock:
                self._limiter.learn(observed, now)
                self._wake_head_locked()

    def pause(self, until: float, now: float) -> None:
        """Hold all new sends until then (R-117)."""
        with self._lock:
            self._limiter.pause(until, now)

    def snapshot(self, now: float) -> list[Any]:
        """What is known of each family."""
        with self._lock:
            return list(self._limiter.snapshot(now))

    def _wake_head_locked(self) -> None:
        # Only the head can be granted; it wakes the next when it is.
        head = self._limiter.head()
        if head is not None and (signal := self._signals.get(head)) is not None:
            signal.set()


def _refusal(refused: Refused, cost: Cost) -> RateLimitWaitError | RateLimitConfigError:
    if refused.kind == "too-large":
        return RateLimitConfigError(
            f"The request reserves {cost.input:.0f} input and {cost.output:.0f} output tokens, more than a "
            "declared limit admits at once; raise that limit's burst, set max_tokens, or let such requests "
            'through alone with oversize="admit-when-full"'
        )
    if refused.kind == "throttled":
        return RateLimitWaitError(
            "The server accepted so few of the recent calls that this one is not sent (adaptive_throttle)"
        )
    return RateLimitWaitError(
        f"The rate limiter would hold this call for {refused.wait:.1f} s, longer than it may wait",
        retry_after=refused.wait,
    )
