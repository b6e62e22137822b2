"""Where our description refuses what the vendor's allows, or promises what the vendor's does not.

Such a difference makes a simulator reject good requests and a typed client expect a field that does
not come. Nothing is said where one side leaves a thing open: no type, no limit.

- `request.top_k: required`      we ask for it, the vendor does not
- `response.stop_reason: null`   the vendor allows null here
- `request.stop: array`          the vendor allows this JSON type here
- `request.top_p: maximum 1`     our limit is not the vendor's
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .shapes import is_constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .shapes import Shape


def stricter_values(path: str, vendor: list[Shape], ours: list[Shape]) -> Iterator[str]:
    """Yield the JSON types and limits, null included, by which our schema is the narrower one."""
    theirs, mine = _types(vendor), _types(ours)
    if theirs and mine:
        yield from (f"{path}: {name}" for name in sorted(theirs - mine))
    vendor, ours = _without_null(vendor), _without_null(ours)
    if len(vendor) == len(ours) == 1:
        for name, limit in ours[0].limits.items():
            if not _same(vendor[0].limits.get(name), limit):
                yield f"{path}: {name} {limit}"


def stricter_members(path: str, vendor: list[Shape], ours: list[Shape]) -> Iterator[str]:
    """Yield the fields that every shape of ours requires and not every shape of the vendor's.

    A tag may be required: the vendors give tags a default, but a union is told apart by them.
    """
    if not vendor or not ours:
        return
    required = frozenset.intersection(*(shape.required for shape in ours))
    promised = frozenset.intersection(*(shape.required for shape in vendor))
    known = {name for shape in vendor for name in shape.members}
    tags = {name for shape in ours for name, nodes in shape.members.items() if all(map(is_constant, nodes))}
    yield from (f"{path}.{name}: required" for name in sorted((required - promised - tags) & known))


def _same(theirs: Any, ours: Any) -> bool:
    """Whether two limits are the same, as far as a JSON number of a vendor's tool can tell."""
    if isinstance(theirs, (int, float)) and isinstance(ours, (int, float)):
        return float(theirs) == float(ours)
    return bool(theirs == ours)


def _without_null(options: list[Shape]) -> list[Shape]:
    return [shape for shape in options if not shape.is_null]


def _types(options: list[Shape]) -> set[str]:
    """The JSON types of all shapes, or none if one of them leaves it open; every integer is a number."""
    found = [set(shape.types) or ({"object"} if shape.members else set()) for shape in options]
    if not all(found):
        return set()
    types = set().union(*found)
    return types | {"integer"} if "number" in types else types
