"""The time between the events of a stream."""

from __future__ import annotations

import pytest

from llm_forge.core.gaps import Gaps

pytestmark = pytest.mark.requirement("R-149")


def test_reads_add_up_to_count_total_mean_and_longest() -> None:
    gaps = Gaps()
    assert gaps.mean == 0.0
    gaps.note(0.5, 1)
    gaps.note(0.25, 4)
    gaps.note(0.0, 1)
    assert gaps == Gaps(count=6, total=0.75, longest=0.5)
    assert gaps.mean == 0.125


def test_a_copy_does_not_go_on_counting() -> None:
    gaps = Gaps()
    gaps.note(1.0, 1)
    before = gaps.copy()
    gaps.note(2.0, 1)
    assert before == Gaps(count=1, total=1.0, longest=1.0)
