"""How far a run has come, when it will have ended, and who is told of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ...runtime.clock import Clock
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
    """Counts the outcomes of a run, from what an earlier one left; pure, `now` is an argument."""

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


class Told(Protocol):
    """Who wants to know, and the clock by which a rate is measured."""

    @property
    def on_outcome(self) -> Callable[[Outcome], Any] | None:
        """Is called with each outcome."""

    @property
    def on_progress(self) -> Callable[[Progress], Any] | None:
        """Is called with how far the run has come."""

    @property
    def clock(self) -> Clock:
        """The clock."""


class Listeners:
    """Those who are told of outcomes that are durable; what they raise ends the run.

    `counts`, `cost` and `total` are what the job has when the run begins.
    """

    def __init__(
        self, counts: Mapping[State, int], cost: float | None, total: int | None, told: Told
    ) -> None:
        self._meter = Meter(counts[State.DONE], counts[State.FAILED], cost)
        self._told = told
        self.total = total

    def tell(self, outcome: Outcome) -> None:
        """Tell them of one more."""
        told = self._told
        if told.on_outcome is not None:
            told.on_outcome(outcome)
        if told.on_progress is not None:
            told.on_progress(self._meter.add(outcome, self.total, told.clock.now()))
