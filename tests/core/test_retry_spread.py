from __future__ import annotations

import random

import pytest

from llm_forge.core.retry import Failure, Retry, RetryPolicy

# The Kolmogorov-Smirnov statistic of n samples exceeds this / sqrt(n) with probability 0.01.
KS_AT_ONE_PERCENT = 1.628


@pytest.mark.requirement("R-062")
def test_rt_23_ten_thousand_waits_are_uniform_up_to_half_a_second() -> None:
    policy, chance, count = RetryPolicy(), random.Random(20), 10_000
    waits = []
    for _ in range(count):
        plan = policy.decide(1, Failure("lost"), left=None, chance=chance.random(), jitter=chance.random())
        assert isinstance(plan, Retry)
        waits.append(plan.after)
    ranked = sorted(wait / 0.5 for wait in waits)
    distance = max(max(abs(x - i / count), abs(x - (i + 1) / count)) for i, x in enumerate(ranked))
    assert distance < KS_AT_ONE_PERCENT / count**0.5
