"""The form of content blocks: how an `Ask` is written, and how its answers and events are read.

Rules of this file:
- System messages become the `system` parameter, wherever they stood.
- Results of tools that follow each other stand in one user's message, as the API wants them.
- Thoughts go back as they came, with their signatures; thoughts of other providers are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..core.views import View
from .ask import Ask
from .capabilities import Target
from .form import check_media, choice_of, thinking_word
from .messages import all_text, called
from .parts import Media, Message, Part, Raw, Text, Thinking, ToolCall, ToolResult
from .reply import NOTHING, Piece, Reply, ToolCallDelta, message_of
from .tools import NativeTool, Tool

Json = dict[str, Any]


def write(ask: Ask, target: Target) -> Json:
    """The messages and parameters of a request, apart from the plain ones."""
    body: Json = {"messages": _messages([one for one in ask.messages if one.role != "system"], target)}
    if instructions := [part for one in ask.messages if one.role == "system" for part in one.parts]:
        body["system"] = _content(instructions, target)
    if ask.tools:
        body["tools"] = [_tool(one) for one in ask.tools]
    if ask.tool_choice is not None:
        body["tool_choice"] = _choice(ask, target)
    if ask.schema is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema.to_dict()}}
    if ask.thinking is not None:
        body |= _thinking(ask, target)
    return body


def _choice(ask: Ask, target: Target) -> Any:
    choice = choice_of(ask.tool_choice, target)
    if isinstance(choice, str):
        return {"type": choice}
    return choice if choice is not None else {"type": "tool", "name": ask.tool_choice}


def _thinking(ask: Ask, target: Target) -> Json:
    """Thinking with a budget, which comes on top of the tokens for the answer unless you limit both."""
    can = target.can.thinking
    if ask.thinking is False:
        return {can["parameter"]: {"type": "disabled"}}
    budget = ask.thinking
    if budget is True or isinstance(budget, str):
        word = thinking_word(budget, target)
        budget = can["budgets"].get(word)
        if budget is None:
            raise target.refuse(
                f"has no thinking effort {word!r}", f"use {', '.join(can['budgets'])} or a number"
            )
    asked: Json = {can["parameter"]: {"type": "enabled", "budget_tokens": budget}}
    limit = ask.plain.get("max_tokens")
    if limit is None:
        return {**asked, "max_tokens": target.can.required["max_tokens"] + budget}
    if limit <= budget:
        raise target.refuse(f"needs max_tokens above the {budget} for thinking", "raise it, or think less")
    return asked


def _tool(tool: Tool | NativeTool) -> Mapping[str, Any]:
    if isinstance(tool, NativeTool):
        return tool.value
    told = {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
    return told if tool.strict is None else {**told, "strict": tool.strict}


def _messages(messages: Sequence[Message], target: Target) -> list[Json]:
    made: list[Json] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        content = _content(message.parts, target)
        before = made[-1] if made else None
        if message.role == "tool" and before and before["role"] == "user" and _has_results(before["content"]):
            before["content"] = [*before["content"], *content]
        else:
            made.append({"role": role, "content": content, **_own(message)})
    return made


def _own(message: Message) -> Mapping[str, Any]:
    """Fields of a message that are none of another API's, such as the name of a speaker."""
    return {
        name: one for name, one in message.extra.items() if name not in ("name", "refusal", "annotations")
    }


def _has_results(content: Any) -> bool:
    return isinstance(content, list) and any(
        isinstance(one, Mapping) and one.get("type") == "tool_result" for one in content
    )


def _content(parts: Sequence[Part], target: Target) -> Any:
    if len(parts) == 1 and all_text(parts):
        return parts[0].text if isinstance(parts[0], Text) else ""
    return list(_blocks(parts, target))


def _blocks(parts: Sequence[Part], target: Target) -> Iterator[Any]:
    for part in parts:
        match part:
            case Text():
                if part.text:  # an empty block is refused
                    yield {"type": "text", "text": part.text, **part.extra}
            case Media():
                yield _media(part, target)
            case Thinking():
                if _goes_back(part, target):
                    yield part.raw
            case ToolCall():
                yield _use(part, target)
            case ToolResult():
                yield _result(part, target)
            case Raw():
                yield part.value


