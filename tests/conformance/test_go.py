"""The suite against the Go runtime; needs Go."""

from __future__ import annotations

import io
import shutil

import pytest

from llm_forge.conformance import run
from llm_forge.conformance.languages import CORE

from .test_suite import TABLES, failures

pytestmark = [
    pytest.mark.skipif(shutil.which("go") is None, reason="the Go toolchain is not installed"),
    pytest.mark.xdist_group("go"),
]


def test_sy_06_every_corpus_line_is_answered_as_in_python() -> None:
    summary = run("go", columns=[CORE], out=io.StringIO())
    assert failures(summary) == []
    assert summary.count("skipped") == 0
    assert summary.count("passed") >= TABLES
