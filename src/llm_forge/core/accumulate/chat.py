"""The chat-completion family: chunks with `choices`, ended by `[DONE]` (R-160 to R-169).

Decisions the rules leave open:
- Of the fields beside `choices`, the identifying ones keep their first value and all others their
  last; padding (`obfuscation`, `p`) is dropped, because no unary response has it.
- Of the fields of a choice beside `delta`, `logprobs` grows by type and all others keep their last.
- Without tool index and id, several entries in one delta are told apart by position; a single entry
  continues the latest call, unless it brings a name although that call's arguments are complete.
- A further fragment of a name that comes before any argument belongs to the name; a repetition does not.
"""

from __future__ import annotations

from typing import Any, Literal

from ..codec import JsonError, decode
from ..errors import StreamProtocolError
from .delta import Pieces, merge, settled
from .partial_json import parse_partial

SENTINEL = "[DONE]"
_PADDING = frozenset({"obfuscation", "p"})
_IDENTITY = frozenset({"id", "created", "model", "system_fingerprint"})
_CHUNK_SUFFIX = ".chunk"


class _ToolCall:
    """One tool call of one choice, growing."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}

    def add(self, entry: dict[str, Any]) -> None:
        function = entry.get("function")
        if isinstance(function, dict):
            entry = {**entry, "function": self._function_delta(function)}
        entry.pop("index", None) if "function" in entry and entry is not None else None
        merge(self.fields, {name: value for name, value in entry.items() if name != "index"})

    def _function_delta(self, function: dict[str, Any]) -> dict[str, Any]:
        name = function.get("name")
        repeated = name is None or self.arguments() or self.name() == name
        return {k: v for k, v in function.items() if k != "name"} if repeated and self.name() else function

    def _function(self) -> dict[str, Any]:
        function = self.fields.get("function")
        return function if isinstance(function, dict) else {}

    def name(self) -> str:
        name = self._function().get("name")
        return name.text() if isinstance(name, Pieces) else ""

    def arguments(self) -> Any:
        """The argument text so far; some providers send the decoded object instead."""
        arguments = self._function().get("arguments")
        return arguments.text() if isinstance(arguments, Pieces) else arguments

    def is_valid(self) -> bool:
        arguments = self.arguments()
        if not isinstance(arguments, str):
            return True
        return _is_json(arguments)

    def is_whole(self) -> bool:
        """Whether the arguments are a complete JSON object, which nothing can continue."""
        arguments = self.arguments()
        if not isinstance(arguments, str):
            return arguments is not None
        return arguments.lstrip().startswith("{") and _is_json(arguments)


class _Choice:
    """One choice, growing."""

    __slots__ = ("by_id", "calls", "extra", "finish_reason", "latest", "logprobs", "message")

    def __init__(self) -> None:
        self.message: dict[str, Any] = {}
        self.extra: dict[str, Any] = {}
        self.logprobs: dict[str, Any] | None = None
        self.finish_reason: str | None = None
        self.calls: dict[int, _ToolCall] = {}
        self.by_id: dict[str, int] = {}
        self.latest: int | None = None

    def add(self, choice: dict[str, Any]) -> None:
        for name, value in choice.items():
            if name == "delta":
                if value:
                    self._add_delta(value)
            elif name == "finish_reason":
                self.finish_reason = value or self.finish_reason
            elif name == "logprobs":
                self._add_logprobs(value)
            elif name != "index" and (value is not None or name not in self.extra):
                self.extra[name] = value

    def _add_logprobs(self, value: Any) -> None:
        grown: dict[str, Any] = {"logprobs": self.logprobs} if self.logprobs is not None else {}
        merge(grown, {"logprobs": value})
        self.logprobs = grown["logprobs"]
        if self.logprobs is None:
            self.extra.setdefault("logprobs", None)

    def _add_delta(self, delta: Any) -> None:
        if not isinstance(delta, dict):
            raise StreamProtocolError("a chunk's delta is not an object")
        calls = delta.get("tool_calls")
        if not isinstance(calls, list):
            merge(self.message, delta)
            return
        merge(self.message, {name: value for name, value in delta.items() if name != "tool_calls"})
        for position, entry in enumerate(calls):
            if isinstance(entry, dict):
                self._call_of(entry, position, len(calls)).add(entry)

    def _call_of(self, entry: dict[str, Any], position: int, count: int) -> _ToolCall:
        key = self._key_of(entry, position, count)
        self.latest = key
        call_id = entry.get("id")
        if isinstance(call_id, str) and call_id:
            self.by_id.setdefault(call_id, key)
        return self.calls.setdefault(key, _ToolCall())

    def _key_of(self, entry: dict[str, Any], position: int, count: int) -> int:
        index = entry.get("index")
        if type(index) is int:
            return index
        call_id = entry.get("id")
        if isinstance(call_id, str) and call_id:
            return self.by_id.get(call_id, self._next_key())
        if count > 1:
            return position
        if self.latest is None or self._begins_new(entry, self.calls[self.latest]):
            return self._next_key()
        return self.latest

    def _next_key(self) -> int:
        return max(self.calls, default=-1) + 1

    def _begins_new(self, entry: dict[str, Any], call: _ToolCall) -> bool:
        function = entry.get("function")
        return isinstance(function, dict) and bool(function.get("name")) and call.is_whole()

    def ordered_calls(self) -> list[_ToolCall]:
        return [self.calls[key] for key in sorted(self.calls)]

    def is_cut(self) -> bool:
        """No finish reason although a tool call is not complete."""
        return self.finish_reason is None and not all(call.is_valid() for call in self.calls.values())


class ChatAccumulator:
    """Accumulates one chat-completion stream."""

    def __init__(self) -> None:
        self.terminal = False
        self._head: dict[str, Any] = {}
        self._usage: Any = None
        self._choices: dict[int, _Choice] = {}

    def is_sentinel(self, data: str) -> bool:
        """Whether the data is `[DONE]`, surrounding white space ignored."""
        return data.strip() == SENTINEL

    def is_terminal(self, name: str, data: str) -> bool:
        """Whether the raw event ends the stream: only the sentinel does."""
        return self.is_sentinel(data)

    def add(self, name: str, data: Any) -> None:
        """Add one chunk, or None for the sentinel."""
        if self.terminal:
            return
        if data is None:
            self.terminal = True
            return
        if not isinstance(data, dict):
            raise StreamProtocolError("a chunk of the stream is not an object")
        for field, value in data.items():
            if field == "choices":
                for choice in value or ():
                    self._add_choice(choice)
            elif field == "usage":
                self._usage = value or self._usage
            elif field not in _PADDING:
                self._add_head(field, value)

    def _add_choice(self, choice: Any) -> None:
        if not isinstance(choice, dict):
            raise StreamProtocolError("a choice of a chunk is not an object")
        index = choice.get("index")
        key = index if type(index) is int else 0
        if key not in self._choices:
            self._choices[key] = _Choice()
        self._choices[key].add(choice)

    def _add_head(self, field: str, value: Any) -> None:
        if field == "x_groq" and isinstance(value, dict):
            self._usage = value.get("usage") or self._usage
            merge(self._head, {field: {k: v for k, v in value.items() if k != "usage"}})
        elif value is None:
            self._head.setdefault(field, None)
        elif field not in _IDENTITY or self._head.get(field) is None:
            self._head[field] = value

    def ending(self) -> Literal["explicit", "inferred"] | None:
        """The verdict for a body that ends cleanly here (R-166, R-167)."""
        choices = self._choices.values()
        if self.terminal:
            return None if any(choice.is_cut() for choice in choices) else "explicit"
        finished = bool(choices) and all(choice.finish_reason for choice in choices)
        return "inferred" if finished else None

    def result(self) -> dict[str, Any]:
        """The chat.completion object."""
        return self._message(final=True)

    def partial(self) -> dict[str, Any]:
        """The chat.completion object so far."""
        return self._message(final=False)

    def _message(self, *, final: bool) -> dict[str, Any]:
        message: dict[str, Any] = settled(self._head)
        kind = message.get("object")
        if isinstance(kind, str):
            message["object"] = kind.removesuffix(_CHUNK_SUFFIX)
        message["choices"] = [
            self._finished(index, choice, final=final) for index, choice in sorted(self._choices.items())
        ]
        if self._usage is not None:
            message["usage"] = settled(self._usage)
        return message

    def _finished(self, index: int, choice: _Choice, *, final: bool) -> dict[str, Any]:
        body: dict[str, Any] = settled(choice.message)
        if choice.calls:
            open_ended = not final and choice.finish_reason is None
            body["tool_calls"] = [_shown(call, open_ended=open_ended) for call in choice.ordered_calls()]
        shown = {"index": index, "message": body, **settled(choice.extra)}
        if choice.logprobs is not None:
            shown["logprobs"] = settled(choice.logprobs)
        unknown = "unknown" if final and self.terminal else None
        shown["finish_reason"] = choice.finish_reason or unknown
        return shown

    def text_of(self, name: str, data: Any) -> str:
        """The text that this chunk adds to the first choice."""
        delta = _first_delta(data)
        content = delta.get("content")
        if isinstance(content, str):
            return content
        if not isinstance(content, list):
            return ""
        return "".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
        )

    def is_content(self, data: Any) -> bool:
        """Whether any choice of this chunk brings more than its role."""
        choices = data.get("choices") if isinstance(data, dict) else None
        deltas = (choice.get("delta") for choice in choices or () if isinstance(choice, dict))
        return any(
            value and name not in {"role", "channel"}
            for delta in deltas
            if isinstance(delta, dict)
            for name, value in delta.items()
        )

    def tool_input(self, index: int) -> Any:
        """The arguments so far of the first choice's tool call at this position."""
        choice = self._choices.get(0)
        calls = choice.ordered_calls() if choice else []
        if not 0 <= index < len(calls):
            return None
        arguments = calls[index].arguments()
        return parse_partial(arguments) if isinstance(arguments, str) else settled(arguments)


def _shown(call: _ToolCall, *, open_ended: bool) -> dict[str, Any]:
    shown: dict[str, Any] = settled(call.fields)
    if open_ended and not call.is_whole():
        shown["complete"] = False
    elif not call.is_valid():
        shown["arguments_valid"] = False
    return shown


def _first_delta(data: Any) -> dict[str, Any]:
    choices = data.get("choices") if isinstance(data, dict) else None
    for choice in choices or ():
        if isinstance(choice, dict) and choice.get("index", 0) == 0:
            delta = choice.get("delta")
            return delta if isinstance(delta, dict) else {}
    return {}


def _is_json(text: str) -> bool:
    try:
        decode(text.encode())
    except (JsonError, UnicodeEncodeError):
        return False
    return True
