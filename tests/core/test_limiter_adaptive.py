from __future__ import annotations

from collections import deque

import pytest

from llm_forge.core.limiter import Cost, Limiter, Refused

from .limiter_run import Run


def flight(run: Run) -> int:
    """How many calls the limiter lets out at once now; they end as if never sent."""
    numbers = range(1_000_000 + len(run.sent), 1_000_100 + len(run.sent))
    before = len(run.open)
    run.submit(*numbers)
    most = len(run.open)
    for call in list(run.waiting):
        run.cancel(call)
    for call in list(run.open)[before:]:
        run.settle(call, result="unsent")
    return most


@pytest.mark.requirement("R-120")
def test_rl_20_concurrency_falls_once_a_second_and_recovers() -> None:
    run = Run(Limiter(adaptive=True, concurrency=20))
    assert flight(run) == 20
    seen = []
    for second in range(12):
        run.advance(float(second))
        for burst in range(5):
            run.submit(second * 10 + burst)
            run.settle(second * 10 + burst, result="throttled")
        seen.append(flight(run))
    assert seen[:4] == [14, 9, 6, 4]  # 20 x 0.7 each second, whole calls
    assert min(seen) == seen[-1] == 1
    for call in range(2000):
        run.submit(10_000 + call)
        run.settle(10_000 + call)
    assert flight(run) == 20


@pytest.mark.requirement("R-120")
def test_as_many_good_calls_as_the_limit_raise_it_by_one() -> None:
    run = Run(Limiter(adaptive=True, concurrency=10))
    run.submit(0)
    run.settle(0, result="throttled")
    assert flight(run) == 7
    for call in range(1, 9):
        run.submit(call)
        run.settle(call)
    assert flight(run) == 8


@pytest.mark.requirement("R-120")
def test_a_time_out_is_overload_and_a_cancelled_call_says_nothing() -> None:
    limiter = Limiter(adaptive=True, concurrency=10)
    run = Run(limiter)
    run.submit(0, 1)
    limiter.settle(run.open.pop(0), 0.0, used=None, result="done", health="overload")
    assert flight(run) == 7
    run.settle(1, result="cancelled")
    assert flight(run) == 7


@pytest.mark.requirement("R-121")
def test_a_server_that_accepts_nothing_gets_ever_fewer_calls() -> None:
    limiter = Limiter(throttle=2.0)
    verdicts: deque[bool] = deque()
    for _ in range(20):
        verdicts.append(isinstance(limiter.reserve(Cost(), 0.0, chance=0.9), Refused))
    # (n - 0) / (n + 1) exceeds 0.9 from the eleventh call on.
    assert list(verdicts) == [False] * 10 + [True] * 10
    assert not isinstance(limiter.reserve(Cost(), 130.0, chance=0.9), Refused)


@pytest.mark.requirement("R-121")
def test_a_server_that_accepts_half_of_the_calls_gets_them_all() -> None:
    run = Run(Limiter(throttle=2.0))
    for call in range(100):
        run.submit(call)
        run.settle(call, result="done" if call % 2 == 0 else "throttled")
    assert not run.refused
    assert not isinstance(run.limiter.reserve(Cost(), 0.0, chance=0.0), Refused)
