"""Which result belongs to which item: by its custom id, never by its place (R-187)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .parts import index_of

Kind = Literal["succeeded", "errored", "expired", "cancelled", "missing"]


@dataclass(frozen=True, slots=True)
class Result:
    """One line of a provider's results: `body` is the answer of one that succeeded."""

    custom_id: str
    kind: Kind
    body: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=dict)


class Matching:
    """Gives each item of a part exactly one result: the first that names it."""

    def __init__(self, tag: str, expected: Iterable[int]) -> None:
        self._tag = tag
        self._open = set(expected)
        self._ended: set[int] = set()
        self.doubled = 0
        self.unknown = 0

    def add(self, result: Result) -> int | None:
        """The item whose result this is; None for a second one and for ids that are not ours."""
        index = index_of(self._tag, result.custom_id)
        if index in self._open:
            self._open.remove(index)
            self._ended.add(index)
            return index
        if index in self._ended:
            self.doubled += 1
        else:
            self.unknown += 1
        return None

    def missing(self) -> list[int]:
        """The items that no result named."""
        return sorted(self._open)
