"""A whole unary answer as the events of a stream (R-134), for servers that ignore the stream parameter."""

from __future__ import annotations

from typing import Any

from .profile import Family

Events = list[tuple[str, Any]]


def synthesise(family: Family, result: dict[str, Any]) -> Events | None:
    """The events that accumulate to `result`, the sentinel as None; None if it is no such result."""
    return _chat(result) if family == "chat-completion" else _blocks(result)


def _chat(result: dict[str, Any]) -> Events | None:
    choices = result.get("choices")
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        return None
    chunk = {**result, "object": "chat.completion.chunk", "choices": [_chat_choice(c) for c in choices]}
    return [("message", chunk), ("message", None)]


def _chat_choice(choice: dict[str, Any]) -> dict[str, Any]:
    delta = choice.get("message")
    if isinstance(delta, dict) and isinstance(delta.get("tool_calls"), list):
        calls = [{"index": i, **c} if isinstance(c, dict) else c for i, c in enumerate(delta["tool_calls"])]
        delta = {**delta, "tool_calls": calls}
    return {**{k: v for k, v in choice.items() if k != "message"}, "delta": delta}


def _blocks(result: dict[str, Any]) -> Events | None:
    content = result.get("content")
    if result.get("type") != "message" or not isinstance(content, list):
        return None
    opened = {**result, "content": [], "stop_reason": None, "stop_sequence": None}
    events: Events = [("message_start", {"type": "message_start", "message": opened})]
    for index, block in enumerate(content):
        start = {"type": "content_block_start", "index": index, "content_block": block}
        events.append(("content_block_start", start))
        events.append(("content_block_stop", {"type": "content_block_stop", "index": index}))
    delta = {name: result[name] for name in ("stop_reason", "stop_sequence") if name in result}
    events.append(
        ("message_delta", {"type": "message_delta", "delta": delta, "usage": result.get("usage") or {}})
    )
    events.append(("message_stop", {"type": "message_stop"}))
    return events
