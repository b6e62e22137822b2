from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from llm_forge.core.breaker import (
    Breaker,
    BreakerSettings,
    Outcome,
    Permit,
    Rejected,
    Transition,
    outcome_of,
)
from llm_forge.core.errors import ConfigError
from llm_forge.core.retry import Failure

CALM = BreakerSettings(jitter=0.0)


def send(breaker: Breaker, outcome: Outcome, now: float) -> None:
    permit = breaker.admit(now)
    assert isinstance(permit, Permit)
    breaker.record(permit, outcome, now, 1.0)


def send_all(breaker: Breaker, outcomes: Iterable[Outcome], now: float = 0.0) -> None:
    for outcome in outcomes:
        send(breaker, outcome, now)


def opened(settings: BreakerSettings = CALM) -> Breaker:
    breaker = Breaker(settings)
    send_all(breaker, ["failure"] * settings.min_outcomes)
    assert breaker.state == "open"
    return breaker


@pytest.mark.requirement("R-093")
@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        pytest.param(["failure"] * 19, "closed", id="CB-01"),
        pytest.param(["failure"] * 20, "open", id="CB-02"),
        pytest.param(["success"] * 10 + ["failure"] * 10, "open", id="CB-04"),
        pytest.param(["success"] * 11 + ["failure"] * 9, "closed", id="CB-05"),
        pytest.param(["neutral"] * 40, "closed", id="CB-11"),
        pytest.param(["neutral"] * 40 + ["failure"] * 19, "closed", id="CB-11 counts nothing"),
    ],
)
def test_closed_opens_at_twenty_outcomes_of_which_half_failed(outcomes: list[Outcome], state: str) -> None:
    breaker = Breaker(CALM)
    send_all(breaker, outcomes)
    assert breaker.state == state


@pytest.mark.requirement("R-094")
def test_cb_02_open_rejects_with_the_time_left() -> None:
    breaker = opened()
    assert breaker.admit(0.0) == Rejected(5.0)
    assert breaker.admit(3.0) == Rejected(2.0)


@pytest.mark.requirement("R-092")
@pytest.mark.parametrize("code", [400, 401, 403, 404, 408, 409, 422, 425, 429, 498, 501])
def test_cb_03_an_answering_server_is_a_success(code: int) -> None:
    breaker = Breaker(CALM)
    send_all(breaker, [outcome_of(Failure("status", status=code))] * 100)
    assert breaker.state == "closed"


@pytest.mark.requirement("R-092")
@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (None, "success"),
        *[(Failure("status", status=code), "failure") for code in (500, 502, 503, 504, 529)],
        *[(Failure(kind), "failure") for kind in ("connect", "refused-stream", "lost", "timeout")],
        (Failure("pool"), "neutral"),
        (Failure("fatal"), "neutral"),
        (Failure("fatal", status=200), "success"),
    ],
    ids=repr,
)
def test_the_table_of_outcomes(failure: Failure | None, outcome: Outcome) -> None:
    assert outcome_of(failure) == outcome


@pytest.mark.requirement("R-091")
def test_cb_06_failures_spread_over_seventy_seconds_never_meet() -> None:
    breaker = Breaker(CALM)
    for number in range(20):
        send(breaker, "failure", number * 70 / 20)
    assert breaker.state == "closed"


@pytest.mark.requirement("R-091")
def test_the_window_slides_and_does_not_jump() -> None:
    breaker = Breaker(CALM)
    send_all(breaker, ["failure"] * 10, now=1.0)
    send_all(breaker, ["failure"] * 9, now=28.0)
    send(breaker, "failure", 31.0)  # the first ten have left with their bucket
    assert breaker.state == "closed"
    send_all(breaker, ["failure"] * 10, now=31.0)
    assert breaker.state == "open"


@pytest.mark.requirement("R-096")
def test_cb_07_half_open_admits_one_of_fifty() -> None:
    breaker = opened()
    answers = [breaker.admit(5.0) for _ in range(50)]
    assert breaker.state == "half-open"
    assert [type(answer) for answer in answers] == [Permit] + [Rejected] * 49
    assert answers[0] == Permit(generation=2, probe=True)


@pytest.mark.requirement("R-096")
def test_cb_08_two_good_probes_close() -> None:
    breaker = opened()
    send(breaker, "success", 5.0)
    assert breaker.state == "half-open"
    send(breaker, "success", 5.1)
    assert breaker.state == "closed"
    send_all(breaker, ["failure"] * 19, now=5.2)
    assert breaker.state == "closed"


