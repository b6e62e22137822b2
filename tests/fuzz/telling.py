"""What stories of every family are made of: events on the wire, pieces of texts, and lines that mix."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from llm_forge.core.profile import Family

from .values import STRINGS

Facts = dict[tuple[Any, ...], Any]
SENTINEL = "[DONE]"


@dataclass(frozen=True)
class Story:
    """Events in their order, `facts` that the message must have in the end, and how to read them from it."""

    family: Family
    events: list[Any]
    facts: Facts
    read: Callable[[Any], Facts]

    def wire(self) -> bytes:
        """The stream's body."""
        return wire(self.events)


def wire(events: list[Any]) -> bytes:
    """Events as server-sent events; one with a `type` is named after it."""
    return "".join(map(_event, events)).encode("utf-8", "replace")


def _event(value: Any) -> str:
    if value == SENTINEL:
        return f"data: {SENTINEL}\n\n"
    kind = value.get("type") if isinstance(value, dict) else None
    name = f"event: {kind}\n" if isinstance(kind, str) and kind.isidentifier() else ""
    return f"{name}data: {json.dumps(value, ensure_ascii=False)}\n\n"


def pieces(text: str, chance: Random) -> list[str]:
    cuts = sorted(chance.randint(0, len(text)) for _ in range(chance.randint(0, 4)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def some_text(chance: Random) -> str:
    return "".join(chance.choices(STRINGS, k=chance.randint(0, 4)))


def interleaved(lines: list[list[Any]], chance: Random) -> Iterator[Any]:
    """The entries of all lines, each line in its own order, the lines mixed."""
    lines = [list(line) for line in lines if line]
    while lines:
        line = chance.choice(lines)
        yield line.pop(0)
        lines = [line for line in lines if line]
