"""`--allow-remote`: whom the commands that read descriptions may ask, and what they say else (R-247)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llm_forge.cli.main import main
from llm_forge.core.errors import InvalidRequestError
from llm_forge.runtime import fetch
from llm_forge.runtime.fetch import Fetched
from tests.spec.making import document

URL = "https://types.example/v1/types.yaml"
ALLOWED = ("--allow-remote", "types.example")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The fetches that were asked for; all of them get the same document."""
    found: list[dict[str, Any]] = []

    def fetched(url: str, **options: Any) -> Fetched:
        found.append({"url": url, **options})
        return Fetched(b"Point: {type: object}\n", "text/yaml", url)

    monkeypatch.setattr(fetch, "fetch_url", fetched)
    return found


def ran(folder: Path, command: str, *arguments: str) -> int:
    """The exit code of a command for a description with a reference to another host."""
    source = folder / "api.json"
    field = {"$ref": f"{URL}#/Point"}
    source.write_text(document({"Answer": {"type": "object", "properties": {"at": field}}}))
    with pytest.raises(SystemExit) as ended:
        main([command, str(source), *arguments])
    return int(ended.value.code or 0)


@pytest.mark.requirement("R-247")
@pytest.mark.parametrize(
    ("command", "arguments"),
    [("inspect", []), ("init", ["--out", "-"]), ("generate", ["--lang", "python", "--out", "OUT"])],
)
def test_an_allowed_host_is_asked_with_the_limits_of_the_contract(
    command: str, arguments: list[str], asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    given = [one.replace("OUT", str(tmp_path / "sdk")) for one in arguments]
    assert ran(tmp_path, command, *given, *ALLOWED) == 0
    assert asked == [{"url": URL, "max_bytes": 16 * 1024 * 1024, "origins": {"https://types.example"}}]


@pytest.mark.requirement("R-247")
def test_without_the_option_nobody_is_asked_and_the_message_names_it(
    asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert ran(tmp_path, "inspect") == 2
    assert "--allow-remote https://types.example" in capsys.readouterr().err
    assert asked == []


@pytest.mark.requirement("R-247")
def test_a_host_at_a_private_address_is_not_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    private = [(0, 0, 0, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(fetch.socket, "getaddrinfo", lambda *_, **__: private)
    assert ran(tmp_path, "generate", "--lang", "python", "--out", str(tmp_path / "sdk"), *ALLOWED) == 2
    assert "not public" in capsys.readouterr().err
    assert not (tmp_path / "sdk").exists()


def test_an_error_of_the_fetch_is_told_at_the_reference(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(url: str, **_: Any) -> Fetched:
        raise InvalidRequestError("The URL is no good")

    monkeypatch.setattr(fetch, "fetch_url", refused)
    arguments = ("--lang", "python", "--out", str(tmp_path / "sdk"), "--diagnostics", "json", *ALLOWED)
    assert ran(tmp_path, "generate", *arguments) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "The URL is no good" in error["message"]
    assert error["pointer"] == "/components/schemas/Answer/properties/at"


@pytest.mark.parametrize(
    "arguments", [["api.json", "--allow-remote", "http://types.example"], ["groq", *ALLOWED]]
)
def test_an_origin_that_is_none_and_one_for_a_description_of_ours_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "api.json").write_text(document({"Answer": {"type": "object"}}))
    with pytest.raises(SystemExit) as ended:
        main(["inspect", *arguments])
    assert ended.value.code == 2
    assert "--allow-remote" in capsys.readouterr().err
