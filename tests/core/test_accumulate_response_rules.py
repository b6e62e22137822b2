"""The response family beyond recordings: which item an event is about, and what an event is."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge.core.accumulate import ResponseAccumulator
from llm_forge.core.errors import StreamProtocolError

pytestmark = pytest.mark.requirement("R-169", "R-144")

DONE = {"type": "response.completed", "response": {"id": "r", "usage": {"total_tokens": 3}}}


def after(*events: dict[str, Any]) -> ResponseAccumulator:
    made = ResponseAccumulator()
    for event in events:
        made.add("message", event)
    return made


def added(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "response.output_item.added", "item": item, **more}


def done(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "response.output_item.done", "item": item, **more}


def delta(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "delta": text, **more}


def output(*events: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = after(*events).partial().get("output", [])
    return found


def test_nothing_is_there_before_anything_came_and_nothing_after_the_end() -> None:
    empty = ResponseAccumulator()
    assert (empty.terminal, empty.ending(), empty.partial(), empty.usage()) == (False, None, {}, None)
    ended = after(DONE, delta("late", output_index=0))
    ended.add("message", None)
    ended.add("message", "late")
    assert (ended.terminal, ended.ending()) == (True, "explicit")
    assert ended.result() == {"id": "r", "usage": {"total_tokens": 3}}
    assert ended.usage() == {"total_tokens": 3}


def test_an_event_that_is_no_object_is_an_error_of_the_protocol() -> None:
    with pytest.raises(StreamProtocolError, match=r"^an event of the stream is not an object$"):
        after().add("message", ["text"])


def test_an_event_belongs_to_the_item_of_its_place_or_else_of_its_id() -> None:
    found = output(
        added({"type": "message", "id": "a"}, output_index=0),
        added({"type": "message", "id": "b"}, output_index=1),
        delta("A", item_id="b", output_index=0),
        delta("B", item_id="b"),
        delta("C", item_id="a"),
    )
    assert [item["content"][0]["text"] for item in found] == ["AC", "B"]


def test_an_event_of_an_item_that_nothing_began_begins_it_behind_the_others() -> None:
    assert output(delta("x", item_id="n")) == [
        {"id": "n", "content": [{"type": "output_text", "text": "x"}], "complete": False}
    ]
    found = output(
        added({"type": "message", "id": "a"}, output_index=3), delta("x", item_id="n"), delta("y"), delta("z")
    )
    assert [item.get("id") for item in found] == ["a", "n", None, None]
    first = after(delta("x"))
    first.add("message", delta("y", output_index=0))
    assert [item["content"][0]["text"] for item in first.partial()["output"]] == ["xy"]


def test_an_item_that_ends_replaces_the_one_of_its_id_where_no_place_is_named() -> None:
    found = output(
        added({"type": "message", "id": "a"}, output_index=0),
        added({"type": "message", "id": "b"}, output_index=1),
        done({"type": "message", "id": "b", "content": []}),
        done({"type": "message", "id": "c"}),
    )
    assert [(item["id"], item.get("complete")) for item in found] == [("a", False), ("b", None), ("c", None)]


def test_parts_are_told_apart_by_their_index_and_one_without_is_the_first() -> None:
    found = output(
        delta("a", output_index=0, content_index=0),
        delta("b", output_index=0, content_index="1"),
        delta("c", output_index=0, content_index=1),
    )
    assert [part["text"] for part in found[0]["content"]] == ["ab", "c"]


def test_text_and_lists_that_an_item_began_with_are_kept() -> None:
    begun = {
        "type": "message",
        "id": "a",
        "content": [{"type": "output_text", "text": "be", "logprobs": [1]}],
    }
    found = output(
        added(begun, output_index=0),
        delta("gun", output_index=0, logprobs=[2]),
        delta("", output_index=0, logprobs="none"),
        delta("", output_index=0, logprobs=[]),
    )
    assert found[0]["content"] == [{"type": "output_text", "text": "begun", "logprobs": [1, 2]}]
    empty = {"type": "message", "id": "a", "content": [{"type": "output_text", "text": None}]}
    assert output(added(empty, output_index=0), delta("x", output_index=0))[0]["content"][0]["text"] == "x"


def test_an_annotation_belongs_to_a_text_that_it_may_begin() -> None:
    event = {"type": "response.output_text.annotation.added", "output_index": 0, "annotation": {"n": 1}}
    assert output(event, event)[0]["content"] == [
        {"type": "output_text", "annotations": [{"n": 1}, {"n": 1}]}
    ]


def test_a_part_that_is_given_stands_in_its_place() -> None:
    part = {"type": "output_text", "text": "whole"}
    for word in ("added", "done"):
        event = {"type": f"response.content_part.{word}", "output_index": 0, "content_index": 0, "part": part}
        assert output(delta("x", output_index=0), event)[0]["content"] == [part]


def test_a_text_that_is_given_whole_replaces_its_pieces() -> None:
    event = {"type": "response.output_text.done", "output_index": 0, "text": "whole"}
    assert output(delta("pie", output_index=0), event)[0]["content"][0]["text"] == "whole"
    assert output(delta("pie", output_index=0), event | {"text": None})[0]["content"][0]["text"] == "pie"


def test_unknown_deltas_are_kept_and_words_of_progress_are_the_items_status() -> None:
    begun = added({"type": "web_search_call", "id": "w"}, output_index=0)
    found = output(
        begun,
        {"type": "response.web_search_call.searching", "output_index": 0},
        {"type": "response.other_call.completed", "output_index": 0},
        {"type": "response.new_thing.delta", "output_index": 0, "delta": "x"},
        {"type": "response.new_thing.delta", "output_index": 7, "delta": "y"},
    )
    assert [item["status"] for item in found] == ["searching"]
    assert found[0]["extra"] == [{"type": "response.new_thing.delta", "output_index": 0, "delta": "x"}]


def test_what_was_built_is_the_result_where_the_end_brings_no_output() -> None:
    built = after(added({"type": "message", "id": "a"}, output_index=0), delta("x", output_index=0), DONE)
    assert built.result()["output"] == [
        {"type": "message", "id": "a", "content": [{"type": "output_text", "text": "x"}]}
    ]
    whole = {"type": "response.completed", "response": {"id": "r", "output": [{"type": "new"}]}}
    ended = after(delta("x", output_index=0), whole)
    assert ended.partial()["output"] == ended.result()["output"] == [{"type": "new"}]
    assert after(delta("x", output_index=0)).partial()["output"][0]["complete"] is False
    begun = {"type": "response.created", "response": {"id": "r", "output": [{"type": "early"}]}}
    assert after(begun).partial() == {"id": "r", "output": []}


@pytest.mark.parametrize(
    ("name", "data", "ends"),
    [
        ("message", '{"type": "response.completed"}', True),
        ("response.incomplete", "{}", True),
        ("response.incomplete", '{"type": "other"}', False),
        ("response.completed", "[]", False),
        ("message", '"response.completed"', False),
        ("message", '{"text": "response.completed"}', False),
        ("message", '{"type": "response.completed"', False),
        ("response.completed", "\ud800", False),
        ("message", "{}", False),
    ],
)
def test_a_raw_event_is_terminal_where_it_is_whole_and_says_so(name: str, data: str, ends: bool) -> None:
    assert ResponseAccumulator().is_terminal(name, data) is ends
    assert ResponseAccumulator().is_sentinel("[DONE]") is False


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("message", delta("a"), "a"),
        ("response.output_text.delta", {"delta": "a"}, "a"),
        ("message", {"type": "response.output_text.delta", "delta": 1}, ""),
        ("message", {"type": "response.reasoning_text.delta", "delta": "a"}, ""),
        ("response.output_text.delta", "a", ""),
    ],
)
def test_text_is_what_a_text_delta_brings(name: str, data: Any, text: str) -> None:
    assert ResponseAccumulator().text_of(name, data) == text


@pytest.mark.parametrize(
    ("data", "is_content"),
    [
        (delta("a"), True),
        (delta(""), False),
        (done({}), True),
        (added({}), False),
        ({"type": "response.function_call_arguments.delta", "delta": "{"}, True),
        ({"type": 1, "delta": "a"}, False),
        ({"delta": "a"}, False),
        (["delta"], False),
    ],
)
def test_content_is_a_delta_that_brings_something_or_an_item_that_is_whole(
    data: Any, is_content: bool
) -> None:
    assert ResponseAccumulator().is_content(data) is is_content
