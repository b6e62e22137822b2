"""What is said, called and filled in, without any provider."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_forge.simulator.dialogue import Answer, Question, Tool, answer
from llm_forge.simulator.schema_values import Evidence, value_for
from llm_forge.simulator.text import answer_text, count, tokens

MAGIC = Tool(
    "magic_function",
    "Applies a magic function",
    {"properties": {"input": {"type": "integer"}}, "required": ["input"]},
)
WEATHER = Tool("get_weather", "", {"properties": {"city": {"type": "string"}}, "required": ["city"]})
CLOCK = Tool("current_time", "", {"type": "object", "properties": {}})


def ask(prompt: str, **more: Any) -> Answer:
    return answer(Question(prompt, 10, **more), seed=1)


def calls(said: Answer) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in said.calls]


@pytest.mark.parametrize(
    "text", ["", "Hello wörld", "a  b\n\tc", "日本語のテキスト🙂", "\u2028x\x00", "word" * 9]
)
def test_tokens_join_to_the_text_again(text: str) -> None:
    assert "".join(tokens(text)) == text


def test_a_text_depends_on_seed_prompt_and_variant_only() -> None:
    assert answer_text(1, "Tell me about tides") == answer_text(1, "Tell me about tides")
    others = {
        answer_text(2, "Tell me about tides"),
        answer_text(1, "Tell me of bees"),
        answer_text(1, "Tell me about tides", 1),
    }
    assert len(others | {answer_text(1, "Tell me about tides")}) == 4
    assert "tides" in answer_text(1, "Tell me about tides")


def test_it_says_what_it_is_told_and_as_much() -> None:
    assert answer_text(1, "Say: Hello é🙂 wörld") == "Hello é🙂 wörld"
    assert len(answer_text(1, "Write 500 words about bees").split()) == 500


def test_a_free_choice_calls_what_the_prompt_speaks_of() -> None:
    tools = (MAGIC, WEATHER, CLOCK)
    assert calls(ask("What is the weather in Paris?", tools=tools)) == [("get_weather", {"city": "Paris"})]
    assert calls(ask("What is the value of magic_function(3)?", tools=tools)) == [
        ("magic_function", {"input": 3})
    ]
    assert ask("Tell me about bees", tools=tools).calls == ()
    assert ask("What is the weather?", tools=tools, choice="none").calls == ()


def test_a_forced_choice_always_calls() -> None:
    tools = (MAGIC, WEATHER, CLOCK)
    assert [name for name, _ in calls(ask("Hello", tools=tools, choice="any"))] == ["magic_function"]
    assert calls(ask("Hello", tools=tools, forced="current_time")) == [("current_time", {})]


def test_parallel_calls_can_be_switched_off() -> None:
    prompt = "Use get_weather for Paris and current_time"
    assert len(ask(prompt, tools=(WEATHER, CLOCK)).calls) == 2
    assert len(ask(prompt, tools=(WEATHER, CLOCK), parallel=False).calls) == 1


def test_after_a_tool_result_it_answers_with_text() -> None:
    said = ask("What is the weather in Paris?", tools=(WEATHER,), results=("Sunny, 22C",))
    assert (said.calls, "Sunny, 22C" in said.text, said.finish) == ((), True, "stop")


def test_a_stop_sequence_cuts_before_the_limit_does() -> None:
    said = ask("say: one two STOP three END four", stop=("END", "STOP"))
    assert (said.text, said.finish, said.stopped_by) == ("one two ", "stop-sequence", "STOP")
    said = ask("say: one two three four", stop=("four",), max_tokens=2)
    assert (said.text, said.finish, said.stopped_by) == ("one two", "length", None)


def test_the_limit_counts_thinking_first() -> None:
    whole = ask("Tell me about tides", thinking=True)
    assert whole.output_tokens == count(whole.thinking) + count(whole.text)
    cut = ask("Tell me about tides", thinking=True, max_tokens=whole.thinking_tokens + 2)
    assert (cut.thinking, count(cut.text), cut.finish) == (whole.thinking, 2, "length")
    assert ask("Tell me about tides", thinking=True, max_tokens=3).output_tokens == 3


def test_a_json_object_is_one() -> None:
    assert list(json.loads(ask("Tell me about tides", json_object=True).text)) == ["answer"]


@pytest.mark.parametrize(
    ("prompt", "keys"),
    [
        ("A joke as JSON with 'setup' and 'punchline' keys", ["setup", "punchline"]),
        ('Answer with "name", "age", and "town" fields', ["name", "age", "town"]),
        ("An object with the `and` key", ["and"]),
    ],
)
def test_a_json_object_has_the_keys_that_the_prompt_names(prompt: str, keys: list[str]) -> None:
    assert list(json.loads(ask(prompt, json_object=True).text)) == keys


def fill(schema: dict[str, Any], prompt: str = "", *, everything: bool = True) -> Any:
    return value_for(schema, Evidence(prompt), everything=everything)


@pytest.mark.parametrize(
    ("schema", "prompt", "value"),
    [
        ({"type": "integer"}, "add -2 please", -2),
        ({"type": "number"}, "it is 2.5", 2.5),
        ({"type": "integer", "minimum": 10}, "", 10),
        ({"type": "integer", "exclusiveMinimum": 10}, "", 11),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True, "default": None}, "", 1),
        ({"type": "number", "default": 2.5}, "", 2.5),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}, "", 1),
        ({"type": "integer", "maximum": 5}, "give 9", 5),
        ({"type": "string"}, "send 'hello there' to all", "hello there"),
        ({"type": "string"}, "送信「おはよう」", "おはよう"),
        ({"type": "string", "format": "date"}, "", "2026-01-01"),
        ({"type": "string", "maxLength": 3}, "say 'hello'", "hel"),
        ({"enum": ["red", "blue"]}, "a Blue one", "blue"),
        ({"const": 7}, "", 7),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "take 4", 4),
        ({"type": ["string", "null"]}, "in Rome", "Rome"),
        ({"type": "array", "items": {"type": "integer"}}, "1, 2 and 3", [1, 2, 3]),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, "'a' and 'b'", ["a", "b"]),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, "'a' and 'b'", ["a"]),
        ({"type": "boolean"}, "", True),
        ({"type": "null"}, "", None),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "integer"}}}, "8", 8),
        ({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"const": 1}}}]}, "3",
         {"a": 3, "b": 1}),
        ({"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}, "2 and 3", {"a": 2, "b": 3}),
        ({"properties": {"user": {"type": "string"}}}, "the user is alice.", {"user": "alice"}),
    ],
)  # fmt: skip
def test_values_fit_the_schema_and_take_from_the_prompt(
    schema: dict[str, Any], prompt: str, value: Any
) -> None:
    assert fill(schema, prompt) == value


def test_optional_arguments_are_filled_only_with_a_reason() -> None:
    schema = {
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "unit": {"enum": ["C", "Fahrenheit"]},
        },
        "required": ["city"],
    }
    assert fill(schema, "weather in Paris", everything=False) == {"city": "Paris"}
    filled = fill(schema, "fahrenheit in Paris, 3 days", everything=False)
    assert filled == {
        "city": "Paris",
        "days": 3,
        "unit": "Fahrenheit",
    }


def test_recursive_schemas_end() -> None:
    tail = {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}
    node = {"properties": {"name": {"type": "string"}, "next": tail}, "required": ["name", "next"]}
    assert json.dumps(fill({"$ref": "#/$defs/Node", "$defs": {"Node": node}})).count("next") < 10
    children = {"type": "array", "items": {"$ref": "#"}}
    tree = {"properties": {"children": children}, "required": ["children"]}
    assert json.dumps(fill(tree)).count("children") < 10
    assert fill({"$ref": "#"}) is not None
    endless = {"properties": {name: {"$ref": "#"} for name in "abc"}, "required": ["a", "b", "c"]}
    assert len(json.dumps(fill(endless))) < 100_000
