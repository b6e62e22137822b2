"""What a vendor's schema has and ours lacks.

Both schemas are walked side by side, so recursion ends when a pair of schema sets comes up again.
Unions are compared variant by variant where their tags tell them apart. A gap is written as a path:

- `request.messages[].content[]<image>.source`  a field, variant tags in angle brackets
- `request.tools[]<bash_20250124>`              a union member
- `response.stop_reason = pause_turn`           an enum value
- `query.limit`                                 a parameter

The values of a field called `model` are not compared: ids of models age, and are open texts with us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .shapes import Shape, all_shapes, shapes
from .strictness import stricter_members, stricter_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .documents import Document, Node

TAGS = ("type", "role", "object")


class Comparison:
    """The gaps and the narrower rules found so far, and how many fields and values were compared."""

    def __init__(self, vendor: Document, ours: Document) -> None:
        self.vendor = vendor
        self.ours = ours
        self.gaps: list[str] = []
        self.stricter: list[str] = []
        self.compared = 0
        self._met: set[tuple[frozenset[int], frozenset[int]]] = set()

    def schemas(self, path: str, vendor: Sequence[Node], ours: Sequence[Node]) -> None:
        """Compare what may stand at one path; the gaps below it are appended to `gaps`."""
        pair = frozenset(map(id, vendor)), frozenset(map(id, ours))
        if pair in self._met:
            return
        self._met.add(pair)
        theirs, mine = shapes(self.vendor, vendor), shapes(self.ours, ours)
        self._values(path, theirs, mine)
        self._strictness(path, vendor, ours)
        self._below(f"{path}[]", _items(theirs), _items(mine))
        self._below(f"{path}{{}}", _entries(theirs), _entries(mine))
        self._objects(path, [s for s in theirs if s.members], [s for s in mine if s.members])

    def parameters(self, vendor: Iterable[Node], ours: Iterable[Node], known: set[str]) -> None:
        """Compare path, query and header parameters; `known` headers are sent by other means."""
        mine = {_parameter_name(self.ours.follow(node)): node for node in ours}
        for node in map(self.vendor.follow, vendor):
            name = _parameter_name(node)
            if name in known:
                continue
            self._count(name, present=name in mine)
            if name in mine:
                own = self.ours.follow(mine[name])
                self.schemas(name, [node.get("schema", {})], [own.get("schema", {})])

    def _below(self, path: str, vendor: list[Node], ours: list[Node]) -> None:
        if vendor:
            self.schemas(path, vendor, ours)

    def _strictness(self, path: str, vendor: Sequence[Node], ours: Sequence[Node]) -> None:
        theirs, mine = all_shapes(self.vendor, vendor), all_shapes(self.ours, ours)
        self.stricter += stricter_values(path, theirs, mine)

    def _values(self, path: str, vendor: list[Shape], ours: list[Shape]) -> None:
        if path.endswith(".model"):
            return
        mine = {value for shape in ours for value in shape.values}
        for value in sorted({value for shape in vendor for value in shape.values}, key=str):
            self._count(f"{path} = {value}", present=value in mine)

    def _objects(self, path: str, vendor: list[Shape], ours: list[Shape]) -> None:
        tag = self._tag(vendor)
        if tag is None:
            self._members(path, vendor, ours)
            return
        for value in sorted({value for shape in vendor for value in self._tag_values(shape, tag)}):
            theirs = [shape for shape in vendor if value in self._tag_values(shape, tag)]
            mine = [shape for shape in ours if self._admits(shape, tag, value)]
            self._count(f"{path}<{value}>", present=bool(mine))
            if mine:
                self._members(f"{path}<{value}>", theirs, mine)

    def _members(self, path: str, vendor: list[Shape], ours: list[Shape]) -> None:
        self.stricter += stricter_members(path, vendor, ours)
        mine = _by_name(ours)
        for name, nodes in _by_name(vendor).items():
            self._count(f"{path}.{name}", present=name in mine)
            if name in mine:
                self.schemas(f"{path}.{name}", nodes, mine[name])

    def _count(self, gap: str, *, present: bool) -> None:
        self.compared += 1
        if not present:
            self.gaps.append(gap)

    def _tag(self, vendor: list[Shape]) -> str | None:
        if len(vendor) < 2:
            return None
        return next((tag for tag in TAGS if all(self._tag_values(shape, tag) for shape in vendor)), None)

    def _tag_values(self, shape: Shape, tag: str) -> frozenset[Any]:
        found = shapes(self.vendor, shape.members.get(tag, ()))
        return frozenset(value for option in found for value in option.values)

    def _admits(self, shape: Shape, tag: str, value: Any) -> bool:
        options = shapes(self.ours, shape.members.get(tag, ()))
        values = {known for option in options for known in option.values}
        return not values or value in values


def _items(options: list[Shape]) -> list[Node]:
    return [node for shape in options for node in shape.items]


def _entries(options: list[Shape]) -> list[Node]:
    return [node for shape in options for node in shape.entries]


def _by_name(objects: list[Shape]) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for shape in objects:
        for name, nodes in shape.members.items():
            found.setdefault(name, []).extend(nodes)
    return found


def _parameter_name(node: Node) -> str:
    name: str = node.get("name", "")
    return f"{node.get('in')}.{name.lower() if node.get('in') == 'header' else name}"
