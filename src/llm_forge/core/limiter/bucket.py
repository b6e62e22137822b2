"""A token bucket: continuous refill up to a burst (R-107)."""

from __future__ import annotations

from .model import Limit

# A deficit that refills within this many seconds is float noise of the clock, not a deficit.
NOISE = 1e-6


class Bucket:
    """Holds up to `capacity` units and gains `rate` a second; an excess charged later is a debt (below 0)."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.capacity = limit.capacity
        self._rate = limit.rate
        self._balance = self.capacity
        self._at: float | None = None

    def balance(self, now: float) -> float:
        """Units available now."""
        if self._at is not None and now > self._at:
            self._balance = min(self._balance + (now - self._at) * self._rate, self.capacity)
        self._at = now if self._at is None else max(now, self._at)
        return self._balance

    def ready_at(self, amount: float, now: float) -> float:
        """The instant at which `amount` can be taken, if nobody else takes anything; `now` if it can be now.

        More than the capacity is projected as if taken in parts as they come.
        """
        wait = (amount - self.balance(now)) / self._rate
        return now if wait <= NOISE else now + wait

    def step(self, amount: float) -> float:
        """Seconds in which the amount is gained again."""
        return amount / self._rate

    def charge(self, amount: float, now: float) -> float:
        """Take `amount`; the mark is for `correct`."""
        self._balance = self.balance(now) - amount
        return now

    def correct(self, _mark: float, change: float, now: float) -> None:
        """Charge `change` more after the fact, or give it back if negative; never above the capacity."""
        self._balance = min(self.balance(now) - change, self.capacity)

    def full_in(self, now: float) -> float:
        """Seconds until the bucket is full."""
        return max(self.capacity - self.balance(now), 0.0) / self._rate
