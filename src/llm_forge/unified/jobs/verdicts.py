"""What a failed call means for its item and for the job: pure, by the error alone.

The client has its one retry loop (R-060). A job adds no second: an item whose call failed by something that
time may cure waits until all others had their turn, and goes again in the next pass, at most `passes` times
in all. What is no fault of the item (a wrong key, an empty account) ends the run and costs no item its turn.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...core.errors import (
    AuthenticationError,
    AuthError,
    CircuitOpenError,
    ClientClosedError,
    ConfigError,
    ForgeError,
    QuotaExceededError,
    RateLimitWaitError,
)

LEAST_HOLD = 1.0  # seconds; slots that wait for a circuit do not spin


@dataclass(frozen=True, slots=True)
class Fail:
    """The error is the item's outcome."""


@dataclass(frozen=True, slots=True)
class Later:
    """The item goes again in the next pass."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing was sent: ask again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stop:
    """No item can succeed until the user changes something: the run ends, the item stays pending."""


Verdict = Fail | Later | Hold | Stop
_STOPS = (AuthenticationError, AuthError, ClientClosedError, ConfigError, QuotaExceededError)


def judge(error: ForgeError, turn: int, passes: int) -> Verdict:
    """What to do about the error of an item's `turn`-th call, counted from 1."""
    if isinstance(error, _STOPS):
        return Stop()
    if isinstance(error, (CircuitOpenError, RateLimitWaitError)):
        return Hold(max(error.retry_after or 0.0, LEAST_HOLD))
    return Later() if error.retryable and turn < passes else Fail()
