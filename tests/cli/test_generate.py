"""`llm-forge generate`: the package's name, and what is said about what was left out."""

from __future__ import annotations

from pathlib import Path

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
    assert code == 1
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
