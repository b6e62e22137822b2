"""What holds for all tests: nobody's own configuration, keys or prices take part."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import Phase, settings

# A mutant is found by any example that fails: to look for the smallest one takes most of a run's time.
settings.register_profile("mutation", phases=(Phase.explicit, Phase.generate), report_multiple_bugs=False)
if "MUTANT_UNDER_TEST" in os.environ:
    settings.load_profile("mutation")


@pytest.fixture(autouse=True)
def _no_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder: Path = tmp_path_factory.getbasetemp() / "no-user"
    monkeypatch.setenv("LLM_FORGE_HOME", str(folder))
    monkeypatch.delenv("LLM_FORGE_MODEL", raising=False)
