"""Operations to a tree of resources, with every name taken once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from .ir import Operation, Resource
from .place import Place
from .words import snake


@dataclass(slots=True)
class _Node:
    name: str
    operations: list[Operation] = field(default_factory=list)
    children: dict[str, _Node] = field(default_factory=dict)


def build_tree(found: Iterable[tuple[Operation, bool, Place]]) -> Resource:
    """The root resource; names that x-forge gives come first, derived ones make way.

    Raises:
        DescriptionError: x-forge gives two operations one name.
    """
    ordered = sorted(found, key=lambda one: not one[1])
    names = _Names()
    root = _Node("")
    for operation, given, place in ordered:
        name = names.given(operation, place) if given else names.derived(operation, place)
        _add(root, replace(operation, name=name))
    return _resource(root)


@dataclass(slots=True)
class _Names:
    """The names that operations have, each once; `numbers` is the next number to try of each."""

    places: dict[str, Place] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def given(self, operation: Operation, place: Place) -> str:
        """The name that x-forge gives."""
        name = operation.name
        if name in self.places:
            first = self.places[name]
            raise place.error(f"method {name!r} is already given at line {first.line}; rename one of them")
        self.places[name] = place
        return name

    def derived(self, operation: Operation, place: Place) -> str:
        """The operation's own name, or the next best that is free."""
        candidates = itertools.chain(_candidates(operation), self._numbered(operation.name))
        name = next(one for one in candidates if one not in self.places)
        if name != operation.name:
            place.guess(f"the name {operation.name!r} is taken; this operation is {name!r}")
        self.places[name] = place
        return name

    def _numbered(self, name: str) -> Iterator[str]:
        while True:
            number = self.numbers.get(name, 2)
            self.numbers[name] = number + 1
            yield f"{name}_{number}"


def _candidates(operation: Operation) -> Iterator[str]:
    yield operation.name
    if operation.query:
        yield "_".join([operation.name, *(key for key, _ in operation.query)])
    if snake(operation.operation_id):
        yield f"{operation.name.rpartition('.')[0]}.{snake(operation.operation_id)}"
    yield f"{operation.name}_{operation.http_method.lower()}"


def _add(root: _Node, operation: Operation) -> None:
    node = root
    *path, _ = operation.name.split(".")
    for part in path:
        node = node.children.setdefault(part, _Node(part))
    node.operations.append(operation)


def _resource(node: _Node) -> Resource:
    children = tuple(_resource(node.children[name]) for name in sorted(node.children))
    return Resource(node.name, tuple(sorted(node.operations, key=lambda one: one.name)), children)
