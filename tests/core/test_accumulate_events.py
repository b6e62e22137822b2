"""The family of typed events, which add up to their list."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge.core.accumulate import EventAccumulator
from llm_forge.core.profile import EVENT_NAME

pytestmark = pytest.mark.requirement("R-144")

DONE = {"type": "speech.done", "usage": {"total_tokens": 3}}


def made(*terminal: str, type_field: str = "type") -> EventAccumulator:
    return EventAccumulator(frozenset(terminal), type_field)


def test_events_of_any_shape_are_kept_in_order_until_the_terminal_one() -> None:
    events = made("speech.done")
    assert (events.terminal, events.ending(), events.partial()) == (False, None, [])
    for event in ({"type": "speech.delta", "audio": "AA"}, 7, "text", DONE):
        assert events.ending() is None
        events.add("message", event)
    assert events.ending() == "explicit"
    events.add("message", {"type": "late"})
    assert events.result() == [{"type": "speech.delta", "audio": "AA"}, 7, "text", DONE]


def test_the_sentinel_ends_every_stream_and_is_no_event() -> None:
    events = made()
    assert events.is_sentinel(" [DONE]\n")
    assert not events.is_sentinel("[done]")
    assert events.is_terminal("message", "[DONE]")
    events.add("message", None)
    assert (events.ending(), events.result()) == ("explicit", [])


@pytest.mark.parametrize(
    ("name", "data", "ends"),
    [
        ("message", '{"type": "end"}', True),
        ("end", '{"type": "more"}', False),
        ("end", "{}", False),
        ("message", '{"type": 1}', False),
        ("message", '["end"]', False),
        ("message", '{"type": "end"', False),
        ("message", "\ud800", False),
    ],
)
def test_a_raw_event_is_terminal_by_the_field_that_the_description_names(
    name: str, data: str, ends: bool
) -> None:
    assert made("end", "1").is_terminal(name, data) is ends


@pytest.mark.parametrize(("value", "ends"), [("true", True), ("false", False), ('"true"', True)])
def test_a_field_of_true_and_false_is_compared_by_its_json_words(value: str, ends: bool) -> None:
    events = made("true", type_field="done")
    assert events.is_terminal("message", f'{{"done": {value}}}') is ends
    assert made("false", type_field="done").is_terminal("message", '{"done": false}')


def test_events_that_only_their_name_tells_apart_end_by_it() -> None:
    events = made("close", type_field=EVENT_NAME)
    assert events.is_terminal("close", '{"type": "open"}')
    assert not events.is_terminal("open", '{"type": "close"}')
    events.add("open", {"type": "close"})
    assert not events.terminal
    events.add("close", {})
    assert events.terminal


def test_the_last_usage_told_counts() -> None:
    events = made()
    assert events.usage() is None
    for data in ({"usage": {"total": 1}}, {"usage": {"total": 2}}, {"usage": None}, {}, [1]):
        events.add("message", data)
    assert events.usage() == {"total": 2}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"type": "transcript.text.delta", "delta": "a", "text": "b"}, "a"),
        ({"type": "transcription.text.delta", "text": "b"}, "b"),
        ({"type": "text.delta", "delta": 1, "text": "c"}, "c"),
        ({"type": "text.delta", "delta": 1}, ""),
        ({"type": "text.delta.more", "delta": "a"}, ""),
        ({"type": "text.done", "delta": "a"}, ""),
        ({"delta": "a"}, ""),
        ({"type": 3, "delta": "a"}, ""),
        (["text.delta"], ""),
    ],
)
def test_the_text_of_an_event_is_that_of_a_text_delta(data: Any, text: str) -> None:
    assert made().text_of("message", data) == text


def test_every_event_is_content_and_no_tool_is_known() -> None:
    assert made().is_content({"type": "whatever"}) is True
    assert made().tool_input(0) is None
