"""What the server said about a family, and how long that holds a call (R-115, R-116).

Rules:
- State ends at the reported reset; after it the family is unknown, not full: nothing is held.
- Until then the lowest reported remaining wins, whatever order responses arrive in; for refill meaning,
  remaining rises by the refill in between.
- Calls that went out since the report was taken over are subtracted until they are settled, so that a crowd
  does not share the same last few units.
- Without a usable reset nothing is ever held.
"""

from __future__ import annotations

from ..profile import LimitUnit
from ..rate_headers import Observed


class Learned:
    """One family of one provider."""

    def __init__(self, observed: Observed, now: float) -> None:
        self.epoch = 0
        self._under_way = 0.0
        self._take(observed, now)

    def _take(self, observed: Observed, now: float) -> None:
        self.family = observed.family
        self.unit: LimitUnit = observed.unit
        self.limit = observed.limit
        self.resets_at = observed.resets_at
        self._meaning = observed.meaning
        self._reported = observed.remaining or 0.0
        self._seen_at = now
        self._under_way = 0.0
        self.epoch += 1

    def learn(self, observed: Observed, now: float) -> None:
        """Take over a later report, unless an earlier one of the same window said less."""
        if self.resets_at is None or observed.resets_at is None or self.expired(now):
            self._take(observed, now)
        elif (observed.remaining or 0.0) <= self._refilled(now):
            earliest = min(self.resets_at, observed.resets_at)
            self._take(observed, now)
            if self._meaning == "window":
                # Delay on the way only ever makes a window's end look later than it is.
                self.resets_at = earliest

    def expired(self, now: float) -> bool:
        """Whether the report has lost its meaning."""
        return self.resets_at is not None and now >= self.resets_at

    def remaining(self, now: float) -> float | None:
        """Units left by our reckoning; None once unknown."""
        return None if self.expired(now) else max(self._refilled(now) - self._under_way, 0.0)

    def ready_at(self, amount: float, now: float) -> float:
        """The instant until which a call of this cost is held; `now` if it is not."""
        if self.resets_at is None or now >= self.resets_at:
            return now
        missing = amount + self._under_way - self._refilled(now)
        if missing <= 1e-9 * max(amount, 1.0):
            return now
        rate = self._rate()
        return self.resets_at if rate is None else min(now + missing / rate, self.resets_at)

    def charge(self, amount: float) -> int:
        """Count a call that goes out; the mark is for `release`."""
        self._under_way += amount
        return self.epoch

    def release(self, mark: int, amount: float) -> None:
        """A call ended: the server's next report includes it, if it has not yet."""
        if mark == self.epoch:
            self._under_way = max(self._under_way - amount, 0.0)

    def _refilled(self, now: float) -> float:
        rate = self._rate()
        return self._reported if rate is None else self._reported + (now - self._seen_at) * rate

    def _rate(self) -> float | None:
        """Units a second of a refilling family, None if it does not refill or the report does not say."""
        if self._meaning != "refill" or self.limit is None or self.resets_at is None:
            return None
        seconds, units = self.resets_at - self._seen_at, self.limit - self._reported
        return units / seconds if seconds > 0 and units > 0 else None
