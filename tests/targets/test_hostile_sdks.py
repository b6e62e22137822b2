"""SDKs of hostile descriptions compile: names never meet, types fit, also where an API says nothing (SC-03).

`make fuzz` parses those of thousands; the compilers judge these few.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.targets import Options
from llm_forge.targets.go import GoTarget
from tests.fuzz.descriptions import damaged

from .checked import lay_out, mypy_findings
from .go.toolchain import RUNTIME, go, needs_go
from .typescript.toolchain import needs_typescript, tool, workspace, write

DESCRIPTIONS = 48
MODULE = "example.test/all"
_HEAD = {"openapi": "3.1.0", "info": {"title": "Odd", "version": "1"}}
_BODY = {"content": {"application/json": {"schema": {"properties": {"stream": {"type": "boolean"}}}}}}
_ANSWER = {"application/json": {"schema": {}}, "text/event-stream": {"schema": {"type": "object"}}}
ODD = {
    "nothing_can_be_called": {**_HEAD, "paths": {}},
    "names_are_long": {
        "openapi": "3.1.0",
        "info": {"title": "a" * 300, "version": "1"},
        "paths": {"/a": {"post": {"tags": ["b" * 300], "operationId": "c" * 300, "requestBody": _BODY}}},
    },
    "nothing_is_required_of_a_call_that_may_stream": {
        **_HEAD,
        "paths": {"/a": {"post": {"requestBody": _BODY, "responses": {"200": {"content": _ANSWER}}}}},
    },
}


@pytest.fixture(scope="module")
def apis(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, spec.Api]:
    path = tmp_path_factory.mktemp("hostile") / "description.json"
    hostile = {f"of{seed}": damaged(seed) for seed in random.Random(0).sample(range(2**32), DESCRIPTIONS)}
    found = {}
    for name, document in (ODD | hostile).items():
        path.write_text(json.dumps(document))
        try:
            found[name] = spec.load(path)
        except spec.DescriptionError:
            assert name not in ODD
    assert len(found) > DESCRIPTIONS // 2
    return found


@pytest.mark.requirement("R-245")
def test_sc_03_python_of_hostile_descriptions_has_no_finding(
    apis: Mapping[str, spec.Api], tmp_path: Path
) -> None:
    lay_out(tmp_path, apis.items())
    assert mypy_findings(tmp_path) == []


@needs_typescript
@pytest.mark.requirement("R-245")
def test_sc_03_typescript_of_hostile_descriptions_compiles(
    apis: Mapping[str, spec.Api], tmp_path: Path
) -> None:
    folder = workspace(tmp_path, apis)
    tool(folder, "tsc", "--noEmit", "-p", "tsconfig.json")


@needs_go
@pytest.mark.xdist_group("go")
@pytest.mark.requirement("R-245")
def test_sc_03_go_of_hostile_descriptions_compiles(apis: Mapping[str, spec.Api], tmp_path: Path) -> None:
    """All as packages of one module, so that the runtime is compiled once."""
    for name, api in apis.items():
        files = GoTarget().files(api, Options(name=f"{MODULE}/{name}", runtime="dependency"))
        for path, content in files.items():
            write(tmp_path / ("go.mod" if path == "go.mod" else f"{name}/{path}"), content)
    mod = tmp_path / "go.mod"
    declared = re.sub(r"(?m)^module .*$", f"module {MODULE}", mod.read_text())
    mod.write_text(f"{declared}\nreplace llm-forge.example/forge => {RUNTIME}\n")
    go(tmp_path, "vet", "./...")
