"""An event-stream parser that is slow and plain: the whole body at once, rule after rule of the standard.

It shares nothing with the decoder it judges (WHATWG HTML, section 9.2; R-127 and R-132 for the rest).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Limits:
    """The decoder's limits, in bytes."""

    line: int = 8 << 20
    event: int = 16 << 20
    comment: int = 1 << 20


@dataclass
class Parsed:
    """What a body gives: events as (name, data, id, size); `rest` is the unfinished one at its end."""

    events: list[tuple[str, str, str, int]] = field(default_factory=list)
    rest: tuple[str, str, str, int] | None = None
    crossed: bool = False
    retry: int | None = None
    last_event_id: str = ""
    decode_errors: int = 0


class _Parser:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.out = Parsed()
        self.data: list[bytes] = []
        self.name = ""
        self.id = ""
        self.size = 0
        self.comments = 0

    def crosses(self, line: bytes) -> bool:
        if line.startswith(b":"):
            return self.comments + len(line) > self.limits.comment
        return len(line) > self.limits.line or self.size + len(line) > self.limits.event

    def read(self, line: bytes) -> None:
        if line.startswith(b":"):
            self.comments += len(line)
            return
        self.size += len(line)
        name, _, value = line.partition(b":")
        self.take(name, value[1:] if value.startswith(b" ") else value)

    def take(self, name: bytes, value: bytes) -> None:
        if name == b"data":
            self.data.append(value)
        if name == b"event":
            self.name = self.text(value)
        if name == b"id" and b"\x00" not in value:
            self.id = self.text(value)
        if name == b"retry" and re.fullmatch(rb"[0-9]+", value):
            self.out.retry = int(value)

    def text(self, value: bytes) -> str:
        text = value.decode("utf-8", errors="replace")
        self.out.decode_errors += text.encode() != value
        return text

    def event(self) -> tuple[str, str, str, int]:
        data = "\n".join([self.text(value) for value in self.data])
        return (self.name or "message", data, self.id, self.size)

    def dispatch(self) -> None:
        self.out.last_event_id = self.id
        if self.data:
            self.out.events.append(self.event())
            self.comments = 0
        self.data, self.name, self.size = [], "", 0


def parse(body: bytes, limits: Limits) -> Parsed:
    """Everything that a decoder must say about this body, in whatever pieces it gets it."""
    parser = _Parser(limits)
    *lines, last = re.split(rb"\r\n|\r|\n", body.removeprefix(BOM))
    for line in lines:
        if parser.crosses(line):
            parser.out.crossed = True
            return parser.out
        if line:
            parser.read(line)
        else:
            parser.dispatch()
    if parser.crosses(last):
        parser.out.crossed = True
    else:
        if last:
            parser.read(last)
        parser.out.rest = parser.event() if parser.data else None
    return parser.out
