"""The vendors' own clients against the simulator, as they are: create, stream, tools, models, errors."""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from llm_forge.simulator import Simulator

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
FUNCTION = {
    "type": "function",
    "function": {"name": "get_weather", "description": "", "parameters": PARAMETERS},
}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "mood": {"enum": ["sad", "glad"]}},
    "required": ["name", "age", "mood"],
    "additionalProperties": False,
}
PROMPT = "Tell me about tides"
WEATHER = "What is the weather in Paris for 3 days?"
PERSON = "Extract: 'Ada Lovelace' is 36 and glad."
PIXEL = base64.b64encode(b"not really a picture").decode()


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(seed=4) as running:
        yield running


@pytest.fixture
def anthropic_client(sim: Simulator) -> Iterator[Any]:
    anthropic = pytest.importorskip("anthropic", reason="the vendor's client is an extra (bench)")
    with anthropic.Anthropic(api_key="key", base_url=sim.base_urls["anthropic"], max_retries=0) as client:
        yield client


@pytest.fixture(params=["openai", "groq"])
def chat_client(sim: Simulator, request: pytest.FixtureRequest) -> Iterator[Any]:
    module = pytest.importorskip(request.param, reason="the vendor's client is an extra (bench)")
    factory = module.OpenAI if request.param == "openai" else module.Groq
    with factory(api_key="key", base_url=sim.base_urls[request.param], max_retries=0) as client:
        yield client


@pytest.fixture
def mistral_client(sim: Simulator) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = pytest.importorskip("mistralai", reason="the vendor's client is an extra (bench)")
        factory = getattr(package, "Mistral", None) or pytest.importorskip("mistralai.client").Mistral
    with factory(api_key="key", server_url=sim.base_urls["mistral"]) as client:
        yield client


def message(client: Any, **arguments: Any) -> Any:
    return client.messages.create(**{"model": "claude-test", "max_tokens": 3000, **arguments})


def final(client: Any, **arguments: Any) -> Any:
    with client.messages.stream(**{"model": "claude-test", "max_tokens": 3000, **arguments}) as stream:
        return stream.get_final_message()


def test_anthropic_messages_are_the_same_whole_and_streamed(anthropic_client: Any) -> None:
    arguments = {"messages": user(PROMPT), "thinking": {"type": "enabled", "budget_tokens": 1024}}
    whole, streamed = message(anthropic_client, **arguments), final(anthropic_client, **arguments)
    assert [block.type for block in whole.content] == ["thinking", "text"]
    assert whole.content[0].signature
    assert [block.model_dump(exclude={"signature", "parsed_output"}) for block in whole.content] == [
        block.model_dump(exclude={"signature", "parsed_output"}) for block in streamed.content
    ]
    assert (whole.stop_reason, whole.model, whole.usage) == ("end_turn", "claude-test", streamed.usage)


@pytest.mark.parametrize("ask", [message, final])
def test_anthropic_tools_are_called_and_their_results_told(anthropic_client: Any, ask: Any) -> None:
    tools = [
        {"name": "get_weather", "input_schema": PARAMETERS},
        {"name": "noop", "input_schema": {"type": "object"}},
    ]
    reply = ask(anthropic_client, messages=user(WEATHER), tools=tools)
    (call,) = reply.content
    assert (call.name, call.input, reply.stop_reason) == (
        "get_weather",
        {"city": "Paris", "days": 3},
        "tool_use",
    )
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "Sunny"}]}
    turns = [*user(WEATHER), {"role": "assistant", "content": reply.content}, *user([result])]
    told = ask(anthropic_client, messages=turns, tools=tools)
    assert "Sunny" in told.content[0].text
    forced = ask(
        anthropic_client, messages=user("Hi"), tools=tools, tool_choice={"type": "tool", "name": "noop"}
    )
    assert (forced.content[0].name, forced.content[0].input) == ("noop", {})


