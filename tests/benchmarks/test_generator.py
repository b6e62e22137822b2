"""The benchmark of generators measures what it says, on a small document and with our generator alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.generator.contestants import CONTESTANTS
from benchmarks.generator.run import PAGE, page, run, stages

from llm_forge import spec
from tests.shared import ROOT

DOCUMENT = ROOT / "golden" / "minimal" / "description.yaml"
OURS = "llm-forge, python"


def test_a_run_tells_cost_and_what_came_out(tmp_path: Path) -> None:
    found = run(OURS, DOCUMENT, tmp_path / "out")
    assert found.code == 0
    assert 0 < found.cpu < 60
    assert 10 < found.mebibytes < 500
    assert found.operations == len(spec.load(DOCUMENT).operations())
    assert found.files > 100


def test_a_failure_is_a_row_with_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failed = run(OURS, tmp_path / "none.yaml", tmp_path / "out")
    assert (failed.code, failed.operations) == (2, 0)
    assert "none.yaml" in capsys.readouterr().err
    text = page({OURS: [failed]}, list(stages(DOCUMENT)), DOCUMENT, 1)
    assert "0, exit code 2 |" in text


def test_the_published_page_has_ours_and_every_other_generator() -> None:
    text = PAGE.read_text("utf-8")
    others = [name for name, one in CONTESTANTS.items() if one.version]
    assert len(others) >= 3
    assert all(f"| {name} |" in text for name in (OURS, *others))
