"""Go SDKs by Go's own tools, and against a server that serves their wire cases."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.simulator import Simulator
from llm_forge.targets import OutputError, generate, render
from llm_forge.targets.protocol import Options, Runtime
from tests.shared import ROOT, SHARED, needs_shared

from .toolchain import RUNTIME, go, needs_go, ran, staticcheck

pytestmark = [needs_go, pytest.mark.xdist_group("go")]
GOLDEN = sorted(path.parent for path in (ROOT / "golden").glob("*/description.yaml"))
DOCUMENTS = sorted((SHARED / "specs").glob("*.gz"))
MOST_CPU_SECONDS = 2.0
HASHED = """
import hashlib
from llm_forge.spec import load_description
from llm_forge.targets import render
files = render(load_description("groq"), "go").files
told = hashlib.sha256()
for path, content in files.items():
    told.update(path.encode() + (content if isinstance(content, bytes) else content.encode()))
print(told.hexdigest())
"""


@pytest.mark.parametrize("provider", spec.providers())
def test_the_sdk_of_a_provider_is_clean_and_makes_every_call(provider: str, tmp_path: Path) -> None:
    folder = tmp_path / "sdk"
    # The runtime is compiled once for all but one, which carries it as SDKs do.
    runtime: Runtime = "vendored" if provider == "groq" else "dependency"
    made = generate(spec.load_description(provider), "go", folder, runtime=runtime)
    assert made.left_out == ()
    compiled(folder)
    ran(folder, staticcheck(), "./...")
    assert passed_cases(folder) >= 2 * made.operations


def passed_cases(folder: Path) -> int:
    """Run an SDK's own tests against its wire cases; how many passed, if none failed."""
    with Simulator(wire=[folder / "tests" / "wire.json"]) as simulator:
        said = go(folder, "test", "-count=1", "-v", ".", LLM_FORGE_WIRE_URL=f"{simulator.url}/w")
    return said.count("--- PASS: TestWireCases/")


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_every_golden_case_is_go_and_makes_its_calls(case: Path, tmp_path: Path) -> None:
    made = generate(spec.load(case / "description.yaml"), "go", tmp_path / "sdk", runtime="dependency")
    compiled(tmp_path / "sdk")
    assert passed_cases(tmp_path / "sdk") >= made.operations


def compiled(folder: Path) -> None:
    """Hold an SDK that depends on the runtime against gofmt and vet, with the runtime of this checkout."""
    assert ran(folder, "gofmt", "-l", ".") == ""
    with (folder / "go.mod").open("a") as mod:
        mod.write(f"\nreplace llm-forge.example/forge => {RUNTIME}\n")
    go(folder, "vet", "./...")


@needs_shared
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_sdk_of_a_vendors_document_is_clean(document: Path, tmp_path: Path) -> None:
    source = tmp_path / document.stem
    source.write_bytes(gzip.decompress(document.read_bytes()))
    api = spec.load(source)
    began = time.process_time()
    made = generate(api, "go", tmp_path / "sdk", runtime="dependency")
    assert time.process_time() - began < MOST_CPU_SECONDS
    assert made.operations > 10
    compiled(tmp_path / "sdk")


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
    files = render(spec.load_description("groq"), "go").files
    copied = {path.partition("/")[2]: content for path, content in files.items() if path.startswith("forge/")}
    assert "core_retry.go" in copied
    assert not [name for name in copied if name.endswith("_test.go") or name.startswith("conformance")]
    for name, content in copied.items():
        assert hashlib.sha256(content).digest() == hashlib.sha256((RUNTIME / name).read_bytes()).digest()  # type: ignore[arg-type]  # they are bytes


def test_module_and_package_are_named_as_asked() -> None:
    files = render(spec.load_description("groq"), "go", Options("quick", "example.com/team/quick")).files
    assert "module example.com/team/quick\n" in str(files["go.mod"])
    assert '"example.com/team/quick/forge"' in str(files["client.go"])
    assert "package quick\n" in str(files["client.go"])


@pytest.mark.parametrize("options", [Options("not-a-name"), Options(name="Bad Module"), Options("func")])
def test_names_that_go_does_not_allow_are_refused(options: Options) -> None:
    with pytest.raises(OutputError, match="no Go"):
        render(spec.load_description("groq"), "go", options)
