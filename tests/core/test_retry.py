from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.errors import ConfigError
from llm_forge.core.retry import Failure, FailureKind, GiveUp, Retry, RetryPolicy

POLICY = RetryPolicy()


def status(code: int, **facts: Any) -> Failure:
    return Failure("status", status=code, **facts)


def decide(
    failure: Failure, attempt: int = 1, policy: RetryPolicy = POLICY, chance: float = 1.0, **facts: Any
) -> Retry | GiveUp:
    return policy.decide(attempt, failure, **{"left": None, "chance": chance, "jitter": chance} | facts)


def wait(failure: Failure, attempt: int = 1, **facts: Any) -> float:
    plan = decide(failure, attempt, **facts)
    assert isinstance(plan, Retry), plan
    return plan.after


@pytest.mark.requirement("R-062")
def test_rt_01_two_failures_wait_half_a_second_then_one() -> None:
    assert [wait(status(500), attempt) for attempt in (1, 2)] == [0.5, 1.0]


@pytest.mark.requirement("R-062")
def test_rt_02_the_third_failure_is_the_last() -> None:
    assert decide(status(500), 3) == GiveUp("attempts")


@pytest.mark.requirement("R-071")
@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 405, 410, 411, 413, 415, 422, 431, 451, 501, 505])
def test_rt_03_statuses_that_no_repetition_cures(code: int) -> None:
    assert decide(status(code)) == GiveUp("not-retryable")


@pytest.mark.requirement("R-070")
@pytest.mark.parametrize("code", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_rt_04_statuses_that_are_retried(code: int) -> None:
    assert isinstance(decide(status(code)), Retry)


@pytest.mark.requirement("R-070")
@pytest.mark.parametrize("kind", ["connect", "refused-stream", "lost", "timeout", "pool"])
def test_transport_failures_are_retried(kind: FailureKind) -> None:
    assert isinstance(decide(Failure(kind), timeouts=1), Retry)


@pytest.mark.requirement("R-071")
def test_a_fatal_failure_is_not_retried_whatever_the_server_says() -> None:
    assert decide(Failure("fatal", status=200, should_retry=True)) == GiveUp("not-retryable")


@pytest.mark.requirement("R-070")
def test_rt_05_498_is_retried_only_where_the_descriptor_lists_it() -> None:
    listed = RetryPolicy(retryable_statuses=frozenset({498}))
    assert decide(status(498), policy=listed) == Retry(1.0, "backoff", 5)
    assert decide(status(498)) == GiveUp("not-retryable")


@pytest.mark.requirement("R-066")
@pytest.mark.parametrize(("chance", "seconds"), [(1.0, 7.7), (0.0, 7.0)])
def test_rt_06_a_server_wait_is_kept_and_jitter_only_adds(chance: float, seconds: float) -> None:
    plan = decide(status(429, server_wait=7.0), chance=chance)
    assert plan == Retry(pytest.approx(seconds), "server", 5)


@pytest.mark.requirement("R-066")
def test_rt_07_a_short_server_wait_has_a_tenth_of_jitter() -> None:
    assert wait(status(429, server_wait=1.5)) == pytest.approx(1.65)


@pytest.mark.requirement("R-065")
@pytest.mark.parametrize("absent", [None, 0.0])
def test_rt_09_without_a_server_wait_throttling_backs_off_from_one_second(absent: float | None) -> None:
    assert decide(status(429, server_wait=absent)) == Retry(1.0, "backoff", 5)


@pytest.mark.requirement("R-067")
def test_rt_10_the_longest_accepted_server_wait_is_sixty_seconds() -> None:
    assert wait(status(429, server_wait=60.0)) == 61.0
    assert decide(status(429, server_wait=61.0)) == GiveUp("server-wait")


@pytest.mark.requirement("R-066")
def test_rt_11_a_longer_wait_is_kept_where_allowed() -> None:
    patient = RetryPolicy(max_server_wait=300.0)
    assert wait(status(429, server_wait=179.56), policy=patient) == pytest.approx(180.56)


@pytest.mark.requirement("R-068")
def test_rt_12_the_server_may_forbid_or_allow_a_retry() -> None:
    assert decide(status(500, should_retry=False)) == GiveUp("not-retryable")
    assert isinstance(decide(status(400, should_retry=True)), Retry)


@pytest.mark.requirement("R-068")
@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"attempt": 3}, "attempts"),
        ({"replay": "once"}, "replay"),
        ({"left": 0.1}, "deadline"),
    ],
)
def test_what_the_server_allows_is_still_bounded(facts: dict[str, Any], reason: Any) -> None:
    assert decide(status(400, should_retry=True), **facts) == GiveUp(reason)
    assert decide(status(400, should_retry=True, server_wait=61.0)) == GiveUp("server-wait")


