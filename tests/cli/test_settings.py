"""`llm-forge models`, `keys`, `config` and `doctor`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from llm_forge import Response
from llm_forge.cli import doctor
from llm_forge.core.headers import Headers
from llm_forge.simulator import Fault, Simulator

from .test_cli import check_failure, run, simulator

__all__ = ["simulator"]
CANARY = "sk-canary-0123456789"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("LLM_FORGE_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def test_models_of_a_provider_are_listed_with_known_prices(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "models", "list", "anthropic")
    assert code == 0
    assert any(
        line.startswith("anthropic/claude-sonnet-4-5") and "$3 in" in line for line in out.splitlines()
    )
    _, out, _ = run(capsys, "models", "list", "mistral", "--json")
    assert all(json.loads(line)["name"].startswith("mistral/") for line in out.splitlines())
    check_failure(run(capsys, "models", "list", "mistrall"), "mistral")


def test_prices_are_shown_and_taken_over_from_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _, out, _ = run(capsys, "models", "prices")
    assert "https://" in out
    (tmp_path / "api.json").write_text('{"groq": {"models": {"new": {"cost": {"input": 1, "output": 2}}}}}')
    assert run(capsys, "models", "refresh", "api.json")[0] == 0
    _, out, _ = run(capsys, "models", "prices", "--json")
    assert any(json.loads(line)["model"] == "new" for line in out.splitlines())
    check_failure(run(capsys, "models", "refresh", "nowhere.json"), "nowhere.json")


@pytest.mark.requirement("R-005")
def test_keys_are_kept_listed_and_removed_without_being_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CANARY}\n"))
    shown = [run(capsys, "keys", "set", "groq", "--file")]
    assert (home / "keys.json").stat().st_mode & 0o777 == 0o600
    shown += [run(capsys, "keys", "list"), run(capsys, "keys", "list", "--json")]
    assert "groq" in shown[1][1]
    assert len(json.loads(shown[2][1])[0]["fingerprint"]) == 8
    shown.append(run(capsys, "keys", "remove", "groq"))
    assert [code for code, _, _ in shown] == [0, 0, 0, 0]
    assert CANARY not in str(shown)
    check_failure(run(capsys, "keys", "remove", "groq"), "groq")
    check_failure(run(capsys, "keys", "set", "grok"), "groq")


@pytest.mark.requirement("R-001")
def test_the_configuration_is_shown_with_origins_and_without_credentials(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("LLM_FORGE_TIMEOUT", "30")
    (home / "config.yaml").write_text(
        "default_model: openai/m\nproviders:\n  groq:\n    api_key: env:TEAM_KEY\n    timeout: 5\n"
        f"    auth: {{kind: bearer, token: 'cmd:echo {CANARY}'}}\n"
    )
    _, out, _ = run(capsys, "config", "show")
    assert f"providers.groq.timeout = 5  ({home / 'config.yaml'}:5)" in out
    assert "providers.groq.api_key = env:TEAM_KEY" in out
    assert "LLM_FORGE_TIMEOUT = 30  (environment LLM_FORGE_TIMEOUT)" in out
    assert "OPENAI_API_KEY = [redacted]" in out
    rows = json.loads(run(capsys, "config", "show", "--json")[1])
    assert {"name": "default_model", "value": "openai/m", "origin": f"{home / 'config.yaml'}:1"} in rows
    assert CANARY not in out + str(rows)
    for line in ("max_attempts = 3", "pool.connections = 100", "breaker.ratio = 0.5", "http2 = False"):
        assert f"{line}  (default)\n" in out
    assert "providers.groq.base_url = https://api.groq.com  (default)" in out
    assert "\ntimeout = " not in out, "the variable holds"
    monkeypatch.delenv("LLM_FORGE_TIMEOUT")
    assert "\ntimeout = 600.0  (default)\n" in run(capsys, "config", "show")[1]


def test_a_configuration_is_checked_with_file_and_line(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no configuration file" in run(capsys, "config", "check")[1]
    (home / "config.yaml").write_text("providers:\n  openai:\n    timeout: soon\n")
    check_failure(run(capsys, "config", "check"), "config.yaml:3", "timeout")
    (home / "config.yaml").write_text("default_model: openai/m\n")
    assert run(capsys, "config", "check")[1].startswith("right: ")
    other = home / "other.yaml"
    other.write_text("\nmodles: {}\n")
    check_failure(run(capsys, "config", "check", str(other)), "other.yaml:2", "models")


def test_the_configuration_is_edited_and_then_checked(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    check_failure(run(capsys, "config", "edit"), "EDITOR")
    monkeypatch.setenv("EDITOR", "sh -c 'echo default_model: 7 > \"$0\"'")
    check_failure(run(capsys, "config", "edit"), "config.yaml:1")
    monkeypatch.setenv("EDITOR", "no-such-editor")
    check_failure(run(capsys, "config", "edit"), "no-such-editor")


def test_the_doctor_finds_everything_in_order(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "doctor")
    assert code == 0
    for provider in ("anthropic", "groq", "mistral", "openai"):
        assert f"{provider} answers" in out
        assert f"{provider} key: from environment" in out
    assert "versions: llm-forge" in out


def test_the_doctor_tells_what_is_not_in_order(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.faults.add(Fault(provider="openai", status=401))
    monkeypatch.delenv("GROQ_API_KEY")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    result = run(capsys, "doctor", "--json")
    findings = {one["what"]: one for one in json.loads(result[1])}
    assert result[0] == 1
    assert findings["openai answers"]["state"] == "bad"
    assert findings["groq key"]["state"] == "note"
    assert findings["NO_PROXY"]["state"] == "note"
    check_failure(run(capsys, "doctor", "groq"), "groq key")


def test_the_doctor_sees_a_clock_that_is_wrong(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = doctor._Clock()
    told = Response(headers=Headers([("date", "Thu, 01 Jan 2015 00:00:00 GMT")]))
    clock.attempt(None, None, lambda request: told)  # type: ignore[arg-type]
    assert clock.skew is not None
    assert clock.skew < -300_000_000
    monkeypatch.setattr(doctor, "SKEW_SECONDS", -1.0)
    check_failure(run(capsys, "doctor", "openai"), "openai clock")


def test_a_proxys_password_is_not_shown(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://me:{CANARY}@127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    _, out, _ = run(capsys, "doctor", "openai")
    assert "ALL_PROXY: http://127.0.0.1:9" in out
    assert CANARY not in out
