"""How far a run has come, and when it will have ended: pure, `now` is an argument."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .items import Outcome
from .states import State

_RECENT = 200  # outcomes whose rate counts


@dataclass(frozen=True, slots=True)
class Progress:
    """Items that have ended, of `total` (None while an iterator has not been read to its end).

    `cost` is in US dollars, None where no price is known; `per_second` the rate of the last 200 outcomes, and
    `seconds_left` what follows from it.
    """

    total: int | None
    done: int
    failed: int
    cost: float | None
    per_second: float | None
    seconds_left: float | None


class Meter:
    """Counts the outcomes of a run, from what an earlier one left."""

    def __init__(self, done: int, failed: int, cost: float | None) -> None:
        self._done = done
        self._failed = failed
        self._cost = cost
        self._instants: deque[float] = deque(maxlen=_RECENT)

    def add(self, outcome: Outcome, total: int | None, now: float) -> Progress:
        """Count an outcome."""
        self._done += outcome.state is State.DONE
        self._failed += outcome.state is State.FAILED
        if outcome.answer.cost is not None:
            self._cost = (self._cost or 0.0) + outcome.answer.cost
        self._instants.append(now)
        rate = self._rate(now)
        left = None if total is None or not rate else (total - self._done - self._failed) / rate
        return Progress(total, self._done, self._failed, self._cost, rate, left)

    def _rate(self, now: float) -> float | None:
        passed = now - self._instants[0]
        return (len(self._instants) - 1) / passed if passed > 0 else None