@pytest.mark.requirement("R-072")
@pytest.mark.parametrize("server_says", [None, True])
def test_rt_13_a_spent_quota_is_not_retried(server_says: bool | None) -> None:
    failure = status(429, terminal_quota=True, should_retry=server_says)
    assert decide(failure) == GiveUp("not-retryable")
    assert not POLICY.is_retryable(failure)


@pytest.mark.requirement("R-072")
def test_rt_14_a_quota_with_an_acceptable_server_wait_is_an_ordinary_limit() -> None:
    assert wait(status(429, terminal_quota=True, server_wait=2.0)) == pytest.approx(2.2)
    assert wait(status(429, terminal_quota=True, server_wait=60.0)) == 61.0
    assert decide(status(429, terminal_quota=True, server_wait=61.0)) == GiveUp("not-retryable")
    assert decide(status(429, terminal_quota=True, server_wait=0.0)) == GiveUp("not-retryable")


RT_16 = [
    (status(500), GiveUp("replay")),
    (Failure("lost"), GiveUp("replay")),
    (Failure("timeout"), GiveUp("replay")),
    (status(503), GiveUp("replay")),
    (Failure("connect"), Retry(0.5, "backoff", 5)),
    (Failure("refused-stream"), Retry(0.5, "backoff", 5)),
    (Failure("pool"), Retry(0.5, "backoff", 5)),
    (status(429), Retry(1.0, "backoff", 5)),
]


@pytest.mark.requirement("R-076")
@pytest.mark.parametrize(("failure", "expected"), RT_16, ids=lambda value: repr(value))
def test_rt_16_a_once_operation_is_repeated_only_if_surely_not_processed(
    failure: Failure, expected: Retry | GiveUp
) -> None:
    assert decide(failure, replay="once", timeouts=1) == expected


@pytest.mark.requirement("R-076")
def test_rt_17_a_keyed_operation_is_repeated_with_its_key_and_else_counts_as_once() -> None:
    assert isinstance(decide(status(500), replay="keyed", keyed=True), Retry)
    assert decide(status(500), replay="keyed") == GiveUp("replay")
    assert isinstance(decide(Failure("connect"), replay="keyed"), Retry)


@pytest.mark.requirement("R-078")
def test_rt_18_a_body_that_cannot_be_rewound_makes_one_attempt() -> None:
    assert decide(status(500), rewindable=False) == GiveUp("replay")
    assert decide(Failure("connect"), rewindable=False) == GiveUp("replay")


@pytest.mark.requirement("R-061")
@pytest.mark.parametrize("count", [0, -1, 21, True, 2.0, "3", None])
def test_rt_24_max_attempts_outside_one_to_twenty_is_refused(count: Any) -> None:
    with pytest.raises(ConfigError, match="max_attempts must be a whole number from 1 to 20"):
        RetryPolicy(max_attempts=count)


@pytest.mark.requirement("R-061")
def test_rt_24_one_attempt_means_no_retry() -> None:
    assert decide(status(500), policy=RetryPolicy(max_attempts=1)) == GiveUp("attempts")


@pytest.mark.requirement("R-074")
def test_dl_08_an_attempt_time_out_is_repeated_once_and_costs_double() -> None:
    patient = RetryPolicy(max_attempts=5)
    assert decide(Failure("timeout"), timeouts=1) == Retry(0.5, "backoff", 10)
    assert decide(Failure("timeout"), 2, policy=patient, timeouts=2) == GiveUp("timeout-again")
    assert isinstance(decide(status(500), 2, policy=patient, timeouts=1), Retry)


