from __future__ import annotations

import math
import time
from typing import Any

import pytest

from llm_forge.core.errors import ConfigError
from llm_forge.core.limiter import Cost, Granted, Limit, Limiter, Refused, Wait

from .limiter_run import Run

REQUESTS = Limit("requests", 60, 60)
TOKENS = Limit("tokens", 6000, 60, burst=1000)
THOUSAND = Cost(input=800, output=200)


def remaining(run: Run) -> float | None:
    return run.limiter.snapshot(run.now)[0].remaining


@pytest.mark.requirement("R-105")
def test_without_limits_everything_goes() -> None:
    limiter = Limiter()
    assert all(isinstance(limiter.reserve(Cost(), 0.0), Granted) for _ in range(1000))


@pytest.mark.requirement("R-107")
def test_rl_01_a_burst_goes_at_once_and_the_rest_one_a_second_in_order() -> None:
    run = Run(Limiter([REQUESTS]))
    run.submit(*range(30))
    assert list(run.sent) == list(range(10))
    run.advance(30.0)
    assert [run.sent[call] for call in range(30)] == pytest.approx([0.0] * 10 + list(range(1, 21)))
    assert list(run.sent) == list(range(30))


@pytest.mark.requirement("R-107")
def test_rl_02_a_sliding_window_never_admits_more_than_its_limit_in_any_minute() -> None:
    run = Run(Limiter([REQUESTS], mode="sliding", max_wait=1000.0))
    run.submit(*range(200))
    run.advance(300.0)
    times = sorted(run.sent.values())
    assert times == [0.0] * 60 + [60.0] * 60 + [120.0] * 60 + [180.0] * 20


@pytest.mark.requirement("R-108")
@pytest.mark.parametrize(
    ("actual", "second"), [pytest.param(300, 3.0, id="RL-03"), pytest.param(1500, 15.0, id="RL-04")]
)
def test_a_settled_call_gives_back_or_owes_the_difference(actual: int, second: float) -> None:
    run = Run(Limiter([TOKENS]))
    run.submit(1, 2, cost=THOUSAND)
    run.settle(1, Cost(input=actual))
    run.advance(60.0)
    assert run.sent == {1: 0.0, 2: pytest.approx(second)}


@pytest.mark.requirement("R-108")
def test_unknown_usage_keeps_the_estimate() -> None:
    run = Run(Limiter([TOKENS]))
    run.submit(1, 2, cost=THOUSAND)
    run.settle(1, None)
    run.advance(60.0)
    assert run.sent[2] == pytest.approx(10.0)


@pytest.mark.requirement("R-109")
@pytest.mark.parametrize(
    ("result", "used", "requests", "tokens"),
    [
        ("unsent", None, 10, 1000),
        ("unsent", Cost(input=7), 10, 1000),
        ("throttled", None, 9, 1000),
        ("cancelled", None, 9, 0),
        ("cancelled", Cost(input=100), 9, 900),
        ("done", Cost(input=100, output=50), 9, 850),
    ],
)
@pytest.mark.parametrize("mode", ["bucket", "sliding"])
def test_how_a_call_ended_decides_what_comes_back(
    mode: Any, result: Any, used: Cost | None, requests: float, tokens: float
) -> None:
    limits = [Limit("requests", 10, 1, burst=10), Limit("tokens", 1000, 1, burst=1000)]
    run = Run(Limiter(limits, mode=mode))
    run.submit(1, cost=THOUSAND)
    run.settle(1, used, result)
    assert [state.remaining for state in run.limiter.snapshot(0.0)] == [requests, tokens]


@pytest.mark.requirement("R-109")
def test_settling_twice_gives_back_once() -> None:
    run = Run(Limiter([REQUESTS]))
    run.submit(1)
    reservation = run.open[1]
    for _ in range(2):
        run.limiter.settle(reservation, 0.0, used=None, result="unsent")
    assert remaining(run) == 10


@pytest.mark.requirement("R-113")
@pytest.mark.parametrize(("mode", "resets_in"), [("bucket", 2.0), ("sliding", 60.0)])
def test_a_report_says_what_is_left_and_when_the_limit_is_untouched_again(
    mode: Any, resets_in: float
) -> None:
    run = Run(Limiter([Limit("tokens", 600, 60)], mode=mode))
    run.submit(0, cost=Cost(input=20))
    (state,) = run.limiter.snapshot(0.0)
    assert (state.family, state.unit, state.limit, state.source) == ("tokens/60s", "tokens", 600, "local")
    assert (state.remaining, state.resets_in) == ({"bucket": 80, "sliding": 580}[mode], resets_in)


