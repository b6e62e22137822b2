"""The events of a streamed conversation: begun, what each entry brings, done; there is no `[DONE]`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...text import tokens
from ..provider import Json, Turn, compact
from .number_pages import zulu

_FRAGMENT = 5


def events_of(turn: Turn, conversation: str, outputs: Sequence[Json], usage: Json) -> Iterator[str]:
    """The events of an answer."""
    moment = {"created_at": zulu(turn.now)}
    yield _event("conversation.response.started", **moment, conversation_id=conversation)
    for index, entry in enumerate(outputs):
        place = {**moment, "output_index": index, "id": entry["id"]}
        for kind, fields in _MAKERS[entry["type"]](entry):
            yield _event(kind, **place, **fields)
    yield _event("conversation.response.done", **moment, usage=usage)


def _event(kind: str, **fields: Any) -> str:
    return f"event: {kind}\ndata: {compact({'type': kind, **fields})}\n\n"


def _message(entry: Json) -> Iterator[tuple[str, Json]]:
    speaker = {name: entry[name] for name in ("model", "agent_id", "role")}
    content = entry["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for at, part in enumerate(parts):
        for piece in _pieces(part):
            yield "message.output.delta", {**speaker, "content_index": at, "content": piece}


def _pieces(part: Json) -> Iterator[str | Json]:
    """A text as text, thoughts as parts of their own."""
    if part["type"] == "text":
        yield from tokens(part["text"]) or [""]
    else:
        for token in tokens(part["thinking"][0]["text"]):
            yield {"type": "thinking", "thinking": [{"type": "text", "text": token}]}


def _call(entry: Json) -> Iterator[tuple[str, Json]]:
    names = ("model", "agent_id", "name", "tool_call_id", "confirmation_status")
    told = {name: entry[name] for name in names}
    for piece in _fragments(entry["arguments"]):
        yield "function.call.delta", {**told, "arguments": piece}


def _execution(entry: Json) -> Iterator[tuple[str, Json]]:
    name = {"name": entry["name"]}
    first, *rest = _fragments(entry["arguments"])
    speaker = {"model": entry["model"], "agent_id": entry["agent_id"]}
    yield "tool.execution.started", {**name, **speaker, "arguments": first}
    for piece in rest:
        yield "tool.execution.delta", {**name, "arguments": piece}
    yield "tool.execution.done", {**name, "info": entry["info"]}


def _handoff(entry: Json) -> Iterator[tuple[str, Json]]:
    for kind, whose in (("started", "previous"), ("done", "next")):
        names = (f"{whose}_agent_id", f"{whose}_agent_name")
        yield f"agent.handoff.{kind}", {name: entry[name] for name in names}


def _fragments(text: str) -> list[str]:
    return [text[start : start + _FRAGMENT] for start in range(0, len(text), _FRAGMENT)] or [""]


_MAKERS = {
    "message.output": _message,
    "function.call": _call,
    "tool.execution": _execution,
    "agent.handoff": _handoff,
}
