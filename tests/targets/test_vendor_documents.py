"""Vendors' documents through the Python target: every operation is generated or named."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.targets.python.target import client_package
from llm_forge.targets.support import left_out, unsupported
from tests.shared import needs_shared
from tests.spec.test_vendor_documents import OPERATIONS, unpacked

_ONE_EACH = re.compile(r"_client\.(call|download|lines)\(")  # a stream is a second method, or the only one
# Operations that a target cannot have.
LEFT_OUT = {
    "openai.official.yaml": 0,
    "mistral.official.yaml": 0,
    "mistral.public-doc.yaml": 0,
    "anthropic.stainless-via-tryagi.yaml": 0,
    "groq.stainless-via-tryagi.yaml": 0,
    "openrouter.official.yaml": 0,
    "ollama.official.yaml": 0,
    "gemini.tryagi-from-discovery.json": 0,
}


def resources(files: Mapping[str, str]) -> list[ast.Module]:
    """The modules with the operations and their methods."""
    return [ast.parse(source) for path, source in files.items() if path.startswith("resources/")]


@needs_shared
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operations_of_a_document_are_generated_or_reported_by_name(name: str, tmp_path: Path) -> None:
    api = spec.load(unpacked(name, tmp_path))
    _, files = client_package(api)
    constants = [
        node
        for tree in resources(files)
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and "Operation" in ast.dump(node)
    ]
    reported = unsupported(api)
    assert len(reported) == LEFT_OUT[name]
    assert len(constants) + len(reported) + len(api.skipped) == OPERATIONS[name]
    said = "\n".join(notice.message for notice in left_out(api))
    assert all(operation in said for operation in reported)


@needs_shared
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_generated_operation_has_a_method_in_both_clients(name: str, tmp_path: Path) -> None:
    api = spec.load(unpacked(name, tmp_path))
    _, files = client_package(api)
    methods = [
        node
        for tree in resources(files)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    unary = [one for one in methods if _ONE_EACH.search(ast.unparse(one))]
    generated = [one for one in api.operations() if one.name not in unsupported(api)]
    assert len(unary) == 2 * sum(one.result.kind != "stream" for one in generated)
    assert len({one.name for one in methods if "_client.stream" in ast.unparse(one)}) > 0 or not any(
        one.stream and one.stream.family for one in generated
    )
