"""Token buckets: what a provider still admits, and what its rate-limit headers say.

Rules: a bucket refills evenly, `capacity` per `period` seconds, and never above its capacity. A
request is admitted when every bucket has its cost; then all are charged, else none. Times are seconds
of the clock that the caller passes in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """A bucket that holds `capacity` and refills in `period` seconds."""

    capacity: float
    period: float = 60.0
    level: float = math.nan
    updated_at: float = 0.0

    def __post_init__(self) -> None:
        if math.isnan(self.level):
            self.level = self.capacity

    def available(self, now: float) -> float:
        """What it holds now."""
        gained = max(0.0, now - self.updated_at) * self.capacity / self.period
        self.level = min(self.capacity, self.level + gained)
        self.updated_at = max(now, self.updated_at)
        return self.level

    def wait(self, cost: float, now: float) -> float:
        """Seconds until it holds the cost; 0 if it does, infinite if it never will."""
        if cost > self.capacity:
            return math.inf
        return max(0.0, (cost - self.available(now)) * self.period / self.capacity)

    def take(self, cost: float, now: float) -> None:
        """Charge the cost; the caller asked `wait` before."""
        self.level = self.available(now) - cost

    def full_in(self, now: float) -> float:
        """Seconds until it is full."""
        return (self.capacity - self.available(now)) * self.period / self.capacity


class Limits:
    """The buckets of one provider by unit: "requests", "tokens", "input-tokens", "output-tokens"..."""

    def __init__(self, buckets: Mapping[str, Bucket]) -> None:
        self._buckets = dict(buckets)

    def __getitem__(self, unit: str) -> Bucket:
        return self._buckets[unit]

    def __iter__(self) -> Iterator[str]:
        return iter(self._buckets)

    def admit(self, costs: Mapping[str, float], now: float) -> tuple[str, float] | None:
        """Charge all costs and return None, or charge nothing and return unit and seconds to wait."""
        waits = {
            unit: self._buckets[unit].wait(cost, now) for unit, cost in costs.items() if unit in self._buckets
        }
        unit = max(waits, key=lambda one: waits[one], default=None)
        if unit is not None and waits[unit] > 0:
            return unit, waits[unit]
        for one, cost in costs.items():
            if one in self._buckets:
                self._buckets[one].take(cost, now)
        return None
