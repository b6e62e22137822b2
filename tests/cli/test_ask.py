"""`llm-forge ask` and `chat`: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from llm_forge.simulator import Fault, Simulator

from .test_cli import check_failure, run, simulator

__all__ = ["simulator"]
MODEL = ("-m", "openai/gpt-4o-mini")
CITY = '{"type": "object", "properties": {"people": {"type": "integer"}}, "required": ["people"]}'


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_prompt_needs_no_command(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "say: hello there", *MODEL)[:2] == (0, "hello there\n")
    assert run(capsys, *MODEL, "say: hello")[:2] == (0, "hello\n")


def test_a_single_word_is_a_command_and_never_a_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    check_failure(run(capsys, "chatt"), "chatt")


@pytest.mark.parametrize("arguments", [("ask", "-", *MODEL), ("ask", *MODEL), ("-", *MODEL)])
def test_a_prompt_may_be_piped_in(
    simulator: Simulator,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    typed(monkeypatch, "say: piped")
    assert run(capsys, *arguments)[:2] == (0, "piped\n")


def test_the_default_model_comes_from_the_configuration(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_FORGE_MODEL", "mistral/m")
    assert run(capsys, "ask", "say: hi")[:2] == (0, "hi\n")


def test_json_has_the_whole_reply(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "ask", "say: hi", *MODEL, "--json")
    reply = json.loads(out)
    assert code == 0
    assert (reply["text"], reply["provider"], reply["finish_reason"]) == ("hi", "openai", "stop")
    assert reply["usage"]["input"] > 0
    assert reply["cost"]["total"] > 0
    assert reply["raw"]["choices"]


@pytest.mark.parametrize("flags", [(), ("--stream",)])
def test_out_writes_a_file_that_appears_whole_or_not_at_all(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], tmp_path: Path, flags: tuple[str, ...]
) -> None:
    target = tmp_path / "answer.txt"
    assert run(capsys, "ask", "say: hi", *MODEL, "--out", str(target), *flags) == (0, "", "")
    assert target.read_text() == "hi\n"
    simulator.faults.add(Fault(provider="openai", status=400))
    check_failure(run(capsys, "ask", "say: no", *MODEL, "--out", str(target), *flags), "BadRequestError")
    assert target.read_text() == "hi\n"


@pytest.mark.parametrize("as_file", [False, True])
def test_a_schema_is_json_or_a_file(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], tmp_path: Path, as_file: bool
) -> None:
    given = CITY
    if as_file:
        (tmp_path / "city.json").write_text(CITY)
        given = str(tmp_path / "city.json")
    code, out, _ = run(capsys, "ask", "Paris has 2 million people", *MODEL, "--schema", given)
    assert code == 0
    assert isinstance(json.loads(out)["people"], int)


@pytest.mark.parametrize("flags", [(), ("--stream",)])
def test_calls_of_tools_are_printed_as_json(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], tmp_path: Path, flags: tuple[str, ...]
) -> None:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps([{"name": "lookup", "parameters": json.loads(CITY)}]))
    code, out, _ = run(capsys, "ask", "Please lookup 7 people", *MODEL, "--tool", str(path), *flags)
    assert code == 0
    assert json.loads(out.strip().splitlines()[-1])["name"] == "lookup"


def test_files_go_along(simulator: Simulator, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Some notes.")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.4")
    files = [word for name in ("notes.txt", "paper.pdf") for word in ("-f", str(tmp_path / name))]
    code, out, _ = run(capsys, "ask", "Sum up", *MODEL, *files, "-s", "Be brief", "-p", "temperature=0")
    assert code == 0
    assert out.strip()


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        (("--schema", "{broken"), "--schema"),
        (("--schema", "nowhere.json"), "nowhere.json"),
        (("--tool", "nowhere.json"), "nowhere.json"),
        (("-f", "nowhere.png"), "nowhere.png"),
        (("-p", "seed"), "NAME=VALUE"),
        (("-p", "top_k=3"), "top_k"),
        (("-p", "temperatur=3"), "temperature"),
    ],
)
def test_what_is_wrong_with_a_question_has_code_2(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], culprit: str
) -> None:
    result = run(capsys, "ask", "hi", *MODEL, *arguments)
    check_failure(result, culprit)
    assert result[0] == 2


def test_a_chat_keeps_the_conversation_and_survives_an_error(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.faults.add(Fault(provider="openai", status=400, nth=2))
    typed(monkeypatch, "say: one\n\nsay: two\nsay: three\n/clear\n/help\nsay: four\n/exit\nsay: five\n")
    code, out, err = run(capsys, "chat", *MODEL)
    assert code == 0
    assert [line for line in out.splitlines() if line in ("one", "two", "three", "four", "five")] == [
        "one",
        "three",
        "four",
    ]
    assert "BadRequestError" in err
    first, failed, third, fourth = simulator.ledger.select("openai")
    assert failed.status == 400
    assert third.input_tokens > first.input_tokens == fourth.input_tokens
