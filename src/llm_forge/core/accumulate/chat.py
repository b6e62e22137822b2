"""The chat-completion family: chunks with `choices`, ended by `[DONE]` (R-160 to R-169).

Decisions the rules leave open:
- Of the fields beside `choices`, the identifying ones keep their first value and all others their
  last; padding (`obfuscation`, `p`) is dropped, because no unary response has it.
- Of the fields of a choice beside `delta`, `logprobs` and the `text` of plain completions, which have no
  message, grow by type; all others keep their last.
- Groq's `x_groq.usage` and `x_groq.usage_breakdown` go where its unary answer has them, to the top.
"""

from __future__ import annotations

from typing import Any, Literal

from ..errors import StreamProtocolError
from .content import grown_content, grown_reports
from .delta import Pieces, merge, settled
from .partial_json import parse_partial
from .tool_call import ToolCall, ToolCalls

SENTINEL = "[DONE]"
_PADDING = frozenset({"obfuscation", "p"})
_LABELS = frozenset({"role", "channel"})
_IDENTITY = frozenset({"id", "created", "model", "system_fingerprint"})
_GROWING = frozenset({"logprobs", "text"})  # of a choice, beside its delta
_LIFTED = frozenset({"usage", "usage_breakdown"})
_MISSING = object()
_CHUNK_SUFFIX = ".chunk"


class _Choice:
    """One choice, growing."""

    __slots__ = ("calls", "fields", "finish_reason", "message")

    def __init__(self) -> None:
        self.message: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.finish_reason: str | None = None
        self.calls: ToolCalls | None = None

    def add(self, choice: dict[str, Any]) -> None:
        for name, value in choice.items():
            if name == "delta":
                if value is not None:
                    self._add_delta(value)
            elif name == "finish_reason":
                self.finish_reason = value or self.finish_reason
            elif value is None:
                self.fields.setdefault(name, None)
            elif name in _GROWING:
                merge(self.fields, {name: value})
            elif name != "index":
                self.fields[name] = value

    def _add_delta(self, delta: Any) -> None:
        if not isinstance(delta, dict):
            raise StreamProtocolError("a delta of the stream is not an object")
        for name, value in delta.items():
            old = self.message.get(name)
            if type(old) is Pieces and type(value) is str:
                old.append(value)  # nearly every delta
            elif name == "tool_calls" and type(value) is list:
                if self.calls is None:
                    self.calls = ToolCalls()
                self.calls.add(value)
            else:
                self._add_field(name, old, value)

    def _add_field(self, name: str, old: Any, value: Any) -> None:
        if name == "content" and (type(value) is list or (type(old) is list and value is not None)):
            self.message[name] = grown_content(old, value)
        elif name == "executed_tools" and type(value) is list:
            self.message[name] = grown_reports(old, value)
        else:
            merge(self.message, {name: value})

    def ordered_calls(self) -> list[ToolCall]:
        return self.calls.ordered() if self.calls is not None else []

    def is_cut(self) -> bool:
        """No finish reason although a tool call is not complete (R-167)."""
        return self.finish_reason is None and not all(call.is_valid() for call in self.ordered_calls())


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

    def is_terminal(self, _name: str, data: str, /) -> bool:
        """Whether the raw event ends the stream: only the sentinel does."""
        return self.is_sentinel(data)

    def add(self, _name: str, data: Any, /) -> None:
        """Add one chunk, or None for the sentinel."""
        if self.terminal:
            return
        if data is None:
            self.terminal = True
            return
        if not isinstance(data, dict):
            raise StreamProtocolError("a chunk of the stream is not an object")
        head = self._head
        for field, value in data.items():
            if field == "choices":
                self._add_choices(value or [])
            elif field == "usage":
                self._usage = value or self._usage
            elif head.get(field, _MISSING) != value and field not in _PADDING:
                self._add_head(field, value)

    def _add_choices(self, choices: Any) -> None:
        if not isinstance(choices, list):
            raise StreamProtocolError("the choices of a chunk are not a list")
        for choice in choices:
            if not isinstance(choice, dict):
                raise StreamProtocolError("a choice of a chunk is not an object")
            index = choice.get("index")
            key = index if type(index) is int else 0
            known = self._choices.get(key)
            if known is None:
                known = self._choices[key] = _Choice()
            known.add(choice)

    def _add_head(self, field: str, value: Any) -> None:
        if field == "x_groq" and isinstance(value, dict):
            self._usage = value.get("usage") or self._usage
            lifted = {k: v for k, v in value.items() if k in _LIFTED and k != "usage"}
            self._head.update(lifted)
            self._head[field] = {
                **self._head.get(field, {}),
                **{k: v for k, v in value.items() if k not in _LIFTED},
            }
        elif value is None:
            self._head.setdefault(field, None)
        elif field not in _IDENTITY or not self._head.get(field):
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
        if choice.calls is not None:
            unfinished = not final and choice.finish_reason is None
            body["tool_calls"] = [call.shown(unfinished=unfinished) for call in choice.ordered_calls()]
        unknown = "unknown" if final and self.terminal else None
        return {
            "index": index,
            **({} if "text" in choice.fields and not body else {"message": body}),
            **settled(choice.fields),
            "finish_reason": choice.finish_reason or unknown,
        }

    def usage(self) -> Any:
        """The tokens used, as far as the stream has told."""
        return self._usage

    def text_of(self, _name: str, data: Any, /) -> str:
        """The text that this chunk adds to the first choice."""
        choice = _first_choice(data)
        delta = choice.get("delta")
        content = delta.get("content") if isinstance(delta, dict) else choice.get("text")
        if isinstance(content, str):
            return content
        if not isinstance(content, list):
            return ""
        return "".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
        )

    def is_content(self, data: Any, /) -> bool:
        """Whether any choice of this chunk brings more than its role."""
        return any(map(_brings_content, _choices_of(data)))

    def tool_input(self, index: int, /) -> Any:
        """The arguments so far of the first choice's tool call at this position."""
        choice = self._choices.get(0)
        calls = choice.ordered_calls() if choice else []
        if not 0 <= index < len(calls):
            return None
        arguments = calls[index].arguments()
        return parse_partial(arguments) if isinstance(arguments, str) else settled(arguments)


def _first_choice(data: Any) -> dict[str, Any]:
    return next((choice for choice in _choices_of(data) if choice.get("index", 0) == 0), {})


def _brings_content(choice: dict[str, Any]) -> bool:
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return bool(choice.get("text"))
    return any(value and name not in _LABELS for name, value in delta.items())


def _choices_of(data: Any) -> list[dict[str, Any]]:
    choices = data.get("choices") if isinstance(data, dict) else None
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
