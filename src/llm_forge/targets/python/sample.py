"""JSON values as Python source, for examples."""

from __future__ import annotations

from typing import Any

from . import layout
from .text import Quoted, literal


def value_node(value: Any) -> layout.Node:
    """A JSON value as Python source."""
    if isinstance(value, dict):
        items = tuple(labelled(f"{Quoted(str(key))}: ", value_node(one)) for key, one in value.items())
        return layout.Group("{", items, "}")
    if isinstance(value, list):
        return layout.Group("[", tuple(value_node(one) for one in value), "]")
    if isinstance(value, bytes):
        return f"b{Quoted(value.decode('ascii'))}"
    return literal(value)


def labelled(label: str, made: layout.Node) -> layout.Node:
    """A node with a name or a key before it."""
    if isinstance(made, layout.Group):
        return layout.Group(label + made.opening, made.items, made.closing, made.comma)
    return f"{label}{layout.flat(made)}"


def argument(name: str, value: Any) -> layout.Node:
    """`name=value` of a call."""
    return labelled(f"{name}=", value_node(value))
