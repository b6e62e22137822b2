"""A whole unary answer as the events of a stream (R-134), for servers that ignore the stream parameter."""

from __future__ import annotations

from typing import Any

from .profile import Family

Events = list[tuple[str, Any]]


def synthesise(family: Family, result: dict[str, Any]) -> Events | None:
    """The events that accumulate to `result`, the sentinel as None; None if it is no such result.

    Typed events that add up to nothing cannot be guessed: there the whole answer is the only event.
    """
    match family:
        case "chat-completion":
            return _chat(result)
        case "block-event":
            return _blocks(result)
        case "response":
            return _response(result)
        case "conversation":
            return _conversation(result)
        case "events":
            return [("message", result), ("message", None)]


def _chat(result: dict[str, Any]) -> Events | None:
    choices = result.get("choices")
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        return None
    chunk = {**result, "choices": [_chat_choice(c) for c in choices]}
    if any("message" in choice for choice in choices):
        chunk["object"] = "chat.completion.chunk"
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


def _response(result: dict[str, Any]) -> Events | None:
    if result.get("object") != "response" or not isinstance(result.get("output"), list):
        return None
    opened = {**result, "status": "in_progress", "output": []}
    events = [_typed("response.created", response=opened)]
    for index, item in enumerate(result["output"]):
        events += [
            _typed(f"response.output_item.{word}", output_index=index, item=item)
            for word in ("added", "done")
        ]
    status = result.get("status")
    ending = status if status in ("incomplete", "failed") else "completed"
    return [*events, _typed(f"response.{ending}", response=result)]


def _conversation(result: dict[str, Any]) -> Events | None:
    outputs = result.get("outputs")
    if not isinstance(outputs, list) or not all(isinstance(entry, dict) for entry in outputs):
        return None
    head = {name: value for name, value in result.items() if name != "outputs"}
    events = [_typed("conversation.response.started", **head)]
    for index, entry in enumerate(outputs):
        events += [_typed(f"{entry.get('type')}.delta", **delta) for delta in _entry_deltas(index, entry)]
    return [*events, _typed("conversation.response.done")]


def _entry_deltas(index: int, entry: dict[str, Any]) -> list[dict[str, Any]]:
    whole = {**entry, "output_index": index}
    chunks = entry.get("content")
    if not isinstance(chunks, list) or not chunks:
        return [whole]
    place = {name: whole[name] for name in ("id", "output_index") if name in whole}
    rest = [{**place, "content_index": at, "content": chunk} for at, chunk in enumerate(chunks)]
    return [{**whole, **rest[0]}, *rest[1:]]


def _typed(kind: str, **fields: Any) -> tuple[str, Any]:
    return kind, {**fields, "type": kind}
