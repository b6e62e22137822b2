"""A circuit breaker of one origin and operation group (R-090 to R-102).

Rules:
- Closed counts outcomes of attempts in a sliding window of buckets; enough failures open it.
- Open rejects until its time is over, then half-open admits probes, at most `probes` at once.
- `successes_to_close` good probes in a row close it; one bad one re-opens it, for twice as long.
- Every transition starts a new generation; an outcome of an older one changes nothing but the count of
  probes under way, which is kept over generations so that the limit holds for every interleaving.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .durations import check_seconds
from .errors import ConfigError
from .outcome_window import OutcomeWindow

if TYPE_CHECKING:
    from .retry import Failure

State = Literal["closed", "open", "half-open", "forced-open", "disabled"]
Outcome = Literal["success", "failure", "neutral"]

_FAILED_STATUSES = frozenset({500, 502, 503, 504, 529})


@dataclass(frozen=True)
class BreakerSettings:
    """Durations in seconds; `jitter` is the share by which the open time varies both ways.

    The slow-call rule counts answers whose headers took longer than `slow_call_seconds` and opens at
    `slow_call_ratio` of all outcomes; None switches it off (R-102). `per_model` gives each model of an
    operation group a breaker of its own (R-090). ConfigError for values that make no sense.
    """

    window: float = 30.0
    buckets: int = 10
    min_outcomes: int = 20
    ratio: float = 0.5
    open_seconds: float = 5.0
    open_max: float = 30.0
    jitter: float = 0.2
    probes: int = 1
    successes_to_close: int = 2
    enabled: bool = True
    slow_call_seconds: float | None = None
    slow_call_ratio: float = 1.0
    per_model: bool = False

    def __post_init__(self) -> None:
        for name in ("window", "open_seconds", "open_max"):
            check_seconds(f"breaker.{name}", getattr(self, name))
        check_seconds("breaker.slow_call_seconds", self.slow_call_seconds, allow_none=True)
        for name in ("buckets", "min_outcomes", "probes", "successes_to_close"):
            _check(name, getattr(self, name), "at least 1", getattr(self, name) >= 1)
        for name in ("ratio", "slow_call_ratio"):
            _check(name, getattr(self, name), "above 0 and at most 1", 0 < getattr(self, name) <= 1)
        _check("jitter", self.jitter, "at least 0 and below 1", 0 <= self.jitter < 1)


def _check(name: str, value: float, allowed: str, holds: bool) -> None:
    if not holds:
        raise ConfigError(f"breaker.{name} must be {allowed}, not {value!r}")


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to send one attempt; give it back with `Breaker.record` exactly once."""

    generation: int
    probe: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """Send nothing; ask again after so many seconds."""

    retry_after: float


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state, at the monotonic instant `at`."""

    before: State
    after: State
    at: float


class Breaker:
    """Decides who may send; holds no lock, so its owner guards every call."""

    def __init__(self, settings: BreakerSettings | None = None) -> None:
        self._settings = settings or BreakerSettings()
        self.state: State = "closed" if self._settings.enabled else "disabled"
        self._window = OutcomeWindow(self._settings.window, self._settings.buckets)
        self._generation = 0
        self._open_until = 0.0
        self._failed_probes = 0
        self._good_probes = 0
        self._probes_under_way = 0
        self._transitions: list[Transition] = []

    def admit(self, now: float) -> Permit | Rejected:
        """A permit for one attempt, or the rejection with its `retry_after` (R-094, R-096)."""
        if self.state == "closed" or self.state == "disabled":
            return Permit(self._generation, probe=False)
        if self.state == "forced-open":
            return Rejected(self._settings.open_max)
        if self.state == "open":
            if now < self._open_until:
                return Rejected(self._open_until - now)
            self._enter("half-open", now)
        return self._probe()

    def record(
        self,
        permit: Permit,
        outcome: Outcome,
        now: float,
        chance: float,
        *,
        response_time: float | None = None,
    ) -> None:
        """Report how an admitted attempt ended, once per permit.

        `neutral` is for attempts cancelled or never sent: the permit comes back, nothing is counted
        (R-097). `chance` in [0, 1] spreads the open time; `response_time` is the seconds to the response
        headers, for the slow-call rule.
        """
        if permit.probe:
            self._probes_under_way = max(self._probes_under_way - 1, 0)
        if permit.generation != self._generation or outcome == "neutral":
            return
        if self.state == "half-open":
            self._record_probe(outcome, now, chance)
        elif self.state == "closed":
            slow = self._settings.slow_call_seconds
            is_slow = slow is not None and response_time is not None and response_time > slow
            self._window.add(now, failed=outcome == "failure", slow=is_slow)
            if self._is_tripped(now):
                self._open(now, chance)

    def take_transitions(self) -> list[Transition]:
        """The transitions since the last call, each once (R-100)."""
        taken, self._transitions = self._transitions, []
        return taken

    def force_open(self, now: float) -> None:
        """Reject everything until `reset`."""
        self._enter("forced-open", now)

    def disable(self, now: float) -> None:
        """Admit everything and count nothing until `reset`."""
        self._enter("disabled", now)

    def reset(self, now: float) -> None:
        """Start anew, closed and without history."""
        self._failed_probes = 0
        self._enter("closed", now)

    def _probe(self) -> Permit | Rejected:
        # A probe's end is not known; the shortest open time is a fair guess.
        if self._probes_under_way >= self._settings.probes:
            return Rejected(self._settings.open_seconds)
        self._probes_under_way += 1
        return Permit(self._generation, probe=True)

    def _record_probe(self, outcome: Outcome, now: float, chance: float) -> None:
        if outcome == "failure":
            self._failed_probes += 1
            self._open(now, chance)
            return
        self._good_probes += 1
        if self._good_probes >= self._settings.successes_to_close:
            self._failed_probes = 0
            self._enter("closed", now)

    def _is_tripped(self, now: float) -> bool:
        total, failed, slow = self._window.totals(now)
        settings = self._settings
        if total < settings.min_outcomes:
            return False
        too_slow = settings.slow_call_seconds is not None and slow >= settings.slow_call_ratio * total
        return too_slow or failed >= settings.ratio * total

    def _open(self, now: float, chance: float) -> None:
        settings = self._settings
        seconds = min(settings.open_seconds * 2.0 ** min(self._failed_probes, 64), settings.open_max)
        self._open_until = now + seconds * (1 + settings.jitter * (2 * chance - 1))
        self._enter("open", now)

    def _enter(self, state: State, now: float) -> None:
        if state == self.state:
            return
        self._transitions.append(Transition(self.state, state, now))
        self.state = state
        self._generation += 1
        self._good_probes = 0
        self._window.clear()


def outcome_of(failure: Failure | None) -> Outcome:
    """How an attempt counts (R-092); None is an attempt without failure.

    Statuses other than 500, 502, 503, 504 and 529 are successes: the server is there. A `pool` time-out and
    a `fatal` failure without a status say nothing about the server and count as neither.
    """
    if failure is None:
        return "success"
    if failure.status is not None:
        return "failure" if failure.status in _FAILED_STATUSES else "success"
    return "neutral" if failure.kind in ("pool", "fatal") else "failure"
