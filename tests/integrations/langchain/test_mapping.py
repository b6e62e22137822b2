"""LangChain's words in ours and back, as tables."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, ChatMessage, FunctionMessage, HumanMessage, ToolMessage
from pydantic import BaseModel
from pydantic.v1 import BaseModel as BaseModelV1
from typing_extensions import TypedDict

from llm_forge import InvalidRequestError, View
from llm_forge.integrations.langchain.answer import Chunks, message_of
from llm_forge.integrations.langchain.prompt import prompt_of
from llm_forge.integrations.langchain.tools import choice_of, form_parameters, format_of, tool_of
from llm_forge.unified.parts import Media, Message, Raw, Text, Thinking, ToolCall, ToolResult
from llm_forge.unified.reply import Piece, Reply, ToolCallDelta, Usage
from llm_forge.unified.schemas import Schema

PNG = {"kind": "image", "data": "AAAA", "media_type": "image/png"}
PDF = {"kind": "file", "data": "AAAA", "media_type": "application/pdf"}
SIGNED = {"type": "thinking", "thinking": "hm", "signature": "s"}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ("hi", Text("hi")),
        ({"type": "text", "text": "hi", "id": "lc_1", "index": 0}, Text("hi")),
        (
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
            Text("hi", {"cache_control": {"type": "ephemeral"}}),
        ),
        ({"type": "text-plain", "text": "hi", "mime_type": "text/plain"}, Text("hi")),
        ({"type": "image", "base64": "AAAA", "mime_type": "image/png"}, Media(**PNG)),
        ({"type": "image", "source_type": "base64", "data": "AAAA", "mime_type": "image/png"}, Media(**PNG)),
        ({"type": "image", "url": "data:image/png;base64,AAAA"}, Media(**PNG)),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, Media(**PNG)),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            Media(**PNG),
        ),
        (
            {"type": "image", "url": "https://example.com/a.png", "extras": {"detail": "low"}},
            Media("image", url="https://example.com/a.png", extra={"detail": "low"}),
        ),
        ({"type": "image", "file_id": "file-1"}, Media("image", id="file-1")),
        ({"type": "file", "base64": "AAAA"}, Media(**PDF)),
        (
            {
                "type": "file",
                "base64": "AAAA",
                "mime_type": "application/pdf",
                "extras": {"filename": "a.pdf"},
            },
            Media(**PDF, name="a.pdf"),
        ),
        (
            {"type": "file", "url": "https://example.com/a.pdf"},
            Media("file", url="https://example.com/a.pdf"),
        ),
        (
            {"type": "audio", "base64": "AAAA", "mime_type": "audio/mpeg"},
            Raw({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}),
        ),
        ({"type": "reasoning", "reasoning": "hm"}, Thinking("hm", provider="")),
        (
            {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "s"}},
            Thinking("hm", SIGNED, "anthropic"),
        ),
        (SIGNED, Thinking("hm", SIGNED)),
        ({"type": "non_standard", "value": {"type": "new"}}, Raw({"type": "new"})),
        ({"type": "new", "field": 1}, Raw({"type": "new", "field": 1})),
    ],
)
def test_a_block_is_a_part(block: Any, part: Any) -> None:
    (message,) = prompt_of([HumanMessage([block])], "openai")
    assert message == Message("user", (part,))


def test_every_kind_of_message_has_a_place() -> None:
    call = {"type": "tool_call", "id": "1", "name": "add", "args": {"a": 1}}
    broken = {"type": "invalid_tool_call", "id": "2", "name": "add", "args": '{"a":', "error": None}
    said = AIMessage(
        [{"type": "text", "text": "so"}, {"type": "tool_use", "id": "1", "name": "add", "input": {"a": 1}}],
        tool_calls=[call],
        invalid_tool_calls=[broken],
    )
    messages = [
        HumanMessage("hi", name="ann"),
        said,
        ToolMessage("no", tool_call_id="1", name="add", status="error"),
        ChatMessage("be brief", role="developer"),
        FunctionMessage("3", name="add"),
    ]
    assert prompt_of(messages, "openai") == [
        Message("user", (Text("hi"),), {"name": "ann"}),
        Message(
            "assistant",
            (
                Text("so"),
                ToolCall("1", "add", {"a": 1}, '{"a": 1}'),
                ToolCall("2", "add", {}, '{"a":', valid=False),
            ),
        ),
        Message("tool", (ToolResult("1", (Text("no"),), is_error=True, name="add"),)),
        Message("system", (Text("be brief"),)),
        Message("tool", (ToolResult("", (Text("3"),), name="add"),)),
    ]


@pytest.mark.parametrize(
    ("block", "hint"),
    [
        ({"type": "image", "base64": "AAAA"}, "mime_type"),
        ({"type": "text-plain", "url": "https://example.com/a.txt"}, "text"),
        ({"type": "audio", "url": "https://example.com/a.wav"}, "Base64"),
        ({"type": "video", "base64": "AAAA"}, "video"),
    ],
)
def test_a_block_without_what_it_needs_is_refused(block: dict[str, Any], hint: str) -> None:
    with pytest.raises(InvalidRequestError, match=hint):
        prompt_of([HumanMessage([block])], "openai")


def reply(**facts: Any) -> Reply:
    usual: dict[str, Any] = {
        "text": "hi",
        "thinking": "",
        "tool_calls": (),
        "finish_reason": "stop",
        "raw_finish_reason": "end_turn",
        "usage": None,
        "model": "m",
        "provider": "p",
        "request_id": None,
        "message": Message("assistant", ()),
        "raw": View({}),
    }
    return Reply(**{**usual, **facts})


def test_arguments_that_are_no_object_are_invalid_calls() -> None:
    calls = (
        ToolCall("1", "add", {"a": 1}, '{"a": 1}'),
        ToolCall("2", "add", [1], "[1]"),
        ToolCall("3", "add", {}, '{"a":', valid=False),
    )
    message = message_of(reply(tool_calls=calls))
    assert [call["id"] for call in message.tool_calls] == ["1"]
    assert [(call["id"], call["args"]) for call in message.invalid_tool_calls] == [
        ("2", "[1]"),
        ("3", '{"a":'),
    ]


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (None, None),
        (Usage(input=None, output=3), None),
        (Usage(input=2, output=3), {"input_tokens": 2, "output_tokens": 3, "total_tokens": 5}),
        (
            Usage(input=9, output=3, cached=4, cache_written=0, reasoning=2),
            {
                "input_tokens": 9,
                "output_tokens": 3,
                "total_tokens": 12,
                "input_token_details": {"cache_read": 4, "cache_creation": 0},
                "output_token_details": {"reasoning": 2},
            },
        ),
    ],
)
def test_usage_has_the_details_that_were_told_and_no_others(usage: Usage | None, told: Any) -> None:
    assert message_of(reply(usage=usage)).usage_metadata == told
    assert Chunks().last(reply(usage=usage)).usage_metadata == told


def test_what_only_the_end_knows_comes_with_the_last_chunk() -> None:
    chunks = Chunks()
    calls = (ToolCallDelta(0, "1", "add", '{"a":'), ToolCallDelta(0, arguments=" 1}"))
    made = [chunks.chunk(Piece("hi")), *(chunks.chunk(Piece(tool_calls=(call,))) for call in calls)]
    assert all(not chunk.response_metadata and chunk.usage_metadata is None for chunk in made)
    whole = made[0] + made[1] + made[2] + chunks.last(reply(request_id="r", refusal="no", attempts=2))
    assert whole.content == "hi"
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [("add", {"a": 1})]
    assert whole.additional_kwargs == {"refusal": "no"}
    assert whole.response_metadata == {
        "model_name": "m",
        "provider": "p",
        "finish_reason": "stop",
        "request_id": "r",
        "attempts": 2,
    }


def test_thoughts_between_texts_stay_in_their_order() -> None:
    chunks = Chunks()
    pieces = (
        Piece(thinking="h"),
        Piece(thinking="m"),
        Piece("a"),
        Piece("b"),
        Piece(thinking="x"),
        Piece("c"),
    )
    whole = chunks.chunk(pieces[0])
    for piece in pieces[1:]:
        whole = whole + chunks.chunk(piece)
    assert [block.get("reasoning", block.get("text")) for block in whole.content_blocks] == [
        "hm",
        "ab",
        "x",
        "c",
    ]


def test_thoughts_keep_the_form_of_their_provider() -> None:
    parts = (Thinking("hm", SIGNED, "anthropic"), Text("hi"))
    answer = message_of(reply(thinking="hm", message=Message("assistant", parts)))
    (message,) = prompt_of([answer], "anthropic")
    assert message.parts == parts


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        (None, None),
        ("auto", "auto"),
        ("none", "none"),
        ("any", "any"),
        ("required", "any"),
        (True, "any"),
        (False, None),
        ("add", "add"),
        ({"type": "function", "function": {"name": "add"}}, "add"),
        ({"type": "tool", "name": "add"}, "add"),
        ({"type": "any"}, "any"),
        (
            {"type": "auto", "disable_parallel_tool_use": True},
            {"type": "auto", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_a_choice_of_tools_is_a_word_of_ours(given: Any, choice: Any) -> None:
    assert choice_of(given) == choice


class City(BaseModel):
    """A city."""

    name: str
    country: str | None = None


class CityV1(BaseModelV1):
    """A city."""

    name: str


class CityDict(TypedDict):
    """A city."""

    name: str


def city(name: str) -> str:
    """A city."""
    return name


NATIVE = {"type": "web_search_20250305", "name": "web_search"}
CACHED = {"name": "a", "input_schema": {"type": "object", "properties": {}}, "cache_control": {}}


@pytest.mark.parametrize("given", [City, CityV1, CityDict, city, City.model_json_schema()])
def test_a_tool_may_be_a_class_a_function_or_a_schema(given: Any) -> None:
    made = tool_of(given, None, "openai")
    assert made["type"] == "function"
    assert made["function"]["description"] == "A city."
    assert made["function"]["parameters"]["properties"]["name"]["type"] == "string"
    assert tool_of(given, True, "openai")["function"]["strict"] is True


def test_tools_of_a_provider_are_kept_as_they_are() -> None:
    assert tool_of(NATIVE, None, "anthropic") == NATIVE
    assert tool_of(CACHED, None, "anthropic") == CACHED
    assert tool_of(CACHED, None, "groq")["function"]["name"] == "a"


@pytest.mark.parametrize(
    ("schema", "strict", "told"),
    [
        (City, None, True),  # closed by us, so that the provider can guarantee it
        (City, False, False),
        (CityV1, True, True),
        (CityDict, True, True),
        (City.model_json_schema(), None, None),
    ],
)
def test_a_form_is_as_strict_as_asked_or_as_it_can_be(schema: Any, strict: Any, told: Any) -> None:
    made = format_of(schema, strict)
    assert made["json_schema"].get("strict") is told
    if told:
        assert made["json_schema"]["schema"]["additionalProperties"] is False
    assert made["json_schema"]["schema"]["properties"]["name"]["type"] == "string"


def test_a_form_is_a_schema_of_ours() -> None:
    form = {"type": "object", "properties": {}}
    told = {"type": "json_schema", "json_schema": {"name": "a", "schema": form}}
    assert form_parameters(told) == {"schema": {**form, "title": "a"}}
    told["json_schema"]["strict"] = True
    assert form_parameters(told) == {"schema": Schema("a", form, strict=True)}
    assert form_parameters({"type": "json_object"}) == {"json": True}
    assert form_parameters({"type": "text"}) == {}
