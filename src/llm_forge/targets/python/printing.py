"""What all Python writers share: the head of a file, imports that are used, aliases."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Mapping

from . import layout
from .expressions import node
from .text import docstring
from .view import Alias, View


def head(view: View, title: str, reason: str = "") -> list[str]:
    """Header comment, module docstring and the one future import."""
    found = [f"# {view.header}"]
    if reason:
        found.append(f"# ruff: noqa: {reason}")
    return [*found, *docstring(wrapped(title), ""), "", "from __future__ import annotations", ""]


def names_used(code: Iterable[str]) -> frozenset[str]:
    """Every name that the code uses, in annotations and in quoted types too; prose does not count."""
    found: set[str] = set()
    for one in ast.walk(ast.parse("\n".join(code))):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load):
            found.add(one.id)
        elif isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Constant):
            found.update(re.findall(r"[A-Za-z_]\w*", str(one.slice.value)))
    return frozenset(found)


def imports(words: frozenset[str], modules: Mapping[str, tuple[str, ...]], indent: str = "") -> list[str]:
    """`from module import names` for the names among `words`, one statement a module."""
    found: list[str] = []
    for module, names in modules.items():
        used = sorted((name for name in names if name in words), key=import_order)
        if used:
            found.extend(import_lines(module, used, indent))
    return found


def import_lines(module: str, names: list[str], indent: str = "") -> list[str]:
    """One import statement; in parentheses, one name a line, where it is too long."""
    whole = f"{indent}from {module} import {', '.join(names)}"
    if len(whole) <= layout.WIDTH:
        return [whole]
    inner = [f"{indent}    {name}," for name in names]
    return [f"{indent}from {module} import (", *inner, f"{indent})"]


def import_order(name: str) -> tuple[int, str]:
    """The linter's order: CONSTANTS, Classes, then the rest."""
    bare = name.partition(" ")[0]
    kind = 0 if bare.isupper() and len(bare) > 1 else 1 if bare[:1].isupper() else 2
    return kind, name


def alias(one: Alias, module: str) -> list[str]:
    """The lines of a type alias and its documentation."""
    found = layout.lines(f"{one.name}: TypeAlias = ", node(one.type, module, one.quoted))
    return found + (docstring(one.doc.split("\n"), "") if one.doc else [])


def class_line(name: str, base: str) -> list[str]:
    """`class name(base):`, broken where the name is very long."""
    return layout.lines(f"class {name}", layout.Group("(", (base,), ")", comma=False), ":")


def blocks(found: Iterable[list[str]]) -> list[str]:
    """Top-level statements and classes with the blank lines that belong between them and before."""
    lines: list[str] = []
    previous = "import"
    for block in found:
        kind = "class" if block[0].startswith("class ") else "statement"
        gap = 2 if "class" in (kind, previous) else 1 if previous == "import" else 0
        lines += [""] * gap + block
        previous = kind
    return lines


def wrapped(prose: str) -> list[str]:
    """Text that is safe already, in lines that a docstring has room for."""
    return textwrap.wrap(prose, 96, break_long_words=False, break_on_hyphens=False) or [""]


def text(lines: Iterable[str]) -> str:
    """The file: one newline at its end."""
    return "\n".join(lines).rstrip("\n") + "\n"
