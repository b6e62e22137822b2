"""Every operation of the Python SDKs sends what its description says, and reads what it says comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_forge import spec
from tests.shared import ROOT
from tests.targets.sdks import generated, passed_tests

SMOKE = 2
SOURCES = [*spec.providers(), *(path.parent.name for path in sorted(ROOT.glob("golden/*/description.yaml")))]


def source(name: str) -> spec.Api:
    if name in spec.providers():
        return spec.load_description(name)
    return spec.load(ROOT / "golden" / name / "description.yaml")


@pytest.mark.parametrize("name", SOURCES)
def test_an_sdk_passes_its_own_wire_tests(name: str, tmp_path: Path) -> None:
    api = source(name)
    generated(api, tmp_path / "sdk")
    cases = json.loads((tmp_path / "sdk" / "tests" / "wire.json").read_text())["cases"]
    assert passed_tests(tmp_path / "sdk") == 2 * len(cases) + SMOKE