@pytest.mark.requirement("R-110")
@pytest.mark.parametrize("mode", ["bucket", "sliding"])
def test_rl_05_a_request_larger_than_the_capacity_is_refused_at_once(mode: Any) -> None:
    limiter = Limiter([Limit("tokens", 1000, 10)], mode=mode)
    assert limiter.reserve(Cost(input=5000), 0.0) == Refused(0.0, "too-large")
    assert limiter.head() is None


@pytest.mark.requirement("R-110")
def test_an_oversized_request_may_go_when_the_bucket_is_full_and_leaves_a_debt() -> None:
    run = Run(Limiter([TOKENS], oversize="admit-when-full"))
    run.submit(1, cost=Cost(input=100))
    run.submit(2, cost=Cost(input=3000))
    run.submit(3, cost=Cost(input=100))
    run.advance(60.0)
    # 2 waits until the bucket is full again and leaves it at -2,000.
    assert run.sent == {1: 0.0, 2: pytest.approx(1.0), 3: pytest.approx(22.0)}


@pytest.mark.requirement("R-110")
def test_an_oversized_request_goes_alone_into_an_empty_window() -> None:
    run = Run(Limiter([Limit("tokens", 100, 10)], mode="sliding", oversize="admit-when-full"))
    run.submit(1, cost=Cost(input=60))
    run.submit(2, cost=Cost(input=300))
    run.submit(3, cost=Cost(input=1))
    run.advance(60.0)
    assert run.sent == {1: 0.0, 2: 10.0, 3: 20.0}


@pytest.mark.requirement("R-111")
def test_rl_06_a_large_waiter_at_the_head_is_not_overtaken() -> None:
    run = Run(Limiter([TOKENS], max_wait=1e6))
    run.submit(0, cost=THOUSAND)
    run.submit(1, cost=THOUSAND)
    run.submit(*range(2, 1002), cost=Cost(input=10))
    run.advance(1000.0)
    assert list(run.sent) == list(range(1002))
    assert run.sent[1] == pytest.approx(10.0)


@pytest.mark.requirement("R-111")
def test_rl_07_a_cancelled_waiter_leaves_no_hole() -> None:
    run = Run(Limiter([Limit("requests", 1, 1, burst=1)]))
    run.submit(0, 1, 2, 3, 4, 5)
    run.cancel(2)
    run.advance(10.0)
    assert run.sent == {0: 0, 1: 1, 3: 2, 4: 3, 5: 4}
    assert remaining(run) == 1


@pytest.mark.requirement("R-112")
def test_rl_08_a_projection_above_the_longest_wait_is_refused_with_it() -> None:
    run = Run(Limiter([Limit("requests", 60, 60, burst=1)]))
    run.submit(*range(62))
    assert run.refused == {61: Refused(pytest.approx(61.0), "wait")}
    run.advance(59.0)
    assert run.sent[59] == pytest.approx(59.0)


@pytest.mark.requirement("R-112")
def test_dl_05_a_projection_beyond_the_time_left_is_refused_at_once() -> None:
    run = Run(Limiter([Limit("requests", 1, 5, burst=1)]))
    run.submit(0)
    run.submit(1, left=2.0)
    assert run.refused == {1: Refused(pytest.approx(5.0), "wait")}
    run.submit(2, left=6.0)
    run.advance(5.0)
    assert run.sent[2] == pytest.approx(5.0)


@pytest.mark.requirement("R-112")
def test_a_projection_counts_from_now_and_leaves_out_who_gave_up() -> None:
    run = Run(Limiter([Limit("requests", 1, 1, burst=1)], max_wait=3.0))
    run.advance(1000.0)
    run.submit(0, 1, 2, 3, 4)
    assert run.refused == {4: Refused(pytest.approx(4.0), "wait")}
    run.cancel(2)
    run.submit(5)
    run.advance(1010.0)
    assert run.sent == pytest.approx({0: 1000.0, 1: 1001.0, 3: 1002.0, 5: 1003.0})


@pytest.mark.requirement("R-112")
def test_a_wait_of_just_the_time_left_is_begun() -> None:
    run = Run(Limiter([Limit("requests", 1, 1, burst=1)], max_wait=2.0))
    run.submit(0)
    run.submit(1, left=1.0)
    run.submit(2, left=2.0)
    assert not run.refused


@pytest.mark.requirement("R-111")
def test_a_waiter_behind_the_head_who_claims_keeps_waiting_in_its_place() -> None:
    limiter = Limiter([Limit("requests", 1, 1, burst=1)])
    limiter.reserve(Cost(), 0.0)
    first, second = limiter.reserve(Cost(), 0.0), limiter.reserve(Cost(), 0.0)
    assert isinstance(first, Wait)
    assert isinstance(second, Wait)
    assert limiter.next_change(0.0) == limiter.next_change(0.5) == first.until == 1.0
    early = limiter.claim(second.ticket, 5.0)
    assert early == Wait(second.ticket, pytest.approx(5.01))
    assert isinstance(limiter.claim(first.ticket, 5.0), Granted)
    assert limiter.head() == second.ticket
    late = limiter.reserve(Cost(), 7.0)
    assert isinstance(late, Wait)
    assert late.until > 7.0
    assert isinstance(limiter.claim(second.ticket, 7.0), Granted)


