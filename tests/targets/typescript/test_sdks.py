"""TypeScript SDKs of every description: they compile, lint and are formatted without a finding, and work."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.simulator import Simulator
from llm_forge.targets import Options, regenerate
from llm_forge.targets.support import unsupported
from llm_forge.targets.typescript import TypeScriptTarget
from tests.shared import needs_shared
from tests.spec.test_vendor_documents import OPERATIONS, unpacked

from .toolchain import needs_typescript, ran, tool, workspace

SMOKE = 1
_PASSED = re.compile(r"^# pass (\d+)$", re.MULTILINE)
_FAILED = re.compile(r"^# (?:fail|skipped|cancelled|todo) ([1-9]\d*)$", re.MULTILINE)


def own_descriptions() -> dict[str, spec.Api]:
    """Our descriptions, and the golden cases with all that is odd."""
    found = {name: spec.load_description(name) for name in spec.providers()}
    return found | {case.name: spec.load(case / "description.yaml") for case in regenerate.golden_cases()}


def vendor_documents(folder: Path) -> dict[str, spec.Api]:
    return {name.replace(".", "-"): spec.load(unpacked(name, folder)) for name in sorted(OPERATIONS)}


@needs_typescript
def test_sdks_compile_and_pass_their_own_wire_tests(tmp_path: Path) -> None:
    check_sdks(tmp_path, own_descriptions())


@needs_shared
@needs_typescript
def test_sdks_of_vendors_documents_compile_and_pass_their_own_wire_tests(tmp_path: Path) -> None:
    check_sdks(tmp_path / "work", vendor_documents(tmp_path))


def check_sdks(folder: Path, apis: Mapping[str, spec.Api]) -> None:
    """AssertionError for a finding of the compiler, or a wire case that is not met."""
    workspace(folder, apis)
    tool(folder, "tsc", "-p", "tsconfig.json")
    for name in apis:
        sdk = folder / "sdks" / name
        cases = json.loads((sdk / "tests" / "wire.json").read_text())["cases"]
        assert passed_tests(sdk, folder / "build" / "sdks" / name) == len(cases) + SMOKE, name


def passed_tests(sdk: Path, built: Path) -> int:
    """Run an SDK's own tests against its wire cases; how many passed, if none failed or was skipped."""
    with Simulator(wire=[sdk / "tests" / "wire.json"]) as simulator:
        said = ran(sdk, "node", "--test", "--test-reporter=tap", f"{built}/tests/", **simulator.environment())
    assert not _FAILED.search(said), said[-4000:]
    summary = _PASSED.search(said)
    return int(summary[1]) if summary else 0


@needs_typescript
def test_sdks_have_no_finding_of_the_linter_and_are_formatted_as_printed(tmp_path: Path) -> None:
    folder = workspace(tmp_path, own_descriptions())
    tool(folder, "eslint", "--max-warnings=0", "sdks")
    tool(folder, "prettier", "--check", "sdks")


@needs_shared
@needs_typescript
def test_sdks_of_vendors_documents_have_no_finding_of_the_linter(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "work", vendor_documents(tmp_path))
    tool(folder, "eslint", "--max-warnings=0", "sdks")
    tool(folder, "prettier", "--check", "sdks")


@needs_shared
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_of_a_vendors_document_has_its_method(name: str, tmp_path: Path) -> None:
    api = spec.load(unpacked(name, tmp_path))
    files = TypeScriptTarget().files(api, Options())
    resources = "\n".join(str(source) for path, source in files.items() if path.startswith("src/resources/"))
    constants = resources.count("defineOperation<")
    assert constants + len(unsupported(api)) + len(api.skipped) == OPERATIONS[name]
    used = set(re.findall(r"this\.client\.\w+(?:<.*>)?\(\s*(\w+),", resources))
    defined = set(re.findall(r"^const (\w+) =", resources, re.MULTILINE))
    assert used == defined
