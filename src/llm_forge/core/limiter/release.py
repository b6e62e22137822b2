"""Waiters held by one pause or window leave one after another, not in one tick (R-118)."""

from __future__ import annotations

import math

LONGEST_SPREAD = 5.0
SPACING = 0.050  # seconds between waiters, where no rate is known


class Release:
    """Spaces the grants after a hold: at the limiter's rate, else evenly over min(5 s, waiters x 50 ms).

    The first waiter goes when the hold ends; the spacing covers those who waited then, not later ones.
    """

    def __init__(self) -> None:
        self.not_before = -math.inf
        self._armed = False
        self._left = 0
        self._spacing = SPACING

    def arm(self) -> None:
        """Somebody is held: the next grant from the queue begins a release."""
        self._armed = True

    def granted(self, step: float, waiting: int, now: float) -> None:
        """A waiter was granted and so many still wait; `step` is the seconds its cost takes to refill."""
        if self._armed:
            self._armed = False
            self._left = waiting
            self._spacing = _spacing(waiting + 1)
        elif self._left:
            self._left = min(self._left - 1, waiting)
        self.not_before = now + (step or self._spacing) if self._left else -math.inf

    def delay(self, ahead: int, step: float) -> float:
        """Seconds after the hold's end at which a waiter with so many before it may expect to go."""
        return ahead * (step or _spacing(ahead + 1))


def _spacing(waiters: int) -> float:
    return min(SPACING, LONGEST_SPREAD / waiters)
