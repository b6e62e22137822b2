"""The form of chat completions: how an `Ask` is written, and how its answers and chunks are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..core.views import View
from .ask import Ask
from .capabilities import Target
from .form import check_media, choice_of, thinking_word
from .messages import all_text, called, thought_text
from .parts import Media, Message, Part, Raw, Text, Thinking, ToolCall, ToolResult
from .reply import NOTHING, Piece, Reply, ToolCallDelta, message_of
from .tools import NativeTool, Tool

Json = dict[str, Any]
_REASONING = ("reasoning_content", "reasoning")  # the fields that servers put thoughts in
_REASONING_SET = frozenset(_REASONING)


def write(ask: Ask, target: Target) -> Json:
    """The messages and parameters of a request, apart from the plain ones."""
    body: Json = {"messages": list(_messages(ask.messages, target))}
    if ask.tools:
        body["tools"] = [_tool(one) for one in ask.tools]
    if ask.tool_choice is not None:
        choice = choice_of(ask.tool_choice, target)
        body["tool_choice"] = choice if choice is not None else _named(ask.tool_choice)
    if ask.schema is not None:
        schema = ask.schema
        wanted = {"name": schema.name, "schema": schema.to_dict(), "strict": schema.strict}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    elif ask.as_json:
        body["response_format"] = {"type": "json_object"}
    if ask.thinking is not None:
        body[target.can.thinking["parameter"]] = thinking_word(ask.thinking, target)
    return body


def _named(choice: str | Mapping[str, Any]) -> Any:
    return choice if isinstance(choice, Mapping) else {"type": "function", "function": {"name": choice}}


def _tool(tool: Tool | NativeTool) -> Mapping[str, Any]:
    if isinstance(tool, NativeTool):
        return tool.value
    strict = {} if tool.strict is None else {"strict": tool.strict}
    told = {"name": tool.name, "description": tool.description, "parameters": tool.parameters, **strict}
    return {"type": "function", "function": told}


def _messages(messages: Sequence[Message], target: Target) -> Iterator[Json]:
    for message in messages:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        for result in results:
            yield _result(result, target)
        rest = [part for part in message.parts if not isinstance(part, ToolResult)]
        if message.role != "tool" and (rest or not results):
            yield _message(message, rest, target)


def _message(message: Message, parts: Sequence[Part], target: Target) -> Json:
    calls = [_call(part, target) for part in parts if isinstance(part, ToolCall)]
    shown = [part for part in parts if not isinstance(part, ToolCall)]
    content = _content([part for part in shown if _goes_back(part, target)], target)
    made: Json = {"role": message.role, **message.extra}
    if content or not calls:
        made["content"] = content
    if calls:
        made["tool_calls"] = calls
    return made


def _goes_back(part: Part, target: Target) -> bool:
    """Whether the API takes this thought back; other parts always go."""
    if not isinstance(part, Thinking):
        return True
    mine = part.provider in (None, target.provider)
    return target.can.thinking_parts and mine and isinstance((part.raw or {}).get("thinking"), list)


def _call(call: ToolCall, target: Target) -> Json:
    return {
        "id": _call_id(call.id, target),
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments_json},
    }


def _call_id(given: str, target: Target) -> str:
    """The id; for an API that is strict about ids, one of its form that stands for another provider's."""
    length = target.can.call_id_length
    if length is None or (len(given) == length and given.isascii() and given.isalnum()):
        return given
    return hashlib.sha256(given.encode()).hexdigest()[:length]


def _result(result: ToolResult, target: Target) -> Json:
    name = {} if result.name is None else {"name": result.name}
    content = _content(result.parts, target)
    return {"role": "tool", "tool_call_id": _call_id(result.call_id, target), **name, "content": content}


def _content(parts: Sequence[Part], target: Target) -> str | list[Any]:
    if all_text(parts):
        return "".join(part.text for part in parts if isinstance(part, Text))
    return [_part(part, target) for part in parts]


def _part(part: Part, target: Target) -> Any:
    match part:
        case Text():
            return {"type": "text", "text": part.text, **_kept(part.extra, target)}
        case Media(kind="image"):
            check_media(part, target)
            inner = {"url": part.data_url(), **_kept(part.extra, target)}
            return {"type": "image_url", "image_url": inner}
        case Media():
            check_media(part, target)
            return _file(part, target.can.file_part)
        case Thinking() | Raw():
            return part.raw if isinstance(part, Thinking) else part.value
    raise target.refuse(f"takes no {type(part).__name__} inside a message", "move it to a message of its own")


