"""Typed events that add up to nothing but their list, such as audio as it is spoken.

The description says which events are terminal: values of a field of the event's JSON, or of its name.
`[DONE]` is terminal always. Nothing else ends such a stream, so nothing is inferred (R-144). Only where no
event is said to be terminal, a body that ends cleanly after a whole event ends it: that is inferred (R-143).
"""

from __future__ import annotations

from typing import Any, Literal

from ..codec import JsonError, decode
from ..profile import EVENT_NAME
from .chat import SENTINEL
from .delta import settled

_TEXT_FIELDS = ("delta", "text")


class EventAccumulator:
    """Collects one stream of typed events."""

    def __init__(self, terminal: frozenset[str], type_field: str) -> None:
        self.terminal = False
        self._terminal = terminal
        self._type_field = type_field
        self._events: list[Any] = []
        self._usage: Any = None

    def is_sentinel(self, data: str, /) -> bool:
        """Whether the data is `[DONE]`, surrounding white space ignored."""
        return data.strip() == SENTINEL

    def is_terminal(self, name: str, data: str, /) -> bool:
        """Whether the raw event is complete and of a terminal type, of any type where none is said to be."""
        if self.is_sentinel(data):
            return True
        try:
            return self._ends(name, decode(data.encode())) or not self._terminal
        except (JsonError, UnicodeEncodeError):
            return False

    def _ends(self, name: str, data: Any) -> bool:
        if self._type_field == EVENT_NAME:
            return name in self._terminal
        kind = data.get(self._type_field) if isinstance(data, dict) else None
        if isinstance(kind, bool):
            kind = "true" if kind else "false"
        return isinstance(kind, str) and kind in self._terminal

    def add(self, name: str, data: Any, /) -> None:
        """Add one event of any shape, or None for the sentinel."""
        if self.terminal:
            return
        if data is not None:
            self._events.append(data)
            if isinstance(data, dict):
                self._usage = data.get("usage") or self._usage
        self.terminal = data is None or self._ends(name, data)

    def ending(self) -> Literal["explicit", "inferred"] | None:
        """Explicit after a terminal event; without it inferred where none is known, else interrupted."""
        if self.terminal:
            return "explicit"
        return None if self._terminal else "inferred"

    def result(self) -> list[Any]:
        """The events."""
        return self.partial()

    def partial(self) -> list[Any]:
        """The events so far."""
        collected: list[Any] = settled(self._events)
        return collected

    def usage(self) -> Any:
        """The last usage that an event told."""
        return self._usage

    def text_of(self, _name: str, data: Any, /) -> str:
        """The text of an event whose type says that it is a text delta."""
        kind = data.get("type") if isinstance(data, dict) else None
        if not isinstance(kind, str) or not kind.endswith("text.delta"):
            return ""
        found = (data.get(field) for field in _TEXT_FIELDS)
        return next((text for text in found if isinstance(text, str)), "")

    def is_content(self, _data: Any, /) -> bool:
        """Whether an event is content: all are, as far as anybody knows."""
        return True

    def tool_input(self, _index: int, /) -> Any:
        """Nothing: no tools are known here."""
        return None
