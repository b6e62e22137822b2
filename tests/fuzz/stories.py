"""Random well-formed streams of every family, with the facts that they add up to, kept beside the events."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, get_args

from llm_forge.core.profile import Family

from . import typed_stories
from .telling import SENTINEL, Facts, Story, interleaved, pieces, some_text
from .values import json_value


def story(family: Family, chance: Random) -> Story:
    """A random stream of this family; KeyError for a family that nobody wrote stories for."""
    return _STORIES[family](chance)


def _chat(chance: Random) -> Story:
    facts: Facts = {}
    count = chance.randint(1, 3)
    opened = [_chunk(index, {"role": "assistant", "content": ""}) for index in range(count)]
    # As every provider does it, all choices open before the first of them ends.
    told = [_choice(index, chance, facts) for index in range(count)]
    usage = [{"id": "c", "choices": [], "usage": {"total_tokens": 7}}]
    events = [*opened, *interleaved(told, chance), *usage, SENTINEL]
    return Story("chat-completion", events, facts, _chat_facts)


def _choice(index: int, chance: Random, facts: Facts) -> list[Any]:
    content, calls = some_text(chance), chance.choice([0, 0, 1, 3])
    facts[index, "content"] = content
    lines = [[{"content": piece} for piece in pieces(content, chance)]]
    if chance.random() < 0.3:
        facts[index, "refusal"] = refusal = some_text(chance) + "no"
        lines.append([{"refusal": piece} for piece in pieces(refusal, chance)])
    for place in range(calls):
        arguments = json.dumps({"x": json_value(chance)})
        facts[index, "call", f"call_{place}"] = (f"tool_{place}", arguments)
        lines.append(_call(place, arguments, chance))
    reason = chance.choice(["stop", "length", "tool_calls", "never heard of"])
    facts[index, "finish"] = reason
    return [*(_chunk(index, delta) for delta in interleaved(lines, chance)), _chunk(index, {}, reason)]


def _call(place: int, arguments: str, chance: Random) -> list[Any]:
    function = {"name": f"tool_{place}", "arguments": ""}
    first = {"index": place, "id": f"call_{place}", "type": "function", "function": function}
    rest = [{"index": place, "function": {"arguments": piece}} for piece in pieces(arguments, chance)]
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
        *interleaved([*lines, [{"type": "ping"}]], chance),
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
        facts[index, kind] = text = some_text(chance)
        start[kind] = ""
        deltas = [{"type": f"{kind}_delta", kind: piece} for piece in pieces(text, chance)]
    elif kind == "tool_use":
        facts[index, "input"] = value = {"x": json_value(chance)}
        start["input"] = {}
        texts = pieces(json.dumps(value), chance)
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in texts]
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


_STORIES: dict[Family, Callable[[Random], Story]] = {
    "chat-completion": _chat,
    "block-event": _blocks,
    "response": typed_stories.response,
    "conversation": typed_stories.conversation,
    "events": typed_stories.events,
}
FAMILIES: tuple[Family, ...] = get_args(Family)
