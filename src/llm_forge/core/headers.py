"""Response headers: case-insensitive look-up that keeps repeated fields and their order (R-047)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set


class Headers:
    """Header fields in order; `get` joins nothing and returns the first, `get_all` all of a name.

    A value that is not valid text arrives as latin-1, so that no byte is dropped.
    """

    __slots__ = ("_first", "_pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = tuple([(name.lower(), value) for name, value in pairs])
        self._first: dict[str, str] = dict(reversed(self._pairs))  # the first of a name is kept

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of a field, looked up without regard to case."""
        return self._first.get(name.lower(), default)

    def get_all(self, name: str) -> list[str]:
        """All values of a field, in order."""
        wanted = name.lower()
        return [value for field, value in self._pairs if field == wanted]

    def names(self) -> Set[str]:
        """The names of all fields, in lower case."""
        return self._first.keys()

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """All fields in the order received, names in lower case."""
        return self._pairs

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._first

    def __getitem__(self, name: str) -> str:
        return self._first[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"Headers({len(self._pairs)} fields)"
