"""The time between the events of a stream, as far as the server is the cause (R-149)."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(slots=True)
class Gaps:
    """`count` gaps of `total` seconds, and the `longest`; events that arrive together have none of length."""

    count: int = 0
    total: float = 0.0
    longest: float = 0.0

    @property
    def mean(self) -> float:
        """Seconds from one event to the next on average, 0.0 before the second event."""
        return self.total / self.count if self.count else 0.0

    def note(self, waited: float, events: int) -> None:
        """Count what one read brought: so many events after a wait in seconds."""
        self.count += events
        self.total += waited
        self.longest = max(self.longest, waited)

    def copy(self) -> Gaps:
        """The gaps so far."""
        return replace(self)
