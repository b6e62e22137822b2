"""`llm-forge generate`: the package's name, and what is said about what was left out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from llm_forge.cli.main import main

HEAD = """openapi: 3.1.0
info: {title: Notes, version: '1'}
servers: [{url: https://h.com}]
security: [{bearer: []}]
components: {securitySchemes: {bearer: {type: http, scheme: bearer}}}
paths:
"""
GOOD = "responses: {'200': {description: OK, content: {application/json: {schema: {type: object}}}}}"


def generated(
    capsys: pytest.CaptureFixture[str], folder: Path, *more: str, paths: str = ""
) -> tuple[int, list[str], str]:
    """Exit code, lines and errors of the command for a small description."""
    source = folder / "notes.yaml"
    source.write_text(HEAD + f"  /good: {{get: {{operationId: notes.list, {GOOD}}}}}\n" + paths)
    with pytest.raises(SystemExit) as ended:
        main(["generate", str(source), "--lang", "python", "--out", str(folder / "sdk"), *more])
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out.splitlines(), shown.err


def test_the_package_is_named_as_asked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, _ = generated(capsys, tmp_path, "--package", "acme_notes")
    assert code == 0
    assert (tmp_path / "sdk" / "acme_notes" / "__init__.py").is_file()
    assert 'name = "acme-notes"' in (tmp_path / "sdk" / "pyproject.toml").read_text()


@pytest.mark.parametrize("name", ["No-Good", "class", "tests", ""])
def test_a_name_that_cannot_be_a_package_is_refused(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, errors = generated(capsys, tmp_path, "--package", name)
    assert code == 2
    assert "give another --package" in errors
    assert not (tmp_path / "sdk").exists()


def test_operations_left_out_are_all_named_first_and_counted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    echoes = "".join(f"  /e{n}: {{trace: {{operationId: echoes.e{n}, {GOOD}}}}}\n" for n in range(25))
    noted = "".join(f"  /n{n}: {{get: {{{GOOD}}}}}\n  /n{n}: {{post: {{{GOOD}}}}}\n" for n in range(30))
    code, lines, _ = generated(capsys, tmp_path, paths=echoes + noted + "  /odd: {get: 7}\n")
    assert code == 0
    assert all("is not generated: method TRACE is not sent" in line for line in lines[:25])
    assert "GET /odd is left out" in lines[25]
    assert "is given twice" in lines[26]
    assert lines[-2].endswith("more like these")
    files = sum(1 for path in (tmp_path / "sdk").rglob("*") if path.is_file()) - 1  # without its own list
    notes = len(lines[26:-2]) + int(lines[-2].split()[2])
    assert lines[-1] == (
        f"python: {files} files in {tmp_path / 'sdk'} (61 operations, 26 left out, {notes} notes)"
    )


def test_one_operation_is_counted_as_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, lines, _ = generated(capsys, tmp_path)
    assert lines[-1].endswith("(1 operation, 0 left out, 0 notes)")


def diagnosed(
    capsys: pytest.CaptureFixture[str], folder: Path, *more: str, paths: str = ""
) -> tuple[int, Any]:
    """Exit code and the JSON that the command prints."""
    code, lines, _ = generated(capsys, folder, "--diagnostics", "json", *more, paths=paths)
    return code, json.loads("\n".join(lines))


def test_diagnostics_as_json_are_one_object_with_places(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, told = diagnosed(capsys, tmp_path, paths="  /b/{id}: {get: {}}\n")
    assert (code, told["error"], told["operation_count"]) == (0, None, 2)
    (language,) = told["languages"]
    assert (language["language"], language["operations"], language["left_out"]) == ("python", 2, [])
    assert all(change["kind"] == "new" for change in language["changes"])
    assert len(language["changes"]) == language["files"]
    (repair,) = [one for one in told["diagnostics"] if one["kind"] == "repair"]
    assert (repair["file"], repair["line"], repair["pointer"]) == ("notes.yaml", 8, "/paths/~1b~1{id}/get")


@pytest.mark.parametrize(
    ("paths", "more", "place", "said"),
    [
        ("  /b: {get: {x-forge: {replay: twice}}}\n", (), ("notes.yaml", 8), "unknown replay"),
        ("", ("--package", "No"), ("", 0), "--package"),
        ("", ("--lang", "pyton"), ("", 0), "did you mean"),
    ],
)
def test_an_error_is_part_of_the_json_too(
    paths: str,
    more: tuple[str, ...],
    place: tuple[str, int],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    code, told = diagnosed(capsys, tmp_path, *more, paths=paths)
    assert code == 2
    assert said in told["error"]["message"]
    assert (told["error"]["file"], told["error"]["line"]) == place
    assert not (tmp_path / "sdk").exists()


def test_a_check_writes_nothing_and_fails_where_something_would_change(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, lines, errors = generated(capsys, tmp_path, "--check")
    assert (code, (tmp_path / "sdk").exists()) == (1, False)
    assert any(line.startswith("new: ") and line.endswith("README.md") for line in lines)
    assert errors == "error: The output would change: python; generate it again\n"
    assert generated(capsys, tmp_path)[0] == 0
    assert generated(capsys, tmp_path, "--check")[0] == 0
    (tmp_path / "sdk" / "README.md").write_text("mine")
    (tmp_path / "sdk" / "notes_sdk" / "py.typed").unlink()
    code, lines, _ = generated(capsys, tmp_path, "--check")
    assert code == 1
    assert [line.split(":")[0] for line in lines[:-1]] == ["changed", "new"]
    assert lines[-1].endswith("2 changes)")
    assert (tmp_path / "sdk" / "README.md").read_text() == "mine"


def test_a_generated_file_that_was_edited_is_overwritten_only_by_force(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    generated(capsys, tmp_path)
    readme = tmp_path / "sdk" / "README.md"
    whole = readme.read_text()
    readme.write_text("mine")
    code, _, errors = generated(capsys, tmp_path)
    assert (code, readme.read_text()) == (2, "mine")
    assert "generated files that were edited: README.md" in errors
    assert generated(capsys, tmp_path, "--force")[0] == 0
    assert readme.read_text() == whole


def test_an_sdk_of_a_newer_description_replaces_what_nobody_edited(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    generated(capsys, tmp_path)
    (tmp_path / "sdk" / "mine.txt").write_text("keep")
    code, lines, _ = generated(capsys, tmp_path, paths="  /b: {get: {operationId: more.list}}\n")
    assert code == 0
    assert "(2 operations" in lines[-1]
    assert (tmp_path / "sdk" / "mine.txt").read_text() == "keep"


def test_an_overlay_is_laid_over_the_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("overlay: 1.0.0\nactions:\n- {target: \"$.paths['/b']\", remove: true}\n")
    code, lines, _ = generated(capsys, tmp_path, "--overlay", str(overlay), paths="  /b: {get: {}}\n")
    assert code == 0
    assert "(1 operation," in lines[-1]


def test_steps_are_shown_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert generated(capsys, tmp_path)[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert generated(capsys, tmp_path)[0] == 0
