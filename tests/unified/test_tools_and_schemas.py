"""Tools, structured output and conversations, whoever serves the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
import pydantic
import pytest

import llm_forge
from llm_forge import ConfigError, InvalidRequestError, InvalidResponseError, Tool
from llm_forge.simulator import Simulator
from llm_forge.unified.schemas import schema_of
from llm_forge.unified.tools import tool_of

from .kit import PROVIDERS, model, unanswered


@dataclass
class City:
    name: str
    people: int


class CityModel(pydantic.BaseModel):
    name: str
    people: int


class CityStruct(msgspec.Struct):
    name: str
    people: int


CITY = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["name", "people"],
    "additionalProperties": False,
}


def weather(
    city: Annotated[str, "Name of the city"], days: int = 1, unit: Literal["c", "f"] = "c"
) -> dict[str, Any]:
    """The weather of a city.

    More that a model need not know.

    Args:
        days: How many days ahead.
    """
    return {"city": city, "days": days, "unit": unit}


def test_a_function_becomes_a_tool_with_its_types_and_descriptions() -> None:
    tool = tool_of(weather)
    assert isinstance(tool, Tool)
    assert (tool.name, tool.description) == ("weather", "The weather of a city.")
    assert tool.parameters["required"] == ["city"]
    assert tool.parameters["properties"]["city"] == {"type": "string", "description": "Name of the city"}
    assert tool.parameters["properties"]["days"]["description"] == "How many days ahead."
    assert tool.parameters["properties"]["unit"]["enum"] == ["c", "f"]
    assert tool({"city": "Rome"}) == {"city": "Rome", "days": 1, "unit": "c"}


@pytest.mark.parametrize(
    "given",
    [
        {"name": "f", "description": "d", "parameters": CITY},
        {"name": "f", "description": "d", "input_schema": CITY},
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": CITY}},
    ],
)
def test_dicts_of_every_form_become_the_same_tool(given: dict[str, Any]) -> None:
    assert tool_of(given) == Tool("f", "d", CITY)


def test_what_is_no_tool_is_said() -> None:
    def positional(*words: str) -> None: ...

    for wrong in ([7], "weather", [positional]):
        with pytest.raises(ConfigError, match="tool"):
            unanswered("openai").explain("hi", tools=wrong)


@PROVIDERS
def test_a_model_calls_a_tool_and_reads_its_result(simulator: Simulator, provider: str) -> None:
    with model(simulator, provider) as llm:
        reply = llm.invoke("Ask weather for Paris", tools=[weather])
        (call,) = reply.tool_calls
        assert (call.name, call.arguments["city"], call.valid) == ("weather", "Paris", True)
        assert reply.finish_reason == "tool_calls"
        history = ["Ask weather for Paris", reply, llm_forge.tool(call, {"sky": "blue"})]
        last = llm.invoke(history, tools=[weather])
    assert "blue" in last.text
    assert last.tool_calls == ()


@PROVIDERS
def test_pieces_of_tool_calls_add_up_to_the_calls(simulator: Simulator, provider: str) -> None:
    with model(simulator, provider) as llm:
        stream = llm.stream(
            "Use weather and then lookup", tools=[weather, {"name": "lookup", "parameters": CITY}]
        )
        names: dict[int, str] = {}
        arguments: dict[int, str] = {}
        for piece in stream:
            for delta in piece.tool_calls:
                names.setdefault(delta.index, delta.name or "")
                arguments[delta.index] = arguments.get(delta.index, "") + delta.arguments
        calls = stream.reply().tool_calls
    assert len(calls) == 2
    assert [names[at] for at in sorted(names)] == [call.name for call in calls] == ["weather", "lookup"]
    assert [msgspec.json.decode(arguments[at]) for at in sorted(arguments)] == [
        one.arguments for one in calls
    ]


@PROVIDERS
@pytest.mark.parametrize(("choice", "calls"), [("any", 1), ("required", 1), ("none", 0), ("lookup", 1)])
def test_a_choice_of_tools_is_said_in_the_words_of_each_api(
    simulator: Simulator, provider: str, choice: str, calls: int
) -> None:
    tools = [weather, {"name": "lookup", "parameters": CITY}]
    with model(simulator, provider) as llm:
        reply = llm.invoke("Hello", tools=tools, tool_choice=choice)
    assert len(reply.tool_calls) == calls
    if choice == "lookup":
        assert reply.tool_calls[0].name == "lookup"


@PROVIDERS
@pytest.mark.parametrize(
    "wanted", [City, CityModel, CityStruct, CITY], ids=["class", "pydantic", "struct", "dict"]
)
def test_an_answer_has_the_form_of_its_schema(simulator: Simulator, provider: str, wanted: Any) -> None:
    with model(simulator, provider) as llm:
        reply = llm.invoke("Paris has 2 million people", schema=wanted)
        parsed = reply.parsed
        assert llm.stream("Paris has 2 million people", schema=wanted).reply().parsed == parsed
    if isinstance(wanted, dict):
        assert parsed["people"] == 2
    else:
        assert isinstance(parsed, wanted)
        assert parsed.people == 2


@PROVIDERS
def test_an_answer_that_was_cut_is_no_parsed_answer_but_still_a_reply(
    simulator: Simulator, provider: str
) -> None:
    with model(simulator, provider) as llm:
        reply = llm.invoke("Paris has 2 million people", schema=City, max_tokens=2)
    assert reply.text
    with pytest.raises(InvalidResponseError, match="cut at max_tokens"):
        _ = reply.parsed


def test_a_reply_without_a_schema_has_no_parsed_answer(simulator: Simulator) -> None:
    with model(simulator, "openai") as llm, pytest.raises(ConfigError, match="schema"):
        _ = llm.invoke("hi").parsed


def test_classes_become_closed_schemas_and_yours_stay_as_they_are() -> None:
    @dataclass
    class Nested:
        cities: list[City]
        note: str = ""

    made = schema_of(Nested)
    assert made.strict
    assert made.schema["required"] == ["cities", "note"]
    assert made.schema["$defs"]["City"]["additionalProperties"] is False
    open_one = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert (schema_of(open_one).schema, schema_of(open_one).strict) == (open_one, False)


@pytest.mark.parametrize("provider", ["groq", "mistral", "openai"])
def test_json_mode_gives_json(simulator: Simulator, provider: str) -> None:
    with model(simulator, provider) as llm:
        assert msgspec.json.decode(llm.invoke("Answer in json", json=True).text)


@pytest.mark.parametrize(
    ("provider", "parameters", "culprit"),
    [
        ("anthropic", {"seed": 1}, "seed"),
        ("anthropic", {"json": True}, "JSON mode"),
        ("anthropic", {"thinking": "enormous"}, "enormous"),
        ("anthropic", {"thinking": 2000, "max_tokens": 1000}, "max_tokens"),
        ("openai", {"top_k": 5}, "top_k"),
        ("openai", {"thinking": 2000}, "budget"),
    ],
)
def test_what_a_model_has_no_word_for_is_refused_before_anything_is_sent(
    provider: str, parameters: dict[str, Any], culprit: str
) -> None:
    llm = unanswered(provider)
    with pytest.raises(InvalidRequestError, match=culprit) as refused:
        llm.invoke("hi", **parameters)
    assert (refused.value.provider, refused.value.model) == (provider, llm.model)
    assert f"{provider}/{llm.model}" in refused.value.message