def _kept(extra: Mapping[str, Any], target: Target) -> Json:
    """A part's own fields, without the marks of a cache that the API does not have."""
    return {name: one for name, one in extra.items() if name != "cache_control" or target.can.cache_control}


def _file(part: Media, form: str) -> Json:
    if form == "document_url" and part.id is None:
        name = {} if part.name is None else {"document_name": part.name}
        return {"type": "document_url", "document_url": part.data_url(), **name}
    if form == "document_url":
        return {"type": "file", "file_id": part.id}
    if part.id is not None:
        return {"type": "file", "file": {"file_id": part.id}}
    return {"type": "file", "file": {"filename": part.name or "file.pdf", "file_data": part.data_url()}}


def read(view: View, target: Target, **told: Any) -> Reply:
    """The first choice of a completion as a reply; `told` are the facts that are not in its content."""
    choice: Mapping[str, Any] = next(iter(view.get("choices") or ()), {})
    message = choice.get("message") or {}
    calls = tuple(_call_of(call) for call in message.get("tool_calls") or ())
    text, thoughts = _read_content(message, target)
    return Reply(
        text=text,
        thinking="".join(one.text for one in thoughts),
        tool_calls=calls,
        finish_reason=target.can.finish_reason(choice.get("finish_reason")),
        raw_finish_reason=choice.get("finish_reason"),
        model=view.get("model") or target.model,
        provider=target.provider,
        message=message_of(text, thoughts, calls),
        raw=view,
        refusal=message.get("refusal"),
        **told,
    )


def _call_of(call: Mapping[str, Any]) -> ToolCall:
    function = call.get("function") or {}
    return called(call.get("id") or "", function.get("name") or "", function.get("arguments"))


def _read_content(message: Mapping[str, Any], target: Target) -> tuple[str, tuple[Thinking, ...]]:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    thoughts = [
        Thinking(thought_text(one), one, target.provider) for one in parts if one.get("type") == "thinking"
    ]
    thoughts += [
        Thinking(message[name], None, target.provider)
        for name in _REASONING[:2]
        if _is_text(message.get(name))
    ][:1]
    text = "".join(one.get("text", "") for one in parts if one.get("type") == "text")
    return (content if isinstance(content, str) else text), tuple(thoughts)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _first_delta(data: Any) -> Mapping[str, Any] | None:
    choices = data.get("choices") if isinstance(data, dict) else None
    for choice in choices or ():
        if not choice.get("index"):
            delta = choice.get("delta")
            return delta if isinstance(delta, dict) else None
    return None


class Pieces:
    """Reads the chunks of one stream."""

    def __init__(self) -> None:
        self._indexes: dict[Any, int] = {}

    def read(self, data: Any) -> Piece:
        """What this chunk brings to the first choice."""
        delta = _first_delta(data)
        if not delta:
            return NOTHING
        content = delta.get("content")
        calls = delta.get("tool_calls")
        if isinstance(content, str) and not calls and _REASONING_SET.isdisjoint(delta):
            return Piece(content)  # nearly all chunks
        thought = next((delta[name] for name in _REASONING if _is_text(delta.get(name))), "")
        if isinstance(content, list):
            thought += "".join(thought_text(one) for one in content if one.get("type") == "thinking")
            content = "".join(one.get("text", "") for one in content if one.get("type") == "text")
        return Piece(content or "", thought, tuple(map(self._delta, calls)) if calls else ())

    def _delta(self, call: Mapping[str, Any]) -> ToolCallDelta:
        function = call.get("function") or {}
        arguments = function.get("arguments") or ""
        if not isinstance(arguments, str):
            arguments = called("", "", arguments).arguments_json
        return ToolCallDelta(self._index(call), call.get("id"), function.get("name"), arguments)

    def _index(self, call: Mapping[str, Any]) -> int:
        """The place of its call; without one, calls are told apart by id, and a bare piece continues."""
        index, call_id = call.get("index"), call.get("id")
        if isinstance(index, int):
            return index
        if call_id:
            return self._indexes.setdefault(call_id, len(self._indexes))
        return max(0, len(self._indexes) - 1)
