"""The parts of the limiter on their own, at their edges."""

from __future__ import annotations

import pytest

from llm_forge.core.errors import ConfigError
from llm_forge.core.limiter import Limit
from llm_forge.core.limiter.adaptive import AdaptiveThrottle
from llm_forge.core.limiter.model_families import matches
from llm_forge.core.limiter.window import Window


def window() -> Window:
    return Window(Limit("input", 10, 5))


@pytest.mark.requirement("R-107", "R-108")
def test_what_is_given_back_belongs_to_the_charge_and_an_excess_counts_from_now() -> None:
    made = window()
    mark = made.charge(6, 0.0)
    made.correct(mark, -4, 1.0)
    assert made.balance(1.0) == 8
    assert made.full_in(1.0) == 4.0
    made.correct(mark, 3, 2.0)
    assert made.balance(2.0) == 5
    assert made.full_in(2.0) == 5.0
    assert made.balance(5.0) == 7
    made.correct(mark, -1, 5.0)
    assert made.balance(5.0) == 7
    assert made.balance(7.0) == 10
    assert made.full_in(7.0) == 0.0


@pytest.mark.requirement("R-107")
def test_a_small_excess_is_charged_and_no_excess_changes_nothing() -> None:
    made = window()
    mark = made.charge(1, 0.0)
    made.correct(mark, 0.5, 3.0)
    assert made.balance(3.0) == 8.5
    assert made.full_in(3.0) == 5.0
    still = window()
    mark = still.charge(1, 0.0)
    still.correct(mark, 0, 3.0)
    assert still.full_in(3.0) == 2.0


@pytest.mark.requirement("R-105")
@pytest.mark.parametrize(
    ("pattern", "model", "expected"),
    [
        ("gpt-4", "gpt-4", True),
        ("gpt-4", "gpt-4o", False),
        ("*", "", True),
        ("gpt-*", "gpt-", True),
        ("*-mini", "-mini", True),
        ("a*a", "a", False),
        ("a*b*c", "abc", True),
        ("a*b*c", "axbxc", True),
        ("a*b*c", "ac", False),
        ("ab*b", "abb", True),
        ("a*b*b", "ab", False),
        ("a*bc*d", "abcd", True),
        ("a*bc*d", "abxcd", False),
        ("*x*x*", "axbx", True),
        ("*x*x*", "ax", False),
        ("*x*y*", "yx", False),
        ("x*x*", "xy", False),
        ("a*ab*b", "aabb", True),
        ("a*ab*b", "aab", False),
        ("a*b*c*d", "abcbd", True),
        ("a*c*b*d", "abcd", False),
    ],
)
def test_a_pattern_covers_a_model_part_by_part(pattern: str, model: str, expected: bool) -> None:
    assert matches(pattern, model) is expected


@pytest.mark.requirement("R-121")
def test_throttling_takes_numbers_from_one_up_and_two_unless_told() -> None:
    AdaptiveThrottle(1)
    for wrong in (0.99, float("inf"), float("nan")):
        with pytest.raises(ConfigError) as caught:
            AdaptiveThrottle(wrong)
        assert caught.value.message == f"adaptive_throttle must be at least 1, or None for off, not {wrong!r}"
    throttle = AdaptiveThrottle()
    for _ in range(10):
        throttle.rejects(0.0, 1.0)
    for _ in range(4):
        throttle.accept(0.0)
    # of the 11 requests with this one, 2 x 4 are sent for the 4 accepted: (10 - 8) / 11 are turned away
    assert throttle.rejects(0.0, 0.17) is True
