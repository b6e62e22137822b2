"""What a mutmut run left in mutants/: the mutants of the core, which of them live, and what they changed."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SURVIVED, NO_TESTS, NOT_RUN = 0, frozenset({5, 33}), frozenset({None, 2, 34})


@dataclass(frozen=True)
class Mutant:
    """`module` and `function` as the source has them; `change` is its lines taken out and put in."""

    module: str
    function: str
    change: str


@dataclass(frozen=True)
class Outcome:
    """How many mutants of a module were made and run, and those that no test killed."""

    module: str
    made: int
    run: int
    alive: tuple[Mutant, ...]


def outcomes(folder: Path) -> list[Outcome]:
    """One for each module that has mutants; `folder` is the mutated copy of the core."""
    metas = sorted(folder.rglob("*.py.meta"))
    found = [_outcome(folder, meta) for meta in metas]
    return [one for one in found if one.run]


def _outcome(folder: Path, meta: Path) -> Outcome:
    codes: dict[str, int | None] = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
    source = meta.with_suffix("")
    module = source.relative_to(folder).as_posix()
    run = {key: code for key, code in codes.items() if code not in NOT_RUN}
    alive = [key.rpartition(".")[2] for key, code in run.items() if code == SURVIVED or code in NO_TESTS]
    return Outcome(module, len(codes), len(run), tuple(_mutants(module, source, set(alive))))


def _mutants(module: str, source: Path, names: set[str]) -> Iterator[Mutant]:
    if not names:
        return
    text = source.read_text("utf-8")
    bodies = {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "__mutmut_" in node.name
    }
    for name in sorted(names & bodies.keys()):
        stem = name.rpartition("__mutmut_")[0]
        yield Mutant(module, _plain(stem), _change(bodies[f"{stem}__mutmut_orig"], bodies[name]))


def _plain(stem: str) -> str:
    return stem.removeprefix("xǁ").replace("ǁ", ".") if "ǁ" in stem else stem.removeprefix("x_")


def _change(before: str, after: str) -> str:
    lines = difflib.unified_diff(_unnamed(before), _unnamed(after), n=0, lineterm="")
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines if line[:2] not in ("--", "++", "@@"))


def _unnamed(function: str) -> list[str]:
    """The lines without the name, which tells mutants apart."""
    return function.partition("(")[2].splitlines()
