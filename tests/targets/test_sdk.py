"""A stand-alone SDK: whole or not at all, the same bytes everywhere, and it works against a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.targets import OutputError, generate
from llm_forge.targets.version import ROOT as PACKAGE
from llm_forge.targets.version import version
from llm_forge.targets.writer import Change, changes, write_tree
from tests.shared import ROOT

MINIMAL = ROOT / "golden" / "minimal" / "description.yaml"


class Notes(BaseHTTPRequestHandler):
    """Answers every POST with a note that has the text sent."""

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps({"id": "n1", "auth": self.headers["authorization"], **sent}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    found = HTTPServer(("127.0.0.1", 0), Notes)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{found.server_port}/v1"
    found.shutdown()
    thread.join()
    found.server_close()


def run(folder: Path, *arguments: str, **env: str) -> str:
    """Python in the folder of an SDK, which sees nothing of this repository."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **env}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_stand_alone_sdk_calls_a_server(tmp_path: Path, server: str) -> None:
    report = generate(spec.load(MINIMAL), "python", tmp_path / "out", "notes_sdk")
    assert {"pyproject.toml", "README.md", "LICENSE", "notes_sdk/py.typed"} <= set(report.files)
    program = (
        "import sys, notes_sdk\n"
        f"with notes_sdk.Minimal(api_key='k', base_url={server!r}) as client:\n"
        "    note = client.notes.create(text='hello')\n"
        "    print(type(note).__module__, note.text, note['auth'])\n"
        "assert 'llm_forge' not in sys.modules\n"
    )
    said = run(tmp_path / "out", "-c", program)
    assert said.split() == ["notes_sdk.clients.minimal.models.notes", "hello", "Bearer", "k"]


def test_an_sdk_that_depends_on_the_runtime_calls_a_server(tmp_path: Path, server: str) -> None:
    report = generate(spec.load(MINIMAL), "python", tmp_path / "out", "notes_sdk", runtime="dependency")
    assert not [name for name in report.files if name.startswith(("notes_sdk/core/", "notes_sdk/runtime/"))]
    assert f'"llm-forge=={version()}"' in (tmp_path / "out" / "pyproject.toml").read_text()
    program = (
        "import notes_sdk, llm_forge\n"
        f"with notes_sdk.Minimal(api_key='k', base_url={server!r}) as client:\n"
        "    print(client.notes.create(text='hello').text)\n"
        "assert notes_sdk.RateLimitError is llm_forge.RateLimitError\n"
    )
    assert run(tmp_path / "out", "-c", program) == "hello\n"


def test_the_example_in_the_readme_of_an_sdk_runs(tmp_path: Path, server: str) -> None:
    generate(spec.load(MINIMAL), "python", tmp_path / "out", "notes_sdk")
    readme = (tmp_path / "out" / "README.md").read_text()
    example = readme.partition("```python\n")[2].partition("```")[0]
    program = example.replace('api_key="..."', f'api_key="...", base_url="{server}"')
    assert program != example
    assert "Note(id='n1'" in run(tmp_path / "out", "-c", program)


@pytest.mark.parametrize("name", ["first_call.py", "first_call_asyncio.py"])
def test_the_examples_of_an_sdk_run(name: str, tmp_path: Path, server: str) -> None:
    generate(spec.load(MINIMAL), "python", tmp_path / "out", "notes_sdk")
    example = (tmp_path / "out" / "examples" / name).read_text()
    program = example.replace('api_key="..."', f'api_key="...", base_url="{server}"')
    assert "Note(id='n1'" in run(tmp_path / "out", "-c", program)


def readme(folder: Path, model: str, told: str = "") -> tuple[str, str]:
    """The README of an SDK with one operation that takes a model, and its example alone."""
    text = MINIMAL.read_text()
    changes = (
        (f"{' ' * 14}required: [text]\n", f"{' ' * 14}required: [model]\n"),
        (f"{' ' * 16}text: {{type: string, description: What it says.}}\n", f"{' ' * 16}model: {model}\n"),
    )
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "description.yaml").write_text(text + told)
    generate(spec.load(folder / "description.yaml"), "python", folder / "out", "notes_sdk")
    whole = (folder / "out" / "README.md").read_text()
    return whole, whole.partition("```python\n")[2].partition("```")[0]


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("{type: string, example: acme-1}", "acme-1"),
        ("{type: string, examples: [acme-2, acme-3]}", "acme-2"),
        ("{anyOf: [{type: string}, {enum: [acme-4, acme-5]}]}", "acme-4"),
        ("{anyOf: [{type: string}, {enum: [acme-4, acme-5]}], example: acme-5}", "acme-5"),
        ("{$ref: '#/components/schemas/ModelName'}", "acme-6"),
        ("{type: string, example: 7}", "your-model"),
        ("{type: string}", "your-model"),
    ],
)
def test_the_example_of_a_readme_names_a_model_of_the_description(
    model: str, shown: str, tmp_path: Path
) -> None:
    _, example = readme(tmp_path, model, "    ModelName: {type: string, examples: [acme-6]}\n")
    assert f'client.notes.create(model="{shown}")' in example


def test_the_example_of_a_readme_reads_the_key_from_its_variable(tmp_path: Path, server: str) -> None:
    told = "x-forge: {env: {api_key: NOTES_API_KEY, base_url: NOTES_BASE_URL}}\n"
    whole, example = readme(tmp_path, "{type: string}", told)
    assert "with Minimal() as client:" in example
    assert "environment variable `NOTES_API_KEY`" in whole
    said = run(tmp_path / "out", "-c", example, NOTES_API_KEY="k", NOTES_BASE_URL=server)
    assert "Note(id='n1'" in said


