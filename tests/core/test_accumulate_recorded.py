"""Recorded streams: the accumulated message has exactly what the events carry.

A seeded sample is tested; `LLM_FORGE_ALL_RECORDS=1` tests every record.
"""

from __future__ import annotations

import gzip
import json
import os
import random
from typing import Any

import pytest
from tests.shared import SHARED, needs_shared

from llm_forge.core.accumulate import Accumulator, accumulator
from llm_forge.core.codec import decode
from llm_forge.core.error_body import stream_error
from llm_forge.core.profile import Family, Profile
from llm_forge.core.redact import Redactor
from llm_forge.core.sse import SseDecoder

PATHS = {
    "anthropic": ("/v1/messages", "block-event"),
    "openai": ("/v1/chat/completions", "chat-completion"),
    "groq": ("/openai/v1/chat/completions", "chat-completion"),
    "mistral": ("/v1/chat/completions", "chat-completion"),
}
SAMPLE = 10_000 if os.environ.get("LLM_FORGE_ALL_RECORDS") else 60

pytestmark = [needs_shared, pytest.mark.requirement("R-169")]


def recorded(provider: str) -> list[str]:
    """The bodies of the 2xx streams, a seeded sample."""
    path = PATHS[provider][0]
    with gzip.open(SHARED / "wire" / "open" / f"{provider}.jsonl.gz", "rt") as lines:
        records = [
            json.loads(line) for line in lines if '"is_stream": true' in line or '"is_stream":true' in line
        ]
    found = [r["response_body"] for r in records if r["url_path"] == path and 200 <= r["status"] < 300]
    return random.Random(20).sample(found, min(SAMPLE, len(found)))


def naive_events(body: str) -> list[Any]:
    """The JSON of every data line, up to the sentinel; enough for these bodies, without our decoder."""
    values = [line.removeprefix("data:").strip() for line in body.splitlines() if line.startswith("data:")]
    return [json.loads(value) for value in values if value != "[DONE]"]


def accumulated(body: str, family: Family, seed: int) -> tuple[Accumulator, Any]:
    """Our own way, in random chunks; the second value is the error event, if the stream has one."""
    chance, raw, made, decoder = random.Random(seed), body.encode(), accumulator(family), SseDecoder()
    error, at = None, 0
    while at < len(raw):
        size = chance.randint(1, 3000)
        for event in decoder.feed(raw[at : at + size]):
            data = None if made.is_sentinel(event.data) else decode(event.data.encode())
            error = error or stream_error(
                data, profile=Profile("p", "https://p"), redactor=Redactor(), request_id=None
            )
            if error is None:
                made.add(event.event, data)
        at += size
    assert decoder.finish() is None
    return made, error


def texts_in(content: Any, kind: str) -> str:
    """Text or thinking of a chat message's content, whatever its form."""
    if isinstance(content, str):
        return content if kind == "text" else ""
    found = ""
    for part in content or []:
        if part["type"] == kind == "text":
            found += part["text"]
        elif part["type"] == kind:
            found += "".join(piece["text"] for piece in part["thinking"])
    return found


def chat_facts(events: list[Any], index: int) -> dict[str, Any]:
    """What the chunks carry for one choice, computed the straightforward way."""
    facts: dict[str, Any] = {"text": "", "thinking": "", "reasoning": "", "refusal": "", "calls": {}}
    facts |= {"usage": None, "finish": None}
    for number, event in enumerate(events):
        facts["usage"] = event.get("usage") or event.get("x_groq", {}).get("usage") or facts["usage"]
        for choice in [choice for choice in event.get("choices", []) if choice["index"] == index]:
            delta = choice["delta"]
            facts["finish"] = choice["finish_reason"] or facts["finish"]
            facts["text"] += texts_in(delta.get("content"), "text")
            facts["thinking"] += texts_in(delta.get("content"), "thinking")
            facts["reasoning"] += delta.get("reasoning") or ""
            facts["refusal"] += delta.get("refusal") or ""
            for place, call in enumerate(delta.get("tool_calls") or []):
                key = call.get("index", (number, place))
                known = facts["calls"].setdefault(key, {"id": call.get("id"), "args": ""})
                known["name"] = known.get("name") or call["function"]["name"]
                known["args"] += call["function"].get("arguments") or ""
    return facts


