"""When a provider is asked again how far a batch is (R-189)."""

from __future__ import annotations

FIRST_SECONDS = 10.0
GROWTH = 1.5
LONGEST_SECONDS = 300.0
JITTER = 0.1


def next_poll(polls: int, chance: float, server_wait: float | None = None) -> float:
    """Seconds until the next poll, after so many; `chance` in [0, 1] spreads it by a tenth both ways.

    A wait that the server asked for is never cut short.
    """
    grown = min(FIRST_SECONDS * GROWTH ** min(polls, 20), LONGEST_SECONDS)
    return max(grown * (1 - JITTER + 2 * JITTER * chance), server_wait or 0.0)
