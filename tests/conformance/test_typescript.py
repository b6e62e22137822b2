"""The whole suite against the TypeScript runtime, over Node's own client and over fetch."""

from __future__ import annotations

import io
import shutil
import subprocess

import pytest

from llm_forge.conformance import languages, run
from llm_forge.conformance.languages import CORE, LANGUAGES, start_driver
from llm_forge.conformance.results import ConformanceError, Summary
from llm_forge.conformance.runner import conformance_root
from tests.shared import ROOT

TABLES = 450
SCENARIOS = 460
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or shutil.which("npm") is None, reason="needs node and npm"
)


@pytest.fixture(scope="session")
def driver() -> None:
    make = shutil.which("make") or "make"
    subprocess.run([make, "--silent", "build/typescript-driver.stamp"], cwd=ROOT, check=True)


def failures(summary: Summary) -> list[str]:
    return [
        f"{one.case} [{one.column}]: {'; '.join(one.notes)}"
        for one in summary.results
        if one.status == "failed"
    ]


@needs_node
@pytest.mark.parametrize(
    "column",
    [
        pytest.param(column, marks=pytest.mark.xdist_group("conformance"))
        for column in (CORE, *LANGUAGES["typescript"].columns)
    ],
)
@pytest.mark.usefixtures("driver")
def test_sy_06_every_case_of_a_typescript_column_passes_or_is_known_to_fail(column: str) -> None:
    summary = run("typescript", columns=[column], out=io.StringIO())
    assert failures(summary) == []
    assert summary.count("skipped") == (4 if column == "fetch" else 0)
    assert summary.count("passed") >= (TABLES if column == CORE else SCENARIOS)


def test_a_driver_that_is_not_built_says_what_builds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    command = ("node", f"{languages.TYPESCRIPT}/no-such-driver.js")
    with pytest.raises(ConformanceError, match=r"make build/typescript-driver\.stamp"):
        start_driver(command, conformance_root())


def test_a_driver_whose_language_is_absent_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConformanceError, match="needs node, which is not installed"):
        start_driver(("node", "driver.js"), conformance_root())