@pytest.mark.parametrize("provider", ["openai", "groq", "mistral"])
def test_ac_14_recorded_chat_streams_accumulate_to_what_their_chunks_carry(provider: str) -> None:
    bodies = recorded(provider)
    assert len(bodies) >= 19
    errors = 0
    for seed, body in enumerate(bodies):
        made, error = accumulated(body, "chat-completion", seed)
        events = naive_events(body)
        if error is not None:
            errors += 1
            assert "error" in events[-1]
            assert made.ending() is None
            continue
        assert made.ending() == "explicit"
        check_chat(made, events)
    assert errors == (provider == "groq")  # one recorded stream ends in an error event


def check_chat(made: Accumulator, events: list[Any]) -> None:
    result = made.result()
    assert result["object"] == "chat.completion"
    assert result["id"] == next(event["id"] for event in events if event["id"])
    assert "".join(made.text_of("", event) for event in events) == chat_facts(events, 0)["text"]
    assert not {"obfuscation", "p"} & result.keys()
    assert [choice["index"] for choice in result["choices"]] == sorted(
        {choice["index"] for event in events for choice in event.get("choices", [])}
    )
    for choice in result["choices"]:
        facts = chat_facts(events, choice["index"])
        assert result.get("usage") == facts["usage"]
        check_choice(choice, facts)


def check_choice(choice: dict[str, Any], facts: dict[str, Any]) -> None:
    message = choice["message"]
    calls = message.get("tool_calls") or []
    assert texts_in(message.get("content"), "text") == facts["text"]
    assert texts_in(message.get("content"), "thinking") == facts["thinking"]
    assert (message.get("reasoning") or "") == facts["reasoning"]
    assert (message.get("refusal") or "") == facts["refusal"]
    assert choice["finish_reason"] == facts["finish"]
    assert [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in calls] == [
        (c["id"], c["name"], c["args"]) for c in facts["calls"].values()
    ]
    assert not any("index" in call for call in calls)


def test_ac_14_recorded_block_streams_accumulate_to_what_their_events_carry() -> None:
    bodies = recorded("anthropic")
    assert len(bodies) >= 60
    for seed, body in enumerate(bodies):
        made, error = accumulated(body, "block-event", seed)
        assert error is None
        assert made.ending() == "explicit"
        check_blocks(made.result(), naive_events(body))


def check_blocks(result: dict[str, Any], events: list[Any]) -> None:
    message = next(event["message"] for event in events if event["type"] == "message_start")
    usage = dict(message["usage"])
    for event in events:
        if event["type"] == "message_delta":
            usage |= {name: value for name, value in event["usage"].items() if value is not None}
    starts = {e["index"]: e["content_block"] for e in events if e["type"] == "content_block_start"}
    assert result["usage"] == usage
    assert (result["id"], result["model"], result["role"]) == (message["id"], message["model"], "assistant")
    assert (
        result["stop_reason"]
        == [e for e in events if e["type"] == "message_delta"][-1]["delta"]["stop_reason"]
    )
    assert len(result["content"]) == len(starts)
    for index, block in enumerate(result["content"]):
        deltas = [e["delta"] for e in events if e["type"] == "content_block_delta" and e["index"] == index]
        check_block(block, starts[index], deltas)


def check_block(block: dict[str, Any], start: dict[str, Any], deltas: list[dict[str, Any]]) -> None:
    def joined(field: str) -> str:
        return "".join(delta.get(field, "") for delta in deltas)

    expected = dict(start)
    for field in ("text", "thinking"):
        if field in start:
            expected[field] = start[field] + joined(field)
    if joined("partial_json"):
        expected["input"] = json.loads(joined("partial_json"))
    for delta in deltas:
        if delta["type"] == "signature_delta":
            expected["signature"] = delta["signature"]
        if delta["type"] == "compaction_delta":
            expected["content"] = delta["content"]
        if delta["type"] == "citations_delta":
            expected["citations"] = [*(expected.get("citations") or []), delta["citation"]]
    assert block == expected
