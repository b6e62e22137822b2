"""Who names a requirement: tests by their marks, corpora and scenarios by their `requirements`.

Marks are read from the source, not from a collected run: what is skipped on this machine, or needs an
extra that is not installed, is named all the same, so the table is the same everywhere.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from llm_forge.conformance.corpus import CorpusFile
from llm_forge.conformance.scenario import load_scenario
from tests.shared import ROOT

CONFORMANCE = ROOT / "conformance"
Evidence = dict[str, set[str]]


def evidence() -> dict[str, list[str]]:
    """For each id, sorted: `tests/...py::name`, `conformance/corpora/...`, `conformance/scenarios/...`."""
    found: Evidence = defaultdict(set)
    for identifier, place in (*_in_tests(), *_in_corpora(), *_in_scenarios()):
        found[identifier].add(place)
    return {identifier: sorted(places) for identifier, places in found.items()}


def _in_tests() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        yield from ((identifier, f"{_name(path)}::{test}") for identifier, test in marked(path.read_text()))


def _in_corpora() -> Iterator[tuple[str, str]]:
    for path in sorted((CONFORMANCE / "corpora").glob("*.json")):
        corpus = msgspec.json.decode(path.read_bytes(), type=CorpusFile)
        yield from ((identifier, _name(path)) for identifier in corpus.requirements)


def _in_scenarios() -> Iterator[tuple[str, str]]:
    for path in sorted((CONFORMANCE / "scenarios").rglob("*.yaml")):
        for identifier in load_scenario(path)[0].scenario.requirements:
            yield identifier, _name(path)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def marked(source: str) -> Iterator[tuple[str, str]]:
    """Each id that a module's marks name, with the test (or class, or `*` for the whole module)."""
    for node in ast.parse(source).body:
        yield from _of_statement(node)


def _of_statement(node: ast.stmt) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from ((one, node.name) for mark in node.decorator_list for one in _ids(mark))
    if isinstance(node, ast.ClassDef):
        for member in node.body:
            yield from _of_statement(member)
    elif isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name):
        name = "*" if target.id == "pytestmark" else target.id
        yield from ((one, name) for one in _ids(node.value))


def _ids(node: ast.AST) -> Iterator[str]:
    """The arguments of every `pytest.mark.requirement(...)` inside an expression."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.requirement":
            yield from (ast.literal_eval(argument) for argument in call.args)
