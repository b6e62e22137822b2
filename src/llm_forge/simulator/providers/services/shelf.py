"""Things that a provider keeps, in the order in which they were made, and pages of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ...problems import Failure
from ..provider import Json, Turn

T = TypeVar("T")


class Shelf(Generic[T]):
    """Things of one kind by their ids; `kind` names them in refusals."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._things: dict[str, T] = {}

    def put(self, identifier: str, thing: T) -> T:
        """Keep a thing."""
        self._things[identifier] = thing
        return thing

    def get(self, identifier: str) -> T:
        """The thing. Failure "missing" if there is none."""
        if identifier not in self._things:
            raise Failure("missing", identifier, unit=self._kind)
        return self._things[identifier]

    def __contains__(self, identifier: str) -> bool:
        """Whether there is a thing of this id."""
        return identifier in self._things

    def take(self, identifier: str) -> T:
        """The thing, no longer kept. Failure "missing" if there is none."""
        found = self.get(identifier)
        del self._things[identifier]
        return found

    def all(self) -> list[T]:
        """Every thing, oldest first."""
        return list(self._things.values())

    def page(
        self, turn: Turn, shown: Callable[[T], Json], *, keep: Callable[[T], bool] | None = None
    ) -> Json:
        """The page that the query asks for by `limit`, `order`, `after` and `before`; newest first."""
        rows = [(key, thing) for key, thing in self._things.items() if keep is None or keep(thing)]
        return page_of(turn, [(key, shown(thing)) for key, thing in rows])


def page_of(turn: Turn, oldest_first: list[tuple[str, Json]], *, limit: int = 20) -> Json:
    """A list object with the entries that the query asks for."""
    rows = oldest_first if turn.query.get("order") == "asc" else oldest_first[::-1]
    ids = [identifier for identifier, _ in rows]
    start = ids.index(turn.query["after"]) + 1 if turn.query.get("after") in ids else 0
    stop = ids.index(turn.query["before"]) if turn.query.get("before") in ids else len(rows)
    size = _size(turn.query.get("limit"), limit)
    found = [shown for _, shown in rows[start:stop]]
    first, last = (found[0]["id"], found[:size][-1]["id"]) if found else (None, None)
    return {
        "object": "list",
        "data": found[:size],
        "first_id": first,
        "last_id": last,
        "has_more": len(found) > size,
    }


def _size(told: Any, usual: int) -> int:
    return min(max(int(told), 1), 10_000) if str(told or "").isdecimal() else usual
