"""The suite against the Go runtime; needs Go."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from llm_forge.conformance import run
from llm_forge.conformance.languages import CORE, LANGUAGES
from llm_forge.conformance.runner import conformance_root
from tests.targets.go.toolchain import needs_go

from .test_suite import SCENARIOS, TABLES, failures

pytestmark = [needs_go, pytest.mark.xdist_group("go")]


@pytest.mark.parametrize("column", [CORE, *LANGUAGES["go"].columns])
def test_sy_06_every_case_passes_as_in_python(column: str) -> None:
    summary = run("go", columns=[column], out=io.StringIO())
    assert failures(summary) == []
    assert summary.count("skipped") == 0
    assert summary.count("passed") >= (TABLES if column == CORE else SCENARIOS)


def test_the_drivers_tables_are_those_of_the_descriptions() -> None:
    script = conformance_root() / "drivers" / "go" / "make_tables.py"
    subprocess.run([sys.executable, str(script), "--check"], check=True)