@pytest.mark.requirement("R-095")
def test_cb_09_each_failed_probe_doubles_the_open_time_up_to_thirty_seconds() -> None:
    breaker, now, lasted = opened(), 5.0, []
    for _ in range(4):
        send(breaker, "failure", now)
        rejected = breaker.admit(now)
        assert isinstance(rejected, Rejected)
        lasted.append(rejected.retry_after)
        now += rejected.retry_after
    assert lasted == [10.0, 20.0, 30.0, 30.0]


@pytest.mark.requirement("R-095")
def test_closing_resets_the_open_time() -> None:
    breaker = opened()
    send(breaker, "failure", 5.0)
    send_all(breaker, ["success", "success"], now=15.0)
    send_all(breaker, ["failure"] * 20, now=16.0)
    assert breaker.admit(16.0) == Rejected(5.0)


@pytest.mark.requirement("R-095")
@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 4.0), (0.5, 5.0), (1.0, 6.0)])
def test_the_open_time_varies_by_a_fifth_both_ways(chance: float, seconds: float) -> None:
    breaker = Breaker()
    for _ in range(20):
        permit = breaker.admit(0.0)
        assert isinstance(permit, Permit)
        breaker.record(permit, "failure", 0.0, chance)
    assert breaker.admit(0.0) == Rejected(pytest.approx(seconds))


@pytest.mark.requirement("R-098")
@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_cb_10_an_outcome_of_an_older_generation_changes_nothing(outcome: Outcome) -> None:
    breaker = Breaker(CALM)
    old = [breaker.admit(0.0) for _ in range(4)]
    send_all(breaker, ["failure"] * 20)
    first, second = (permit for permit in old[:2] if isinstance(permit, Permit))
    breaker.record(first, outcome, 1.0, 1.0)
    assert breaker.admit(1.0) == Rejected(4.0)
    probe = breaker.admit(5.0)
    breaker.record(second, outcome, 5.0, 1.0)
    assert breaker.state == "half-open"
    assert isinstance(breaker.admit(5.0), Rejected)
    assert isinstance(probe, Permit)


@pytest.mark.requirement("R-097")
def test_cn_09_a_cancelled_probe_gives_its_permit_back() -> None:
    breaker = opened()
    send(breaker, "neutral", 5.0)
    assert breaker.state == "half-open"
    assert breaker.admit(5.0) == Permit(generation=2, probe=True)


@pytest.mark.requirement("R-096")
def test_a_late_probe_of_an_earlier_half_open_phase_still_fills_its_place() -> None:
    breaker = opened(BreakerSettings(jitter=0.0, probes=2))
    late, quick = breaker.admit(5.0), breaker.admit(5.0)
    assert isinstance(late, Permit)
    assert isinstance(quick, Permit)
    breaker.record(quick, "failure", 5.0, 1.0)
    assert isinstance(breaker.admit(15.0), Permit)
    assert isinstance(breaker.admit(15.0), Rejected)
    breaker.record(late, "success", 15.0, 1.0)
    assert isinstance(breaker.admit(15.0), Permit)


@pytest.mark.requirement("R-100")
def test_every_transition_is_told_once() -> None:
    breaker = opened()
    send_all(breaker, ["success", "success"], now=5.0)
    assert breaker.take_transitions() == [
        Transition("closed", "open", 0.0),
        Transition("open", "half-open", 5.0),
        Transition("half-open", "closed", 5.0),
    ]
    assert breaker.take_transitions() == []


@pytest.mark.requirement("R-090")
def test_a_breaker_can_be_forced_open_disabled_and_reset_by_hand() -> None:
    breaker = Breaker(CALM)
    breaker.force_open(1.0)
    assert isinstance(breaker.admit(1000.0), Rejected)
    breaker.disable(1001.0)
    send_all(breaker, ["failure"] * 100, now=1001.0)
    assert breaker.state == "disabled"
    breaker.reset(1002.0)
    assert breaker.state == "closed"
    assert [(t.before, t.after) for t in breaker.take_transitions()] == [
        ("closed", "forced-open"),
        ("forced-open", "disabled"),
        ("disabled", "closed"),
    ]


@pytest.mark.requirement("R-090")
def test_a_breaker_that_is_not_enabled_never_opens() -> None:
    breaker = Breaker(BreakerSettings(enabled=False))
    send_all(breaker, ["failure"] * 100)
    assert breaker.state == "disabled"
    assert breaker.take_transitions() == []


@pytest.mark.requirement("R-102")
@pytest.mark.parametrize(("slow", "state"), [(2.0, "closed"), (None, "closed"), (1.0, "open")])
def test_the_slow_call_rule_opens_only_where_it_is_on(slow: float | None, state: str) -> None:
    breaker = Breaker(BreakerSettings(slow_call_seconds=slow, slow_call_ratio=0.5))
    for number in range(20):
        permit = breaker.admit(0.0)
        if isinstance(permit, Permit):
            breaker.record(permit, "success", 0.0, 1.0, response_time=1.5 if number % 2 else 0.1)
    assert breaker.state == state


