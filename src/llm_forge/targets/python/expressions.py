"""Python type expressions as small trees, so that they can be printed in one file or another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from . import layout


@dataclass(frozen=True, slots=True)
class Name:
    """A type by its name; `module` is "" for builtins and typing, else `models` or `params`."""

    name: str
    module: str = ""


@dataclass(frozen=True, slots=True)
class Subscript:
    """`head[arguments]`; arguments of Literal are texts already quoted."""

    head: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """`a | b | c`."""

    members: tuple[Expression, ...]


Expression: TypeAlias = Name | Subscript | Either

ANY = Name("Any")
NONE = Name("None")


def either(members: Sequence[Expression]) -> Expression:
    """A union without duplicates, None last; `Any` swallows everything."""
    opened: list[Expression] = []
    for member in members:
        opened.extend(member.members if isinstance(member, Either) else [member])
    distinct = list(dict.fromkeys(opened))
    if ANY in distinct:
        return ANY
    ordered = [one for one in distinct if one != NONE] + [one for one in distinct if one == NONE]
    return ordered[0] if len(ordered) == 1 else Either(tuple(ordered))


def node(expression: Expression, within: str, quoted: frozenset[str] = frozenset()) -> layout.Node:
    """The expression as it is printed in module `within`; names in `quoted` are not defined yet there."""
    if isinstance(expression, Name):
        local = not expression.module or expression.module == within
        text = expression.name if local else f"{expression.module}.{expression.name}"
        return f'"{text}"' if local and expression.name in quoted else text
    if isinstance(expression, Subscript):
        items = tuple(node(one, within, quoted) for one in expression.arguments)
        return layout.Group(f"{expression.head}[", items, "]", comma=len(items) > 1)
    return layout.Choice(tuple(node(one, within, quoted) for one in expression.members))


def width(expression: Expression, within: str = "") -> int:
    """How many columns the expression takes on one line."""
    return len(layout.flat(node(expression, within)))


def names_in(expression: Expression) -> Iterator[Name]:
    """Every name in the expression, in order."""
    if isinstance(expression, Name):
        yield expression
        return
    parts = expression.arguments if isinstance(expression, Subscript) else expression.members
    for part in parts:
        yield from names_in(part)


def heads_in(expression: Expression) -> Iterator[str]:
    """Every subscripted word in the expression: Literal, Sequence, list and so on."""
    if isinstance(expression, Subscript):
        yield expression.head
    if not isinstance(expression, Name):
        parts = expression.arguments if isinstance(expression, Subscript) else expression.members
        for part in parts:
            yield from heads_in(part)
