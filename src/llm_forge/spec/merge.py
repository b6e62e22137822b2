"""Laying a forge file or an overlay over a document.

A forge file is a partial description: its mappings are merged into the document's, key by key, and
everything else replaces what stands there. A document with `overlay:` follows the OpenAPI Overlay
Specification 1.0 (section 4.4), with targets of fixed steps: `$.paths['/v1/x'].get`, `$.tags[0]`,
and `*` for every entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .errors import shown
from .place import Place, root_place
from .source import Document, Mapping, Sequence

_STEP = re.compile(r"\.(\*|[^.\[\]]+)|\[(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(\*|[0-9]+))\]")


def lay_over(main: Document, patch: Document) -> None:
    """Change `main` as `patch` says; what is new keeps the lines and the file name of the patch."""
    place = root_place(patch)
    if not isinstance(patch.root, Mapping):
        raise place.wrong("a mapping")
    if patch.root.get("overlay") is not None:
        for action in place.child("actions").items():
            _act(main, action)
    else:
        _merge(main.root, place)


def _merge(into: Mapping, patch: Place) -> None:
    for key, value in patch.entries():
        known = into.get(key)
        if isinstance(known, Mapping) and isinstance(value.value, Mapping):
            _merge(known, value)
        else:
            _put(into, key, value)


def _put(container: Any, key: Any, patch: Place) -> None:
    container[key] = patch.value
    container.lines[key] = patch.line
    container.files[key] = patch.file


def _act(main: Document, action: Place) -> None:
    target = action.text("target")
    found = list(_select(main.root, _steps(action, target)))
    if not found:
        action.note(f"overlay target {shown(target)} matches nothing")
    for container, key in found:
        if action.flag("remove"):
            _remove(container, key)
        elif action.has("update"):
            _update(container, key, action.child("update"))


def _update(container: Any, key: Any, patch: Place) -> None:
    known = container[key]
    if isinstance(known, Mapping) and isinstance(patch.value, Mapping):
        _merge(known, patch)
    elif isinstance(known, Sequence) and not isinstance(patch.value, Sequence):
        known.append(None)
        known.lines.append(patch.line)
        _put(known, len(known) - 1, patch)
    elif isinstance(container, (Mapping, Sequence)):
        _put(container, key, patch)


def _remove(container: Any, key: Any) -> None:
    del container[key]
    if isinstance(container, Sequence):
        del container.lines[key]
        container.files = {at - (at > key): file for at, file in container.files.items() if at != key}


def _steps(action: Place, target: str) -> list[str]:
    steps: list[str] = []
    position = 1
    while target.startswith("$") and position < len(target):
        match = _STEP.match(target, position)
        if match is None:
            break
        steps.append(next(group for group in match.groups() if group is not None))
        position = match.end()
    if not target.startswith("$") or position < len(target):
        raise action.child("target").error(
            f"overlay target {shown(target)} is not supported; use fixed steps such as $.paths['/v1/x'].get"
        )
    return steps


def _select(value: Any, steps: list[str]) -> Iterator[tuple[Any, Any]]:
    """(container, key) of every match, last entries first, so that removing one keeps the others right."""
    holder: dict[str, Any] = {"": value}
    found: list[tuple[Any, Any]] = [(holder, "")]
    for step in steps:
        found = [match for container, key in found for match in _step(container[key], step)]
    return iter(found[::-1])


def _step(value: Any, step: str) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return [(value, key) for key in value if step in ("*", key)]
    if isinstance(value, Sequence):
        return [(value, i) for i in range(len(value)) if step == "*" or step == str(i)]
    return []
