"""Random well-formed streams of the families whose events are typed: response, conversation, events."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from .telling import Facts, Story, interleaved, pieces, some_text
from .values import json_value


def response(chance: Random) -> Story:
    """A stream of the Responses form."""
    facts: Facts = {}
    items = [_item(index, chance, facts) for index in range(chance.randint(0, 4))]
    ending = chance.choice(["completed", "incomplete"])
    head = {"id": "r", "object": "response", "status": "in_progress", "output": []}
    whole = {**head, "status": ending, "output": [item for item, _ in items], "usage": {"output_tokens": 7}}
    facts["status",] = ending
    events = [
        {"type": "response.created", "response": head},
        *interleaved([*(told for _, told in items), [{"type": "keepalive"}]], chance),
        {"type": f"response.{ending}", "response": whole},
    ]
    return Story("response", events, facts, _response_facts)


def _item(index: int, chance: Random, facts: Facts) -> tuple[dict[str, Any], list[Any]]:
    kind = chance.choice(["message", "function_call", "reasoning", "web_search_call"])
    item = {"id": f"i{index}", "type": kind}
    place = {"item_id": item["id"], "output_index": index}
    whole: dict[str, Any] = item
    told: list[Any] = []
    if kind == "message":
        whole, told = _parts(item, place, "content", ("output_text", "refusal"), chance, facts)
    elif kind == "reasoning":
        whole, told = _parts(item, place, "summary", ("summary_text",), chance, facts)
    elif kind == "function_call":
        arguments = json.dumps({"x": json_value(chance)})
        facts[item["id"], "arguments"] = arguments
        whole = {**item, "arguments": arguments}
        stem = "response.function_call_arguments"
        told = [{"type": f"{stem}.delta", **place, "delta": piece} for piece in pieces(arguments, chance)]
    start = {"type": "response.output_item.added", "output_index": index, "item": item}
    done = {"type": "response.output_item.done", "output_index": index, "item": whole}
    return whole, [start, *told, done]


_STEMS = {
    "output_text": "response.output_text",
    "refusal": "response.refusal",
    "summary_text": "response.reasoning_summary_text",
}


def _parts(
    item: dict[str, Any],
    place: dict[str, Any],
    name: str,
    kinds: tuple[str, ...],
    chance: Random,
    facts: Facts,
) -> tuple[dict[str, Any], list[Any]]:
    parts, told = [], []
    for at in range(chance.randint(1, 2)):
        kind, text = chance.choice(kinds), some_text(chance)
        field = "refusal" if kind == "refusal" else "text"
        facts[item["id"], name, at] = text
        parts.append({"type": kind, field: text})
        where = {**place, f"{name}_index": at}
        if name == "content":
            told.append({"type": "response.content_part.added", **where, "part": {"type": kind, field: ""}})
        told += [{"type": f"{_STEMS[kind]}.delta", **where, "delta": piece} for piece in pieces(text, chance)]
        told.append({"type": f"{_STEMS[kind]}.done", **where, field: text})
    return {**item, name: parts}, told


def _response_facts(message: Any) -> Facts:
    facts: Facts = {}
    if message.get("status") not in (None, "in_progress"):
        facts["status",] = message["status"]
    for item in message.get("output", []):
        if "arguments" in item:
            facts[item["id"], "arguments"] = item["arguments"]
        for name in ("content", "summary"):
            for at, part in enumerate(item.get(name, [])):
                facts[item["id"], name, at] = part.get("text", part.get("refusal"))
    return facts


def conversation(chance: Random) -> Story:
    """A stream of Mistral's conversations."""
    facts: Facts = {}
    told = [_entry(index, chance, facts) for index in range(chance.randint(0, 4))]
    facts["usage",] = 7
    events = [
        {"type": "conversation.response.started", "conversation_id": "c"},
        *interleaved(told, chance),
        {"type": "conversation.response.done", "usage": {"total_tokens": 7}},
    ]
    return Story("conversation", events, facts, _conversation_facts)


def _entry(index: int, chance: Random, facts: Facts) -> list[Any]:
    place: dict[str, Any] = {"id": f"e{index}", "output_index": index}
    if chance.random() < 0.5:
        facts[place["id"], "content"] = text = some_text(chance)
        kind = "message.output.delta"
        return [
            {"type": kind, **place, "content_index": 0, "content": piece} for piece in pieces(text, chance)
        ]
    arguments = json.dumps({"x": json_value(chance)})
    facts[place["id"], "arguments"] = arguments
    if chance.random() < 0.5:
        first = {"name": "f", "tool_call_id": "t"}
        deltas = pieces(arguments, chance)
        return [{"type": "function.call.delta", **place, **first, "arguments": piece} for piece in deltas]
    started = {"type": "tool.execution.started", **place, "name": "web", "arguments": ""}
    deltas = pieces(arguments, chance)
    grown = [{"type": "tool.execution.delta", **place, "name": "web", "arguments": piece} for piece in deltas]
    return [started, *grown, {"type": "tool.execution.done", **place, "name": "web", "info": {}}]


def _conversation_facts(message: Any) -> Facts:
    facts: Facts = {}
    if "usage" in message:
        facts["usage",] = message["usage"]["total_tokens"]
    for entry in message.get("outputs", []):
        facts.update({(entry["id"], name): entry[name] for name in ("content", "arguments") if name in entry})
    return facts


def events(chance: Random) -> Story:
    """A stream of typed events that add up to nothing but their list."""
    told: list[Any] = [
        {"type": "speech.delta", "delta": some_text(chance)} for _ in range(chance.randint(0, 5))
    ]
    told.append({"type": "speech.done", "usage": {"output_tokens": 7}})
    facts: Facts = {(at, "delta"): event.get("delta", "") for at, event in enumerate(told)}
    return Story("events", told, facts, _event_facts)


def _event_facts(collected: Any) -> Facts:
    return {(at, "delta"): event.get("delta", "") for at, event in enumerate(collected)}
