"""The conversation family: entries that grow by typed events, ended by `conversation.response.done`.

Decisions the rules leave open:
- An event belongs to the entry of its `id`, without one to that of its `output_index`; entries are ordered
  by `output_index`, then by arrival.
- Text and typed chunks grow by `content_index`. Content that was only text is a string, else a list.
- An entry's type is that of its events without their last word, so unknown entries are kept too (R-141).
- An entry that no event started has none that closes it: it is complete when a later one begins.
- Nothing is inferred: only the terminal event says that no further entry follows (R-144).
"""

from __future__ import annotations

from typing import Any, Literal

from ..codec import JsonError, decode
from ..errors import StreamProtocolError
from .content import grown_content
from .delta import Pieces, settled
from .partial_json import parse_partial

_STARTED, _TERMINAL = "conversation.response.started", "conversation.response.done"
_PLACE = frozenset({"type", "output_index", "content_index", "content", "arguments", "created_at"})


class _Entry:
    """One entry of the outputs, growing."""

    __slots__ = ("closed", "content", "fields", "place", "started")

    def __init__(self, kind: str, place: int) -> None:
        self.fields: dict[str, Any] = {"object": "entry", "type": kind}
        self.content: dict[int, Any] = {}
        self.place = place
        self.started = False
        self.closed = False

    def add(self, word: str, data: dict[str, Any]) -> None:
        """Add one event; `word` is the last of its type: started, delta or done."""
        self.started = self.started or word == "started"
        self.closed = self.closed or word == "done"
        for name, value in data.items():
            if name not in _PLACE and (value is not None or name not in self.fields):
                self.fields[name] = value
        self._add_content(data)
        self._add_arguments(data.get("arguments"))
        if data.get("created_at") is not None:
            self.fields.setdefault("completed_at" if word == "done" else "created_at", data["created_at"])

    def _add_content(self, data: dict[str, Any]) -> None:
        if "content" not in data:
            return
        index, value = data.get("content_index"), data["content"]
        key = index if type(index) is int else 0
        old = self.content.get(key)
        if isinstance(value, str) and type(old) is Pieces:
            old.append(value)
        elif isinstance(value, str) and old is None:
            self.content[key] = Pieces((value,))
        else:
            self.content[key] = _grown_chunks(old, value)

    def _add_arguments(self, value: Any) -> None:
        old = self.fields.get("arguments")
        if isinstance(value, str):
            if type(old) is Pieces:
                old.append(value)
            else:
                self.fields["arguments"] = Pieces((value,))
        elif value is not None:
            self.fields["arguments"] = value

    def shown(self, *, closed: bool) -> dict[str, Any]:
        """The entry as the unary form has it, marked where it is not complete (R-146)."""
        shown: dict[str, Any] = settled(self.fields)
        if self.content:
            shown["content"] = _joined([settled(self.content[key]) for key in sorted(self.content)])
        if not (closed or self.closed):
            shown["complete"] = False
        return shown


def _grown_chunks(old: Any, value: Any) -> list[Any]:
    """The chunks of one content index with one more delta; the pieces of a text chunk grow together."""
    chunks: list[Any] = grown_content(old, [])
    for entry in value if isinstance(value, list) else [value]:
        last = chunks[-1] if chunks else None
        if _is_text(entry) and isinstance(last, dict) and type(last.get("text")) is Pieces:
            last["text"].append(entry["text"])
        elif _is_text(entry):
            chunks.append({**entry, "text": Pieces((entry["text"],))})
        else:
            grown_content(chunks, [entry])
    return chunks


def _is_text(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("type") == "text" and isinstance(entry.get("text"), str)


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    chunks: list[Any] = []
    for part in parts:
        chunks += part if isinstance(part, list) else [{"type": "text", "text": part}]
    return chunks


class ConversationAccumulator:
    """Accumulates one stream of the conversation family."""

    def __init__(self) -> None:
        self.terminal = False
        self._head: dict[str, Any] = {}
        self._entries: dict[Any, _Entry] = {}
        self._latest: _Entry | None = None

    def is_sentinel(self, _data: str, /) -> bool:
        """This family has no sentinel."""
        return False

    def is_terminal(self, name: str, data: str, /) -> bool:
        """Whether the raw event is complete and ends the stream."""
        if _TERMINAL not in data and name != _TERMINAL:
            return False
        try:
            event = decode(data.encode())
        except (JsonError, UnicodeEncodeError):
            return False
        return isinstance(event, dict) and event.get("type", name) == _TERMINAL

    def add(self, name: str, data: Any, /) -> None:
        """Add one event; unknown events change nothing."""
        if self.terminal or data is None:
            return
        if not isinstance(data, dict):
            raise StreamProtocolError("an event of the stream is not an object")
        kind = data.get("type") or name
        if kind in (_STARTED, _TERMINAL):
            kept = {name: value for name, value in data.items() if name not in ("type", "created_at")}
            self._head = {"object": "conversation.response", **self._head, **kept}
            self.terminal = kind == _TERMINAL
        elif isinstance(kind, str) and ("output_index" in data or "id" in data):
            stem, _, word = kind.rpartition(".")
            entry = self._latest = self._entry(stem, data)
            entry.add(word, data)

    def _entry(self, kind: str, data: dict[str, Any]) -> _Entry:
        index = data.get("output_index")
        place = index if type(index) is int else 0
        given = data.get("id")
        key = (kind, given if isinstance(given, str) else place)
        if key not in self._entries:
            self._entries[key] = _Entry(kind, place)
        return self._entries[key]

    def ending(self) -> Literal["explicit", "inferred"] | None:
        """Explicit after the terminal event, else interrupted."""
        return "explicit" if self.terminal else None

    def result(self) -> dict[str, Any]:
        """The conversation.response object."""
        return self._shown(final=True)

    def partial(self) -> dict[str, Any]:
        """The conversation.response object so far, {} before anything came."""
        return self._shown(final=self.terminal)

    def _shown(self, *, final: bool) -> dict[str, Any]:
        if not (self._head or self._entries):
            return {}
        entries = sorted(self._entries.values(), key=lambda entry: entry.place)  # stable: then by arrival
        outputs = [entry.shown(closed=final or self._is_closed(entry)) for entry in entries]
        response: dict[str, Any] = {"outputs": outputs, **settled(self._head)}
        return response

    def _is_closed(self, entry: _Entry) -> bool:
        return not entry.started and entry is not self._latest

    def usage(self) -> Any:
        """The tokens used, which only the terminal event tells."""
        return self._head.get("usage")

    def text_of(self, name: str, data: Any, /) -> str:
        """The text that this event adds to a message."""
        if not isinstance(data, dict) or (data.get("type") or name) != "message.output.delta":
            return ""
        content = data.get("content")
        if isinstance(content, str):
            return content
        return "".join(part["text"] for part in _chunks(content) if _is_text(part))

    def is_content(self, data: Any, /) -> bool:
        """Whether this event brings text, a tool's input or a hand-off."""
        if not isinstance(data, dict) or data.get("type") in (_STARTED, _TERMINAL):
            return False
        return data.get("type") != "message.output.delta" or bool(data.get("content"))

    def tool_input(self, index: int, /) -> Any:
        """The arguments so far of the tool at this output index."""
        for entry in self._entries.values():
            if entry.place == index and "arguments" in entry.fields:
                value = settled(entry.fields["arguments"])
                return parse_partial(value) if isinstance(value, str) else value
        return None


def _chunks(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [content]
