"""What holds for all tests: nobody's own configuration, keys or prices take part."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder: Path = tmp_path_factory.getbasetemp() / "no-user"
    monkeypatch.setenv("LLM_FORGE_HOME", str(folder))
    monkeypatch.delenv("LLM_FORGE_MODEL", raising=False)
