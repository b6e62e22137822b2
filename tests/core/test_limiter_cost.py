"""What a limiter call costs, counted in bytecodes, so that it says the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from llm_forge.core.budget import RetryBudget
from llm_forge.core.limiter import Cost, Limit, Limiter, Wait
from llm_forge.core.rate_headers import Observed

FEW, MANY = 50, 3000


def bytecodes(work: Callable[[], object]) -> int:
    """How many bytecodes `work` runs, those of everything it calls in Python included."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def crowded(waiting: int, mode: Any = "bucket", **options: Any) -> tuple[Limiter, list[Wait]]:
    """A limiter at which so many wait."""
    limits = [Limit("requests", 1, 1, burst=1), Limit("output", 1000, 1, burst=1000)]
    limiter = Limiter(limits, mode=mode, max_wait=1e9, **options)
    limiter.learn([Observed("r", "requests", 100, 0, 5.0, "window")], 0.0)
    decisions = [limiter.reserve(Cost(output=1), 0.0) for _ in range(waiting)]
    return limiter, [one for one in decisions if isinstance(one, Wait)]


def reserve(limiter: Limiter, _waits: list[Wait]) -> object:
    return limiter.reserve(Cost(output=1), 1.0)


def claim_head(limiter: Limiter, waits: list[Wait]) -> object:
    return limiter.claim(waits[0].ticket, 1e6)


def claim_last(limiter: Limiter, waits: list[Wait]) -> object:
    return limiter.claim(waits[-1].ticket, 1e6)


def cancel_in_the_middle(limiter: Limiter, waits: list[Wait]) -> object:
    return limiter.cancel(waits[len(waits) // 2].ticket, 1.0)


def learn(limiter: Limiter, _waits: list[Wait]) -> object:
    return limiter.learn([Observed("r", "requests", 100, 3, 9.0, "window")], 1.0)


def pause(limiter: Limiter, _waits: list[Wait]) -> object:
    return limiter.pause(9.0, 1.0)


def snapshot(limiter: Limiter, _waits: list[Wait]) -> object:
    return limiter.snapshot(1.0)


@pytest.mark.requirement("R-122")
@pytest.mark.parametrize("mode", ["bucket", "sliding"])
@pytest.mark.parametrize(
    "operation",
    [reserve, claim_head, claim_last, cancel_in_the_middle, learn, pause, snapshot],
    ids=lambda one: one.__name__,
)
def test_a_limiter_call_costs_the_same_however_many_wait(operation: Any, mode: str) -> None:
    few, many = (crowded(waiting, mode) for waiting in (FEW, MANY))
    counted = bytecodes(lambda: operation(*few))
    assert 0 < bytecodes(lambda: operation(*many)) <= 1.1 * counted


@pytest.mark.requirement("R-122")
@pytest.mark.parametrize("mode", ["bucket", "sliding"])
def test_a_call_costs_the_same_on_average_however_many_went_before(mode: Any) -> None:
    def play(calls: int) -> float:
        limiter = Limiter([Limit("requests", 1e9, 60)], mode=mode)

        def run() -> None:
            for number in range(calls):
                granted: Any = limiter.reserve(Cost(), number * 0.01)
                limiter.settle(granted.reservation, number * 0.01, used=None, result="done")

        return bytecodes(run) / calls

    assert play(8000) <= 1.25 * play(500)


@pytest.mark.requirement("R-122")
def test_the_log_of_a_window_stays_short_whatever_the_traffic() -> None:
    limiter = Limiter([Limit("requests", 1e9, 1)], mode="sliding")
    for number in range(20_000):
        limiter.reserve(Cost(), number * 1e-4)
    (meter,) = limiter._meters._meters
    assert len(meter._log) <= 110  # type: ignore[union-attr]


@pytest.mark.requirement("R-122")
def test_the_adaptive_limits_cost_the_same_whatever_they_have_seen() -> None:
    def after(calls: int) -> int:
        limiter = Limiter(adaptive=True, throttle=2.0)
        for number in range(calls):
            granted: Any = limiter.reserve(Cost(), number * 0.01)
            limiter.settle(granted.reservation, number * 0.01, used=None, result="done")
        return bytecodes(lambda: limiter.reserve(Cost(), calls * 0.01))

    assert after(5000) <= 1.1 * after(100)


@pytest.mark.requirement("R-075")
def test_the_retry_budget_is_a_number() -> None:
    budget = RetryBudget()
    first = bytecodes(lambda: budget.spend(5))
    for _ in range(1000):
        budget.succeed_first()
        budget.spend(5)
    assert bytecodes(lambda: budget.spend(5)) <= 1.2 * first
