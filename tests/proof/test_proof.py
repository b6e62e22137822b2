from __future__ import annotations

from pathlib import Path

import pytest

from .mutants import Mutant, outcomes
from .mutation import reason
from .record import recorded
from .report import DOCUMENT, document
from .soak import HANDLES, Sample, slope, summary, virtual

MUTATED = """
def x_double__mutmut_orig(value: int, times: int = 2) -> int:
    return value * times

def x_double__mutmut_1(value: int, times: int = 2) -> int:
    return value / times

def x_double__mutmut_2(value: int, times: int = 3) -> int:
    return value * times

class Box:
    def xǁBoxǁname__mutmut_orig(self):
        return "box"

    def xǁBoxǁname__mutmut_1(self):
        return "XXboxXX"
"""
CODES = """{"exit_code_by_key": {"a.x_double__mutmut_1": 1, "a.x_double__mutmut_2": 0,
"a.xǁBoxǁname__mutmut_1": 33, "a.x_double__mutmut_3": null}}"""


def test_the_mutants_of_a_run_are_counted_and_those_alive_say_what_they_changed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(MUTATED, "utf-8")
    (tmp_path / "a.py.meta").write_text(CODES, "utf-8")
    (found,) = outcomes(tmp_path)
    assert (found.module, found.made, found.run) == ("a.py", 4, 3)
    assert found.alive == (
        Mutant(
            "a.py", "double", "- value: int, times: int = 2) -> int:\n+ value: int, times: int = 3) -> int:"
        ),
        Mutant("a.py", "Box.name", '- return "box"\n+ return "XXboxXX"'),
    )
    assert reason(found.alive[1]) == "wording of a text that no test compares"


@pytest.mark.parametrize("growth", [0.0, 0.5, 4.0])
def test_a_slope_is_what_ten_thousand_calls_add(growth: float) -> None:
    samples = [Sample(10_000 * number, 100 + growth * number, 5, 3 + number % 2) for number in range(12)]
    assert slope(samples) == pytest.approx(growth)
    assert summary("x", samples, 1.0).tasks == (3, 4)


@pytest.mark.requirement("R-045")
@pytest.mark.skipif(not HANDLES.is_dir(), reason="handles are counted in /proc")
def test_sy_03_handles_and_tasks_are_the_same_after_many_calls_as_after_few() -> None:
    samples = virtual(1_200)
    assert len({sample.handles for sample in samples}) == 1
    assert len({sample.tasks for sample in samples}) == 1


def test_the_document_of_proof_is_what_its_records_say() -> None:
    assert recorded("scenarios") is not None
    assert document() == DOCUMENT.read_text("utf-8")
