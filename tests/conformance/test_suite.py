"""The whole suite against the Python clients: corpora, and scenarios in every mode over every transport."""

from __future__ import annotations

import io
from fnmatch import fnmatchcase

import pytest

from llm_forge.conformance import run
from llm_forge.conformance.languages import CORE, LANGUAGES
from llm_forge.conformance.results import Summary, load_known
from llm_forge.conformance.runner import conformance_root, listed

TABLES = 450
SCENARIOS = 230


def failures(summary: Summary) -> list[str]:
    return [
        f"{one.case} [{one.column}]: {'; '.join(one.notes)}"
        for one in summary.results
        if one.status == "failed"
    ]


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(column, marks=pytest.mark.xdist_group("conformance"))
        for column in (CORE, *LANGUAGES["python"].columns)
    ],
)
def test_sy_06_every_case_of_a_column_passes_or_is_known_to_fail(column: str) -> None:
    summary = run("python", columns=[column], out=io.StringIO())
    assert failures(summary) == []
    assert summary.count("skipped") == 0
    assert summary.count("passed") >= (TABLES if column == CORE else SCENARIOS)


def test_every_line_of_the_known_failing_list_names_a_case() -> None:
    names = [name for name, _ in listed()]
    known = load_known(conformance_root() / "known-failing" / "python.txt")
    assert [line.case for line in known if not any(fnmatchcase(name, line.case) for name in names)] == []
