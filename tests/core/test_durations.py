from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.durations import check_seconds, parse_duration
from llm_forge.core.errors import ConfigError

RL_19 = [
    ("1h2m3s", 3723.0),
    ("2m59.56s", 179.56),
    ("6m0s", 360.0),
    ("100ms", 0.1),
    ("7.66s", 7.66),
    ("0s", 0.0),
    ("60", 60.0),
    ("1m1m", None),
    ("5x", None),
    ("", None),
    ("1s2m", None),
]
# As the providers send them.
SEEN = [
    ("2ms", 0.002),
    ("25.542s", 25.542),
    ("20m52.666s", 1252.666),
    ("1h8m25.745s", 4105.745),
    ("83h10m39.057s", 299439.057),
    ("106.666666ms", 0.106666666),
    ("24m28.8s", 1468.8),
    ("21h36m0s", 77760.0),
]


@pytest.mark.requirement("R-114")
@pytest.mark.parametrize(("text", "seconds"), RL_19, ids=[f"RL-19 {text!r}" for text, _ in RL_19])
def test_the_table_of_duration_strings_is_read(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.requirement("R-114")
@pytest.mark.parametrize(("text", "seconds"), SEEN)
def test_resets_as_providers_send_them_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.requirement("R-114")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5us", 5e-6), ("5µs", 5e-6), ("7ns", 7e-9), ("1h1ns", 3600.000000001), (" 3s ", 3.0)],
)
def test_small_units_and_spaces_around_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.requirement("R-114")
@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "-1s",
        "+5",
        "1e3",
        "nan",
        "inf",
        ".5",
        "5.",
        "1.s",
        "s",
        "1 s",
        "٣s",
        "1m 2s",
        "1ms1s",
        "1s1s",
        "9" * 65,
    ],
)
def test_anything_else_is_unknown(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.requirement("R-114")
@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(alphabet="0123456789.hmsuµn- e", max_size=70))
def test_whatever_is_read_is_finite_and_not_negative(text: str) -> None:
    seconds = parse_duration(text)
    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)


@pytest.mark.requirement("R-114")
@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59_999))
def test_a_written_duration_reads_back(hours: int, minutes: int, milliseconds: int) -> None:
    text = f"{hours}h{minutes}m{milliseconds / 1000:.3f}s"
    assert parse_duration(text) == pytest.approx(hours * 3600 + minutes * 60 + milliseconds / 1000)


@pytest.mark.requirement("R-011")
@pytest.mark.parametrize("value", [0.001, 0.5, 1, 600.0])
def test_a_duration_option_takes_fractions_down_to_a_millisecond(value: float) -> None:
    assert check_seconds("timeout", value) == value


@pytest.mark.requirement("R-011")
@pytest.mark.parametrize("value", [0, -1, 0.0009, math.nan, math.inf, -math.inf, True, "5", None])
def test_a_duration_option_that_makes_no_sense_is_refused_by_name(value: object) -> None:
    with pytest.raises(ConfigError, match=r"idle_timeout must be .* at least 0\.001"):
        check_seconds("idle_timeout", value)  # type: ignore[arg-type]


@pytest.mark.requirement("R-011")
def test_none_is_taken_only_where_it_is_documented() -> None:
    assert check_seconds("timeout", None, allow_none=True) is None
    with pytest.raises(ConfigError, match="or None"):
        check_seconds("timeout", 0, allow_none=True)
