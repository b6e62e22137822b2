"""Documents made to exhaust the loader: refused or read, in a process that is held to the limits of R-248."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60
MEMORY_BYTES = 1024**3
PROGRAM = """
import sys
from pathlib import Path
from llm_forge import spec
try:
    print("read", len(spec.to_json(spec.load(Path(sys.argv[1])))))
except spec.DescriptionError as error:
    print("refused", error)
"""
HEAD = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n"


def alias_bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return HEAD + "\n".join(lines)


def deep_flow() -> str:
    return HEAD + "x: " + "[" * 100_000 + "]" * 100_000


def deep_json() -> str:
    return '{"openapi": "3.1.0", "x": ' + '{"a":' * 100_000 + "1" + "}" * 100_001


def schemas(found: dict[str, Any]) -> str:
    answer = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}}
    document = {
        "openapi": "3.1.0",
        "paths": {"/a": {"get": {"responses": answer}}},
        "components": {"schemas": found},
    }
    return json.dumps(document)


def reference(number: int) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/S{number}"}


def reference_chain() -> str:
    return schemas({f"S{n}": reference(n + 1) for n in range(10_000)})


def reference_cycle() -> str:
    return schemas({"S0": reference(1), "S1": reference(0)})


def recursive_objects() -> str:
    return schemas({f"S{n}": {"properties": {"next": reference((n + 1) % 5000)}} for n in range(5000)})


def unions_of_all() -> str:
    return schemas({f"S{n}": {"oneOf": [reference(m) for m in range(60)]} for n in range(60)})


def all_of_doubling() -> str:
    """Each schema includes the next twice, so that a naive merge doubles with every step."""
    found: dict[str, Any] = {f"S{n}": {"allOf": [reference(n + 1), reference(n + 1)]} for n in range(40)}
    return schemas(found | {"S40": {"type": "object", "properties": {"a": {"type": "string"}}}})


def all_of_unions() -> str:
    """allOf over several unions, which multiply."""
    choice = {"oneOf": [{"properties": {f"p{n}": {"type": "string"}}} for n in range(8)]}
    return schemas({"S0": {"allOf": [choice] * 7}})


def nested_unions() -> str:
    found: dict[str, Any] = {f"S{n}": {"oneOf": [reference(n + 1), reference(n + 2)]} for n in range(60)}
    return schemas(found | {"S60": {"type": "object"}, "S61": {"type": "object", "properties": {"a": {}}}})


def many_operations_of_one_name() -> str:
    paths = {f"/a/{{x{n}}}": {"get": {"operationId": "same", "tags": ["a"]}} for n in range(8000)}
    return json.dumps({"openapi": "3.1.0", "paths": paths})


def a_wide_mapping() -> str:
    return json.dumps({"openapi": "3.1.0", "paths": {}, "x": {f"k{n}": n for n in range(1_000_000)}})


BOMBS = (
    alias_bomb, deep_flow, deep_json, reference_chain, reference_cycle, recursive_objects, unions_of_all,
    all_of_doubling, all_of_unions, nested_unions, many_operations_of_one_name, a_wide_mapping,
)  # fmt: skip


def held() -> None:
    """The limits of the process that loads."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


@pytest.mark.requirement("R-248")
@pytest.mark.skipif(sys.platform != "linux", reason="memory of a process is limited by rlimit")
@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_sc_05_a_document_that_explodes_is_refused_or_read_in_time_and_memory(
    bomb: Callable[[], str], tmp_path: Path
) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(bomb())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)],
        preexec_fn=held,
        capture_output=True,
        text=True,
        timeout=4 * SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] in ("refused", "read")
