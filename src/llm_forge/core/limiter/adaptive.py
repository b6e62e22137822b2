"""Limits that follow how the server copes; both are off unless asked for (R-120, R-121)."""

from __future__ import annotations

from ..errors import ConfigError
from ..outcome_window import OutcomeWindow

DECREASE = 0.7
DECREASE_INTERVAL = 1.0  # seconds
THROTTLE_WINDOW = 120.0
_BUCKETS = 12


class AdaptiveConcurrency:
    """Additive increase, multiplicative decrease of the calls in flight, within 1 and `most` (R-120)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._decreased_at: float | None = None

    @property
    def limit(self) -> int:
        """Calls that may be in flight now."""
        return int(self._limit)

    def succeed(self) -> None:
        """A call went well: as many of them as the limit raise it by one."""
        self._limit = min(self._limit + 1 / self._limit, float(self._most))

    def overload(self, now: float) -> None:
        """A call was throttled or timed out; one of a burst counts."""
        if self._decreased_at is not None and now - self._decreased_at < DECREASE_INTERVAL:
            return
        self._decreased_at = now
        self._limit = max(self._limit * DECREASE, 1.0)


class AdaptiveThrottle:
    """Turns calls away when the server has accepted few of the recent ones (R-121).

    `k` is how many calls are sent for each that the server accepts; 2 lets twice as many through. ConfigError
    below 1, where calls would be turned away even from a server that accepts all.
    """

    def __init__(self, k: float = 2.0) -> None:
        if not 1 <= k < float("inf"):
            raise ConfigError(f"adaptive_throttle must be at least 1, or None for off, not {k!r}")
        self._k = k
        self._requests = OutcomeWindow(THROTTLE_WINDOW, _BUCKETS)
        self._accepts = OutcomeWindow(THROTTLE_WINDOW, _BUCKETS)

    def rejects(self, now: float, chance: float) -> bool:
        """Whether this attempt is turned away; it counts as attempted either way."""
        requests, accepts = self._requests.totals(now)[0], self._accepts.totals(now)[0]
        self._requests.add(now, failed=False)
        return chance < max(0.0, (requests - self._k * accepts) / (requests + 1))

    def accept(self, now: float) -> None:
        """The server accepted a call."""
        self._accepts.add(now, failed=False)
