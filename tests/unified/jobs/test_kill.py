"""BA-03 at a few points; `make kill-test` measures many."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .kill import CONCURRENCY, measure, measure_workers


@pytest.mark.requirement("R-182", "R-183", "R-184")
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_ba_03_a_job_that_is_killed_loses_nothing_and_repeats_only_what_was_in_flight(tmp_path: Path) -> None:
    found = measure(tmp_path, items=150, kills=10, seed=3)
    assert found.killed >= 8
    assert (found.lost, found.doubled_in_output, found.sent_again_without_reason) == (0, 0, 0)
    assert found.most_in_flight_at_a_kill <= CONCURRENCY
    assert found.paid_twice <= found.killed * CONCURRENCY


@pytest.mark.requirement("R-184")
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_ba_03_workers_that_share_a_job_take_over_from_the_one_that_is_killed(tmp_path: Path) -> None:
    found = measure_workers(tmp_path, items=200, kills=4, seed=3)
    assert (found.lost, found.doubled_in_output, found.sent_again_without_reason) == (0, 0, 0)
    assert found.paid_twice <= found.killed * CONCURRENCY + CONCURRENCY
