"""A case that fails while its clock flows gets another chance at a slower clock, and only such a case."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_forge.conformance.jobs import ScenarioJob
from llm_forge.conformance.protocol import Core
from llm_forge.conformance.replies import replies
from llm_forge.conformance.results import Result
from llm_forge.conformance.runner import PACES, _played
from llm_forge.conformance.scenario import load_scenario
from tests.conformance.test_session import FEATURES, start, table

LATE = """
id: DL-01
title: late
requirements: [R-052]
clock: {scale: 0.25}
server: [{delay: 3600}]
calls: [{options: {timeout: 2}}]
expect: {left_within: 1.0, calls: {all: {elapsed: 2.0}}}
"""


class Lateness(ScenarioJob):
    """A case that is right from a certain pace on."""

    def __init__(self, name: str, right_from: float, pace: float = 1, *, flows: bool = True) -> None:
        self.name, self.id, self.title = name, "XX-01", "late"
        self.needs, self.width, self.flows = (), 1, flows
        self.right_from, self.pace = right_from, pace

    def slower(self, factor: float) -> Lateness:
        return Lateness(self.name, self.right_from, self.pace * factor)

    def begin(self, numbers: Iterator[int]) -> list[Any]:
        return [Core(next(numbers), "durations", {"say": 1})]

    def judge(self, answers: Any) -> list[str]:
        return [] if self.pace >= self.right_from else ["late"]


def played(*jobs: Any) -> dict[str, Result]:
    begin = functools.partial(start, dict.fromkeys(FEATURES, True))
    results = list(_played(jobs, begin, "sync/curl", itertools.count(1)))
    assert len(results) == len(jobs)
    return {one.case: one for one in results}


def test_only_what_fails_while_its_clock_flows_is_played_again() -> None:
    found = played(
        Lateness("right", 1),
        Lateness("late", PACES[1]),
        Lateness("later", PACES[2]),
        Lateness("wrong", float("inf")),
        Lateness("jumping", PACES[1], flows=False),
        table("table", {"say": {"n": 1}}, {"n": 2}),
    )
    assert {name: (one.status, one.pace) for name, one in found.items()} == {
        "right": ("passed", 1),
        "late": ("passed", PACES[1]),
        "later": ("passed", PACES[2]),
        "wrong": ("failed", PACES[2]),
        "jumping": ("failed", 1),
        "table": ("failed", 1),
    }


@pytest.mark.parametrize("factor", [4, 16])
def test_a_slower_case_is_the_same_in_virtual_time(factor: int, tmp_path: Path) -> None:
    path = tmp_path / "DL-01-late.yaml"
    path.write_text(LATE)
    (case,) = load_scenario(path)
    slower = case.slower(factor)
    assert slower.scenario.clock.scale == 0.25 * factor
    assert slower.scenario.slack / slower.scenario.clock.scale == case.scenario.slack / 0.25
    assert slower.scenario.expect.left_within == factor
    assert replies(slower)[0].delay == 3600 * 0.25 * factor
    assert slower.scenario.calls == case.scenario.calls
    assert slower.scenario.alone
