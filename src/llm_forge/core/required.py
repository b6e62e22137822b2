"""Which required fields an answer lacks (R-200).

Rules of this file:
- A field is required if the description says so; null counts as present.
- Reading a view never checks anything: who wants to know asks here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .views import Field, View


def lacks_at_top(view: View) -> int:
    """How many required fields of the object itself are missing; next to nothing where none is."""
    _, wanted = _shape(type(view))
    present = view._data.keys()
    return 0 if present >= wanted else len(wanted - present)


def missing_paths(value: Any, path: str = "") -> Iterator[str]:
    """The dotted path of every required field that is missing in a typed value, or in anything inside it.

    All of the value is converted for it, so its cost grows with the answer.
    """
    if isinstance(value, list):
        for number, entry in enumerate(value):
            yield from missing_paths(entry, f"{path}{number}.")
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from missing_paths(entry, f"{path}{key}.")
    elif isinstance(value, View):
        for field in _shape(type(value))[0]:
            if field.wire in value:
                yield from missing_paths(field.__get__(value), f"{path}{field.wire}.")
            elif field.required:
                yield path + field.wire


def _shape(cls: type[View]) -> tuple[tuple[Field, ...], frozenset[str]]:
    """The fields of a class, and the wire names of those it requires."""
    found = _SHAPES.get(cls)
    if found is None:
        fields = tuple(one for base in cls.__mro__ for one in vars(base).values() if isinstance(one, Field))
        found = _SHAPES[cls] = (fields, frozenset(one.wire for one in fields if one.required))
    return found


_SHAPES: dict[type[View], tuple[tuple[Field, ...], frozenset[str]]] = {}
