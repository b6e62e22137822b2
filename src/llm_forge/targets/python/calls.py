"""Calls, dictionaries and sets of literals as the nodes that `layout` breaks into lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import layout
from .text import Quoted, literal


def call(function: str, /, **arguments: layout.Node | None) -> layout.Group:
    """`function(a=..., b=...)` without arguments that are None."""
    items = tuple(_argument(key, value) for key, value in arguments.items() if value is not None)
    return layout.Group(f"{function}(", items, ")")


def _argument(key: str, value: layout.Node) -> layout.Node:
    if isinstance(value, layout.Group):
        return layout.Group(f"{key}={value.opening}", value.items, value.closing, value.comma)
    assert isinstance(value, str)  # noqa: S101 - arguments are texts or calls
    return f"{key}={value}"


def tuple_of(values: Iterable[object]) -> layout.Group | None:
    """A tuple of literals; None for an empty one."""
    items = tuple(literal(value) for value in values)
    if not items:
        return None
    return layout.Group("(", items, ",)" if len(items) == 1 else ")")


def set_of(values: Iterable[object]) -> layout.Group:
    """A frozen set of literals, sorted."""
    items = tuple(literal(value) for value in sorted(values, key=str))
    return layout.Group("frozenset(", (layout.Group("{", items, "}"),) if items else (), ")")


def dict_of(pairs: Iterable[tuple[str, object]]) -> layout.Group | None:
    """A dictionary of literals; None for an empty one."""
    items = tuple(f"{Quoted(key)}: {literal(value)}" for key, value in pairs)
    return layout.Group("{", items, "}") if items else None


def facts_of(facts: Mapping[str, Any]) -> layout.Group | None:
    """Facts of a description as they are, as deep as they go; None for no facts."""
    return _group(facts) if facts else None


def _fact(value: Any) -> layout.Node:
    return _group(value) if isinstance(value, (Mapping, list, tuple)) else literal(value)


def _group(value: Mapping[str, Any] | Iterable[Any]) -> layout.Group:
    if isinstance(value, Mapping):
        return layout.Group("{", tuple(_entry(name, one) for name, one in value.items()), "}")
    return layout.Group("[", tuple(map(_fact, value)), "]")


def _entry(name: str, value: Any) -> layout.Node:
    fact = _fact(value)
    if isinstance(fact, layout.Group):
        return layout.Group(f"{Quoted(name)}: {fact.opening}", fact.items, fact.closing)
    return f"{Quoted(name)}: {fact}"
