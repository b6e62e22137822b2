"""What loading a description reports: one error that stops it, and notices that do not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

NoticeKind = Literal["repair", "guess", "omission"]


@dataclass(frozen=True, slots=True, order=True)
class Notice:
    """One thing to know of a description; `line` counts from 1, 0 if unknown; `pointer` is a JSON pointer.

    A repair is a defect taken in the one meaning that it has, a guess is what the description does not say,
    and an omission is what it says and is not used.
    """

    file: str
    line: int
    pointer: str
    message: str
    kind: NoticeKind = "omission"

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        place = f" (at {one_line(self.pointer)})" if self.pointer else ""
        return f"{one_line(where)}: {one_line(self.message)}{place}"


class DescriptionError(Exception):
    """A description that cannot be used; `str()` is at most three lines and says what to do.

    `file` is the name given by the user, `line` counts from 1 and is 0 where no line is known.
    """

    def __init__(self, message: str, *, file: str, line: int = 0, pointer: str = "") -> None:
        self.message = message
        self.file = file
        self.line = line
        self.pointer = pointer
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        place = f"\n  at {one_line(self.pointer)}" if self.pointer else ""
        return f"{one_line(where)}: {one_line(self.message)}{place}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore, (self.message, self.file, self.line, self.pointer))


def _restore(message: str, file: str, line: int, pointer: str) -> DescriptionError:
    return DescriptionError(message, file=file, line=line, pointer=pointer)


def one_line(text: str, limit: int = 500) -> str:
    """Text of a document without line ends and hidden characters, shortened."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe if len(safe) <= limit else safe[: limit - 3] + "..."


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that looks most like `name`, None if none comes close."""
    found = get_close_matches(name, sorted(valid), n=1, cutoff=0.5)
    return found[0] if found else None


def shown(text: object, limit: int = 80) -> str:
    """A value from a document, shortened and free of line ends, for a message."""
    whole = repr(text)
    return whole if len(whole) <= limit else whole[: limit - 3] + "..."
