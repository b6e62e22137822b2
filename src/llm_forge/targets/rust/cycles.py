"""Which structures would contain themselves, by value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...spec import ir


class Cycles:
    """Which structure holds which in itself; lists, maps and unions keep theirs elsewhere."""

    def __init__(self, api: ir.Api, names: Sequence[str]) -> None:
        self._api = api
        self._held = {name: frozenset(self._held_by(name)) for name in names}
        self._reached: dict[str, frozenset[str]] = {}

    def holds(self, found: ir.Type, owner: str) -> bool:
        """Whether a value of the type would hold a value of the structure `owner` in itself."""
        name = self._structure(found)
        return name is not None and (name == owner or owner in self._below(name))

    def _below(self, name: str) -> frozenset[str]:
        if name not in self._reached:
            seen, waiting = set[str](), [name]
            while waiting:
                fresh = self._held.get(waiting.pop(), frozenset()) - seen
                seen |= fresh
                waiting += fresh
            self._reached[name] = frozenset(seen)
        return self._reached[name]

    def _held_by(self, name: str) -> Iterator[str]:
        told = self._api.types[name].type
        for one in told.properties if isinstance(told, ir.ObjectType) else ():
            held = self._structure(one.type)
            if held is not None:
                yield held

    def _structure(self, found: ir.Type) -> str | None:
        """The name of the structure that a type is, behind aliases and null."""
        seen: set[str] = set()
        while True:
            if isinstance(found, ir.Nullable):
                found = found.inner
            elif isinstance(found, ir.Ref) and found.name not in seen:
                seen.add(found.name)
                told = self._api.types[found.name].type
                if isinstance(told, ir.ObjectType):
                    return found.name
                found = told
            else:
                return None
