"""Nothing in the simulator's answers is invented: recorded answers have every field of ours."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from llm_forge.simulator import Simulator
from tests.shared import SHARED, needs_shared

from .ask import PROVIDERS, ask
from .wire import fetch

RECORDED = {
    "anthropic": "/v1/messages",
    "openai": "/v1/chat/completions",
    "groq": "/openai/v1/chat/completions",
    "mistral": "/v1/chat/completions",
}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}
USAGE = {"stream_options": {"include_usage": True}}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "anthropic": [
        {"tools": [{"name": "get_weather", "input_schema": PARAMETERS}]},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    ],
    "openai": [{"tools": [FUNCTION]}, {"model": "gpt-5"}, {"n": 2}, USAGE],
    "groq": [{"tools": [FUNCTION]}, {"model": "openai/gpt-oss-20b"}, USAGE],
    "mistral": [{"tools": [FUNCTION]}, {"model": "magistral-medium-latest"}],
}


def fields(value: Any, path: str = "") -> Iterator[str]:
    """`choices[].message.role` and so on."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{path}.{key}"
            yield from fields(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from fields(item, f"{path}[]")


def values(body: str, *, stream: bool) -> Iterator[Any]:
    """The JSON of a recorded body, or of the data lines of a stream."""
    texts = (line[6:] for line in body.split("\n") if line.startswith("data: ")) if stream else [body]
    for text in texts:
        try:
            yield json.loads(text)
        except ValueError:
            continue


def recorded(provider: str, *, stream: bool, path: str | None = None) -> set[str]:
    found: set[str] = set()
    with gzip.open(SHARED / "wire" / "open" / f"{provider}.jsonl.gz") as lines:
        for record in map(json.loads, lines):
            same = (record["url_path"], record["status"]) == (path or RECORDED[provider], 200)
            if same and record["is_stream"] == stream:
                for value in values(record["response_body"], stream=stream):
                    found |= set(fields(value))
    return found


@needs_shared
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_field_is_one_that_the_vendor_sends(provider: str, stream: bool) -> None:
    made: set[str] = set()
    with Simulator() as sim:
        for variant in ({}, *VARIANTS[provider]):
            arguments = {"max_tokens": 3000, **variant, "stream": stream}
            answer = ask(sim, provider, "What is the weather in Paris?", **arguments)
            assert answer.status == 200
            for value in answer.chunks if stream else [answer.json]:
                made |= set(fields(value))
    assert len(made) > 15
    assert made - recorded(provider, stream=stream) == set()


SERVICES: dict[str, dict[str, Any]] = {
    "/v1/agents": {"model": "m", "name": "Gardener", "instructions": "Be brief."},
    "/v1/fim/completions": {"model": "m", "prompt": "def area(radius):"},
    "/v1/moderations": {"model": "m", "input": "Good morning"},
    "/v1/chat/moderations": {"model": "m", "input": [{"role": "user", "content": "Good morning"}]},
    "/v1/ocr": {"model": "m", "document": {"type": "document_url", "document_url": "a.pdf"}},
}


@needs_shared
@pytest.mark.parametrize("path", SERVICES)
def test_every_field_of_a_service_of_mistral_is_one_that_it_sends(path: str) -> None:
    with Simulator() as sim:
        answer = fetch(f"{sim.base_urls['mistral']}{path}", SERVICES[path])
    assert answer.status == 200
    assert len(set(fields(answer.json))) >= 10
    assert set(fields(answer.json)) - recorded("mistral", stream=False, path=path) == set()
