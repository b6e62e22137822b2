"""The instant by which a call must have ended (R-052 to R-056)."""

from __future__ import annotations

from dataclasses import dataclass

MIN_ATTEMPT = 0.010  # seconds; with less left no attempt starts


@dataclass(frozen=True, slots=True)
class Deadline:
    """An absolute monotonic instant `at` in seconds; None is no deadline."""

    at: float | None

    @classmethod
    def after(cls, seconds: float | None, now: float) -> Deadline:
        """The deadline so many seconds from now; None for none."""
        return cls(None if seconds is None else now + seconds)

    def left(self, now: float) -> float | None:
        """Seconds left, negative once it has passed; None without a deadline."""
        return None if self.at is None else self.at - now

    def expired(self, now: float) -> bool:
        """Whether it has been reached."""
        return self.at is not None and now >= self.at

    def allows(self, wait: float, now: float) -> bool:
        """Whether a wait of so many seconds may begin: it must end by the deadline (R-054)."""
        return self.at is None or now + wait <= self.at

    def tighten(self, other: Deadline) -> Deadline:
        """The earlier of the two (R-056)."""
        if self.at is None or (other.at is not None and other.at < self.at):
            return other
        return self

    def timer(self, limit: float | None, now: float) -> float | None:
        """The smaller of a phase's own limit and the time left, never negative; None for neither (R-053)."""
        left = self.left(now)
        if left is None or (limit is not None and limit < left):
            return limit
        return max(left, 0.0)
