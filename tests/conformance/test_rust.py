"""The suite against the Rust runtime; needs Rust."""

from __future__ import annotations

import io

import pytest

from llm_forge.conformance import run
from llm_forge.conformance.languages import CORE, LANGUAGES
from tests.targets.rust.toolchain import DRIVER, cargo, needs_rust

from .test_suite import TABLES, failures

pytestmark = [needs_rust, pytest.mark.xdist_group("rust")]
SCENARIOS = 486


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    cargo(DRIVER, "build", "--quiet")


@pytest.mark.parametrize("column", [CORE, *LANGUAGES["rust"].columns])
def test_every_case_that_the_driver_can_play_passes(column: str) -> None:
    summary = run("rust", columns=[column], out=io.StringIO())
    assert failures(summary) == []
    assert summary.count("passed") >= (TABLES if column == CORE else SCENARIOS)
