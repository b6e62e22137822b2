"""Schemas flattened to the shapes that a value may have.

`$ref` is followed, `allOf` merges, `oneOf` and `anyOf` give alternatives; a null is no shape of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .documents import Document, Node

LIMITS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern",
    "minItems", "maxItems",
)  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """One alternative of a schema: members by name, list items, map values, fixed values, JSON types."""

    members: dict[str, tuple[Node, ...]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: tuple[Node, ...] = ()
    entries: tuple[Node, ...] = ()
    values: frozenset[Any] = frozenset()
    types: frozenset[str] = frozenset()
    limits: dict[str, Any] = field(default_factory=dict)

    def __and__(self, other: Shape) -> Shape:
        names = self.members | other.members
        return Shape(
            {name: self.members.get(name, ()) + other.members.get(name, ()) for name in names},
            self.required | other.required,
            self.items + other.items,
            self.entries + other.entries,
            self.values | other.values,
            self.types | other.types,
            self.limits | other.limits,
        )

    @property
    def is_null(self) -> bool:
        """Whether only null has this shape."""
        return self.types == {"null"} and not self.members and not self.values


def shapes(document: Document, nodes: Iterable[Node]) -> list[Shape]:
    """Return every shape that the schemas allow together, without null."""
    return [shape for shape in all_shapes(document, nodes) if not shape.is_null]


def all_shapes(document: Document, nodes: Iterable[Node]) -> list[Shape]:
    """Return every shape that the schemas allow together, null included."""
    return [shape for node in nodes for shape in _alternatives(document, node, ())]


def is_constant(schema: Node) -> bool:
    """Whether a field can only have one value (or null), and so needs no words."""
    options = [option for option in schema.get("anyOf", [schema]) if option != {"type": "null"}]
    return len(options) == 1 and ("const" in options[0] or len(options[0].get("enum", ())) == 1)


def _alternatives(document: Document, node: Node, above: tuple[int, ...]) -> list[Shape]:
    if not isinstance(node, dict) or id(node) in above:
        return []
    inside = (*above, id(node))
    factors = [[_own_shape(node)]]
    if "$ref" in node:
        factors.append(_alternatives(document, document.follow(node), inside))
    factors += [_alternatives(document, part, inside) for part in node.get("allOf") or ()]
    for key in ("oneOf", "anyOf"):
        if node.get(key):
            factors.append([shape for part in node[key] for shape in _alternatives(document, part, inside)])
    return [_merge(choice) for choice in product(*(factor for factor in factors if factor))]


def _merge(choice: tuple[Shape, ...]) -> Shape:
    merged = choice[0]
    for shape in choice[1:]:
        merged = merged & shape
    return merged


def _own_shape(node: Node) -> Shape:
    kind = node.get("type", ())
    values = node.get("enum") or ([node["const"]] if "const" in node else [])
    return Shape(
        {name: (schema,) for name, schema in (node.get("properties") or {}).items()},
        frozenset(node.get("required") or ()),
        _schemas(node.get("items")),
        _schemas(node.get("additionalProperties")),
        frozenset(value for value in values if value is not None),
        frozenset([kind] if isinstance(kind, str) else kind)
        | frozenset(["null"] * bool(node.get("nullable"))),
        {key: node[key] for key in LIMITS if key in node},
    )


def _schemas(node: Any) -> tuple[Node, ...]:
    return (node,) if isinstance(node, dict) and node else ()
