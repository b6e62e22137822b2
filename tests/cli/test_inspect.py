"""`llm-forge inspect` and `llm-forge init`: what was understood, and a forge file that says the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llm_forge import spec
from llm_forge.cli.main import main
from llm_forge.spec.ir import Api
from llm_forge.spec.overview import overview
from llm_forge.spec.starting_forge import flow, scalar
from tests.shared import ROOT, needs_shared
from tests.spec.test_vendor_documents import OPERATIONS, counted, unpacked

GOLDEN = sorted((ROOT / "golden").glob("*/description.yaml"))
TALK = """openapi: 3.1.0
info: {title: Acme Chat API, version: '2'}
servers: [{url: https://h.com}]
paths:
  /chat:
    post:
      operationId: createChat
      tags: [Chat]
      requestBody: {content: {application/json: {schema: {properties: {stream: {type: boolean}}}}}}
      responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Chunk'}}}}}
  /notes/{id}:
    get: {operationId: getNote}
  /odd: {get: 7}
components:
  schemas:
    Chunk: {type: object, properties: {choices: {type: array, items: {type: object}}}}
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out, shown.err


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.yaml"
    path.write_text(TALK)
    return path


def test_a_page_shows_operations_guesses_and_repairs(capsys: pytest.CaptureFixture[str], talk: Path) -> None:
    code, page, err = run(capsys, "inspect", str(talk))
    assert (code, err) == (0, "")
    lines = page.splitlines()
    assert lines[0] == "Acme Chat API 2 (talk.yaml, OpenAPI 3.1.0)"
    assert lines[1] == "2 operations, 2 services, 2 types, 1 stream"
    assert (
        "provider acme_chat*, client AcmeChat*, https://h.com, key: bearer in header authorization*" in lines
    )
    assert "  create*  POST /chat  once*  Chunk or stream of chat-completion*" in lines
    assert any("llm-forge init" in line for line in lines)
    assert "Repaired (1):" in lines
    assert any(line.startswith("  talk.yaml:12: path parameter 'id' is not declared") for line in lines)
    assert "Left out (1):" in lines
    assert "  GET /odd: its definition is a number 7, not a mapping" in lines
    assert any(line.startswith("  stream of chat.create: family chat-completion") for line in lines)


def test_the_json_has_all_keys_that_are_documented(capsys: pytest.CaptureFixture[str], talk: Path) -> None:
    code, text, _ = run(capsys, "inspect", str(talk), "--json")
    told = json.loads(text)
    assert code == 0
    documented = (ROOT / "docs" / "generator.md").read_text()
    for keys in (told, told["operations"][0], told["streams"][0], told["guesses"][0], told["types"][0]):
        assert [key for key in keys if f"`{key}`" not in documented] == []
    assert told["operation_count"] == len(told["operations"]) == 2
    assert told["services"] == [{"name": "chat", "operations": 1}, {"name": "notes", "operations": 1}]
    assert told["left_out"] == [
        {"http_method": "GET", "path": "/odd", "reason": "its definition is a number 7, not a mapping"}
    ]
    (stream,) = told["streams"]
    assert (stream["operation"], stream["family"], stream["guessed"]) == (
        "chat.create",
        "chat-completion",
        True,
    )
    assert {one["what"] for one in told["guesses"]} >= {"name", "replay", "stream", "provider", "auth"}
    assert all(one["pointer"] and one["line"] for one in told["guesses"] if one["of"])
    assert told["repairs"][0]["pointer"] == "/paths/~1notes~1{id}/get"


@needs_shared
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_count_is_that_of_the_document(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = unpacked(name, tmp_path)
    told = json.loads(run(capsys, "inspect", str(path), "--json")[1])
    assert told["operation_count"] == counted(path) == OPERATIONS[name]
    assert told["left_out"] == []
    assert len({one["name"] for one in told["operations"]}) == told["operation_count"]


@pytest.mark.parametrize("provider", spec.providers())
def test_nothing_is_guessed_of_our_own_descriptions_but_what_they_leave_to_http(provider: str) -> None:
    told = overview(spec.load_description(provider))
    assert {one["what"] for one in told["guesses"]} <= {"replay", "errors", "health"}
    assert told["left_out"] == told["repairs"] == []


def test_an_error_names_the_file_and_ends_with_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("openapi: [\n")
    code, out, err = run(capsys, "inspect", str(tmp_path / "bad.yaml"))
    assert (code, out) == (2, "")
    assert err.startswith("error: bad.yaml:2: this is neither YAML nor JSON")


# init


def test_init_writes_a_file_that_says_nothing_yet(
    capsys: pytest.CaptureFixture[str], talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(talk.parent)
    code, said, _ = run(capsys, "init", str(talk))
    forge = talk.parent / "acme_chat.forge.yaml"
    assert code == 0
    assert said.startswith("acme_chat.forge.yaml: 8 guesses as comments; then llm-forge generate ")
    assert facts(spec.load(talk, forge=forge)) == facts(spec.load(talk))
    code, _, err = run(capsys, "init", str(talk))
    assert code == 2
    assert "is there already" in err
    assert run(capsys, "init", str(talk), "--force")[0] == 0


def test_init_can_print(capsys: pytest.CaptureFixture[str], talk: Path) -> None:
    code, text, _ = run(capsys, "init", str(talk), "--out", "-")
    assert code == 0
    assert "        # method: chat.create\n" in text
    assert "        # stream: {family: chat-completion, parameter: stream, event: Chunk}\n" in text
    assert "  # env: {api_key: ACME_CHAT_API_KEY, base_url: ACME_CHAT_BASE_URL}\n" in text


@pytest.mark.parametrize("description", GOLDEN, ids=lambda path: path.parent.name)
def test_all_guesses_made_certain_give_the_same_api(description: Path, tmp_path: Path) -> None:
    check_certain(description, tmp_path)


@needs_shared
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_all_guesses_about_a_vendor_made_certain_give_the_same_api(name: str, tmp_path: Path) -> None:
    check_certain(unpacked(name, tmp_path), tmp_path)


def check_certain(description: Path, folder: Path) -> None:
    from llm_forge.spec.starting_forge import starting_forge_file

    api = spec.load(description)
    forge = folder / "all.forge.yaml"
    lines = starting_forge_file(api).splitlines()[2:]
    forge.write_text("\n".join(line.replace("# ", "", 1) for line in lines if "# env:" not in line))
    certain = spec.load(description, forge=forge)
    assert facts(certain) == facts(api)
    assert not any(one.guessed for one in certain.operations())
    assert set(certain.guessed) <= {"auth"}


def facts(api: Api) -> dict[str, Any]:
    """The IR without what says where it comes from."""
    told: dict[str, Any] = json.loads(spec.to_json(replace(api, sha256="", notices=(), guessed=())))["api"]

    def cleared(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: cleared(one) for key, one in value.items() if key not in ("guessed", "file", "line")}
        return [cleared(one) for one in value] if isinstance(value, list) else value

    return {key: cleared(value) for key, value in told.items()}


@pytest.mark.parametrize(
    "text", ["", "no", "1", "a b", "a: b", "#x", 'q"\\', "\x00\u2028\u202e", "日本", "😀", "- a", "{a}", "~"]
)
def test_a_text_of_a_forge_file_is_read_back_as_it_is(text: str, tmp_path: Path) -> None:
    from llm_forge.spec.source import parse_document

    read = parse_document(f"{scalar(text)}: [{scalar(text)}, {flow([True, 1, text])}]\n", "f", tmp_path)
    assert dict(read.root) == {text: [text, [True, 1, text]]}
