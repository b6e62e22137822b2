"""Each provider of the simulator over plain HTTP: keys, errors, framing, answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from llm_forge.simulator import Simulator

from .ask import CHATS, MODELS, PATHS, PROVIDERS, ask, body, streamed_text, text_of
from .wire import fetch


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(seed=1) as running:
        yield running


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_text_is_the_same_whole_and_streamed(sim: Simulator, provider: str) -> None:
    whole, stream = ask(sim, provider), ask(sim, provider, stream=True)
    assert (whole.status, stream.status) == (200, 200)
    assert "tides" in text_of(provider, whole)
    assert streamed_text(provider, stream) == text_of(provider, whole)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert len(stream.events) > 5


@pytest.mark.parametrize("provider", CHATS)
def test_a_chat_stream_ends_with_done(sim: Simulator, provider: str) -> None:
    events = ask(sim, provider, stream=True).events
    assert events[-1] == "data: [DONE]"
    assert all(event.startswith("data: ") for event in events)


def test_anthropic_names_its_events_and_sends_a_ping(sim: Simulator) -> None:
    events = ask(sim, "anthropic", stream=True).events
    names = [event.split("\n")[0].removeprefix("event: ") for event in events]
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(names[3:-3]) == {"content_block_delta"}


def test_usage_stands_where_each_vendor_puts_it(sim: Simulator) -> None:
    plain = ask(sim, "openai", stream=True).chunks
    assert not any("usage" in chunk for chunk in plain)
    asked = ask(sim, "openai", stream=True, stream_options={"include_usage": True}).chunks
    assert [chunk["usage"] is None for chunk in asked] == [True] * (len(asked) - 1) + [False]
    assert asked[-1]["choices"] == []
    groq = ask(sim, "groq", stream=True).chunks
    assert ("id" in groq[0]["x_groq"], "usage" in groq[-1]["x_groq"]) == (True, True)
    mistral = ask(sim, "mistral", stream=True).chunks
    assert ["usage" in chunk for chunk in mistral] == [False] * (len(mistral) - 1) + [True]


@pytest.mark.parametrize(
    ("provider", "pattern"),
    [
        ("anthropic", ("request-id", "req_011C", "msg_01")),
        ("openai", ("x-request-id", "req_", "chatcmpl-")),
        ("groq", ("x-request-id", "req_01", "chatcmpl-")),
        ("mistral", ("mistral-correlation-id", "019f", "")),
    ],
)
def test_identifiers_have_the_vendors_form(
    sim: Simulator, provider: str, pattern: tuple[str, str, str]
) -> None:
    header, request, own = pattern
    one, two = ask(sim, provider), ask(sim, provider)
    assert one.headers[header].startswith(request)
    assert one.headers[header] != two.headers[header]
    assert one.json["id"].startswith(own)
    assert one.json["id"] != two.json["id"]
    assert provider != "mistral" or len(one.json["id"]) == 32


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("key", ["", "invalid"])
def test_an_empty_or_invalid_key_is_refused(sim: Simulator, provider: str, key: str) -> None:
    headers = {"authorization": f"Bearer {key}", "anthropic-version": "2023-06-01"}
    answer = fetch(sim.base_urls[provider] + PATHS[provider], body(provider), headers)
    assert answer.status == 401
    if provider == "anthropic":
        assert answer.json["error"]["type"] == "authentication_error"
        assert answer.json["request_id"] == answer.headers["request-id"]
    elif provider == "mistral":
        assert answer.json == {"detail": "Invalid API Key"}
    else:
        assert answer.json["error"]["type"] == "invalid_request_error"


def test_anthropic_wants_its_version(sim: Simulator) -> None:
    answer = fetch(sim.base_urls["anthropic"] + "/v1/messages", body("anthropic"), {"x-api-key": "key"})
    assert (answer.status, answer.json["error"]["type"]) == (400, "invalid_request_error")
    assert "anthropic-version" in answer.json["error"]["message"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_missing_field_is_named_in_the_vendors_words(sim: Simulator, provider: str) -> None:
    given = body(provider)
    del given["messages"]
    answer = fetch(sim.base_urls[provider] + PATHS[provider], given)
    if provider == "mistral":
        assert answer.status == 422
        (detail,) = answer.json["detail"]
        assert (detail["type"], detail["loc"], detail["input"]) == ("missing", ["body", "messages"], given)
        return
    assert answer.status == 400
    error = answer.json["error"]
    assert (error["type"], "messages" in error["message"]) == ("invalid_request_error", True)
    if provider == "openai":
        assert (error["param"], error["code"]) == ("messages", "missing_required_parameter")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 99}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "nobody", "content": "x"}]}, "role"),
        ({"messages": "hello"}, "messages"),
    ],
)
def test_wrong_values_are_refused_and_named(
    sim: Simulator, provider: str, change: dict[str, Any], name: str
) -> None:
    answer = ask(sim, provider, **change)
    assert answer.status == (422 if provider == "mistral" else 400)
    assert name in answer.body.decode()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_unknown_models_routes_and_methods(sim: Simulator, provider: str) -> None:
    base = sim.base_urls[provider]
    assert ask(sim, provider, model="missing-model").status == (400 if provider == "mistral" else 404)
    assert fetch(base + MODELS[provider] + "/missing-model").status == (400 if provider == "mistral" else 404)
    assert fetch(base + "/v1/nonsense", {}).status == 404
    assert fetch(base + PATHS[provider]).status == 405


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("data", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_an_object_is_refused(sim: Simulator, provider: str, data: bytes) -> None:
    answer = fetch(sim.base_urls[provider] + PATHS[provider], data)
    assert answer.status == (422 if provider == "mistral" else 400)


def test_a_body_that_is_too_large_is_413(sim: Simulator) -> None:
    data = b'{"x":"' + b"x" * (32 * 1024 * 1024) + b'"}'
    answer = fetch(sim.base_urls["anthropic"] + "/v1/messages", data)
    assert (answer.status, answer.json["error"]["type"]) == (413, "request_too_large")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_models_can_be_listed_and_got(sim: Simulator, provider: str) -> None:
    listed = fetch(sim.base_urls[provider] + MODELS[provider]).json["data"]
    got = fetch(f"{sim.base_urls[provider]}{MODELS[provider]}/{listed[0]['id']}").json
    assert got == listed[0]


def test_choices_can_be_several_and_are_interleaved(sim: Simulator) -> None:
    whole = ask(sim, "openai", n=2).json["choices"]
    chunks = ask(sim, "openai", n=2, stream=True).chunks
    assert [choice["index"] for choice in whole] == [0, 1]
    assert [chunk["choices"][0]["index"] for chunk in chunks[:4]] == [0, 1, 0, 1]
    for index in (0, 1):
        deltas = [c["delta"] for chunk in chunks for c in chunk["choices"] if c["index"] == index]
        assert "".join(delta.get("content") or "" for delta in deltas) == whole[index]["message"]["content"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_limits_and_stop_sequences_end_an_answer(sim: Simulator, provider: str) -> None:
    cut = ask(sim, provider, "Write 100 words about bees", max_tokens=5).json
    stop = {"stop_sequences": ["STOP"]} if provider == "anthropic" else {"stop": ["STOP"]}
    stopped = ask(sim, provider, "say: one STOP two", **stop)
    assert text_of(provider, stopped) == "one "
    if provider == "anthropic":
        assert (cut["stop_reason"], cut["usage"]["output_tokens"]) == ("max_tokens", 5)
        assert (stopped.json["stop_reason"], stopped.json["stop_sequence"]) == ("stop_sequence", "STOP")
    else:
        assert (cut["choices"][0]["finish_reason"], cut["usage"]["completion_tokens"]) == ("length", 5)
        assert stopped.json["choices"][0]["finish_reason"] == "stop"


def test_anthropic_accounts_for_its_prompt_cache() -> None:
    with Simulator() as sim:
        system = [{"type": "text", "text": "Long rules " * 50, "cache_control": {"type": "ephemeral"}}]
        first, second = (ask(sim, "anthropic", system=system).json["usage"] for _ in range(2))
    size = first["cache_creation_input_tokens"]
    assert size > 50
    assert first["cache_read_input_tokens"] == 0
    assert (second["cache_creation_input_tokens"], second["cache_read_input_tokens"]) == (0, size)
    assert first["input_tokens"] == second["input_tokens"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_forced_tool_must_exist(sim: Simulator, provider: str) -> None:
    named = (
        {"type": "tool", "name": "x"}
        if provider == "anthropic"
        else {"type": "function", "function": {"name": "x"}}
    )
    some = {"type": "any"} if provider == "anthropic" else "any" if provider == "mistral" else "required"
    for choice in (named, some):
        answer = ask(sim, provider, tool_choice=choice)
        assert answer.status == (422 if provider == "mistral" else 400)
        assert "tool_choice" in answer.body.decode()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_tool_whose_schema_is_none_is_refused_with_its_place(sim: Simulator, provider: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": 7}}}
    function = {"type": "function", "function": {"name": "x", "parameters": schema}}
    tool = {"name": "x", "input_schema": schema} if provider == "anthropic" else function
    answer = ask(sim, provider, tools=[tool])
    assert answer.status == (422 if provider == "mistral" else 400)
    assert "properties.a.type: must be a type" in answer.body.decode()


def test_thinking_must_leave_room_for_an_answer(sim: Simulator) -> None:
    answer = ask(sim, "anthropic", thinking={"type": "enabled", "budget_tokens": 2000}, max_tokens=1500)
    assert (answer.status, answer.json["error"]["message"].split(":")[0]) == (400, "max_tokens")


def test_the_vendors_own_tools_are_accepted_and_never_called(sim: Simulator) -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    answer = ask(sim, "anthropic", tools=tools, tool_choice={"type": "any"})
    assert [block["type"] for block in answer.json["content"]] == ["text"]


@pytest.mark.parametrize(("call_id", "status"), [("call00001", 200), ("call_0001", 400), ("toolu_01", 400)])
def test_mistral_takes_only_ids_of_tool_calls_that_are_like_its_own(
    sim: Simulator, call_id: str, status: int
) -> None:
    call = {"id": call_id, "function": {"name": "add", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "add"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "2", "tool_call_id": call_id},
    ]
    answer = ask(sim, "mistral", messages=messages)
    assert answer.status == status
    if status == 400:
        assert (answer.json["code"], call_id in answer.json["message"]) == ("3280", True)
