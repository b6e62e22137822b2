"""Token buckets with the time as an argument."""

from __future__ import annotations

import math

import pytest

from llm_forge.simulator.limits import Bucket, Limits
from llm_forge.simulator.providers.durations import duration


def test_a_bucket_refills_evenly_and_never_above_its_capacity() -> None:
    bucket = Bucket(60, period=60)
    bucket.take(60, 0)
    assert [bucket.available(now) for now in (0, 1, 30.5, 1000)] == [0, 1, 30.5, 60]


def test_the_wait_is_exact_and_infinite_for_what_never_fits() -> None:
    bucket = Bucket(10, period=60)
    bucket.take(10, 0)
    assert bucket.wait(1, 0) == 6
    assert bucket.wait(11, 0) == math.inf
    assert bucket.full_in(30) == 30


def test_a_clock_that_jumps_back_gives_nothing_away() -> None:
    bucket = Bucket(60, period=60)
    bucket.take(60, 100)
    assert bucket.available(50) == 0
    assert bucket.available(101) == 1


def test_a_request_is_charged_everywhere_or_nowhere() -> None:
    limits = Limits({"requests": Bucket(10), "tokens": Bucket(100)})
    assert limits.admit({"requests": 1, "tokens": 90, "unknown": 5}, 0) is None
    assert limits.admit({"requests": 1, "tokens": 20}, 0) == ("tokens", pytest.approx(6))
    assert limits["requests"].available(0) == 9
    assert list(limits) == ["requests", "tokens"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.006, "6ms"),
        (0.0001, "1ms"),
        (1, "1s"),
        (25.542, "25.542s"),
        (60, "1m0s"),
        (4105.745, "1h8m25.745s"),
    ],
)
def test_durations_are_written_as_the_vendors_write_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
