"""The retry budget against whole-number arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llm_forge.core.budget import RetryBudget


class BudgetModel(RuleBasedStateMachine):
    """Any order of retries, their ends, and first attempts that succeed."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = RetryBudget()
        self.tokens = 500
        self.paid: list[int] = []

    @rule(cost=st.sampled_from([5, 10]), times=st.integers(1, 60))
    def retry(self, cost: int, times: int) -> None:
        for _ in range(times):
            affordable = cost <= self.tokens
            assert self.budget.spend(cost) == affordable
            if affordable:
                self.tokens -= cost
                self.paid.append(cost)

    @precondition(lambda self: self.paid)
    @rule(place=st.integers(0, 99), good=st.booleans())
    def retry_ends(self, place: int, good: bool) -> None:
        cost = self.paid.pop(place % len(self.paid))
        if good:
            self.budget.refund(cost)
            self.tokens = min(self.tokens + cost, 500)

    @rule(times=st.integers(1, 40))
    def first_attempts_succeed(self, times: int) -> None:
        for _ in range(times):
            self.budget.succeed_first()
        self.tokens = min(self.tokens + times, 500)

    @invariant()
    def the_balance_is_exact(self) -> None:
        assert self.budget.tokens == self.tokens
        assert 0 <= self.tokens <= 500


TestBudgetModel = pytest.mark.requirement("R-075")(BudgetModel.TestCase)
TestBudgetModel.settings = settings(max_examples=50, stateful_step_count=40, deadline=None, derandomize=True)
