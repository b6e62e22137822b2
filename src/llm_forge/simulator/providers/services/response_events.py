"""The events of a streamed response, in the order in which OpenAI sends them; there is no `[DONE]`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from ...text import tokens
from ..provider import Json, Turn, compact

_FRAGMENT = 5


def events_of(turn: Turn, response: Json) -> Iterator[str]:
    """The events of a response."""
    numbers = itertools.count()
    begun = {**response, "status": "in_progress", "completed_at": None, "output": [], "usage": None}
    begun["incomplete_details"] = None
    for kind in ("response.created", "response.in_progress"):
        yield _event(kind, next(numbers), response=begun)
    for index, item in enumerate(response["output"]):
        for kind, fields in _item_events(turn, item, index):
            yield _event(kind, next(numbers), **fields)
    yield _event(f"response.{response['status']}", next(numbers), response=response)


def _event(kind: str, number: int, **fields: Any) -> str:
    return f"event: {kind}\ndata: {compact({'type': kind, 'sequence_number': number, **fields})}\n\n"


def _item_events(turn: Turn, item: Json, index: int) -> Iterator[tuple[str, Json]]:
    place = {"output_index": index}
    begun = {**item, **({"status": "in_progress"} if "status" in item else {})}
    begun |= {name: empty for name, empty in (("content", []), ("arguments", "")) if name in item}
    yield "response.output_item.added", {**place, "item": begun}
    if item["type"] == "message":
        yield from _text_events(turn, item, index)
    elif item["type"] == "function_call":
        yield from _call_events(turn, item, index)
    yield "response.output_item.done", {**place, "item": item}


def _text_events(turn: Turn, item: Json, index: int) -> Iterator[tuple[str, Json]]:
    place = {"item_id": item["id"], "output_index": index, "content_index": 0}
    part = item["content"][0]
    yield "response.content_part.added", {**place, "part": {**part, "text": ""}}
    for number, token in enumerate(tokens(part["text"])):
        padded = {"delta": token, "logprobs": [], "obfuscation": turn.padding(number)}
        yield "response.output_text.delta", {**place, **padded}
    yield "response.output_text.done", {**place, "text": part["text"], "logprobs": []}
    yield "response.content_part.done", {**place, "part": part}


def _call_events(turn: Turn, item: Json, index: int) -> Iterator[tuple[str, Json]]:
    place = {"item_id": item["id"], "output_index": index}
    arguments = item["arguments"]
    for number, start in enumerate(range(0, len(arguments), _FRAGMENT)):
        piece = {"delta": arguments[start : start + _FRAGMENT], "obfuscation": turn.padding(number)}
        yield "response.function_call_arguments.delta", {**place, **piece}
    yield "response.function_call_arguments.done", {**place, "arguments": arguments, "name": item["name"]}
