from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.budget import RetryBudget
from llm_forge.core.retry import Failure, Retry, RetryPolicy

ERROR = Failure("status", status=500)


def call(budget: RetryBudget) -> tuple[int, bool]:
    """Requests of one call to a server that always answers 500, and whether the budget ended it."""
    policy = RetryPolicy()
    for attempt in range(1, 4):
        plan = policy.decide(attempt, ERROR, left=None, chance=1.0, jitter=1.0)
        if not isinstance(plan, Retry):
            return attempt, False
        if not budget.spend(plan.cost):
            return attempt, True
    raise AssertionError("three attempts are the most")


@pytest.mark.requirement("R-075")
def test_rt_21_a_thousand_failing_calls_make_eleven_hundred_requests() -> None:
    budget = RetryBudget()
    calls = [call(budget) for _ in range(1000)]
    assert sum(requests for requests, _ in calls) == 1100
    assert all(exhausted for _, exhausted in calls[50:])


@pytest.mark.requirement("R-075")
def test_rt_22_after_two_hundred_successes_a_failure_is_retried_again() -> None:
    budget = RetryBudget()
    while budget.spend(5):
        pass
    for _ in range(200):
        budget.succeed_first()
    assert budget.tokens == 200
    assert call(budget) == (3, False)


@pytest.mark.requirement("R-075")
def test_a_retry_that_cannot_be_paid_takes_nothing() -> None:
    budget = RetryBudget()
    assert budget.spend(495)
    assert not budget.spend(10)
    assert budget.spend(5)
    assert budget.tokens == 0


@pytest.mark.requirement("R-075")
@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["retry", "timeout", "success", "good-retry"]), max_size=300))
def test_tokens_stay_between_nothing_and_the_capacity_and_paid_retries_are_covered(events: list[str]) -> None:
    budget = RetryBudget()
    spent = earned = 0
    for event in events:
        if event == "success":
            budget.succeed_first()
            earned += 1
        elif budget.spend(cost := 10 if event == "timeout" else 5):
            spent += cost
            if event == "good-retry":
                budget.refund(cost)
                earned += cost
        assert 0 <= budget.tokens <= 500
    assert spent <= 500 + earned
