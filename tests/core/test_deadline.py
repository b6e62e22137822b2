from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.deadline import Deadline

NONE = Deadline(None)
seconds = st.none() | st.integers(0, 1000).map(float)


@pytest.mark.requirement("R-052")
def test_a_deadline_counts_down_and_expires_when_reached() -> None:
    deadline = Deadline.after(2.0, 100.0)
    assert deadline.left(100.5) == 1.5
    assert not deadline.expired(101.999)
    assert deadline.expired(102.0)
    assert deadline.left(103.0) == -1.0


@pytest.mark.requirement("R-052")
def test_no_deadline_never_ends() -> None:
    assert Deadline.after(None, 5.0) == NONE
    assert NONE.left(1e9) is None
    assert not NONE.expired(1e9)
    assert NONE.allows(1e9, 0.0)


@pytest.mark.requirement("R-054")
@pytest.mark.parametrize(("wait", "allowed"), [(1.0, True), (2.0, True), (2.001, False)])
def test_a_wait_that_would_end_after_the_deadline_is_not_allowed(wait: float, allowed: bool) -> None:
    assert Deadline.after(2.0, 10.0).allows(wait, 10.0) is allowed


@pytest.mark.requirement("R-056")
@pytest.mark.parametrize(
    ("one", "other", "earlier"), [(5.0, 3.0, 3.0), (3.0, 5.0, 3.0), (None, 4.0, 4.0), (4.0, None, 4.0)]
)
def test_dl_06_the_earlier_of_two_deadlines_counts(
    one: float | None, other: float | None, earlier: float | None
) -> None:
    assert Deadline(one).tighten(Deadline(other)) == Deadline(earlier)


@pytest.mark.requirement("R-053")
@pytest.mark.parametrize(
    ("limit", "timeout", "timer"),
    [
        (600.0, 2.0, 2.0),
        (1.0, 2.0, 1.0),
        (None, 2.0, 2.0),
        (5.0, None, 5.0),
        (None, None, None),
        (1.0, -3.0, 0.0),
    ],
)
def test_a_timer_is_the_smaller_of_limit_and_time_left(
    limit: float | None, timeout: float | None, timer: float | None
) -> None:
    assert Deadline.after(timeout, 7.0).timer(limit, 7.0) == timer


@pytest.mark.requirement("R-056")
@settings(max_examples=50, deadline=None, derandomize=True)
@given(seconds, seconds, seconds)
def test_tightening_is_order_independent(a: float | None, b: float | None, c: float | None) -> None:
    one, two, three = Deadline(a), Deadline(b), Deadline(c)
    assert one.tighten(two).tighten(three) == three.tighten(two.tighten(one))
