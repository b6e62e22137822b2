"""The limiter's vocabulary: limits, costs and decisions (R-105, R-106, R-112)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ..errors import ConfigError
from ..profile import LimitUnit

BURST_SECONDS = 10.0  # the share of a limit that may go at once


@dataclass(frozen=True)
class Limit:
    """At most `amount` of a unit in `period` seconds.

    `burst` is the capacity in bucket mode; None is ten seconds' worth, at least 1 (R-107). `tokens` are input
    and output together. `models` names a family of models that share the limit, such as `claude-opus-*`;
    `*` is any text, and None is each model that belongs to no family, on its own (R-105). ConfigError
    unless amount, period and burst are finite and above 0.
    """

    unit: Literal["requests", "tokens", "input", "output"]
    amount: float
    period: float
    burst: float | None = None
    models: str | None = None

    def __post_init__(self) -> None:
        if self.unit not in ("requests", "tokens", "input", "output"):
            raise ConfigError(f"Limit.unit must be requests, tokens, input or output, not {self.unit!r}")
        for name in ("amount", "period", "burst"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ConfigError(f"Limit.{name} must be a finite number above 0, not {value!r}")

    @property
    def rate(self) -> float:
        """Units per second."""
        return self.amount / self.period

    @property
    def capacity(self) -> float:
        """The most that a bucket of this limit holds."""
        return max(1.0, self.rate * BURST_SECONDS) if self.burst is None else self.burst


@dataclass(frozen=True)
class Cost:
    """What one attempt takes of each unit."""

    requests: float = 1
    input: float = 0
    output: float = 0

    @property
    def tokens(self) -> float:
        """Input and output together."""
        return self.input + self.output

    def of(self, unit: LimitUnit) -> float:
        """The amount of one unit; `other` is a unit we do not count."""
        if unit == "requests":
            return self.requests
        if unit == "tokens":
            return self.input + self.output
        if unit == "input":
            return self.input
        return self.output if unit == "output" else 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.requests + other.requests, self.input + other.input, self.output + other.output)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.requests - other.requests, self.input - other.input, self.output - other.output)


NOTHING = Cost(0)
Result = Literal["done", "unsent", "throttled", "cancelled"]
# What an ended call says about the server, for the adaptive limits: 429, 529 and time-outs are overload.
Health = Literal["good", "overload", "unknown"]


@dataclass(frozen=True, slots=True)
class Reservation:
    """Leave to send one attempt; give it back with `Limiter.settle` exactly once."""

    id: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the queue."""

    id: int


@dataclass(frozen=True, slots=True)
class Granted:
    """Send now."""

    reservation: Reservation


@dataclass(frozen=True, slots=True)
class Wait:
    """Claim the ticket at the monotonic instant `until`, or when told that the head may go.

    `until` is infinite where only another call's end can free the place.
    """

    ticket: Ticket
    until: float


@dataclass(frozen=True, slots=True)
class Refused:
    """Fail at once: the wait in seconds would be too long, or the request can never fit (R-110, R-112).

    `throttled` is a call turned away because the server accepts few (R-121); its wait is 0.
    """

    wait: float
    kind: Literal["wait", "too-large", "throttled"]


Decision = Granted | Wait | Refused


@dataclass(frozen=True, slots=True)
class FamilyState:
    """One limit as it stands, for reports; `resets_in` is in seconds, None where unknown.

    `source` is `local` for a declared limit and `server` for one learned from response headers.
    """

    family: str
    unit: str
    limit: float | None
    remaining: float | None
    resets_in: float | None
    source: Literal["local", "server"]
