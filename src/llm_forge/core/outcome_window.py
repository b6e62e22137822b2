"""Outcomes of the last seconds, counted in a ring of buckets (R-091)."""

from __future__ import annotations


class OutcomeWindow:
    """Sums over a sliding window of `seconds`; adding and reading cost the same whatever the traffic."""

    def __init__(self, seconds: float, buckets: int) -> None:
        self._width = seconds / buckets
        self._buckets = buckets
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._numbers = [-1] * self._buckets
        self._counts = [[0, 0, 0] for _ in range(self._buckets)]

    def add(self, now: float, *, failed: bool, slow: bool = False) -> None:
        """Count one outcome."""
        number = int(now // self._width)
        place = number % self._buckets
        if self._numbers[place] != number:
            self._numbers[place], self._counts[place] = number, [0, 0, 0]
        counts = self._counts[place]
        counts[0] += 1
        counts[1] += failed
        counts[2] += slow

    def totals(self, now: float) -> tuple[int, int, int]:
        """All outcomes, failed ones and slow ones of the window that ends now."""
        oldest = int(now // self._width) - self._buckets + 1
        outcomes = failures = slow = 0
        for number, counts in zip(self._numbers, self._counts, strict=True):
            if number >= oldest:
                outcomes += counts[0]
                failures += counts[1]
                slow += counts[2]
        return outcomes, failures, slow