@pytest.mark.requirement("R-093")
def test_cb_12_a_small_minimum_trips_on_the_second_failure() -> None:
    breaker = Breaker(BreakerSettings(min_outcomes=2, jitter=0.0))
    send_all(breaker, ["failure", "failure"])
    assert breaker.state == "open"


@pytest.mark.requirement("R-100")
def test_cb_17_probes_stay_within_the_limit_over_eight_threads() -> None:
    breaker = Breaker(BreakerSettings(window=1.0, min_outcomes=5, open_seconds=0.01, open_max=0.02))
    lock, clock, under_way, worst = threading.Lock(), [0.0], [0], [0]
    changes: list[Transition] = []

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(10_000):
            with lock:
                clock[0] += 0.001
                answer = breaker.admit(clock[0])
                if isinstance(answer, Permit) and answer.probe:
                    under_way[0] += 1
                    worst[0] = max(worst[0], under_way[0])
            if isinstance(answer, Permit):
                outcome: Outcome = dice.choice(["success", "failure", "neutral"])
                with lock:
                    under_way[0] -= answer.probe
                    breaker.record(answer, outcome, clock[0], dice.random())
                    changes.extend(breaker.take_transitions())

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    changes += breaker.take_transitions()
    assert worst[0] == 1
    assert changes[0].before == "closed"
    assert all(one.after == two.before for one, two in itertools.pairwise(changes))
    assert changes[-1].after == breaker.state
    assert len(changes) > 100


@pytest.mark.requirement("R-011")
@pytest.mark.parametrize(
    "facts",
    [
        {"window": 0},
        {"open_seconds": -1.0},
        {"open_max": float("nan")},
        {"slow_call_seconds": 0},
        {"buckets": 0},
        {"min_outcomes": 0},
        {"probes": 0},
        {"successes_to_close": 0},
        {"ratio": 0.0},
        {"ratio": 1.1},
        {"slow_call_ratio": 0},
        {"jitter": 1.0},
    ],
)
def test_a_breaker_setting_that_makes_no_sense_is_refused_by_name(facts: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"breaker\.{next(iter(facts))} must be"):
        BreakerSettings(**facts)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("buckets", 0, "at least 1"),
        ("min_outcomes", 0, "at least 1"),
        ("probes", -1, "at least 1"),
        ("successes_to_close", 0, "at least 1"),
        ("ratio", 1.5, "above 0 and at most 1"),
        ("slow_call_ratio", 0, "above 0 and at most 1"),
        ("jitter", 1, "at least 0 and below 1"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_what_is_allowed(
    option: str, value: float, allowed: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        BreakerSettings(**{option: value})
    assert str(caught.value).startswith(f"breaker.{option} must be {allowed}, not {value!r}")


@pytest.mark.requirement("R-095")
def test_starting_anew_forgets_how_often_probes_failed_and_says_when() -> None:
    breaker = Breaker(BreakerSettings(min_outcomes=1, jitter=0))
    breaker.disable(1.0)
    breaker.force_open(2.0)
    breaker.reset(3.0)
    assert [change.at for change in breaker.take_transitions()] == [1.0, 2.0, 3.0]
    now = 10.0
    for _ in range(3):
        permit = breaker.admit(now)
        assert isinstance(permit, Permit)
        breaker.record(permit, "failure", now, 0.5)
        now += 100.0
    breaker.reset(now)
    permit = breaker.admit(now)
    assert isinstance(permit, Permit)
    breaker.record(permit, "failure", now, 0.5)
    refused = breaker.admit(now)
    assert isinstance(refused, Rejected)
    assert refused.retry_after == 5.0


@pytest.mark.requirement("R-102")
def test_an_answer_exactly_at_the_threshold_is_not_slow() -> None:
    breaker = Breaker(BreakerSettings(min_outcomes=2, slow_call_seconds=1.0, slow_call_ratio=0.5))
    for response_time in (1.0, 1.0, 1.0, 1.1, 1.1):
        permit = breaker.admit(0.0)
        assert isinstance(permit, Permit)
        breaker.record(permit, "success", 0.0, 0.5, response_time=response_time)
    assert breaker.state == "closed"
    permit = breaker.admit(0.0)
    assert isinstance(permit, Permit)
    breaker.record(permit, "success", 0.0, 0.5, response_time=1.1)
    assert breaker.state == "open"