def test_core_and_runtime_of_an_sdk_are_byte_copies(tmp_path: Path) -> None:
    generate(spec.load(MINIMAL), "python", tmp_path / "out", "notes_sdk")
    copied = 0
    for room in ("core", "runtime"):
        for path in (tmp_path / "out" / "notes_sdk" / room).rglob("*.py"):
            assert (
                path.read_bytes() == (PACKAGE / path.relative_to(tmp_path / "out" / "notes_sdk")).read_bytes()
            )
            copied += 1
    assert copied > 20


def test_the_generated_tests_of_an_sdk_pass(tmp_path: Path) -> None:
    generate(spec.load(MINIMAL), "python", tmp_path / "out", "notes_sdk")
    assert "2 passed" in run(tmp_path / "out", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_a_foreign_directory_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="--force"):
        write_tree({"a.txt": "x"}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    write_tree({"a.txt": "x"}, tmp_path, force=True)
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", "a.txt", ".llm-forge.json"}


def test_a_previous_output_is_replaced_and_its_old_files_removed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_tree({"a/old.txt": "1", "b.txt": "1"}, out)
    write_tree({"b.txt": "2"}, out)
    assert sorted(path.name for path in out.rglob("*")) == [".llm-forge.json", "b.txt"]
    assert (out / "b.txt").read_text() == "2"


@pytest.mark.requirement("R-249")
@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "a\\x", "", "a\0"])
def test_no_file_is_written_outside_the_output_directory(tmp_path: Path, path: str) -> None:
    with pytest.raises(OutputError, match="not a path inside"):
        write_tree({path: "x"}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.requirement("R-249")
def test_a_link_in_the_output_directory_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    write_tree({"a.txt": "1"}, tmp_path / "out")
    (tmp_path / "out" / "b").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="outside"):
        write_tree({"b/x.txt": "1"}, tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_failure_on_the_way_leaves_nothing_half_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_tree({"a": "1", "a/b": "2"}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("language", "package"), [("cobol", None), ("python", "No-Good"), ("python", "../x")]
)
def test_a_wrong_choice_is_refused_before_anything_is_written(
    tmp_path: Path, language: str, package: str | None
) -> None:
    with pytest.raises(OutputError):
        generate(spec.load(MINIMAL), language, tmp_path / "out", package)
    assert list(tmp_path.iterdir()) == []


def test_a_stand_alone_sdk_has_all_its_names_and_loads_each_on_first_use(tmp_path: Path) -> None:
    generate(spec.load(MINIMAL), "python", tmp_path / "out", "notes_sdk")
    program = (
        "import sys, notes_sdk\n"
        "assert 'notes_sdk.clients' not in sys.modules\n"
        "with notes_sdk.Minimal(api_key='k'): pass\n"
        "assert not {'asyncio', 'msgspec', 'pycurl'} & set(sys.modules)\n"
        "assert {*dir(notes_sdk)} == {*notes_sdk.__all__}\n"
        "print(all(getattr(notes_sdk, name) is not None for name in notes_sdk.__all__))\n"
    )
    assert run(tmp_path / "out", "-c", program).split() == ["True"]


def test_a_file_of_somebody_else_is_never_touched(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_tree({"a.txt": "1"}, out)
    (out / "b.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(OutputError, match=r"files of others in the way: b\.txt"):
            write_tree({"a.txt": "2", "b.txt": "1"}, out, force=force)
    assert ((out / "a.txt").read_text(), (out / "b.txt").read_text()) == ("1", "mine")
    write_tree({"a.txt": "2", "b.txt": "mine"}, out)
    assert (out / "a.txt").read_text() == "2"


@pytest.mark.parametrize("files", [{"a.txt": "2"}, {"b.txt": "2"}])
def test_a_file_that_was_edited_is_neither_overwritten_nor_removed(
    files: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    write_tree({"a.txt": "1"}, out)
    (out / "a.txt").write_text("edited")
    with pytest.raises(OutputError, match=r"were edited: a\.txt"):
        write_tree(files, out)
    assert (out / "a.txt").read_text() == "edited"
    write_tree(files, out, force=True)
    assert sorted(path.name for path in out.iterdir()) == [".llm-forge.json", *files]


def test_a_manifest_without_hashes_is_that_of_an_older_output(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_tree({"a.txt": "1", "b.txt": "1"}, out)
    (out / ".llm-forge.json").write_text('{"files": ["a.txt", "b.txt"]}')
    write_tree({"a.txt": "2"}, out)
    assert sorted(path.name for path in out.iterdir()) == [".llm-forge.json", "a.txt"]


def test_changes_are_told_without_writing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_tree({"a.txt": "1", "b.txt": "1", "c.txt": "1"}, out)
    (out / "mine.txt").write_text("keep")
    found = changes({"a.txt": "1", "b.txt": "2", "d.txt": "1"}, out)
    assert [(one.kind, one.path) for one in found] == [
        ("changed", "b.txt"),
        ("removed", "c.txt"),
        ("new", "d.txt"),
    ]
    assert changes({"a.txt": "1"}, tmp_path / "nowhere") == (Change("new", "a.txt"),)
    assert (out / "b.txt").read_text() == "1"
