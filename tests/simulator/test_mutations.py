"""Mutated requests: the simulator answers or refuses in the vendor's words, and never fails itself."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from llm_forge.simulator import Request
from llm_forge.simulator.faults import FaultPlan
from llm_forge.simulator.providers.anthropic import Anthropic
from llm_forge.simulator.providers.groq import Groq
from llm_forge.simulator.providers.mistral import Mistral
from llm_forge.simulator.providers.openai import OpenAI
from llm_forge.simulator.service import Service

PATHS = {
    Anthropic: "/v1/messages",
    OpenAI: "/v1/chat/completions",
    Groq: "/openai/v1/chat/completions",
    Mistral: "/v1/chat/completions",
}
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 2},
        "unit": {"enum": ["C", "F"]},
        "days": {"type": "integer", "minimum": 1},
        "more": {"type": "array", "items": {"$ref": "#/properties/unit"}},
        "self": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    },
    "required": ["city", "more", "self"],
}
BLOCKS = {
    "model": "m",
    "max_tokens": 100,
    "messages": [
        {"role": "user", "content": "weather in Paris"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "x", "name": "weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "ok"}]},
    ],
    "system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}],
    "tools": [{"name": "weather", "input_schema": SCHEMA}],
    "tool_choice": {"type": "any"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "stop_sequences": ["x"],
    "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
}
FUNCTION = {"name": "weather", "description": "", "parameters": SCHEMA}
CALL = {"id": "call00001", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
CHAT = {
    "model": "m",
    "max_tokens": 100,
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "weather in Paris"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call00001", "content": "ok"},
    ],
    "tools": [{"type": "function", "function": FUNCTION}],
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": True,
    "stop": ["x"],
    "n": 1,
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
}
VALUES: list[Any] = [
    None, True, False, 0, -1, 1e308, 3.5, "", "x", [], {}, [None], [[]], {"type": "text"}, {"a": 1},
    10**30, "\ud800", ["x", 1], {"$ref": "#/a"}, [{"role": "user"}],
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def mutated(body: dict[str, Any], source: random.Random) -> dict[str, Any]:
    """The body with one place dropped or replaced, and sometimes a second."""
    for _ in range(source.choice((1, 1, 2))):
        body = copy.deepcopy(body)
        *way, last = source.choice(list(places(body)))
        target: Any = body
        for key in way:
            target = target[key]
        if source.random() < 0.25:
            del target[last]
        else:
            target[last] = copy.deepcopy(source.choice(VALUES))
    return body


@pytest.mark.parametrize("kind", list(PATHS))
def test_a_mutated_request_never_breaks_the_simulator(kind: Any) -> None:
    clock = iter(range(0, 10**9, 60))
    service = Service(kind(), 0, FaultPlan(), lambda: float(next(clock)), {}, 0.0)
    source = random.Random(5)
    headers = (("authorization", "Bearer key"), ("anthropic-version", "2023-06-01"))
    statuses: set[int] = set()
    for _ in range(400):
        body = mutated(BLOCKS if kind is Anthropic else CHAT, source)
        body.setdefault("stream", source.random() < 0.5)
        request = Request("POST", PATHS[kind], headers, json.dumps(body).encode(), 0.0, 1)
        turn = service.turn(request, PATHS[kind])
        entry = service.entry(turn)
        assert list(service.reply(turn, entry).steps())
        assert entry.fault == "", body
        statuses.add(entry.status)
    assert statuses <= {200, 400, 422}
    assert len(statuses) == 2
