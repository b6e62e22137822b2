"""All declared limits of one limiter: charged together or not at all (R-106, R-108 to R-110)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ..profile import LimitUnit
from .bucket import Bucket
from .model import NOTHING, Cost, FamilyState, Limit, Result
from .window import Window

Mode = Literal["bucket", "sliding"]
Marks = Sequence[Any]


class Meters:
    """Any number of buckets or windows; empty it costs nothing."""

    def __init__(self, limits: Sequence[Limit], mode: Mode) -> None:
        kind: type[Bucket] | type[Window] = Bucket if mode == "bucket" else Window
        self._meters: list[Bucket | Window] = [kind(limit) for limit in limits]

    def __len__(self) -> int:
        return len(self._meters)

    def is_too_large(self, cost: Cost) -> bool:
        """Whether a limit can never hold as much."""
        return any(cost.of(meter.limit.unit) > meter.capacity for meter in self._meters)

    def ready_at(self, cost: Cost, now: float, ahead: Cost = NOTHING) -> float:
        """When the cost can be charged after what is `ahead` of it; `now` if it can be now.

        A cost above a limit's capacity is ready when that limit is untouched.
        """
        ready = now
        for meter in self._meters:
            amount = cost.of(meter.limit.unit)
            if amount > 0:
                need = min(amount, meter.capacity) + ahead.of(meter.limit.unit)
                ready = max(ready, meter.ready_at(need, now))
        return ready

    def step(self, cost: Cost) -> float:
        """Seconds in which the buckets gain this cost again; 0.0 without one, as windows have no pace."""
        return max((meter.step(cost.of(meter.limit.unit)) for meter in self._meters), default=0.0)

    def charge(self, cost: Cost, now: float) -> Marks:
        """Charge every limit; the marks are for `settle`."""
        return [meter.charge(cost.of(meter.limit.unit), now) for meter in self._meters]

    def settle(self, marks: Marks, cost: Cost, used: Cost | None, result: Result, now: float) -> None:
        """Correct what was charged to what was used."""
        for meter, mark in zip(self._meters, marks, strict=True):
            reserved = cost.of(meter.limit.unit)
            change = _actual(meter.limit.unit, reserved, used, result) - reserved
            if change:
                meter.correct(mark, change, now)

    def states(self, now: float) -> list[FamilyState]:
        """Every limit as it stands; `resets_in` is when it is untouched again."""
        return [
            FamilyState(
                family=f"{meter.limit.unit}/{meter.limit.period:g}s",
                unit=meter.limit.unit,
                limit=meter.limit.amount,
                remaining=meter.balance(now),
                resets_in=meter.full_in(now),
                source="local",
            )
            for meter in self._meters
        ]


def _actual(unit: LimitUnit, reserved: float, used: Cost | None, result: Result) -> float:
    """What an ended attempt took: nothing unsent, no tokens when throttled, else usage or the estimate."""
    if result == "unsent":
        return 0.0
    if unit == "requests":
        return reserved
    if result == "throttled":
        return 0.0
    return reserved if used is None else used.of(unit)
