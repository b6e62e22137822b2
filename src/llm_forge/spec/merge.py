"""Laying a forge file or an overlay over a document.

A forge file is a partial description: its mappings are merged into the document's, key by key, and
everything else replaces what stands there; a key without a value says nothing about a mapping. A document
with `overlay:` follows the OpenAPI Overlay Specification (`overlay.py`).

Containers may be shared (YAML aliases, one update of several places), so each is copied before it changes.
"""

from __future__ import annotations

from typing import Any

from .overlay import apply_overlay
from .place import Place, root_place
from .source import Document, Mapping, put, shallow_copy


def lay_over(main: Document, patch: Document) -> None:
    """Change `main` as `patch` says; what is new keeps the lines and the file name of the patch."""
    place = root_place(patch)
    if not isinstance(patch.root, Mapping):
        raise place.wrong("a mapping")
    if patch.root.get("overlay") is not None:
        apply_overlay(main, place)
    else:
        main.root = merged(main.root, place)


def merged(known: Mapping, patch: Place) -> Mapping:
    """A mapping with what a patch says, as a forge file is merged."""
    result: Mapping = shallow_copy(known)
    for key, value in patch.entries():
        present: Any = result.get(key)
        if not isinstance(present, Mapping):
            put(result, key, value.value, value.line, value.file)
        elif isinstance(value.value, Mapping):
            result[key] = merged(present, value)
        elif value.value is not None:
            put(result, key, value.value, value.line, value.file)
    return result
