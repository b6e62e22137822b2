"""A whole answer as a stream adds up to the same answer, in every family (R-134)."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge.core.profile import Family, StreamRule
from llm_forge.core.stream import StreamReader
from llm_forge.core.synthesise import synthesise

MESSAGE = {
    "object": "entry",
    "type": "message.output",
    "id": "m",
    "created_at": "t1",
    "completed_at": "t2",
    "content": "Hello",
    "role": "assistant",
}
WHOLES: list[tuple[Family, dict[str, Any]]] = [
    (
        "chat-completion",
        {
            "id": "c",
            "object": "chat.completion",
            "choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}],
            "usage": {"total_tokens": 3},
        },
    ),
    (
        "chat-completion",
        {
            "id": "c",
            "object": "text_completion",
            "choices": [{"index": 0, "text": "Hello", "finish_reason": "stop"}],
        },
    ),
    (
        "block-event",
        {
            "id": "m",
            "type": "message",
            "content": [{"type": "text", "text": "Hello"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"output_tokens": 3},
        },
    ),
    (
        "response",
        {
            "id": "r",
            "object": "response",
            "status": "completed",
            "error": None,
            "output": [{"id": "a", "type": "message", "content": [{"type": "output_text", "text": "Hello"}]}],
        },
    ),
    (
        "response",
        {
            "object": "response",
            "status": "incomplete",
            "output": [],
            "incomplete_details": {"reason": "max_output_tokens"},
        },
    ),
    (
        "conversation",
        {
            "object": "conversation.response",
            "conversation_id": "c",
            "outputs": [
                MESSAGE,
                {
                    **MESSAGE,
                    "id": "n",
                    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                },
                {"object": "entry", "type": "function.call", "id": "f", "name": "w", "arguments": "{}"},
                {"object": "entry", "type": "tool.execution", "name": "web", "arguments": "", "info": {}},
            ],
            "usage": {"total_tokens": 3},
        },
    ),
]


@pytest.mark.requirement("R-134", "R-169")
@pytest.mark.parametrize(("family", "whole"), WHOLES)
def test_st_13_a_whole_answer_as_events_adds_up_to_itself(family: Family, whole: dict[str, Any]) -> None:
    reader = StreamReader(StreamRule(family, dict), lambda _: None)
    events = synthesise(family, whole)
    assert events is not None
    for name, data in events:
        reader.accept(name, data)
    assert reader.failure is None
    assert reader.completion == "explicit"
    assert reader.accumulator.result() == whole


@pytest.mark.requirement("R-134")
@pytest.mark.parametrize("family", ["chat-completion", "block-event", "response", "conversation"])
def test_what_is_no_such_answer_is_not_made_into_a_stream(family: Family) -> None:
    assert synthesise(family, {"id": "x", "status": "queued"}) is None


@pytest.mark.requirement("R-134")
def test_a_whole_answer_where_events_are_only_collected_is_the_only_event() -> None:
    assert synthesise("events", {"text": "Hello"}) == [("message", {"text": "Hello"}), ("message", None)]


@pytest.mark.requirement("R-134")
def test_the_events_of_a_whole_answer_are_those_its_provider_would_have_sent() -> None:
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    chat = {
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "tool_calls": [call]},
                "finish_reason": "tool_calls",
            },
            {"index": 1, "message": {"content": "x"}, "finish_reason": "stop"},
        ],
    }
    first = {"role": "assistant", "tool_calls": [{"index": 0, **call}]}
    assert synthesise("chat-completion", chat) == [
        (
            "message",
            {
                "object": "chat.completion.chunk",
                "choices": [
                    {"index": 0, "finish_reason": "tool_calls", "delta": first},
                    {"index": 1, "finish_reason": "stop", "delta": {"content": "x"}},
                ],
            },
        ),
        ("message", None),
    ]
    block = {"type": "text", "text": "x"}
    usage = {"output_tokens": 2}
    message = {
        "type": "message",
        "content": [block],
        "stop_reason": "stop",
        "stop_sequence": "y",
        "usage": usage,
    }
    opened = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    delta = {"stop_reason": "stop", "stop_sequence": "y"}
    assert synthesise("block-event", message) == [
        ("message_start", {"type": "message_start", "message": opened}),
        ("content_block_start", {"type": "content_block_start", "index": 0, "content_block": block}),
        ("content_block_stop", {"type": "content_block_stop", "index": 0}),
        ("message_delta", {"type": "message_delta", "delta": delta, "usage": usage}),
        ("message_stop", {"type": "message_stop"}),
    ]
    bare = synthesise("block-event", {"type": "message", "content": []})
    assert bare is not None
    assert bare[1] == ("message_delta", {"type": "message_delta", "delta": {}, "usage": {}})


@pytest.mark.requirement("R-134")
@pytest.mark.parametrize(
    ("status", "ending"), [("incomplete", "incomplete"), ("failed", "failed"), ("x", "completed")]
)
def test_a_whole_response_ends_as_its_status_says(status: str, ending: str) -> None:
    item = {"type": "message", "id": "m"}
    response = {"object": "response", "status": status, "output": [item]}
    opened = {**response, "status": "in_progress", "output": []}
    assert synthesise("response", response) == [
        ("response.created", {"response": opened, "type": "response.created"}),
        *(
            (kind, {"output_index": 0, "item": item, "type": kind})
            for kind in ("response.output_item.added", "response.output_item.done")
        ),
        (f"response.{ending}", {"response": response, "type": f"response.{ending}"}),
    ]


@pytest.mark.requirement("R-134")
def test_a_whole_conversation_is_its_entries_chunk_by_chunk() -> None:
    entry = {"type": "message.output", "id": "m", "content": ["a", "b"]}
    plain = {"type": "tool.execution", "name": "search", "content": []}
    done = "conversation.response.done"
    started = "conversation.response.started"
    assert synthesise("conversation", {"conversation_id": "c", "outputs": [entry, plain]}) == [
        (started, {"conversation_id": "c", "type": started}),
        (
            "message.output.delta",
            {
                "type": "message.output.delta",
                "id": "m",
                "output_index": 0,
                "content_index": 0,
                "content": "a",
            },
        ),
        (
            "message.output.delta",
            {
                "type": "message.output.delta",
                "id": "m",
                "output_index": 0,
                "content_index": 1,
                "content": "b",
            },
        ),
        ("tool.execution.delta", {**plain, "type": "tool.execution.delta", "output_index": 1}),
        (done, {"type": done}),
    ]


@pytest.mark.requirement("R-134")
@pytest.mark.parametrize(
    ("family", "result"),
    [
        ("chat-completion", {"choices": "x"}),
        ("chat-completion", {"choices": [1]}),
        ("chat-completion", {}),
        ("block-event", {"type": "message", "content": "x"}),
        ("block-event", {"type": "error", "content": []}),
        ("response", {"object": "response", "output": None}),
        ("response", {"object": "error", "output": []}),
        ("conversation", {"outputs": [1]}),
        ("conversation", {"outputs": None}),
    ],
)
def test_what_is_no_whole_answer_of_a_family_has_no_events(family: Family, result: dict[str, Any]) -> None:
    assert synthesise(family, result) is None
