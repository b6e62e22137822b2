"""Every block of the documents does what it says: Python runs, YAML loads, commands parse, links lead on."""

from __future__ import annotations

import os
import shlex
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from llm_forge.cli.main import app, main
from llm_forge.runtime.config.schema import ConfigFile
from llm_forge.simulator import Simulator, load_faults
from llm_forge.spec import load

from .documents import DOCUMENTS, GUIDES, PAGES, Block, anchors, blocks, command_lines, links

CHAT = """
openapi: 3.1.0
info: {title: Some Company API, version: "1"}
servers: [{url: https://api.example.com}]
paths:
  /chat:
    post:
      requestBody:
        content: {application/json: {schema: {type: object, properties: {stream: {type: boolean}}}}}
      responses:
        "200": {description: OK, content: {application/json: {schema: {$ref: "#/components/schemas/Chunk"}}}}
components:
  schemas: {Chunk: {type: object, properties: {choices: {type: array, items: {type: object}}}}}
"""
RUNNABLE = ("ask", "generate", "inspect", "init")
YAML = [block for path in DOCUMENTS for block in blocks(path, "yaml")]
WITH_NEEDS = [block for path in DOCUMENTS for block in blocks(path, "python") if block.needs]
COMMANDS = [(path, arguments) for path in DOCUMENTS for arguments in command_lines(path)]
LANGUAGES = {"python", "yaml", "sh", "ts", "go", "rust", ""}  # others: tests/targets/*/test_new_user.py


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(seed=5) as running:
        yield running


@pytest.fixture
def environment(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the documents take for granted: variables that lead to a server, and a folder to write to."""
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def name_of(value: Any) -> str:
    return (
        value.name
        if isinstance(value, Path)
        else shlex.join(value)
        if isinstance(value, list)
        else str(value)
    )


def run(block: Block, namespace: dict[str, Any]) -> None:
    """Run a block as if it stood at its place in the document, so that tracebacks lead there."""
    source = "\n" * block.line + block.text
    exec(compile(source, str(block.path), "exec", dont_inherit=True), namespace)  # noqa: S102 - running the document is the test


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
@pytest.mark.usefixtures("environment", "capsys")
def test_the_python_of_a_document_runs(path: Path) -> None:
    found = blocks(path, "python")
    if not found and path.name not in GUIDES:
        pytest.skip(f"{path.name} has no Python")
    namespace: dict[str, Any] = {"__name__": "__document__"}
    ran = 0
    for block in found:
        if block.excused is None and not block.needs:
            run(block, namespace)
            ran += 1
    assert ran >= 1


@pytest.mark.parametrize("block", WITH_NEEDS, ids=str)
@pytest.mark.usefixtures("environment", "capsys")
def test_a_block_that_needs_other_packages_runs_where_they_are(block: Block) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other packages deprecate is not ours to fail on
        for package in block.needs:
            pytest.importorskip(package, reason=f"{block} needs {package}, which is an extra")
        run(block, {"__name__": "__document__"})


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_the_blocks_of_a_document_are_of_known_kinds_and_excused_with_a_reason(path: Path) -> None:
    for block in blocks(path):
        assert block.language in LANGUAGES, f"{block}: nothing checks {block.language!r}"
        assert block.excused is None or len(block.excused) > 15, f"{block}: say why it is not run"


def test_the_guides_are_there_and_have_blocks() -> None:
    named = {path.name: blocks(path) for path in DOCUMENTS}
    for guide in GUIDES:
        assert len(named[guide]) >= 3
    assert WITH_NEEDS


@pytest.mark.parametrize("block", YAML, ids=str)
def test_the_yaml_of_a_document_is_read_by_its_loader(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "block.yaml"
    file.write_text(block.text, encoding="utf-8")
    if block.remark == "faults":
        assert load_faults(file)
        return
    if block.remark == "config":
        monkeypatch.setenv("TEAM_KEY", "key")
        monkeypatch.setenv("ID_SECRET", "secret")
        config = ConfigFile.read(file)
        assert all(config.options(provider) for provider, _ in config.providers())
        return
    assert block.remark == "forge", (
        f"{block}: say `<!-- config -->`, `<!-- faults -->` or `<!-- forge -->` before it"
    )
    (tmp_path / "openapi.yaml").write_text(CHAT, encoding="utf-8")
    api = load(tmp_path / "openapi.yaml", forge=file)
    assert (api.provider, api.client, api.env.api_key) == ("acme", "Acme", ("ACME_API_KEY",))
    assert not api.skipped


def test_the_yaml_of_the_guides_is_found() -> None:
    assert {block.remark for block in YAML} == {"config", "faults", "forge"}


@pytest.mark.parametrize(("path", "arguments"), COMMANDS, ids=name_of)
def test_a_command_line_of_a_document_parses(path: Path, arguments: list[str]) -> None:
    group: Any = get_command(app)
    assert arguments[0] in group.commands
    if len(arguments) == 1:
        return  # prose that names the command
    context = group.make_context("llm-forge", list(arguments))
    name, command, rest = group.resolve_command(context, list(arguments))
    while hasattr(command, "commands"):
        context = command.make_context(name, list(rest), parent=context)
        name, command, rest = command.resolve_command(context, list(rest))
    assert command.make_context(name, rest, parent=context).params


@pytest.mark.parametrize(
    ("path", "arguments"),
    [(path, one) for path, one in COMMANDS if one[0] in RUNNABLE and len(one) > 1],
    ids=name_of,
)
@pytest.mark.usefixtures("environment")
def test_a_command_line_of_a_document_runs(
    path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("openapi.yaml").write_text(CHAT, encoding="utf-8")
    Path("my.forge.yaml").write_text("x-forge: {provider: acme}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    printed = capsys.readouterr()
    would_change = 1 if "--check" in arguments else 0  # nothing was generated before
    assert (ended.value.code, printed.err.count("error")) == (would_change, would_change)
    assert printed.out.strip()


def test_the_guides_show_every_command() -> None:
    shown = {arguments[0] for _, arguments in COMMANDS}
    assert {"ask", "simulate", "generate", "inspect", "init"} <= shown


@pytest.mark.parametrize("path", [*DOCUMENTS, *PAGES], ids=name_of)
def test_the_links_of_a_document_lead_somewhere(path: Path) -> None:
    for link in links(path):
        target, _, anchor = link.partition("#")
        file = Path(os.path.normpath(path.parent / target)) if target else path
        assert file.exists(), f"{path.name}: {link} leads nowhere"
        assert not anchor or anchor in anchors(file), f"{path.name}: {link} names no heading"
