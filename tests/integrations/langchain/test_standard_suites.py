"""LangChain's standard suites, in a process with the plugins and the configuration that they need."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from tests.shared import ROOT

pytest.importorskip("langchain_tests", reason="langchain-tests is a dependency of development")
STANDARD = Path(__file__).parent / "standard"
OFF = {  # what the flags of standard/providers.py switch off, where the reasons stand: providers x 2 suites
    "Test requires json mode support.": 2,
    "Model does not support audio inputs.": 4,
    "Model does not support PDF inputs.": 2,
    "Model does not support PDF tool message.": 4,
    "Model does not support image tool message.": 2,
    "VCR not set up.": 8,
}


@pytest.mark.parametrize(("suite", "passed", "skipped"), [("unit.py", 40, {}), ("integration.py", 378, OFF)])
def test_the_standard_suites_pass_for_every_provider(
    suite: str, passed: int, skipped: dict[str, int], tmp_path: Path
) -> None:
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-c", str(STANDARD / "pytest.ini"), f"--rootdir={ROOT}"]
    run = subprocess.run(
        [*command, f"--junitxml={report}", str(STANDARD / suite)], capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-5_000:]
    counts, reasons = _counted(report)
    assert reasons == Counter(skipped)
    assert counts == passed


def _counted(report: Path) -> tuple[int, Counter[str]]:
    """How many tests passed, and why others were skipped."""
    cases = list(parse(report).getroot().iter("testcase"))  # noqa: S314 - pytest's own file
    skipped = [one.attrib["message"] for case in cases for one in case.iter("skipped")]
    reasons = Counter(re.sub(r"^Skipped: ", "", message) for message in skipped)
    return len(cases) - len(skipped), reasons
