"""Tool calls of one choice, put together from their deltas (R-162, R-163).

A delta belongs to the call of its `index`; without one, to the call of its `id`; without both, several
entries of one delta are told apart by position, and a single entry continues the latest call, unless it
brings a name although that call's arguments are complete already.
"""

from __future__ import annotations

from typing import Any

from ..codec import JsonError, decode
from .delta import Pieces, merge, settled


class ToolCall:
    """One tool call, growing."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}

    def add(self, entry: dict[str, Any]) -> None:
        """Add one delta; its `index` is bookkeeping of the stream and not kept."""
        for name, value in entry.items():
            if name == "function" and isinstance(value, dict):
                self._add_function(value)
            elif name != "index":
                merge(self.fields, {name: value})

    def _add_function(self, delta: dict[str, Any]) -> None:
        function = self.fields.get("function")
        if type(function) is not dict:
            function = self.fields["function"] = {}
        if delta.get("name") and function.get("name"):
            delta = _without_repeated_name(function, delta)
        merge(function, delta)

    def arguments(self) -> Any:
        """The argument text so far; some providers send the decoded object instead."""
        function = self.fields.get("function")
        arguments = function.get("arguments") if isinstance(function, dict) else None
        return arguments.text() if type(arguments) is Pieces else arguments

    def is_valid(self) -> bool:
        """Whether the arguments are JSON; a call without argument text has none to judge."""
        arguments = self.arguments()
        return is_json(arguments) if isinstance(arguments, str) else True

    def is_whole(self) -> bool:
        """Whether the arguments are a complete JSON object, which nothing can continue."""
        arguments = self.arguments()
        if not isinstance(arguments, str):
            return arguments is not None
        return arguments.lstrip().startswith("{") and is_json(arguments)

    def shown(self, *, unfinished: bool) -> dict[str, Any]:
        """The call as the unary form has it, marked where it is incomplete or its arguments are no JSON."""
        shown: dict[str, Any] = settled(self.fields)
        if unfinished and not self.is_whole():
            shown["complete"] = False
        elif not self.is_valid():
            shown["arguments_valid"] = False
        return shown


class ToolCalls:
    """All calls of one choice."""

    __slots__ = ("_by_id", "_calls", "_latest")

    def __init__(self) -> None:
        self._calls: dict[int, ToolCall] = {}
        self._by_id: dict[str, int] = {}
        self._latest: int | None = None

    def add(self, entries: list[Any]) -> None:
        """Add the `tool_calls` of one delta."""
        for position, entry in enumerate(entries):
            if isinstance(entry, dict):
                self._call_of(entry, position, len(entries)).add(entry)

    def ordered(self) -> list[ToolCall]:
        """The calls in index order."""
        return [self._calls[key] for key in sorted(self._calls)]

    def _call_of(self, entry: dict[str, Any], position: int, count: int) -> ToolCall:
        index = entry.get("index")
        key = index if type(index) is int else self._key_without_index(entry, position, count)
        call_id = entry.get("id")
        if isinstance(call_id, str) and call_id:
            self._by_id.setdefault(call_id, key)
        self._latest = key
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = ToolCall()
        return call

    def _key_without_index(self, entry: dict[str, Any], position: int, count: int) -> int:
        call_id = entry.get("id")
        if isinstance(call_id, str) and call_id:
            return self._by_id.get(call_id, self._next_key())
        if count > 1:
            return position
        if self._latest is None or self._begins_new(entry, self._calls[self._latest]):
            return self._next_key()
        return self._latest

    def _next_key(self) -> int:
        return max(self._calls, default=-1) + 1

    def _begins_new(self, entry: dict[str, Any], call: ToolCall) -> bool:
        function = entry.get("function")
        return isinstance(function, dict) and bool(function.get("name")) and call.is_whole()


def _without_repeated_name(function: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    """A further fragment before any argument belongs to the name; a repetition does not."""
    name = function["name"].text() if type(function["name"]) is Pieces else function["name"]
    arguments = function.get("arguments")
    begun = any(arguments) if type(arguments) is Pieces else bool(arguments)
    if not name or (delta["name"] != name and not begun):
        return delta
    return {field: value for field, value in delta.items() if field != "name"}


def is_json(text: str) -> bool:
    """Whether a text is JSON."""
    try:
        decode(text.encode())
    except (JsonError, UnicodeEncodeError):
        return False
    return True
