"""Every case of the contract is in the suite, or on the list of those that tests prove."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from llm_forge.conformance.elsewhere import Elsewhere, load_elsewhere
from llm_forge.conformance.report import document
from llm_forge.conformance.results import ConformanceError, Result, Summary
from llm_forge.conformance.runner import conformance_root, listed
from tests.shared import ROOT, SHARED, needs_shared

LISTED = load_elsewhere(conformance_root() / "elsewhere" / "python.yaml")
SECTION = re.compile(r"^## (C\d+)\.")
ROW = re.compile(r"^\| ([A-Z]{2})-(\d+)(?:\.\.(\d+))? \|")
PROVEN_HERE = {"C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C10"}


def contract() -> set[str]:
    """The ids of the sections that this suite is to prove; those of batches are proven with batches."""
    found: set[str] = set()
    section = ""
    for line in (SHARED / "SCENARIOS.md").read_text(encoding="utf-8").splitlines():
        if head := SECTION.match(line):
            section = head[1]
        if (row := ROW.match(line)) and section in PROVEN_HERE:
            numbers = range(int(row[2]), int(row[3] or row[2]) + 1)
            found |= {f"{row[1]}-{number:02d}" for number in numbers}
    return found


@needs_shared
def test_every_case_of_the_contract_is_played_or_proven_elsewhere() -> None:
    played = {name.partition("/")[0] for name, _ in listed()}
    wanted = contract()
    assert len(wanted) > 200
    assert wanted - played - {one.id for one in LISTED} == set()
    assert {one.id for one in LISTED} - wanted == set()


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("one", LISTED, ids=lambda one: one.id)
def test_the_tests_of_a_case_exist_and_carry_its_id(one: Elsewhere) -> None:
    assert one.tests
    for test in one.tests:
        path, _, name = test.partition("::")
        assert name in functions(ROOT / path), test
        assert name.startswith(f"test_{one.id.lower().replace('-', '_')}_"), test


def test_the_page_names_them() -> None:
    summary = Summary("python", ("core",), (Result("RT-01", "RT-01", "x", "core", "passed"),))
    page = document(summary, [Elsewhere("SY-01", "a whole system", ("tests/a.py::test_b", "tests/c.py::d"))])
    assert page.endswith("| SY-01 | a whole system | `tests/a.py::test_b`<br>`tests/c.py::d` |\n")
    assert "Proven by tests" not in document(summary)


def test_a_misspelt_field_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "python.yaml"
    path.write_text("- {id: SY-01, why: x, test: []}\n")
    with pytest.raises(ConformanceError, match=r"python\.yaml: Object contains unknown field `test`"):
        load_elsewhere(path)
    assert load_elsewhere(tmp_path / "none.yaml") == []
