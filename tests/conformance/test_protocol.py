"""The schema that other languages read is the one the runner uses."""

from __future__ import annotations

import json

from llm_forge.conformance.protocol import FEATURES, schema
from llm_forge.conformance.runner import conformance_root


def test_the_checked_in_schema_is_that_of_the_runner() -> None:
    written = json.loads((conformance_root() / "protocol.schema.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(schema()))


def test_every_message_and_answer_is_described() -> None:
    definitions = schema()["$defs"]
    assert {"Start", "Run", "Core", "Stop", "Hello", "RunAnswer", "CoreAnswer"} <= set(definitions)
    assert all(definition.get("description") for definition in definitions.values())


def test_every_function_of_the_core_is_explained_in_the_readme() -> None:
    readme = (conformance_root() / "README.md").read_text(encoding="utf-8")
    functions = [name.removeprefix("core.") for name in FEATURES if name.startswith("core.")]
    assert functions
    assert all(f"| `{name}` |" in readme for name in functions)
