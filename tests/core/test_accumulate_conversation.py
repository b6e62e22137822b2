"""The conversation family beyond its corpus: what an event is, and how entries and chunks grow."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge.core.accumulate import ConversationAccumulator
from llm_forge.core.errors import StreamProtocolError

pytestmark = pytest.mark.requirement("R-144", "R-146")

STARTED = {"type": "conversation.response.started", "conversation_id": "c", "created_at": "t0"}
DONE = {"type": "conversation.response.done", "usage": {"total_tokens": 9}, "created_at": "t9"}


def after(*events: dict[str, Any]) -> ConversationAccumulator:
    made = ConversationAccumulator()
    for event in events:
        made.add("message", event)
    return made


def delta(content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "message.output.delta", "content": content, **more}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def outputs(*events: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = after(*events, DONE).result()["outputs"]
    return found


def test_nothing_is_there_before_anything_came() -> None:
    empty = ConversationAccumulator()
    assert (empty.terminal, empty.ending(), empty.partial(), empty.usage()) == (False, None, {}, None)
    assert empty.is_sentinel("[DONE]") is False


def test_head_and_usage_come_from_start_and_end_without_their_times() -> None:
    made = after(STARTED, DONE)
    assert made.result() == {
        "object": "conversation.response",
        "conversation_id": "c",
        "usage": {"total_tokens": 9},
        "outputs": [],
    }
    assert made.usage() == {"total_tokens": 9}
    assert made.ending() == "explicit"


def test_what_follows_the_end_changes_nothing() -> None:
    made = after(STARTED, DONE, delta("late", output_index=0))
    assert made.result()["outputs"] == []
    made.add("message", "late too")
    made.add("message", None)


def test_an_event_that_is_no_object_is_an_error_of_the_protocol() -> None:
    with pytest.raises(StreamProtocolError, match="an event of the stream is not an object"):
        after(STARTED).add("message", ["text"])


def test_the_name_of_an_event_stands_in_for_its_type() -> None:
    made = after(STARTED)
    made.add("message.output.delta", {"output_index": 0, "content": "hi"})
    assert made.partial()["outputs"][0]["content"] == "hi"
    made.add("conversation.response.done", {})
    assert made.terminal


def test_events_with_neither_place_nor_id_belong_to_no_entry() -> None:
    assert after(STARTED, {"type": "ping", "content": "x"}, DONE).result()["outputs"] == []
    assert [one["type"] for one in outputs({"type": "tool.execution.started", "id": "t"})] == [
        "tool.execution"
    ]
    assert len(outputs({"type": "tool.execution.started", "output_index": 0})) == 1


def test_entries_are_told_apart_by_id_or_else_by_place_and_stand_in_order_of_place() -> None:
    found = outputs(
        delta("b", id="two", output_index=1),
        delta("a", id="one", output_index=0),
        delta("B", id="two", output_index=1),
        delta("c", output_index=2),
        delta("C", output_index=2),
        delta("d", output_index=3),
    )
    assert [(one.get("id"), one["content"]) for one in found] == [
        ("one", "a"),
        ("two", "bB"),
        (None, "cC"),
        (None, "d"),
    ]


@pytest.mark.parametrize("index", [None, "2", True, 1.0])
def test_a_place_that_is_no_whole_number_is_the_first(index: Any) -> None:
    found = outputs(delta("b", id="b", output_index=1), delta("a", id="a", output_index=index))
    assert [one["id"] for one in found] == ["a", "b"]


@pytest.mark.parametrize("index", [None, "2", True])
def test_a_content_index_that_is_no_whole_number_is_the_first(index: Any) -> None:
    found = outputs(
        delta("b", output_index=0, content_index=1), delta("a", output_index=0, content_index=index)
    )
    assert found[0]["content"] == [text("a"), text("b")]
    grown = outputs(
        delta("a", output_index=0, content_index=0), delta("b", output_index=0, content_index=index)
    )
    assert grown[0]["content"] == "ab"


def test_text_chunks_grow_together_and_others_stand_between_them() -> None:
    found = outputs(
        delta(text("one ", mark=1), output_index=0),
        delta([text("two"), {"type": "reference", "ids": [1]}], output_index=0),
        delta(text("three"), output_index=0),
        delta({"type": "text", "text": None}, output_index=0),
        delta([text(" four"), text("five")], output_index=0),
    )
    content = found[0]["content"]
    assert content[:2] == [text("one two", mark=1), {"type": "reference", "ids": [1]}]
    assert content[2] == text("three")
    assert "".join(one["text"] or "" for one in content[2:] if one["type"] == "text") == "three fourfive"


def test_a_string_before_chunks_of_one_place_is_kept() -> None:
    found = outputs(delta("plain", output_index=0), delta([text("typed")], output_index=0))
    words = [one if isinstance(one, str) else one["text"] for one in found[0]["content"]]
    assert "".join(words) == "plaintyped"


def test_fields_are_those_told_last_and_null_overwrites_nothing() -> None:
    found = outputs(
        {"type": "agent.handoff.started", "id": "h", "output_index": 0, "agent": None, "from": "a"},
        {"type": "agent.handoff.delta", "id": "h", "output_index": 0, "agent": "b", "from": None},
        {"type": "agent.handoff.done", "id": "h", "output_index": 0, "from": "c", "created_at": "t2"},
    )
    assert found == [
        {
            "object": "entry",
            "type": "agent.handoff",
            "id": "h",
            "agent": "b",
            "from": "c",
            "completed_at": "t2",
        }
    ]


def test_an_entry_was_created_with_its_first_event_and_completed_with_its_last() -> None:
    found = outputs(
        delta("a", output_index=0, created_at="t1"),
        delta("b", output_index=0, created_at="t2"),
        {"type": "message.output.done", "output_index": 0, "created_at": None},
    )
    assert found[0]["created_at"] == "t1"
    assert "completed_at" not in found[0]


def test_only_an_entry_that_was_closed_or_followed_is_complete_in_what_had_arrived() -> None:
    started = {"type": "tool.execution.started", "id": "t", "output_index": 0}
    done = {"type": "tool.execution.done", "id": "t", "output_index": 0}
    half = after(STARTED, started, delta("a", output_index=1)).partial()["outputs"]
    assert [one.get("complete") for one in half] == [False, False]
    followed = after(delta("a", output_index=0), delta("b", output_index=1)).partial()["outputs"]
    assert [one.get("complete") for one in followed] == [None, False]
    closed = after(STARTED, started, done, started).partial()["outputs"]
    assert [one.get("complete") for one in closed] == [None]
    assert "complete" not in after(started, DONE).partial()["outputs"][0]


def test_arguments_grow_as_text_and_can_be_read_before_they_are_whole() -> None:
    call = {"type": "function.call.delta", "id": "f", "output_index": 1, "name": "add"}
    made = after(
        delta("x", output_index=0), call | {"arguments": '{"a": 1, '}, call | {"arguments": '"b": "c"'}
    )
    assert made.tool_input(1) == {"a": 1, "b": "c"}
    assert made.tool_input(0) is None
    made.add("message", call | {"arguments": "}"})
    made.add("message", call | {"arguments": None})
    assert made.partial()["outputs"][1]["arguments"] == '{"a": 1, "b": "c"}'


def test_arguments_that_come_whole_stay_as_they_are() -> None:
    call = {"type": "function.call.delta", "id": "f", "output_index": 0}
    made = after(call | {"arguments": {"a": 1}})
    assert made.tool_input(0) == {"a": 1}
    made.add("message", call | {"arguments": "{}"})
    assert made.partial()["outputs"][0]["arguments"] == "{}"


@pytest.mark.parametrize(
    ("name", "data", "ends"),
    [
        ("message", '{"type": "conversation.response.done"}', True),
        ("conversation.response.done", "{}", True),
        ("conversation.response.done", '{"type": "other"}', False),
        ("conversation.response.done", "[]", False),
        ("message", '"conversation.response.done"', False),
        ("message", '{"text": "conversation.response.done"}', False),
        ("message", '{"type": "conversation.response.done"', False),
        ("conversation.response.done", "\ud800", False),
        ("message", "{}", False),
    ],
)
def test_a_raw_event_is_terminal_where_it_is_whole_and_says_so(name: str, data: str, ends: bool) -> None:
    assert ConversationAccumulator().is_terminal(name, data) is ends


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("message", delta("a"), "a"),
        ("message.output.delta", {"content": "a"}, "a"),
        ("message.output.delta", {"type": "other", "content": "a"}, ""),
        ("message", delta(text("a")), "a"),
        ("message", delta([text("a"), {"type": "image"}, text("b"), {"type": "x", "text": "y"}]), "ab"),
        ("message", delta([{"type": "text", "text": None}]), ""),
        ("message", delta(None), ""),
        ("message", {"type": "message.output.delta"}, ""),
        ("message", {"type": "tool.execution.delta", "content": "a"}, ""),
        ("message.output.delta", "a", ""),
    ],
)
def test_text_is_what_a_delta_of_a_message_brings(name: str, data: Any, words: str) -> None:
    assert ConversationAccumulator().text_of(name, data) == words


@pytest.mark.parametrize(
    ("data", "is_content"),
    [
        (STARTED, False),
        (DONE, False),
        (delta("a"), True),
        (delta(""), False),
        (delta([]), False),
        ({"type": "message.output.delta"}, False),
        ({"type": "function.call.delta"}, True),
        ("a", False),
        (None, False),
    ],
)
def test_content_is_text_a_tools_input_or_a_hand_off(data: Any, is_content: bool) -> None:
    assert ConversationAccumulator().is_content(data) is is_content
