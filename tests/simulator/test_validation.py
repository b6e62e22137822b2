"""What the simulator refuses, held against requests that the providers accepted."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import pytest

from llm_forge.simulator import Request
from llm_forge.simulator.faults import FaultPlan
from llm_forge.simulator.ledger import Entry
from llm_forge.simulator.problems import Failure
from llm_forge.simulator.providers.anthropic import Anthropic
from llm_forge.simulator.providers.groq import Groq
from llm_forge.simulator.providers.mistral import Mistral
from llm_forge.simulator.providers.openai import OpenAI
from llm_forge.simulator.service import Service
from llm_forge.simulator.validation import Validator
from tests.shared import SHARED, needs_shared

PATHS = {
    Anthropic: "/v1/messages",
    OpenAI: "/v1/chat/completions",
    Groq: "/openai/v1/chat/completions",
    Mistral: "/v1/chat/completions",
}
REFUSED_THOUGH_ACCEPTED = {
    ("openai", "messages.0.content.1.image_url"),  # one recorded request has text where an object belongs
    ("openai", "stop"),  # an empty list of stop sequences, which the vendor's document forbids
    ("anthropic", "top_p"),  # -1, through a gateway; top_k too
    ("anthropic", "top_k"),
}


def recorded(provider: str, path: str) -> list[Any]:
    with gzip.open(SHARED / "wire" / "open" / f"{provider}.jsonl.gz") as lines:
        records = [json.loads(line) for line in lines]
    answered = (one for one in records if one["url_path"] == path and one["status"] == 200)
    bodies = (record["request_body"] for record in answered)
    return [body for body in bodies if isinstance(body, dict) and "_dropped" not in body]


@needs_shared
@pytest.mark.parametrize("kind", list(PATHS))
def test_every_request_that_a_provider_accepted_is_answered(kind: Any) -> None:
    clock = iter(range(0, 10**9, 60))
    service = Service(kind(), 0, FaultPlan(), lambda: float(next(clock)), {}, 0.0)
    headers = (("authorization", "Bearer key"), ("anthropic-version", "2023-06-01"))
    entries: Counter[tuple[int, str]] = Counter()
    for body in recorded(kind.name, PATHS[kind]):
        request = Request("POST", PATHS[kind], headers, json.dumps(body).encode(), 0.0, 1)
        turn = service.turn(request, PATHS[kind])
        entry: Entry = service.entry(turn)
        assert list(service.reply(turn, entry).steps())
        entries[entry.status, entry.fault] += 1
    refused = sum(count for (status, _), count in entries.items() if status != 200)
    assert {fault for _, fault in entries} == {""}
    assert entries[200, ""] >= 90
    assert refused <= 10


@needs_shared
@pytest.mark.parametrize("kind", list(PATHS))
def test_only_known_oddities_of_accepted_requests_are_refused(kind: Any) -> None:
    validator = Validator(kind.name)
    odd: set[tuple[str, str]] = set()
    bodies = recorded(kind.name, PATHS[kind])
    for body in bodies:
        try:
            validator.check("messages.create" if kind is Anthropic else "chat.completions.create", body)
        except Failure as failure:
            odd |= {(kind.name, problem.dotted) for problem in failure.problems}
    assert len(bodies) >= 90
    assert odd <= REFUSED_THOUGH_ACCEPTED


def problems(provider: str, **change: Any) -> list[tuple[str, str]]:
    operation = "messages.create" if provider == "anthropic" else "chat.completions.create"
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}], **change}
    try:
        Validator(provider).check(operation, {key: value for key, value in body.items() if value is not ...})
    except Failure as failure:
        return [(problem.kind, problem.dotted) for problem in failure.problems]
    return []


@pytest.mark.parametrize(
    ("provider", "change", "found"),
    [
        ("openai", {}, []),
        ("openai", {"model": ..., "messages": ...}, [("missing", "messages"), ("missing", "model")]),
        ("openai", {"n": 1000}, [("too-large", "n")]),
        ("openai", {"n": True}, [("type", "n")]),
        ("openai", {"n": 2.0}, []),
        ("openai", {"n": None}, []),
        ("openai", {"tools": [{"type": "function", "function": {}}]}, [("missing", "tools.0.function.name")]),
        ("openai", {"tools": [{"type": "next_year", "x": 1}]}, []),
        ("openai", {"service_tier": "next_year"}, []),
        ("openai", {"unknown_field": 1}, []),
        ("openai", {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
         [("missing", "messages.0.content.0.text")]),
        ("openai", {"messages": [{"content": "x"}]}, [("missing", "messages.0.role")]),
        ("anthropic", {"max_tokens": ...}, [("missing", "max_tokens")]),
        ("anthropic", {"tools": [{"name": "t", "input_schema": {"type": "object"}}]}, []),
        ("anthropic", {"tools": [{"name": "t"}]}, [("missing", "tools.0.input_schema")]),
        ("groq", {"messages": [{"role": "nobody", "content": "x"}]}, [("value", "messages.0.role")]),
        ("mistral", {"messages": [7]}, [("type", "messages.0")]),
    ],
)  # fmt: skip
def test_problems_are_found_where_they_are(provider: str, change: dict[str, Any], found: list[Any]) -> None:
    assert sorted(problems(provider, **change)) == found