def test_anthropic_takes_images_documents_and_several_system_blocks(anthropic_client: Any) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    parts = [{"type": "image", "source": source}, {"type": "text", "text": PROMPT}]
    system = [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    reply = message(anthropic_client, messages=user(parts), system=system)
    assert "tides" in reply.content[0].text
    assert reply.usage.input_tokens > 85


def test_anthropic_structured_output_fits_its_schema(anthropic_client: Any) -> None:
    config = {"format": {"type": "json_schema", "schema": SCHEMA}}
    reply = message(anthropic_client, messages=user(PERSON), extra_body={"output_config": config})
    assert json.loads(reply.content[0].text) == {"name": "Ada Lovelace", "age": 36, "mood": "glad"}


def test_anthropic_models_counts_and_errors(anthropic_client: Any) -> None:
    import anthropic

    assert anthropic_client.models.list().data[0].id.startswith("claude-")
    assert anthropic_client.models.retrieve("claude-x").id == "claude-x"
    assert anthropic_client.messages.count_tokens(model="m", messages=user(PROMPT)).input_tokens > 3
    with pytest.raises(anthropic.NotFoundError) as caught:
        message(anthropic_client, messages=user(PROMPT), model="missing-model")
    assert caught.value.request_id.startswith("req_")
    with pytest.raises(anthropic.BadRequestError, match="temperature"):
        message(anthropic_client, messages=user(PROMPT), extra_body={"temperature": 9})


def test_chat_completions_are_the_same_whole_and_streamed(chat_client: Any) -> None:
    whole = chat_client.chat.completions.create(model="some-model", messages=user(PROMPT))
    stream = chat_client.chat.completions.create(model="some-model", messages=user(PROMPT), stream=True)
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert (whole.choices[0].finish_reason, chunks[-1].choices[0].finish_reason) == ("stop", "stop")
    assert {whole.model, *(chunk.model for chunk in chunks)} == {"some-model"}


def test_chat_tools_are_called_and_their_results_told(chat_client: Any) -> None:
    create = chat_client.chat.completions.create
    reply = create(model="m", messages=user(WEATHER), tools=[FUNCTION]).choices[0]
    (call,) = reply.message.tool_calls
    assert reply.finish_reason == "tool_calls"
    assert json.loads(call.function.arguments) == {"city": "Paris", "days": 3}
    turns = [*user(WEATHER), reply.message.model_dump(exclude_none=True)]
    result = {"role": "tool", "tool_call_id": call.id, "content": "Sunny"}
    told = create(model="m", messages=[*turns, result], tools=[FUNCTION]).choices[0]
    assert "Sunny" in told.message.content


def test_chat_tool_calls_stream_in_each_vendors_way(chat_client: Any) -> None:
    create = chat_client.chat.completions.create
    chunks = list(
        create(model="m", messages=user(WEATHER), tools=[FUNCTION], tool_choice="required", stream=True)
    )
    parts = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    arguments = "".join(part.function.arguments or "" for part in parts)
    assert json.loads(arguments) == {"city": "Paris", "days": 3}
    assert (parts[0].function.name, chunks[-1].choices[0].finish_reason) == ("get_weather", "tool_calls")
    assert (len(parts) == 1) == (type(chat_client).__name__ == "Groq")


@pytest.mark.parametrize("strict", [True, False])
def test_chat_structured_output_fits_its_schema(chat_client: Any, strict: bool) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA, "strict": strict}}
    reply = chat_client.chat.completions.create(model="m", messages=user(PERSON), response_format=wanted)
    assert json.loads(reply.choices[0].message.content) == {"name": "Ada Lovelace", "age": 36, "mood": "glad"}
    wanted = {"type": "json_object"}
    reply = chat_client.chat.completions.create(model="m", messages=user(PERSON), response_format=wanted)
    assert isinstance(json.loads(reply.choices[0].message.content), dict)


def test_chat_takes_images_names_and_several_system_messages(chat_client: Any) -> None:
    parts = [
        {"type": "text", "text": PROMPT},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    turns = [{"role": "system", "content": "One."}, {"role": "system", "content": "Two."}]
    turns += [{"role": "user", "content": "Hi", "name": "bob"}, *user(parts)]
    reply = chat_client.chat.completions.create(model="m", messages=turns)
    assert "tides" in reply.choices[0].message.content


def test_chat_models_and_errors(chat_client: Any) -> None:
    assert chat_client.models.list().data
    assert chat_client.models.retrieve("openai/x").id == "openai/x"
    with pytest.raises(Exception, match="does not exist") as caught:
        chat_client.chat.completions.create(model="missing-model", messages=user(PROMPT))
    assert type(caught.value).__name__ == "NotFoundError"
    with pytest.raises(Exception, match="messages") as caught:
        chat_client.chat.completions.create(model="m", messages=[])
    assert type(caught.value).__name__ == "BadRequestError"


def test_reasoning_is_shown_by_groq_and_counted_by_openai(chat_client: Any) -> None:
    create = chat_client.chat.completions.create
    whole = create(model="openai/gpt-oss-20b", messages=user(PROMPT), reasoning_effort="low")
    assert whole.usage.completion_tokens_details.reasoning_tokens > 5
    if type(chat_client).__name__ == "Groq":
        chunks = create(model="openai/gpt-oss-20b", messages=user(PROMPT), stream=True)
        reasoning = "".join(getattr(chunk.choices[0].delta, "reasoning", None) or "" for chunk in chunks)
        assert reasoning == whole.choices[0].message.reasoning


def test_mistral_answers_are_the_same_whole_and_streamed(mistral_client: Any) -> None:
    whole = mistral_client.chat.complete(model="m", messages=user(PROMPT))
    events = list(mistral_client.chat.stream(model="m", messages=user(PROMPT)))
    text = "".join(event.data.choices[0].delta.content for event in events)
    assert text == whole.choices[0].message.content
    assert events[-1].data.usage.total_tokens == whole.usage.total_tokens


def test_mistral_tools_thinking_schemas_models_and_errors(mistral_client: Any) -> None:
    called = mistral_client.chat.complete(
        model="m", messages=user(WEATHER), tools=[FUNCTION], tool_choice="any"
    )
    (call,) = called.choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Paris", "days": 3}
    events = list(mistral_client.chat.stream(model="m", messages=user(WEATHER), tools=[FUNCTION]))
    assert events[-1].data.choices[0].delta.tool_calls[0].function.arguments == call.function.arguments
    thought = mistral_client.chat.complete(model="magistral-medium-latest", messages=user(PROMPT))
    assert [part.type for part in thought.choices[0].message.content] == ["thinking", "text"]
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
    reply = mistral_client.chat.complete(model="m", messages=user(PERSON), response_format=wanted)
    assert json.loads(reply.choices[0].message.content)["age"] == 36
    assert mistral_client.models.list().data
    with pytest.raises(Exception, match="messages") as caught:
        mistral_client.chat.complete(model="m", messages=[])
    assert type(caught.value).__name__ == "HTTPValidationError"
