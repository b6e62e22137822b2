"""Random well-formed streams of every family, with the facts that they add up to, kept beside the events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, get_args

from llm_forge.core.profile import Family

from .values import STRINGS, json_value

Facts = dict[tuple[Any, ...], Any]
SENTINEL = "[DONE]"


@dataclass(frozen=True)
class Story:
    """Events in their order, `facts` that the message must have in the end, and how to read them from it."""

    family: Family
    events: list[Any]
    facts: Facts
    read: Callable[[dict[str, Any]], Facts]

    def wire(self) -> bytes:
        """The stream's body."""
        return wire(self.events)


def wire(events: list[Any]) -> bytes:
    """Events as server-sent events; one with a `type` is named after it."""
    return "".join(map(_event, events)).encode("utf-8", "replace")


def _event(value: Any) -> str:
    if value == SENTINEL:
        return f"data: {SENTINEL}\n\n"
    kind = value.get("type") if isinstance(value, dict) else None
    name = f"event: {kind}\n" if isinstance(kind, str) and kind.isidentifier() else ""
    return f"{name}data: {json.dumps(value, ensure_ascii=False)}\n\n"


def story(family: Family, chance: Random) -> Story:
    """A random stream of this family; KeyError for a family that nobody wrote stories for."""
    return _STORIES[family](chance)


def _pieces(text: str, chance: Random) -> list[str]:
    cuts = sorted(chance.randint(0, len(text)) for _ in range(chance.randint(0, 4)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _text(chance: Random) -> str:
    return "".join(chance.choices(STRINGS, k=chance.randint(0, 4)))


def _interleaved(lines: list[list[Any]], chance: Random) -> Iterator[Any]:
    """The entries of all lines, each line in its own order, the lines mixed."""
    lines = [list(line) for line in lines if line]
    while lines:
        line = chance.choice(lines)
        yield line.pop(0)
        lines = [line for line in lines if line]


def _chat(chance: Random) -> Story:
    facts: Facts = {}
    count = chance.randint(1, 3)
    opened = [_chunk(index, {"role": "assistant", "content": ""}) for index in range(count)]
    # As every provider does it, all choices open before the first of them ends.
    told = [_choice(index, chance, facts) for index in range(count)]
    usage = [{"id": "c", "choices": [], "usage": {"total_tokens": 7}}]
    events = [*opened, *_interleaved(told, chance), *usage, SENTINEL]
    return Story("chat-completion", events, facts, _chat_facts)


def _choice(index: int, chance: Random, facts: Facts) -> list[Any]:
    content, calls = _text(chance), chance.choice([0, 0, 1, 3])
    facts[index, "content"] = content
    lines = [[{"content": piece} for piece in _pieces(content, chance)]]
    if chance.random() < 0.3:
        facts[index, "refusal"] = refusal = _text(chance) + "no"
        lines.append([{"refusal": piece} for piece in _pieces(refusal, chance)])
    for place in range(calls):
        arguments = json.dumps({"x": json_value(chance)})
        facts[index, "call", f"call_{place}"] = (f"tool_{place}", arguments)
        lines.append(_call(place, arguments, chance))
    reason = chance.choice(["stop", "length", "tool_calls", "never heard of"])
    facts[index, "finish"] = reason
    return [*(_chunk(index, delta) for delta in _interleaved(lines, chance)), _chunk(index, {}, reason)]


def _call(place: int, arguments: str, chance: Random) -> list[Any]:
    function = {"name": f"tool_{place}", "arguments": ""}
    first = {"index": place, "id": f"call_{place}", "type": "function", "function": function}
    rest = [{"index": place, "function": {"arguments": piece}} for piece in _pieces(arguments, chance)]
    return [{"tool_calls": [delta]} for delta in (first, *rest)]


def _chunk(index: int, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}


def _chat_facts(message: dict[str, Any]) -> Facts:
    facts: Facts = {}
    for choice in message["choices"]:
        index, body = choice["index"], choice["message"]
        facts.update({(index, name): body[name] for name in ("content", "refusal") if name in body})
        facts[index, "finish"] = choice["finish_reason"]
        for call in body.get("tool_calls", []):
            facts[index, "call", call["id"]] = (call["function"]["name"], call["function"]["arguments"])
    return facts


def _blocks(chance: Random) -> Story:
    facts: Facts = {}
    lines = [_block(index, chance, facts) for index in range(chance.randint(0, 4))]
    reason = chance.choice(["end_turn", "tool_use", "never heard of"])
    facts["finish",] = reason
    events = [
        {"type": "message_start", "message": {"id": "m", "content": [], "stop_reason": None}},
        *_interleaved([*lines, [{"type": "ping"}]], chance),
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 3}},
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ]
    return Story("block-event", events, facts, _block_facts)


def _block(index: int, chance: Random, facts: Facts) -> list[Any]:
    kind = chance.choice(["text", "thinking", "tool_use", "redacted_thinking"])
    start: dict[str, Any] = {"type": kind, "id": index}
    deltas: list[dict[str, Any]] = []
    if kind in ("text", "thinking"):
        facts[index, kind] = text = _text(chance)
        start[kind] = ""
        deltas = [{"type": f"{kind}_delta", kind: piece} for piece in _pieces(text, chance)]
    elif kind == "tool_use":
        facts[index, "input"] = value = {"x": json_value(chance)}
        start["input"] = {}
        pieces = _pieces(json.dumps(value), chance)
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    else:
        facts[index, "data"] = start["data"] = json_value(chance)
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _block_facts(message: dict[str, Any]) -> Facts:
    facts: Facts = {("finish",): message.get("stop_reason")} if message else {}
    for block in message.get("content", []):
        names = ("text", "thinking", "input", "data")
        facts.update({(block["id"], name): block[name] for name in names if name in block})
    return facts


_STORIES: dict[Family, Callable[[Random], Story]] = {"chat-completion": _chat, "block-event": _blocks}
FAMILIES: tuple[Family, ...] = get_args(Family)
