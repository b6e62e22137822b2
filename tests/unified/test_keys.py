"""Keys that are kept for the user, and their place in the order."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest

import llm_forge
from llm_forge import ConfigError
from llm_forge.unified import keys


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLM_FORGE_HOME", str(tmp_path / "forge"))
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.setattr(keys, "find_spec", lambda name: None)
    return tmp_path / "forge"


def source(**options: str) -> str:
    return llm_forge.get_llm("groq/m", **options).routes[0].connection.client().sources()["api_key"]


@pytest.mark.requirement("R-244")
def test_a_kept_key_lies_in_a_file_that_only_its_owner_reads(home: Path) -> None:
    assert keys.keep_key("groq", " gsk-secret-of-mine \n") == f"file {home / 'keys.json'}"
    assert (home / "keys.json").stat().st_mode & 0o777 == 0o600
    (kept,) = keys.kept_keys(["groq"])
    assert (kept.provider, len(kept.fingerprint)) == ("groq", 8)
    assert "secret" not in repr(kept)
    assert keys.forget_key("groq") == [f"file {home / 'keys.json'}"]
    assert keys.kept_keys(["groq"]) == []


def test_a_kept_key_is_the_last_that_is_taken(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="GROQ_API_KEY"):
        source()
    keys.keep_key("groq", "gsk-kept")
    assert source() == f"file {home / 'keys.json'}"
    (home / "config.yaml").write_text("providers: {groq: {api_key: env:TEAM_KEY}}\n", encoding="utf-8")
    monkeypatch.setenv("TEAM_KEY", "gsk-team")
    assert "TEAM_KEY" in source()
    monkeypatch.setenv("GROQ_API_KEY", "gsk-environment")
    assert source() == "environment GROQ_API_KEY"
    assert source(api_key="gsk-argument") == "client argument"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_file_that_others_can_read_is_refused_with_the_remedy(home: Path) -> None:
    keys.keep_key("groq", "gsk-kept")
    (home / "keys.json").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        source()


def test_the_keyring_goes_before_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[tuple[str, str], str] = {}
    ring = types.ModuleType("keyring")
    ring.get_password = lambda service, user: kept.get((service, user))  # type: ignore[attr-defined]
    ring.set_password = lambda service, user, key: kept.update({(service, user): key})  # type: ignore[attr-defined]
    ring.delete_password = lambda service, user: kept.pop((service, user))  # type: ignore[attr-defined]
    ring.errors = types.SimpleNamespace(KeyringError=RuntimeError)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", ring)
    monkeypatch.setattr(keys, "find_spec", lambda name: ring)
    keys.keep_key("groq", "in-the-file", in_file=True)
    assert keys.keep_key("groq", "in-the-ring") == "keyring llm-forge"
    assert source() == "keyring llm-forge"
    assert len(keys.forget_key("groq")) == 2


@pytest.mark.requirement("R-006")
def test_what_cannot_be_a_key_is_not_kept(home: Path) -> None:
    for wrong in ("", "two words", "bel\x07l"):
        with pytest.raises(ConfigError):
            keys.keep_key("groq", wrong)
    assert not (home / "keys.json").exists()
