"""The command line as a user meets it: what it prints, its exit codes, and how it fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_forge.cli.main import main
from llm_forge.core.version import VERSION
from llm_forge.simulator import Fault, Simulator


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with Simulator(seed=1) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    shown = capsys.readouterr()
    return int(stopped.value.code or 0), shown.out, shown.err


def check_failure(result: tuple[int, str, str], *culprits: str) -> None:
    code, _, err = result
    assert code != 0
    assert err.startswith("error: ")
    assert len(err.strip().splitlines()) <= 3
    assert "Traceback" not in err
    for culprit in culprits:
        assert culprit in err


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"llm-forge {VERSION}\n", "")
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for command in ("ask", "simulate", "generate", "conformance"):
        assert command in out
        assert run(capsys, command, "--help")[0] == 0


@pytest.mark.parametrize("model", ["anthropic/claude-x", "openai:gpt-x", "groq/a/b", "mistral/m"])
@pytest.mark.parametrize("flags", [[], ["--stream"]])
def test_ask_prints_the_answer(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], model: str, flags: list[str]
) -> None:
    code, out, err = run(capsys, "ask", "What is a retry budget?", "-m", model, *flags)
    assert (code, err) == (0, "")
    assert len(out) > 20
    assert out.endswith("\n")


def test_ask_prints_what_arrived_of_a_cut_answer_and_then_the_error(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator.faults.add(Fault(provider="anthropic", cut={"events": 6, "end": "complete"}))
    code, out, err = run(capsys, "ask", "hello there", "-m", "anthropic/m", "--stream")
    assert code == 1
    assert out.strip()
    assert err.startswith("error: StreamInterruptedError")


def test_ask_without_a_key_names_the_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    check_failure(run(capsys, "ask", "hi", "-m", "groq/m"), "GROQ_API_KEY")


@pytest.mark.parametrize(
    ("url", "culprit"), [("http://example.test", "https"), ("nonsense", "OPENAI_BASE_URL")]
)
def test_ask_with_a_wrong_base_url_names_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str, culprit: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    check_failure(run(capsys, "ask", "hi", "-m", "openai/m"), culprit)


def test_ask_where_nobody_listens_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    check_failure(run(capsys, "ask", "hi", "-m", "openai/m", "--timeout", "0.4"), "ConnectError")


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        (["ask", "hi", "-m", "antropic/m"], "anthropic"),
        (["ask", "hi", "-m", "gpt-4"], "provider"),
        (["ask", "hi"], "default_model"),
        (["ask", " ", "-m", "openai/m"], "empty"),
        (["ask", "hi", "-m", "openai/m", "--strem"], "--stream"),
        (["aks", "hi"], "aks"),
        (["simulate", "--port", "99999"], "port"),
        (["simulate", "--faults", "nowhere.yaml"], "nowhere.yaml"),
        (["generate", "nowhere.yaml", "--lang", "python", "--out", "x"], "nowhere.yaml"),
        (["generate", "opnai", "--lang", "python", "--out", "x"], "openai"),
        (["generate", "openai", "--lang", "pyton", "--out", "x"], "python"),
        (["conformance", "--only", "ZZ-*"], "ZZ-"),
    ],
)
def test_a_wrong_command_line_names_the_culprit(
    capsys: pytest.CaptureFixture[str], arguments: list[str], culprit: str
) -> None:
    code, _, err = run(capsys, *arguments)
    assert code != 0
    assert culprit in err
    assert len(err.strip().splitlines()) <= 3


def test_a_malformed_description_is_named_with_line_and_pointer_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "openapi: 3.1.0\ninfo: {title: Bad, version: '1'}\npaths:\n  /x:\n    get:\n      responses:\n"
        "        '200':\n          content:\n            application/json:\n"
        "              schema: {$ref: 'missing.yaml'}\n"
    )
    out = tmp_path / "sdk"
    check_failure(
        run(capsys, "generate", str(bad), "--lang", "python", "--out", str(out)),
        "bad.yaml:10",
        "missing.yaml",
    )
    assert not out.exists()
    broken = tmp_path / "broken.yaml"
    broken.write_text("openapi: [unclosed\n")
    check_failure(run(capsys, "generate", str(broken), "--lang", "python", "--out", str(out)), "broken.yaml:")
    assert not out.exists()


def test_generate_writes_an_sdk_that_runs_without_this_package(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "sdk"
    code, shown, _ = run(capsys, "generate", "mistral", "--lang", "python", "--out", str(out))
    assert code == 0
    assert "files in" in shown
    package = next(path.parent.name for path in out.glob("*/__init__.py") if path.parent.name != "tests")
    script = (
        "import sys; sys.modules['llm_forge'] = None\n"
        f"import {package} as sdk\n"
        "with sdk.Mistral() as client:\n"
        "    message = [{'role': 'user', 'content': 'hello there'}]\n"
        "    print(client.chat.completions.create(model='m', messages=message).choices[0].message.content)\n"
        "    print(''.join(client.chat.completions.stream(model='m', messages=message).texts()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=out, capture_output=True, text=True, check=True, timeout=60
    )
    whole, streamed = done.stdout.splitlines()
    assert whole == streamed != ""


def test_simulate_prints_variables_as_json_and_ends_on_a_signal() -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "llm_forge.cli.main", "simulate", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        variables = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert variables["ANTHROPIC_BASE_URL"].endswith("/anthropic")
    assert variables["OPENAI_BASE_URL"].endswith("/openai/v1")
    assert {name.removesuffix("_BASE_URL").removesuffix("_API_KEY") for name in variables} == {
        "ANTHROPIC",
        "GROQ",
        "MISTRAL",
        "OPENAI",
    }


def test_simulate_on_a_port_in_use_says_so(capsys: pytest.CaptureFixture[str], simulator: Simulator) -> None:
    port = simulator.url.rpartition(":")[2]
    check_failure(run(capsys, "simulate", "--port", port), port, "--port")