@pytest.mark.requirement("R-111")
def test_without_waiters_nothing_is_about_to_change() -> None:
    assert Limiter([REQUESTS]).next_change(0.0) is None


@pytest.mark.requirement("R-106")
def test_rl_09_a_free_bucket_is_not_charged_while_another_is_empty() -> None:
    run = Run(Limiter([Limit("requests", 10, 10, burst=10), TOKENS]))
    run.submit(1, 2, cost=THOUSAND)
    run.advance(5.0)
    assert [state.remaining for state in run.limiter.snapshot(run.now)] == [10.0, pytest.approx(500.0)]
    run.advance(10.0)
    assert run.sent[2] == pytest.approx(10.0)
    assert [state.remaining for state in run.limiter.snapshot(run.now)] == [9.0, pytest.approx(0.0, abs=1e-6)]


@pytest.mark.requirement("R-107")
@pytest.mark.parametrize(
    ("limit", "capacity"),
    [
        (REQUESTS, 10),
        (Limit("requests", 2, 60), 1),
        (Limit("tokens", 9, 1), 90),
        (Limit("tokens", 9, 1, burst=4), 4),
    ],
)
def test_the_burst_is_ten_seconds_worth_and_at_least_one(limit: Limit, capacity: float) -> None:
    assert limit.capacity == capacity


@pytest.mark.requirement("R-105")
@pytest.mark.parametrize("facts", [{"amount": 0}, {"amount": math.nan}, {"period": -1}, {"burst": math.inf}])
def test_a_limit_that_makes_no_sense_is_refused_by_name(facts: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"Limit\.{next(iter(facts))} must be"):
        Limit(**{"unit": "requests", "amount": 1, "period": 1} | facts)
    with pytest.raises(ConfigError, match=r"Limit\.unit must be"):
        Limit("words", 1, 1)  # type: ignore[arg-type]


@pytest.mark.requirement("R-119")
def test_a_concurrency_limit_counts_calls_until_they_are_settled() -> None:
    run = Run(Limiter(concurrency=2))
    run.submit(0, 1, 2, 3)
    assert run.limiter.next_change(0.0) is None
    run.advance(100.0)
    assert list(run.sent) == [0, 1]
    run.settle(1)
    assert run.sent[2] == 100.0
    run.settle(0, result="cancelled")
    assert list(run.sent) == [0, 1, 2, 3]
    with pytest.raises(ConfigError, match="concurrency must be at least 1"):
        Limiter(concurrency=0)


@pytest.mark.requirement("R-119")
def test_who_waits_for_another_call_is_told_so() -> None:
    limiter = Limiter(concurrency=1)
    assert isinstance(limiter.reserve(Cost(), 0.0), Granted)
    answer = limiter.reserve(Cost(), 0.0, left=5.0)
    assert isinstance(answer, Wait)
    assert answer.until == math.inf


@pytest.mark.requirement("R-119")
def test_who_would_only_fit_after_those_ahead_waits_for_another_call_too() -> None:
    limiter = Limiter(concurrency=2)
    limiter.reserve(Cost(), 0.0)
    limiter.pause(1.0, 0.0)
    first, second = limiter.reserve(Cost(), 0.0), limiter.reserve(Cost(), 0.0)
    assert isinstance(first, Wait)
    assert isinstance(second, Wait)
    assert (first.until, second.until) == (1.0, math.inf)


@pytest.mark.requirement("R-111")
def test_every_change_that_may_free_the_head_changes_the_version() -> None:
    run = Run(Limiter([REQUESTS], concurrency=1))
    versions = [run.limiter.version]
    run.submit(0, 1, 2)
    for change in (lambda: run.cancel(1), lambda: run.settle(0), lambda: run.learn(), lambda: run.pause(9.0)):
        change()
        versions.append(run.limiter.version)
    assert versions == sorted(set(versions))


@pytest.mark.requirement("R-122")
def test_a_limiter_with_nothing_to_do_takes_microseconds() -> None:
    limiter, cost, rounds = Limiter(), Cost(), 2000

    def one_round() -> float:
        began = time.perf_counter()
        for _ in range(rounds):
            limiter.reserve(cost, 1.0)
        return (time.perf_counter() - began) / rounds

    assert min(one_round() for _ in range(5)) < 10e-6  # about 1 µs; the margin is for a busy machine
