from __future__ import annotations

import math
from typing import Any

import pytest

from llm_forge.core.headers import Headers
from llm_forge.core.limiter import Cost, Limit, Limiter, Refused
from llm_forge.core.profile import LimitHeaders
from llm_forge.core.rate_headers import Observed, observe

from .limiter_run import Run

WALL = 1_761_841_056.0  # 2025-10-30T16:17:36Z


def window(remaining: float | None, resets_at: float | None, limit: float | None = None) -> Observed:
    return Observed("requests", "requests", limit, remaining, resets_at, "window")


def refill(limit: float | None, remaining: float, resets_at: float, unit: Any = "requests") -> Observed:
    return Observed(unit, unit, limit, remaining, resets_at, "refill")


@pytest.mark.requirement("R-116")
def test_rl_10_an_exhausted_window_holds_until_its_end() -> None:
    run = Run(Limiter())
    run.submit(0)
    run.learn(window(0, 6.0))
    run.submit(1)
    run.advance(10.0)
    assert run.sent == {0: 0.0, 1: 6.0}


@pytest.mark.requirement("R-116")
def test_rl_11_a_family_with_enough_left_holds_nobody_however_far_its_reset() -> None:
    run = Run(Limiter())
    run.learn(refill(14_400, 1_439, 77_760.0))
    run.submit(*range(100))
    assert len(run.sent) == 100


@pytest.mark.requirement("R-116")
def test_rl_12_a_refilling_family_holds_for_its_share_of_the_time() -> None:
    run = Run(Limiter())
    run.learn(refill(100, 0, 100.0))
    run.submit(0, 1, 2)
    run.advance(10.0)
    assert run.sent == {0: pytest.approx(1.0), 1: pytest.approx(2.0), 2: pytest.approx(3.0)}


@pytest.mark.requirement("R-113")
def test_rl_13_a_server_clock_an_hour_off_does_not_lengthen_the_hold() -> None:
    family = LimitHeaders(
        "tokens",
        "tokens",
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
        "rfc3339",
    )
    headers = Headers(
        [
            ("anthropic-ratelimit-tokens-remaining", "0"),
            ("anthropic-ratelimit-tokens-reset", "2025-10-30T17:17:41Z"),
            ("date", "Thu, 30 Oct 2025 17:17:36 GMT"),
        ]
    )
    run = Run(Limiter())
    run.learn(*observe(headers, [family], run.now, WALL))
    run.submit(0, cost=Cost(input=10))
    run.advance(10.0)
    assert run.sent == {0: 5.0}


FAMILY = LimitHeaders("requests", "requests", "l", "n", "r")


@pytest.mark.requirement("R-114")
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"l": "-1", "n": "-1", "r": "0"}, id="RL-15"),
        pytest.param({"l": "x", "n": "0", "r": "6s"}, id="RL-16 limit"),
        pytest.param({"l": "9", "n": "x", "r": "6s"}, id="RL-16 remaining"),
        pytest.param({"l": "9", "n": "0", "r": "x"}, id="RL-16 reset"),
    ],
)
def test_values_that_make_no_sense_hold_nobody_and_change_nothing(fields: dict[str, str]) -> None:
    run = Run(Limiter())
    run.learn(window(5, 60.0, 10))
    before = run.limiter.snapshot(0.0)
    run.learn(*observe(Headers(fields.items()), [FAMILY], 0.0, WALL))
    assert run.limiter.snapshot(0.0) == before
    run.submit(0, 1, 2, 3, 4)
    assert len(run.sent) == 5


@pytest.mark.requirement("R-115")
@pytest.mark.parametrize("late", [0.0, 0.4, 3.0])
def test_rl_17_an_older_response_that_arrives_late_does_not_raise_what_is_left(late: float) -> None:
    run = Run(Limiter())
    run.learn(window(5, 6.0))
    run.advance(late)
    run.learn(window(9, 6.0 + late))
    assert run.limiter.snapshot(run.now)[0].remaining == 5
    assert run.limiter.snapshot(run.now)[0].resets_in == pytest.approx(6.0 - late)


@pytest.mark.requirement("R-115")
def test_rl_17_holds_for_refilling_families_too() -> None:
    run = Run(Limiter())
    run.learn(refill(100, 5, 95.0))
    run.advance(1.0)
    run.learn(refill(100, 9, 92.0))
    assert run.limiter.snapshot(1.0)[0].remaining == pytest.approx(6.0)
    run.learn(refill(100, 2, 99.0))
    assert run.limiter.snapshot(1.0)[0].remaining == 2


