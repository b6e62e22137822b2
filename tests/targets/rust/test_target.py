"""What the Rust target prints: formatted, the same on every run, and named as asked."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.targets import Options, OutputError, generate, render
from llm_forge.targets.regenerate import golden_cases
from llm_forge.targets.rust.text import Doc, Identifier, Quoted
from tests.shared import needs_shared
from tests.spec.test_vendor_documents import OPERATIONS, unpacked

from .sdks import unformatted
from .toolchain import RUNTIME, needs_rust

MOST_CPU_SECONDS = 2.0
HASHED = """
import hashlib
from llm_forge.spec import load_description
from llm_forge.targets import render
files = render(load_description("groq"), "rust").files
told = hashlib.sha256()
for path, content in files.items():
    told.update(path.encode() + (content if isinstance(content, bytes) else content.encode()))
print(told.hexdigest())
"""


@needs_rust
@pytest.mark.parametrize("provider", spec.providers())
def test_the_sdk_of_a_provider_is_formatted_as_printed(provider: str, tmp_path: Path) -> None:
    made = generate(spec.load_description(provider), "rust", tmp_path / "sdk")
    assert made.left_out == ()
    assert unformatted(tmp_path / "sdk") == ""


@needs_rust
@pytest.mark.parametrize("case", golden_cases(), ids=lambda case: case.name)
def test_a_golden_case_is_formatted_as_printed(case: Path, tmp_path: Path) -> None:
    generate(spec.load(case / "description.yaml"), "rust", tmp_path / "sdk", runtime="dependency")
    assert unformatted(tmp_path / "sdk") == ""


@needs_rust
@needs_shared
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_sdk_of_a_vendors_document_is_made_in_two_seconds_and_formatted(
    name: str, tmp_path: Path
) -> None:
    api = spec.load(unpacked(name, tmp_path))
    began = time.process_time()
    made = render(api, "rust", Options(runtime="dependency"))
    assert time.process_time() - began < MOST_CPU_SECONDS
    assert made.operations + len(made.left_out) == OPERATIONS[name]
    generate(api, "rust", tmp_path / "sdk", runtime="dependency")
    assert unformatted(tmp_path / "sdk") == ""


@pytest.mark.requirement("R-249")
def test_sc_07_output_is_the_same_under_two_hash_seeds() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", HASHED],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_the_runtime_in_an_sdk_is_a_copy_byte_for_byte() -> None:
    files = render(spec.load_description("groq"), "rust").files
    start = "src/runtime/"
    copied = {path.removeprefix(start): content for path, content in files.items() if path.startswith(start)}
    assert set(copied) == {
        path.relative_to(RUNTIME / "src").as_posix() for path in RUNTIME.rglob("src/**/*.rs")
    }
    for name, content in copied.items():
        assert isinstance(content, bytes)
        assert (
            hashlib.sha256(content).digest() == hashlib.sha256((RUNTIME / "src" / name).read_bytes()).digest()
        )


def test_versions_are_those_that_the_runtime_is_pinned_to_or_compatible() -> None:
    """An exact version in a library keeps its users from every other one."""
    files = render(spec.load_description("groq"), "rust").files
    made = tomllib.loads(str(files["Cargo.toml"]))
    runtime = (RUNTIME / "Cargo.toml").read_text(encoding="utf-8").replace('"=', '"')
    assert made["dependencies"] == tomllib.loads(runtime)["dependencies"]
    assert made["package"]["edition"] == "2021"


def test_a_crate_is_named_as_asked() -> None:
    files = render(spec.load_description("groq"), "rust", Options(name="quick-chat")).files
    assert 'name = "quick-chat"\n' in str(files["Cargo.toml"])
    assert "use quick_chat::" in str(files["examples/quickstart.rs"])


@pytest.mark.parametrize("options", [Options("Not A Name"), Options(name="1st"), Options("a", name="b")])
def test_names_that_rust_does_not_allow_are_refused(options: Options) -> None:
    with pytest.raises(OutputError, match="crate"):
        render(spec.load_description("groq"), "rust", options)


@pytest.mark.parametrize("word", ["type", "self", "async", "plain"])
def test_keywords_become_names_that_rust_takes(word: str) -> None:
    assert Identifier.of(word) in ("r#type", "self_", "r#async", "plain")


@pytest.mark.parametrize("name", ["type", "r#plain", "r#self", "a b", "", "_"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        Identifier(name)


@pytest.mark.requirement("R-246")
def test_text_stays_text() -> None:
    assert Quoted('a"\\\n\u202e\ud800') == '"a\\"\\\\\\n\\u{202e}\\u{fffd}"'
    assert Doc("# Not a heading [link] <tag> see https://a.example/x.") == (
        "\\# Not a heading \\[link\\] \\<tag\\> see <https://a.example/x>."
    )
    assert Doc("", "- nothing") == "\\- nothing"
    assert Doc("self-harm and `a-b`") == "self-harm and `a-b`"