def _goes_back(part: Thinking, target: Target) -> bool:
    mine = part.provider in (None, target.provider)
    return mine and isinstance(part.raw, Mapping) and ("signature" in part.raw or "data" in part.raw)


def _use(call: ToolCall, target: Target) -> Json:
    if not call.valid:
        raise target.refuse(
            f"takes only JSON as arguments of {call.name}", "leave that call out of the history"
        )
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}


def _result(result: ToolResult, target: Target) -> Json:
    failed = {"is_error": True} if result.is_error else {}
    content = _content(result.parts, target)
    return {
        "type": "tool_result",
        "tool_use_id": result.call_id,
        "content": content,
        **failed,
        **result.extra,
    }


def _media(part: Media, target: Target) -> Json:
    check_media(part, target)
    sources = {
        "data": {"type": "base64", "media_type": part.media_type, "data": part.data},
        "url": {"type": "url", "url": part.url},
        "id": {"type": "file", "file_id": part.id},
    }
    extra = {name: one for name, one in part.extra.items() if name != "detail"}
    named = {"title": part.name} if part.kind == "file" and part.name else {}
    kind = "image" if part.kind == "image" else "document"
    return {"type": kind, "source": sources[part.source], **named, **extra}


def read(view: View, target: Target, **told: Any) -> Reply:
    """A message as a reply; `told` are the facts that are not in its content."""
    blocks = [block for block in view.get("content") or () if isinstance(block, Mapping)]
    text = "".join(block.get("text") or "" for block in blocks if block.get("type") == "text")
    thoughts = tuple(
        Thinking(block.get("thinking") or "", block, target.provider)
        for block in blocks
        if block.get("type") in ("thinking", "redacted_thinking")
    )
    calls = tuple(_call_of(block) for block in blocks if block.get("type") == "tool_use")
    return Reply(
        text=text,
        thinking="".join(one.text for one in thoughts),
        tool_calls=calls,
        finish_reason=target.can.finish_reason(view.get("stop_reason")),
        raw_finish_reason=view.get("stop_reason"),
        model=view.get("model") or target.model,
        provider=target.provider,
        message=message_of(text, thoughts, calls),
        raw=view,
        **told,
    )


def _call_of(block: Mapping[str, Any]) -> ToolCall:
    unread = block.get("input_raw")
    made = called(block.get("id") or "", block.get("name") or "", block.get("input") or {})
    if block.get("input_valid", True) and unread is None:
        return made
    return ToolCall(made.id, made.name, made.arguments, unread or json.dumps(made.arguments), valid=False)


class Pieces:
    """Reads the events of one stream."""

    def __init__(self) -> None:
        self._calls: dict[Any, int] = {}

    def read(self, data: Any) -> Piece:
        """What this event brings."""
        kind = data.get("type") if isinstance(data, dict) else None
        if kind == "content_block_start":
            return self._started(data.get("index"), data.get("content_block") or {})
        if kind != "content_block_delta":
            return NOTHING
        delta = data.get("delta") or {}
        match delta.get("type"):
            case "text_delta":
                return Piece(delta.get("text") or "")
            case "thinking_delta":
                return Piece(thinking=delta.get("thinking") or "")
            case "input_json_delta" if data.get("index") in self._calls and delta.get("partial_json"):
                at = self._calls[data["index"]]
                return Piece(tool_calls=(ToolCallDelta(at, arguments=delta["partial_json"]),))
        return NOTHING

    def _started(self, index: Any, block: Mapping[str, Any]) -> Piece:
        """Blocks may arrive with content already."""
        if block.get("type") == "tool_use":
            at = self._calls[index] = len(self._calls)
            whole = json.dumps(block["input"]) if block.get("input") else ""
            return Piece(tool_calls=(ToolCallDelta(at, block.get("id"), block.get("name"), whole),))
        return Piece(block.get("text") or "", block.get("thinking") or "")