@pytest.mark.requirement("R-115")
def test_a_windows_earliest_reported_end_counts() -> None:
    run = Run(Limiter())
    run.learn(window(5, 6.0))
    run.learn(window(0, 6.9))
    run.submit(0)
    run.advance(10.0)
    assert run.sent == {0: 6.0}


@pytest.mark.requirement("R-116")
def test_a_refilling_familys_latest_report_counts_from_its_own_instant() -> None:
    run = Run(Limiter())
    run.advance(1000.0)
    run.learn(refill(100, 40, 1060.0))
    run.advance(1010.0)
    run.learn(refill(100, 0, 1210.0))  # one every two seconds
    run.submit(0, cost=Cost(requests=5))
    run.advance(1020.5)
    assert run.sent == {0: pytest.approx(1020.0)}
    assert run.limiter.snapshot(1020.5)[0].remaining == pytest.approx(0.25)
    assert run.limiter.snapshot(1020.5)[0].resets_in == pytest.approx(189.5)


@pytest.mark.requirement("R-116")
@pytest.mark.parametrize(("limit", "remaining"), [(None, 0), (3, 4), (4, 4)])
def test_a_refill_that_cannot_be_reckoned_is_held_to_its_end(limit: float | None, remaining: float) -> None:
    run = Run(Limiter())
    run.advance(10.0)
    run.learn(refill(limit, remaining, 16.0))
    run.submit(0, cost=Cost(requests=5))
    run.advance(20.0)
    assert run.sent == {0: 16.0}


@pytest.mark.requirement("R-116")
def test_what_is_left_counts_calls_under_way_until_they_end_or_the_next_report() -> None:
    run = Run(Limiter())
    run.learn(window(10, 60.0))
    run.submit(0, 1, 2)
    assert run.limiter.snapshot(0.0)[0].remaining == 7
    run.settle(0)
    assert run.limiter.snapshot(0.0)[0].remaining == 8
    run.learn(window(10, 60.0))
    assert run.limiter.snapshot(0.0)[0].remaining == 10
    run.submit(3)
    run.settle(1)  # was under way before that report, which includes it
    assert run.limiter.snapshot(0.0)[0].remaining == 9


@pytest.mark.requirement("R-118")
def test_a_release_covers_those_who_waited_then_and_no_others() -> None:
    run = Run(Limiter())
    run.pause(1.0)
    run.submit(0, 1, 2)
    run.advance(1.06)
    run.submit(3)
    run.advance(2.0)
    assert [run.sent[call] for call in range(4)] == pytest.approx([1.0, 1.05, 1.1, 1.1])


@pytest.mark.requirement("R-112")
def test_the_release_after_a_pause_is_part_of_the_projection() -> None:
    run = Run(Limiter([Limit("requests", 60, 60)]))
    run.pause(58.0)
    run.submit(0, 1, 2, 3)
    assert run.refused == {3: Refused(pytest.approx(61.0), "wait")}


@pytest.mark.requirement("R-115")
def test_after_its_reset_a_family_is_unknown_not_full() -> None:
    run = Run(Limiter())
    run.learn(window(0, 6.0, 50))
    run.advance(6.0)
    assert run.limiter.snapshot(6.0)[0].remaining is None
    run.learn(window(3, 12.0, 50))
    assert run.limiter.snapshot(6.0)[0].remaining == 3


@pytest.mark.requirement("R-116")
def test_a_crowd_does_not_share_the_last_two_units() -> None:
    run = Run(Limiter())
    run.learn(window(2, 10.0))
    run.submit(*range(5))
    assert list(run.sent) == [0, 1]
    run.learn(window(1, 10.0))  # the server has counted one of them
    assert list(run.sent) == [0, 1, 2]


@pytest.mark.requirement("R-109")
def test_a_call_that_was_never_sent_frees_its_share_of_the_last_units() -> None:
    run = Run(Limiter())
    run.learn(window(1, 10.0))
    run.submit(0, 1)
    run.settle(0, result="unsent")
    assert run.sent == {0: 0.0, 1: 0.0}


@pytest.mark.requirement("R-116")
def test_units_a_call_does_not_take_do_not_hold_it() -> None:
    run = Run(Limiter())
    run.learn(
        Observed("images", "other", 5, 0, 50.0, "window"), Observed("output", "output", 5, 0, 50.0, "window")
    )
    run.submit(0, cost=Cost(input=1000))
    assert run.sent == {0: 0.0}


@pytest.mark.requirement("R-116")
def test_a_call_larger_than_the_whole_family_goes_when_it_is_full() -> None:
    run = Run(Limiter())
    run.learn(refill(1000, 500, 30.0, "tokens"))
    run.submit(0, cost=Cost(input=5000))
    run.advance(60.0)
    assert run.sent == {0: 30.0}


