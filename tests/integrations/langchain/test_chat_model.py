"""ChatForge beyond what LangChain's own suites ask: names, loops, retries, fallbacks, faults, secrets."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from langchain_core.load import dumps, load
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, ValidationError

from llm_forge import ConfigError, InvalidRequestError, ServerError, StreamInterruptedError
from llm_forge.integrations.langchain import ChatForge
from llm_forge.simulator import Fault, Simulator

NAMES = (
    "anthropic/claude-sonnet-4-5",
    "groq:openai/gpt-oss-20b",
    "mistral/mistral-small-latest",
    "openai:gpt-4o-mini",
)
EVERYWHERE = pytest.mark.parametrize("name", NAMES)


class City(BaseModel):
    """A city."""

    name: str


def whole(model: ChatForge, prompt: Any, /, **options: Any) -> AIMessageChunk:
    chunks = list(model.stream(prompt, **options))
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total


@pytest.mark.parametrize(
    ("name", "called", "used"),
    [
        ("openai/gpt-4o-mini", "gpt-4.1", "gpt-4.1"),
        ("openai/gpt-4o-mini", "openai/gpt-4.1", "gpt-4.1"),
        ("openai:gpt-4o-mini", "openai:ft:gpt-4.1:me", "ft:gpt-4.1:me"),
        ("groq/llama-3.3-70b-versatile", "openai/gpt-oss-20b", "openai/gpt-oss-20b"),
        ("groq/llama-3.3-70b-versatile", "groq:openai/gpt-oss-20b", "openai/gpt-oss-20b"),
    ],
)
def test_a_call_may_name_another_model_of_the_provider(
    simulator: Simulator, name: str, called: str, used: str
) -> None:
    model = ChatForge(model=name)
    assert model.invoke("Hello", model=called).response_metadata["model_name"] == used
    assert whole(model, "Hello", model=called).response_metadata["model_name"] == used
    assert model._get_ls_params(model=called)["ls_model_name"] == used
    assert [entry.model for entry in simulator.ledger.entries] == [used, used]


@EVERYWHERE
@pytest.mark.requirement("R-043")
def test_one_model_serves_any_number_of_event_loops(simulator: Simulator, name: str) -> None:
    model = ChatForge(model=name)

    async def asked() -> list[str]:
        answers = await asyncio.gather(*(model.ainvoke("say: hi") for _ in range(3)))
        streamed = "".join([chunk.text async for chunk in model.astream("say: ho")])
        return [*(answer.text for answer in answers), streamed]

    for _ in range(3):
        assert asyncio.run(asked()) == ["hi", "hi", "hi", "ho"]
    assert model.invoke("say: hi").text == "hi"
    asyncio.run(model.aclose())


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (2, 3)])
def test_there_is_one_retry_loop(simulator: Simulator, retries: int, attempts: int) -> None:
    simulator.faults.add(Fault(status=503, headers={"retry-after": "0"}))
    model = ChatForge(model="openai/gpt-4o-mini", max_retries=retries, client_options={"backoff_factor": 1.0})
    with pytest.raises(ServerError) as caught:
        model.invoke("Hello")
    assert len(caught.value.attempts) == len(simulator.ledger.entries) == attempts


def test_a_fallback_model_answers_when_the_first_cannot(simulator: Simulator) -> None:
    simulator.faults.add(Fault(provider="openai", status=503))
    model = ChatForge(
        model="openai/gpt-4o-mini", fallback_models=["anthropic/claude-sonnet-4-5"], max_retries=0
    )
    for answer in (model.invoke("say: hi"), whole(model, "say: hi")):
        assert (answer.text, answer.response_metadata["provider"]) == ("hi", "anthropic")


def test_fallbacks_of_langchain_work_too(simulator: Simulator) -> None:
    simulator.faults.add(Fault(provider="groq", status=503))
    first = ChatForge(model="groq/llama-3.3-70b-versatile", max_retries=0)
    chain = first.with_fallbacks([ChatForge(model="mistral/mistral-small-latest")])
    assert chain.invoke("say: hi").text == "hi"


@EVERYWHERE
def test_a_stream_that_is_cut_is_an_error_after_what_arrived(simulator: Simulator, name: str) -> None:
    simulator.faults.add(Fault(cut={"events": 6, "end": "complete"}))
    heard: list[AIMessageChunk] = []
    with pytest.raises(StreamInterruptedError) as caught:
        heard.extend(ChatForge(model=name).stream("say: one two three four five six seven eight"))
    assert heard
    assert all(chunk.chunk_position is None for chunk in heard)
    assert caught.value.partial.text == "".join(chunk.text for chunk in heard)


def test_a_stream_that_is_left_frees_its_connection(simulator: Simulator) -> None:
    model = ChatForge(model="openai/gpt-4o-mini")
    for _ in range(3):
        stream = model.stream("say: one two three four")
        next(stream)
        stream.close()
    assert model.invoke("say: hi").text == "hi"


@pytest.mark.parametrize(
    "model",
    [
        {"model": "anthropic/claude-sonnet-4-5", "thinking": 1024, "max_tokens": 2000},
        {"model": "mistral/magistral-small-latest"},
        {"model": "groq/openai/gpt-oss-20b", "thinking": "low"},
    ],
    ids=lambda one: one["model"],
)
def test_thoughts_are_standard_blocks_whole_or_streamed(simulator: Simulator, model: dict[str, Any]) -> None:
    chat = ChatForge(**model)
    for answer in (chat.invoke("Why is the sky blue?"), whole(chat, "Why is the sky blue?")):
        assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
        assert answer.content_blocks[0]["reasoning"]
        assert chat.invoke([HumanMessage("Why?"), answer, HumanMessage("And?")]).text


@EVERYWHERE
def test_calls_and_results_of_tools_go_back_to_whichever_model(simulator: Simulator, name: str) -> None:
    @tool
    def get_weather(location: str) -> str:
        """The weather."""
        return "Sunny, 22C"

    question = HumanMessage("What is the weather in Paris?")
    asked = ChatForge(model=name).bind_tools([get_weather]).invoke([question])
    assert [call["args"] for call in asked.tool_calls] == [{"location": "Paris"}]
    assert asked.response_metadata["finish_reason"] == "tool_calls"
    result = get_weather.invoke(asked.tool_calls[0])
    for other in NAMES:
        model = ChatForge(model=other).bind_tools([get_weather])
        assert "Sunny, 22C" in model.invoke([question, asked, result]).text


def test_a_conversation_moves_from_provider_to_provider(simulator: Simulator) -> None:
    conversation: list[Any] = [HumanMessage("Why is the sky blue?")]
    thinking: dict[str, Any] = {"thinking": 1024, "max_tokens": 2000}
    for name in (*NAMES, *NAMES):
        options = thinking if name.startswith("anthropic") else {}
        conversation.append(ChatForge(model=name, **options).invoke(conversation))
        conversation.append(HumanMessage("Go on"))
    assert all(message.text for message in conversation)


@EVERYWHERE
def test_agents_ask_for_a_form_by_response_format(simulator: Simulator, name: str) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "city", "schema": City.model_json_schema()}}
    answer = ChatForge(model=name).invoke("The city is 'Rome'", response_format=wanted)
    assert City.model_validate_json(answer.text) == City(name="Rome")


def test_a_wrong_form_is_refused_before_anything_is_sent(simulator: Simulator) -> None:
    model = ChatForge(model="anthropic/claude-sonnet-4-5")
    with pytest.raises(ConfigError, match="json_schema"):
        model.invoke("Hello", response_format={"type": "xml"})
    with pytest.raises(InvalidRequestError, match="JSON mode"):
        model.with_structured_output(None, method="json_mode").invoke("Hello")
    with pytest.raises(ConfigError, match="strict"):
        model.with_structured_output(City, method="json_mode", strict=True)
    with pytest.raises(ConfigError, match="function_calling"):
        model.with_structured_output(City, method="function_caling")
    assert simulator.ledger.entries == ()


def test_what_cannot_be_read_is_told_beside_the_raw_message(simulator: Simulator) -> None:
    model = ChatForge(model="openai/gpt-4o-mini", max_tokens=2)
    found = model.with_structured_output(City, method="json_schema", include_raw=True).invoke("Rome")
    assert isinstance(found["raw"], AIMessage)
    assert found["parsed"] is None
    assert found["parsing_error"] is not None


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_content_without_a_word_at_the_provider_is_refused_before_it_is_sent(
    simulator: Simulator, kind: str
) -> None:
    block = {"type": kind, "base64": "AAAA", "mime_type": f"{kind}/x"}
    with pytest.raises(InvalidRequestError, match=kind):
        ChatForge(model="anthropic/claude-sonnet-4-5").invoke([HumanMessage([block])])
    assert simulator.ledger.entries == ()


def test_a_failed_tool_is_told_to_the_model(simulator: Simulator) -> None:
    call = {"type": "tool_call", "id": "abc123def", "name": "add", "args": {"a": 1}}
    messages = [
        HumanMessage("add"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("b is missing", tool_call_id="abc123def", status="error"),
    ]
    for name in NAMES:
        assert "b is missing" in ChatForge(model=name).invoke(messages).text


def test_a_wrong_option_or_name_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        ChatForge(model="openai/gpt-4o-mini")
    with pytest.raises(ConfigError, match="anthropic"):
        ChatForge(model="antropic/claude", api_key="key-of-a-test")
    with pytest.raises(ValidationError, match="max_token"):
        ChatForge(model="openai/gpt-4o-mini", api_key="key-of-a-test", max_token=3)
    with pytest.raises(ConfigError, match="transport"):
        ChatForge(model="openai/gpt-4o-mini", api_key="key-of-a-test", client_options={"transprt": "curl"})


def test_a_copy_may_change_parameters_but_not_the_connection(simulator: Simulator) -> None:
    model = ChatForge(model="openai/gpt-4o-mini")
    model.stop = ["two"]
    assert model.invoke("say: one two three").text == "one "
    assert model.model_copy(update={"stop": ["three"]}).invoke("say: one two three").text == "one two "
    with pytest.raises(ConfigError, match="model"):
        model.model_copy(update={"model": "anthropic/claude-sonnet-4-5"})
    with pytest.raises(ValidationError, match="frozen"):
        model.model = "anthropic/claude-sonnet-4-5"


def test_no_secret_is_shown_or_serialised(simulator: Simulator) -> None:
    options = {"headers": {"x-team-token": "header-of-a-test"}}
    model = ChatForge(model="openai/gpt-4o-mini", api_key="key-of-a-test", client_options=options)
    for text in (repr(model), str(model), dumps(model), repr(model.bind(stop=["x"])), str(model.asdict())):
        assert "key-of-a-test" not in text
        assert "header-of-a-test" not in text


@EVERYWHERE
@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
def test_a_model_is_loaded_from_what_was_dumped(simulator: Simulator, name: str) -> None:
    model = ChatForge(model=name, temperature=0.5, stop=["END"], max_retries=1)
    made = load(
        model.to_json(),
        allowed_objects=[ChatForge],
        valid_namespaces=["llm_forge"],
        secrets_from_env=True,
    )
    assert made.asdict() == model.asdict()
    assert made.invoke("say: one END two").text == "one "


def test_without_langchain_the_error_says_what_to_install() -> None:
    script = "import sys; sys.modules['langchain_core'] = None; import llm_forge.integrations.langchain"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "llm-forge[langchain]" in run.stderr.splitlines()[-1]


def test_llm_forge_imports_no_langchain() -> None:
    script = "import sys, llm_forge, llm_forge.unified; print('langchain_core' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.stdout.strip() == "False"
