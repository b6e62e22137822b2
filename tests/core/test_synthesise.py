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
