"""Operations to a tree of resources, with every name taken once."""

from __future__ import annotations

from collections.abc import Iterable
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
    taken: dict[str, Place] = {}
    kept: list[tuple[Place, Operation]] = []
    for operation, given, place in ordered:
        name = operation.name if given else _free(operation, taken, place)
        if given and name in taken:
            first = taken[name]
            raise place.error(f"method {name!r} is already given at line {first.line}; rename one of them")
        taken[name] = place
        kept.append((place, replace(operation, name=name)))
    root = _Node("")
    for operation in (one for _, one in kept):
        _add(root, operation)
    return _resource(root)


def _free(operation: Operation, taken: dict[str, Place], place: Place) -> str:
    candidates = [operation.name]
    if operation.query:
        candidates.append("_".join([operation.name, *(key for key, _ in operation.query)]))
    if snake(operation.operation_id):
        candidates.append(f"{operation.name.rpartition('.')[0]}.{snake(operation.operation_id)}")
    candidates.append(f"{operation.name}_{operation.http_method.lower()}")
    candidates.extend(f"{operation.name}_{number}" for number in range(2, len(taken) + 3))
    name = next(one for one in candidates if one not in taken)
    if name != operation.name:
        place.guess(f"the name {operation.name!r} is taken; this operation is {name!r}")
    return name


def _add(root: _Node, operation: Operation) -> None:
    node = root
    *path, _ = operation.name.split(".")
    for part in path:
        node = node.children.setdefault(part, _Node(part))
    node.operations.append(operation)


def _resource(node: _Node) -> Resource:
    children = tuple(_resource(node.children[name]) for name in sorted(node.children))
    return Resource(node.name, tuple(sorted(node.operations, key=lambda one: one.name)), children)
