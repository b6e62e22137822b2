from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llm_forge.core.breaker import Breaker, BreakerSettings, Permit, Rejected

SETTINGS = BreakerSettings(window=10.0, buckets=5, min_outcomes=4, open_seconds=2.0, open_max=8.0, probes=2)


class BreakerModel(RuleBasedStateMachine):
    """Any order of admissions, late outcomes, pauses and switches by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(SETTINGS)
        self.now = 0.0
        self.under_way: list[Permit] = []
        self.state = "closed"

    @rule(seconds=st.sampled_from([0.0, 0.5, 2.5, 12.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def admit(self) -> None:
        answer = self.breaker.admit(self.now)
        if isinstance(answer, Permit):
            assert answer.probe == (self.breaker.state == "half-open")
            self.under_way.append(answer)
        else:
            assert answer.retry_after > 0
            assert self.breaker.state in ("open", "half-open", "forced-open")

    @precondition(lambda self: self.under_way)
    @rule(
        place=st.integers(0, 50),
        outcome=st.sampled_from(["success", "failure", "neutral"]),
        chance=st.floats(0, 1),
    )
    def record(self, place: int, outcome: str, chance: float) -> None:
        permit = self.under_way.pop(place % len(self.under_way))
        newest = max((p.generation for p in [permit, *self.under_way]), default=0)
        before = self.breaker.state
        self.breaker.record(permit, outcome, self.now, chance)  # type: ignore[arg-type]
        if permit.generation < newest or outcome == "neutral":
            assert self.breaker.state == before

    @rule(switch=st.sampled_from(["force_open", "disable", "reset"]))
    def switch(self, switch: str) -> None:
        getattr(self.breaker, switch)(self.now)

    @invariant()
    def probes_stay_within_the_limit(self) -> None:
        assert sum(permit.probe for permit in self.under_way) <= SETTINGS.probes

    @invariant()
    def transitions_form_a_chain(self) -> None:
        for change in self.breaker.take_transitions():
            assert change.before == self.state
            assert change.after != change.before
            self.state = change.after
        assert self.state == self.breaker.state

    @invariant()
    def an_idle_breaker_admits_again(self) -> None:
        if not self.under_way and self.breaker.state in ("open", "half-open"):
            answer = self.breaker.admit(self.now + SETTINGS.open_max * 2)
            assert not isinstance(answer, Rejected)
            self.breaker.record(answer, "neutral", self.now, 0.0)


TestBreakerModel = pytest.mark.requirement("R-100")(BreakerModel.TestCase)
TestBreakerModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
