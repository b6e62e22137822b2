"""The breaker against a second reading of its rules, written without buckets, generations or clever sums."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llm_forge.core.breaker import Breaker, BreakerSettings, Permit

SETTINGS = BreakerSettings(
    window=10.0,
    buckets=5,
    min_outcomes=4,
    open_seconds=2.0,
    open_max=8.0,
    probes=2,
    slow_call_seconds=1.0,
    slow_call_ratio=0.75,
)
WIDTH = SETTINGS.window / SETTINGS.buckets


@dataclass
class Given:
    """A permit with what the oracle knows of it."""

    permit: Permit
    era: int


@dataclass
class Oracle:
    """What the rules say must be so: every outcome is kept, and counted anew each time."""

    state: str = "closed"
    era: int = 0  # grows with each transition
    outcomes: list[tuple[float, bool, bool]] = field(default_factory=list)
    changes: list[tuple[str, str, float]] = field(default_factory=list)
    open_until: float = 0.0
    failed_probes: int = 0
    good_probes: int = 0

    def enter(self, state: str, now: float) -> None:
        if state != self.state:
            self.changes.append((self.state, state, now))
            self.state, self.era, self.good_probes, self.outcomes = state, self.era + 1, 0, []

    def admits(self, now: float, probes: int) -> bool:
        if self.state == "open" and now >= self.open_until:
            self.enter("half-open", now)
        if self.state == "half-open":
            return probes < SETTINGS.probes
        return self.state in ("closed", "disabled")

    def ended(self, era: int, outcome: str, slow: bool, now: float, chance: float) -> None:
        if era != self.era or outcome == "neutral":
            return
        if self.state == "half-open":
            self._probed(outcome, now, chance)
        elif self.state == "closed":
            self.outcomes.append((now, outcome == "failure", slow))
            if self._is_tripped(now):
                self._open(now, chance)

    def _probed(self, outcome: str, now: float, chance: float) -> None:
        if outcome == "failure":
            self.failed_probes += 1
            self._open(now, chance)
            return
        self.good_probes += 1
        if self.good_probes == SETTINGS.successes_to_close:
            self.failed_probes = 0
            self.enter("closed", now)

    def _is_tripped(self, now: float) -> bool:
        oldest = (now // WIDTH - SETTINGS.buckets + 1) * WIDTH
        recent = [(failed, slow) for at, failed, slow in self.outcomes if at >= oldest]
        failed, slow = sum(one[0] for one in recent), sum(one[1] for one in recent)
        many = len(recent) >= SETTINGS.min_outcomes
        return many and (failed >= SETTINGS.ratio * len(recent) or slow >= 0.75 * len(recent))

    def _open(self, now: float, chance: float) -> None:
        seconds = min(SETTINGS.open_seconds * 2**self.failed_probes, SETTINGS.open_max)
        self.open_until = now + seconds * (0.8 + 0.4 * chance)
        self.enter("open", now)


class BreakerModel(RuleBasedStateMachine):
    """Any order of admissions, late outcomes, pauses and switches by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(SETTINGS)
        self.oracle = Oracle()
        self.now = 0.0
        self.under_way: list[Given] = []
        self.told: list[tuple[str, str, float]] = []

    @property
    def probes(self) -> int:
        return sum(given.permit.probe for given in self.under_way)

    @rule(seconds=st.sampled_from([0.0, 0.5, 2.0, 2.5, 12.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(times=st.integers(1, 4))
    def admit(self, times: int) -> None:
        for _ in range(times):
            expected = self.oracle.admits(self.now, self.probes)
            answer = self.breaker.admit(self.now)
            assert isinstance(answer, Permit) == expected
            if isinstance(answer, Permit):
                assert answer.probe == (self.oracle.state == "half-open")
                self.under_way.append(Given(answer, self.oracle.era))
            else:
                self._check_rejection(answer.retry_after)

    def _check_rejection(self, retry_after: float) -> None:
        waits = {
            "open": self.oracle.open_until - self.now,
            "half-open": SETTINGS.open_seconds,
            "forced-open": SETTINGS.open_max,
        }
        assert retry_after == pytest.approx(waits[self.oracle.state])
        assert retry_after > 0

    @precondition(lambda self: self.under_way)
    @rule(
        place=st.integers(0, 50),
        outcome=st.sampled_from(["success", "failure", "failure", "neutral"]),
        response_time=st.sampled_from([None, 0.5, 1.5]),
        chance=st.floats(0, 1),
    )
    def record(self, place: int, outcome: Any, response_time: float | None, chance: float) -> None:
        given = self.under_way.pop(place % len(self.under_way))
        slow = response_time is not None and response_time > 1.0
        self.oracle.ended(given.era, outcome, slow, self.now, chance)
        self.breaker.record(given.permit, outcome, self.now, chance, response_time=response_time)

    @rule(outcome=st.sampled_from(["success", "failure"]), times=st.integers(1, 5), chance=st.floats(0, 1))
    def attempt(self, outcome: Any, times: int, chance: float) -> None:
        for _ in range(times):
            before = len(self.under_way)
            self.admit(1)
            if len(self.under_way) > before:
                self.record(-1, outcome, 0.5, chance)

    @precondition(lambda self: self.oracle.state == "open")
    @rule()
    def wait_until_it_may_be_probed(self) -> None:
        self.now = max(self.now, self.oracle.open_until)

    # Seldom, or nothing else would have the time to happen.
    @rule(switch=st.sampled_from([None, None, None, None, "force_open", "disable", "reset"]))
    def switch(self, switch: str | None) -> None:
        state = {"force_open": "forced-open", "disable": "disabled", "reset": "closed"}
        if switch is None:
            return
        if switch == "reset":
            self.oracle.failed_probes = 0
        self.oracle.enter(state[switch], self.now)
        getattr(self.breaker, switch)(self.now)

    @invariant()
    def the_state_is_the_oracles(self) -> None:
        assert self.breaker.state == self.oracle.state

    @invariant()
    def probes_stay_within_the_limit(self) -> None:
        assert self.probes <= SETTINGS.probes

    @invariant()
    def each_transition_is_told_once_and_in_order(self) -> None:
        self.told += [(one.before, one.after, one.at) for one in self.breaker.take_transitions()]
        assert self.told == self.oracle.changes
        assert self.breaker.take_transitions() == []

    @invariant()
    def an_idle_breaker_admits_again(self) -> None:
        if not self.under_way and self.oracle.state == "open":
            later = max(self.now, self.oracle.open_until)
            assert self.oracle.admits(later, 0)
            answer = self.breaker.admit(later)
            assert isinstance(answer, Permit)
            self.breaker.record(answer, "neutral", later, 0.0)
            self.now = later


TestBreakerModel = BreakerModel.TestCase
for requirement in ("R-091", "R-093", "R-095", "R-096", "R-098", "R-100", "R-102"):
    TestBreakerModel = pytest.mark.requirement(requirement)(TestBreakerModel)
TestBreakerModel.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, derandomize=True
)
