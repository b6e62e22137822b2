"""The one sequence of events that YAML and JSON text both become."""

from __future__ import annotations

from typing import Any, NamedTuple


class Event(NamedTuple):
    """One step through a document: `kind` is one of `map`, `seq`, `end`, `value`, `alias`.

    `line` counts from 1; `value` is the scalar, or the anchor's name for `alias`; `text` is a scalar as
    it was written, which is what it is called as a key.
    """

    kind: str
    line: int
    value: Any = None
    anchor: str | None = None
    text: str = ""
