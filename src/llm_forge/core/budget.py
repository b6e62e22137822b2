"""The retry budget: retries are paid for by successes, so an outage is not answered by a flood (R-075)."""

from __future__ import annotations

CAPACITY = 500
FIRST_SUCCESS = 1


class RetryBudget:
    """Tokens of one client and origin; starts full and never holds more than its capacity."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.tokens: float = capacity

    def spend(self, cost: int) -> bool:
        """Whether the retry can be paid; only then are the tokens taken."""
        if cost > self.tokens:
            return False
        self.tokens -= cost
        return True

    def refund(self, cost: int) -> None:
        """A retry succeeded: what it cost comes back."""
        self._add(cost)

    def succeed_first(self) -> None:
        """A first attempt succeeded: one token more."""
        self._add(FIRST_SUCCESS)

    def _add(self, tokens: int) -> None:
        self.tokens = min(self.tokens + tokens, self.capacity)
