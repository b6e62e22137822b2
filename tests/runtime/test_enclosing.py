"""Deadlines of blocks: which one counts, and where they reach (R-056)."""

from __future__ import annotations

import asyncio
import threading

import pytest

from llm_forge import deadline
from llm_forge.core.errors import ConfigError
from llm_forge.runtime.clock import Clock
from llm_forge.runtime.enclosing import call_deadline

pytestmark = pytest.mark.requirement("R-056")


class Still(Clock):
    at = 100.0

    def now(self) -> float:
        return self.at


CLOCK = Still()


@pytest.mark.parametrize(
    ("own", "outer", "ends"),
    [(5.0, None, 5.0), (5.0, 1.0, 1.0), (1.0, 5.0, 1.0), (None, 3.0, 3.0), (None, None, None)],
)
def test_the_earlier_of_a_calls_own_time_and_the_blocks_counts(
    own: float | None, outer: float | None, ends: float | None
) -> None:
    if outer is None:
        assert call_deadline(own, 7.0).left(7.0) == ends
        return
    with deadline(outer, clock=CLOCK):
        assert call_deadline(own, 7.0).left(7.0) == ends
    assert call_deadline(own, 7.0).left(7.0) == own


def test_nested_deadlines_only_shorten() -> None:
    with deadline(3, clock=CLOCK):
        with deadline(9, clock=CLOCK):
            assert call_deadline(None, 0.0).at == 3.0
        with deadline(1, clock=CLOCK):
            assert call_deadline(None, 0.0).at == 1.0
        assert call_deadline(None, 0.0).at == 3.0


def test_time_that_passed_inside_the_block_is_gone() -> None:
    clock = Still()
    with deadline(3, clock=clock):
        clock.at += 4.0
        assert call_deadline(10.0, 0.0).expired(0.0)


def test_tasks_started_inside_inherit_it_and_threads_do_not() -> None:
    async def left() -> float | None:
        return call_deadline(None, 0.0).at

    async def main() -> float | None:
        with deadline(2, clock=CLOCK):
            task = asyncio.create_task(left())
        return await task

    assert asyncio.run(main()) == 2.0
    found: list[float | None] = []
    with deadline(2, clock=CLOCK):
        thread = threading.Thread(target=lambda: found.append(call_deadline(None, 0.0).at))
        thread.start()
        thread.join()
    assert found == [None]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_deadline_is_a_positive_finite_duration(seconds: float) -> None:
    with pytest.raises(ConfigError), deadline(seconds):
        raise AssertionError
