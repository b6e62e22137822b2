"""Overlay documents: changes to the places that a JSONPath selects.

Rules of this file (OpenAPI Overlay Specification 1.0 and 1.1, section 4.4.3):
- Actions are applied in order, each to the result of those before; a target that selects nothing is noted.
- `target` and `copy` are JSONPath (RFC 9535).
- `remove: true` takes the selected places out. `update`, or a copy of the one place that `copy` selects, is
  merged into mappings (recursively; lists in them are concatenated), appended to lists, and replaces others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from .errors import shown
from .place import Place
from .source import MAX_DEPTH, Document, Mapping, Sequence, put, remove, shallow_copy

Location: TypeAlias = tuple[int | str, ...]

_VERSIONS = ("1.0", "1.1")


def apply_overlay(main: Document, overlay: Place) -> None:
    """Change `main` as the overlay says.

    Raises:
        DescriptionError: an unknown version, no actions, or an action that cannot be understood.
    """
    version = overlay.text("overlay")
    if ".".join(version.split(".")[:2]) not in _VERSIONS:
        raise overlay.child("overlay").error(f"Overlay {version} is not read; give 1.0 or 1.1")
    actions = overlay.child("actions")
    if not isinstance(actions.value, Sequence):
        raise actions.wrong("the overlay's actions (a list)")
    for action in actions.items():
        if not isinstance(action.value, Mapping):
            raise action.wrong("an action (a mapping)")
        _act(main, action)


def _act(main: Document, action: Place) -> None:
    target = action.text("target")
    found = _select(main.root, action.child("target"), target)
    if not found:
        action.note(f"overlay target {shown(target)} matches nothing")
    elif action.flag("remove"):
        for location in reversed(found):  # last entries first, so that the others keep their places
            _remove(main, location, action)
    else:
        patch = _patch(main, action)
        for location in found:
            _update(main, location, patch)


def _patch(main: Document, action: Place) -> Place:
    """What is to be merged: `update`, or the place that `copy` selects."""
    if action.has("update"):
        return action.child("update")
    if not action.has("copy"):
        raise action.error("an action needs `update`, `copy` or `remove: true`")
    query = action.text("copy")
    found = _select(main.root, action.child("copy"), query)
    if len(found) != 1:
        raise action.child("copy").error(f"{shown(query)} selects {len(found)} places; `copy` needs one")
    place = Place(main, main.root, action.line)
    for step in found[0]:
        place = place.child(str(step))
    return place


def _select(root: Any, place: Place, query: str) -> list[Location]:
    """The locations that a JSONPath selects, each once, in the order of the document."""
    from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError

    environment = JSONPathEnvironment()
    environment.max_recursion_depth = MAX_DEPTH + 1
    try:
        nodes = environment.find(query, root)
    except JSONPathError as error:
        reason = str(error).splitlines()[0] if str(error) else "not understood"
        raise place.error(f"{shown(query)} is no JSONPath (RFC 9535): {reason}") from None
    return list(dict.fromkeys(tuple(node.location) for node in nodes))


def _remove(main: Document, location: Location, action: Place) -> None:
    if not location:
        raise action.child("target").error("the whole document cannot be removed; name a part of it")
    _owned(main, location[:-1], lambda container: remove(container, location[-1]))


def _update(main: Document, location: Location, patch: Place) -> None:
    if location:
        _owned(main, location[:-1], lambda container: _into(container, location[-1], patch))
    elif isinstance(patch.value, Mapping):
        main.root = _merged(main.root, patch)
    else:
        raise patch.wrong("a mapping, as the document is one")


def _owned(main: Document, location: Location, change: Callable[[Any], None]) -> None:
    """Change the container at a location; it and those around it are copied, since others may share them."""
    main.root = container = shallow_copy(main.root)
    for step in location:
        container[step] = container = shallow_copy(container[step])
    change(container)


def _into(container: Any, key: int | str, patch: Place) -> None:
    known = container[key]
    if isinstance(known, Mapping) and isinstance(patch.value, Mapping):
        container[key] = _merged(known, patch)
    elif isinstance(known, Sequence):
        container[key] = _joined(known, patch)
    elif isinstance(known, Mapping):
        raise patch.wrong("a mapping, as the target is one")
    else:
        put(container, key, patch.value, patch.line, patch.file)


def _merged(known: Mapping, patch: Place) -> Mapping:
    result: Mapping = shallow_copy(known)
    for key, value in patch.entries():
        if isinstance(result.get(key), (Mapping, Sequence)):
            _into(result, key, value)
        else:
            put(result, key, value.value, value.line, value.file)
    return result


def _joined(known: Sequence, patch: Place) -> Sequence:
    result: Sequence = shallow_copy(known)
    more: Iterable[Place] = patch.items() if isinstance(patch.value, Sequence) else [patch]
    for one in more:
        result.append(None)
        result.lines.append(one.line)
        put(result, len(result) - 1, one.value, one.line, one.file)
    return result
