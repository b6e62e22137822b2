"""A value in a document together with where it stands, so that every message can name the place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .errors import DescriptionError, Notice, NoticeKind, shown
from .source import Document, Mapping, Sequence, pointer_token

_KINDS: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "nothing",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One value of a document; `pointer` is its RFC 6901 JSON pointer, `up` the value around it.

    `laid_over` is the name of another file that put it there; "" where the document has it itself.
    """

    document: Document
    value: Any
    line: int
    pointer: str = ""
    up: Place | None = None
    laid_over: str = ""

    @property
    def file(self) -> str:
        """The name of the file in which this value stands."""
        return self.laid_over or self.document.name

    def child(self, key: str) -> Place:
        """The value under a key; its value is None where the key is absent."""
        pointer = f"{self.pointer}/{pointer_token(key)}"
        if isinstance(self.value, Mapping):
            line = self.value.lines.get(key, self.value.line)
            file = self.value.files.get(key, self.laid_over)
            return Place(self.document, self.value.get(key), line, pointer, self, file)
        if isinstance(self.value, Sequence) and key.isdigit() and int(key) < len(self.value):
            index = int(key)
            file = self.value.files.get(index, self.laid_over)
            return Place(self.document, self.value[index], self.value.lines[index], pointer, self, file)
        return Place(self.document, None, self.line, pointer, self, self.laid_over)

    def has(self, key: str) -> bool:
        """Whether this is a mapping with that key."""
        return isinstance(self.value, Mapping) and key in self.value

    def entries(self, what: str = "a mapping") -> Iterator[tuple[str, Place]]:
        """Key and value of a mapping; nothing for null, nor (with a notice) for any other kind."""
        if self.value is None or not self._fits(Mapping, what):
            return
        for key in self.value:
            yield key, self.child(key)

    def items(self, what: str = "a list") -> Iterator[Place]:
        """Entries of a sequence; nothing for null, nor (with a notice) for any other kind."""
        if self.value is None or not self._fits(Sequence, what):
            return
        for index in range(len(self.value)):
            yield self.child(str(index))

    def text(self, key: str, default: str = "") -> str:
        """Text under a key; numbers become text as they are, null (and any other kind) is `default`."""
        place = self.child(key)
        if place.value is None or not place._fits((str, int, float), "text"):
            return default
        return str(place.value)

    def flag(self, key: str) -> bool:
        """Whether a key is true."""
        return self.child(key).value is True

    def _fits(self, kinds: type | tuple[type, ...], wanted: str) -> bool:
        """Whether this is of the wanted kind; what a vendor got wrong counts as absent.

        Raises:
            DescriptionError: a wrong kind under `x-forge`, which is the user's own.
        """
        if isinstance(self.value, kinds):
            return True
        if "/x-forge" in self.pointer:
            raise self.wrong(wanted)
        self.repair(f"expected {wanted} here, found {self.kind()}; ignored")
        return False

    def wrong(self, wanted: str) -> DescriptionError:
        """The error for a value of another kind than `wanted`."""
        return self.error(f"expected {wanted} here, found {self.kind()}")

    def kind(self) -> str:
        """What sort of value this is, in words."""
        if isinstance(self.value, Mapping):
            return "a mapping"
        if isinstance(self.value, Sequence):
            return "a list"
        kind = _KINDS.get(type(self.value), "something else")
        return f"{kind} {shown(self.value, 40)}" if self.value is not None else kind

    def error(self, message: str) -> DescriptionError:
        """An error at this place."""
        return DescriptionError(message, file=self.file, line=self.line, pointer=self.pointer)

    def note(self, message: str, kind: NoticeKind = "omission") -> None:
        """Record something of this place that is not used."""
        self.document.notices.append(Notice(self.file, self.line, self.pointer, message, kind))

    def repair(self, message: str) -> None:
        """Record a defect of this place that was taken in its one meaning."""
        self.note(message, "repair")

    def guess(self, message: str) -> None:
        """Record what this place does not say and was assumed."""
        self.note(message, "guess")


def root_place(document: Document) -> Place:
    """The whole of a document."""
    return Place(document, document.root, getattr(document.root, "line", 1))