@pytest.mark.requirement("R-054")
def test_dl_03_a_sleep_beyond_the_deadline_is_not_begun() -> None:
    assert wait(status(500), 1, left=1.2) == 0.5
    assert decide(status(500), 2, left=0.7) == GiveUp("deadline")


@pytest.mark.requirement("R-067")
def test_dl_04_a_server_wait_beyond_the_deadline_ends_the_call() -> None:
    assert decide(status(429, server_wait=30.0), left=10.0) == GiveUp("server-wait")
    assert decide(status(429, server_wait=10.0), left=10.0) == GiveUp("deadline")


@pytest.mark.requirement("R-053")
@pytest.mark.parametrize(("left", "retried"), [(0.511, True), (0.505, False)])
def test_a_retry_that_would_leave_less_than_ten_milliseconds_is_not_planned(
    left: float, retried: bool
) -> None:
    assert isinstance(decide(status(500), left=left), Retry) is retried


@pytest.mark.requirement("R-062")
@pytest.mark.parametrize(
    ("failure", "bounds"),
    [
        (status(500), [0.5, 1, 2, 4, 8, 16, 20, 20]),
        (status(429), [1, 2, 4, 8, 16, 20, 20, 20]),
        (status(529), [1, 2, 4, 8, 16, 20, 20, 20]),
        (status(503), [0.5, 1, 2, 4, 8, 16, 20, 20]),
        (status(503, server_wait=0.5), [1.05, 2.05, 4.05, 8.05, 16.05, 20.05, 20.05, 20.05]),
    ],
)
def test_backoff_doubles_up_to_its_cap(failure: Failure, bounds: list[float]) -> None:
    policy = RetryPolicy(max_attempts=20)
    assert [wait(failure, n, policy=policy) for n in range(1, 9)] == pytest.approx(bounds)


failures = st.builds(
    Failure,
    kind=st.sampled_from(["status", "connect", "refused-stream", "lost", "timeout", "pool", "fatal"]),
    status=st.none() | st.sampled_from([200, 400, 408, 429, 498, 500, 503, 529]),
    server_wait=st.none() | st.floats(0, 100),
    should_retry=st.none() | st.booleans(),
    terminal_quota=st.booleans(),
)
chances = st.floats(0, 1)


@pytest.mark.requirement("R-066")
@settings(max_examples=200, deadline=None, derandomize=True)
@given(failures, st.integers(1, 20), st.none() | st.floats(0, 100), chances, chances)
def test_a_planned_wait_is_never_shorter_than_the_servers_nor_longer_than_the_time_left(
    failure: Failure, attempt: int, left: float | None, chance: float, jitter: float
) -> None:
    plan = RetryPolicy(max_attempts=20).decide(attempt, failure, left=left, chance=chance, jitter=jitter)
    if isinstance(plan, Retry):
        server = failure.server_wait or 0.0
        assert server <= plan.after <= max(server, 20.0) + 1.0
        assert left is None or plan.after <= left
        assert POLICY.is_retryable(failure)


@pytest.mark.requirement("R-030")
def test_a_refused_token_that_can_be_renewed_is_retried_at_once_and_once_the_rules_allow() -> None:
    renewed = Retry(0.0, "token", 5)
    assert decide(status(401), renewable=True) == renewed
    assert decide(status(401), renewable=True, left=0.01) == renewed
    assert decide(status(401), renewable=True, left=0.0099) == GiveUp("deadline")
    assert decide(status(401), renewable=True, replay="once") == GiveUp("replay")
    assert decide(status(401), renewable=True, rewindable=False) == GiveUp("replay")
    assert decide(status(401), renewable=True, replay="keyed", keyed=True) == renewed
    assert decide(status(401), renewable=True, replay="keyed") == GiveUp("replay")
    assert decide(status(401, should_retry=False), renewable=True) == GiveUp("not-retryable")
    assert decide(status(401)) == GiveUp("not-retryable")
    assert decide(status(402), renewable=True) == GiveUp("not-retryable")
    assert decide(status(403), renewable=True) == GiveUp("not-retryable")


@pytest.mark.requirement("R-053")
def test_a_wait_that_leaves_just_enough_time_is_made() -> None:
    assert decide(status(500), left=0.51) == Retry(0.5, "backoff", 5)
