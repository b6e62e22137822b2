"""Every case of the contract is in the suite, or on the list of those that tests prove."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from llm_forge.conformance.elsewhere import Elsewhere, load_elsewhere
from llm_forge.conformance.report import document
from llm_forge.conformance.results import ConformanceError, Result, Summary, joined
from llm_forge.conformance.runner import conformance_root, listed
from tests.shared import ROOT, SHARED, needs_shared

LISTS = {
    path.stem: load_elsewhere(path) for path in sorted((conformance_root() / "elsewhere").glob("*.yaml"))
}
PROOFS = [
    pytest.param(one, test, id=f"{language}-{one.id}-{number}")
    for language, listed_there in LISTS.items()
    for one in listed_there
    for number, test in enumerate(one.tests)
]
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
@pytest.mark.parametrize("language", LISTS)
def test_every_case_of_the_contract_is_played_or_listed(language: str) -> None:
    played = {name.partition("/")[0] for name, _ in listed()}
    wanted = contract()
    here = {one.id for one in LISTS[language]}
    assert len(wanted) > 200
    assert wanted - played - here == set()
    assert here - wanted == set()


def test_python_proves_every_case() -> None:
    assert [one.id for one in LISTS["python"] if not one.tests] == []


def of_python(text: str) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}


def of_go(text: str) -> set[str]:
    return set(re.findall(r"^func (Test\w+)\(", text, re.MULTILINE))


def of_typescript(text: str) -> set[str]:
    return set(re.findall(r'^test\("([^"]+)"', text, re.MULTILINE))


READERS = {
    ".py": (of_python, lambda case: f"test_{case.lower().replace('-', '_')}_"),
    ".go": (of_go, lambda case: f"Test{case.replace('-', '')}"),
    ".ts": (of_typescript, lambda case: f"{case}: "),
}


@pytest.mark.parametrize(("one", "test"), PROOFS)
def test_the_tests_of_a_case_exist_and_carry_its_id(one: Elsewhere, test: str) -> None:
    path, _, name = test.partition("::")
    tests_in, start = READERS[Path(path).suffix]
    assert name in tests_in((ROOT / path).read_text(encoding="utf-8")), test
    assert name.startswith(start(one.id)), test


def test_the_page_names_them() -> None:
    summary = Summary("python", ("core",), (Result("RT-01", "RT-01", "x", "core", "passed"),))
    page = document(
        summary,
        {"python": [Elsewhere("SY-01", "a whole system", ("tests/a.py::test_b", "tests/c.py::d"))]},
    )
    assert page.endswith("| SY-01 | a whole system | `tests/a.py::test_b`<br>`tests/c.py::d` |\n")
    assert "Proven by tests" not in document(summary)


def test_one_page_holds_several_languages_with_their_counts() -> None:
    case = ("RT-01", "RT-01", "x", "core")
    one = Summary("go", ("core",), (Result(*case, "passed"),))
    other = Summary("rust", ("core",), (Result(*case, "known", ("not yet",)),))
    lists = {"go": [Elsewhere("SY-01", "none so far", ())], "rust": []}
    page = document(joined([one, other]), lists)
    assert "| id | what | go core | rust core |" in page
    assert "| RT-01 | x | ok | known |" in page
    assert "| go core | 1 | 0 | 0 | 0 |\n| rust core | 0 | 0 | 0 | 1 |" in page
    assert "- RT-01 [rust core], known: not yet" in page
    assert page.endswith("## Not played by a driver: go\n\n| id | why | tests |\n| --- | --- | --- |\n"
                         "| SY-01 | none so far | none |\n")  # fmt: skip
    assert joined([one]) == one


def test_a_misspelt_field_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "python.yaml"
    path.write_text("- {id: SY-01, why: x, test: []}\n")
    with pytest.raises(ConformanceError, match=r"python\.yaml: Object contains unknown field `test`"):
        load_elsewhere(path)
    assert load_elsewhere(tmp_path / "none.yaml") == []