@pytest.mark.requirement("R-112")
def test_a_hold_longer_than_the_longest_wait_is_refused_with_its_projection() -> None:
    run = Run(Limiter())
    run.learn(window(0, 61.0))
    run.submit(0)
    assert run.refused == {0: Refused(61.0, "wait")}


@pytest.mark.requirement("R-115")
@pytest.mark.parametrize("observed", [window(0, None), window(None, 50.0), window(0, 0.0)])
def test_a_report_without_remaining_or_future_reset_holds_nobody(observed: Observed) -> None:
    run = Run(Limiter())
    run.learn(observed)
    run.submit(0)
    assert run.sent == {0: 0.0}


@pytest.mark.requirement("R-117")
def test_rl_18_a_pause_holds_new_calls_and_releases_them_spread() -> None:
    run = Run(Limiter())
    run.submit(*range(20))
    run.pause(3.0)
    run.submit(*range(20, 25))
    assert len(run.sent) == 20
    run.advance(10.0)
    released = [run.sent[call] for call in range(20, 25)]
    assert released == pytest.approx([3.0, 3.05, 3.1, 3.15, 3.2])


@pytest.mark.requirement("R-118")
def test_a_large_crowd_is_spread_over_five_seconds() -> None:
    run = Run(Limiter())
    run.pause(10.0)
    run.submit(*range(500))
    run.advance(20.0)
    times = [run.sent[call] for call in range(500)]
    assert times == sorted(times)
    assert times[0] == 10.0
    assert 14.9 < times[-1] <= 15.0
    assert len(set(times)) == 500


@pytest.mark.requirement("R-118")
def test_a_known_rate_sets_the_pace_after_a_pause() -> None:
    run = Run(Limiter([Limit("requests", 60, 60)]))
    run.pause(10.0)
    run.submit(*range(5))
    run.advance(20.0)
    assert [run.sent[call] for call in range(5)] == pytest.approx([10, 11, 12, 13, 14])


@pytest.mark.requirement("R-118")
def test_a_large_call_takes_its_share_of_the_pace_after_a_pause() -> None:
    run = Run(Limiter([Limit("tokens", 600, 60)]))
    run.pause(10.0)
    run.submit(0, 1, 2, cost=Cost(input=30))
    run.advance(30.0)
    assert [run.sent[call] for call in range(3)] == pytest.approx([10, 13, 16])


@pytest.mark.requirement("R-118")
def test_a_sliding_window_has_no_pace_so_its_waiters_are_spread() -> None:
    run = Run(Limiter([Limit("requests", 14_400, 86_400)], mode="sliding"))
    run.pause(10.0)
    run.submit(*range(5))
    run.advance(20.0)
    assert [run.sent[call] for call in range(5)] == pytest.approx([10.0, 10.05, 10.1, 10.15, 10.2])


@pytest.mark.requirement("R-118")
def test_when_all_who_were_held_gave_up_nobody_later_is_spread() -> None:
    run = Run(Limiter(concurrency=1))
    run.submit(0)
    run.pause(1.0)
    run.submit(1)
    run.cancel(1)
    run.advance(2.0)
    run.submit(2, 3)
    run.settle(0)
    run.settle(2)
    assert run.sent == {0: 0.0, 2: 2.0, 3: 2.0}


@pytest.mark.requirement("R-118")
def test_who_comes_after_a_release_is_not_slowed() -> None:
    run = Run(Limiter())
    run.pause(1.0)
    run.submit(0, 1)
    run.advance(1.2)
    run.submit(2, 3)
    assert run.sent == {0: 1.0, 1: pytest.approx(1.05), 2: 1.2, 3: 1.2}


@pytest.mark.requirement("R-117")
def test_the_latest_of_several_pauses_counts_and_nonsense_is_no_pause() -> None:
    run = Run(Limiter())
    for until in (5.0, 3.0, -1.0, math.nan, math.inf):
        run.pause(until)
    run.submit(0)
    run.advance(9.0)
    assert run.sent == {0: 5.0}


@pytest.mark.requirement("R-112")
def test_a_waiter_whom_a_new_pause_holds_too_long_is_refused() -> None:
    run = Run(Limiter([Limit("requests", 1, 1, burst=1)]))
    run.submit(0, 1)
    run.pause(100.0)
    run.advance(5.0)
    assert run.refused == {1: Refused(99.0, "wait")}


@pytest.mark.requirement("R-113")
def test_a_server_cannot_fill_our_memory_with_families() -> None:
    run = Run(Limiter())
    run.learn(*(Observed(f"f{n}", "other", 1, 1, 9.0, "window") for n in range(1000)))
    assert len(run.limiter.snapshot(0.0)) == 64
