"""What the examples of a provider's page use: Python source, read from `descriptions/examples`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import layout
from .sample import labelled, value_node


@dataclass(frozen=True, slots=True)
class ExampleFile:
    """A file that examples read: what it is, and a line of it where that has a form."""

    what: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class Examples:
    """What the examples of a provider use, as Python source.

    `files` are those that examples read, by name. `client` makes the client. `given` are things that calls
    need, by the name of their variable. `values` are arguments: by `resource.method.argument`, which also
    adds one that is optional, by `resource.argument`, or by `argument` alone.
    """

    client: str = ""
    files: Mapping[str, ExampleFile] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for source in (*self.given.values(), *self.values.values()):
            ast.parse(source, mode="eval")

    def value(self, resource: str, method: str, argument: str) -> str | None:
        """The source of an argument; None where nothing is said of it."""
        keys = (f"{resource}.{method}.{argument}", f"{resource}.{argument}", argument)
        return next((self.values[key] for key in keys if key in self.values), None)

    def needed(self, source: str) -> dict[str, str]:
        """The things that an expression names, in the order to make them, with how to make them."""
        found: dict[str, str] = {}
        for name in _names_in(source):
            if name in self.given and name not in found:
                found |= self.needed(self.given[name])
                found[name] = self.given[name]
        return found


def as_node(source: str) -> layout.Node:
    """Source as nodes, so that long calls, dicts and lists are broken over lines."""
    return _node(ast.parse(source, mode="eval").body)


def _node(found: ast.expr) -> layout.Node:
    match found:
        case ast.Call(func=function, args=plain, keywords=named):
            items = [_node(one) for one in plain]
            items += [labelled(f"{one.arg}=", _node(one.value)) for one in named]
            return layout.Group(f"{ast.unparse(function)}(", tuple(items), ")")
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            items = [labelled(f"{_flat(key)}: ", _node(value)) for key, value in pairs if key is not None]
            return layout.Group("{", tuple(items), "}")
        case ast.List(elts=elements):
            return layout.Group("[", tuple(map(_node, elements)), "]")
        case ast.Tuple(elts=elements):
            return layout.Group("(", tuple(map(_node, elements)), ")")
    return _flat(found)


def _flat(found: ast.expr) -> str:
    """One expression on a line, with the quotes that this house uses."""
    if isinstance(found, ast.Constant) and isinstance(found.value, str):
        return layout.flat(value_node(found.value))
    if isinstance(found, ast.Constant) and isinstance(found.value, bytes) and b'"' not in found.value:
        return f'b"{ast.unparse(found)[2:-1]}"'
    return ast.unparse(found)


def _names_in(source: str) -> list[str]:
    """The variables of an expression, or of the arguments of a call, in the order of the source."""
    return [one.id for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Name)]
