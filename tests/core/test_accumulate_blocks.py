"""The block-event accumulator: scenario by scenario, then any splitting of the same answer."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.accumulate import BlockAccumulator, accumulator
from llm_forge.core.errors import StreamProtocolError

Event = dict[str, Any]
STOP: Event = {"type": "message_stop"}


def begin(**more: Any) -> Event:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
    usage = {"input_tokens": 9, "output_tokens": 1}
    return {
        "type": "message_start",
        "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": usage, **more},
    }


def start(index: int, **block: Any) -> Event:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **more: Any) -> Event:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **more}}


def stop(index: int) -> Event:
    return {"type": "content_block_stop", "index": index}


def finish(reason: str | None = "end_turn", usage: dict[str, Any] | None = None, **more: Any) -> Event:
    return {"type": "message_delta", "delta": {"stop_reason": reason, **more}, "usage": usage or {}}


def text_block(index: int, *pieces: str) -> list[Event]:
    return [
        start(index, type="text", text=""),
        *[delta(index, "text_delta", text=piece) for piece in pieces],
        stop(index),
    ]


def accumulated(*events: Event) -> BlockAccumulator:
    made = BlockAccumulator()
    for event in events:
        made.add(event["type"], event)
    return made


def content(*events: Event) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = accumulated(begin(), *events, finish(), STOP).result()["content"]
    return found


@pytest.mark.requirement("R-169")
def test_st_01_a_stream_gives_the_object_of_the_unary_answer() -> None:
    made = accumulated(
        begin(), {"type": "ping"}, *text_block(0, "Hel", "lo"), finish(usage={"output_tokens": 5}), STOP
    )
    assert made.terminal
    assert made.ending() == "explicit"
    assert made.result() == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 5},
    }


@pytest.mark.requirement("R-171")
def test_ac_08_two_blocks_interleave_by_index() -> None:
    assert content(
        start(1, type="text", text=""),
        start(0, type="text", text="A"),
        delta(1, "text_delta", text="b"),
        delta(0, "text_delta", text="a"),
        stop(0),
        delta(1, "text_delta", text="B"),
        stop(1),
    ) == [{"type": "text", "text": "Aa"}, {"type": "text", "text": "bB"}]


@pytest.mark.requirement("R-172")
def test_ac_09_thinking_signature_text_and_tool_inputs() -> None:
    tool = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    assert content(
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm"),
        delta(0, "thinking_delta", thinking="m"),
        delta(0, "signature_delta", signature="old"),
        delta(0, "signature_delta", signature="new"),
        stop(0),
        *text_block(1, "T"),
        start(2, **tool),
        delta(2, "input_json_delta", partial_json=""),
        delta(2, "input_json_delta", partial_json='{"a": [1'),
        delta(2, "input_json_delta", partial_json=", 2]}"),
        stop(2),
        start(3, **tool),
        delta(3, "input_json_delta", partial_json=""),
        stop(3),
        start(4, type="tool_use", id="u", name="g"),
        delta(4, "input_json_delta", partial_json=""),
        stop(4),
    ) == [
        {"type": "thinking", "thinking": "Hmm", "signature": "new"},
        {"type": "text", "text": "T"},
        {**tool, "input": {"a": [1, 2]}},
        tool,
        {"type": "tool_use", "id": "u", "name": "g", "input": {}},
    ]


@pytest.mark.requirement("R-173")
def test_ac_10_complete_blocks_citations_compaction_and_unknown_deltas_are_kept() -> None:
    redacted = {"type": "redacted_thinking", "data": "b64=="}
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "x", "n": 2**70}]}
    given = [
        redacted,
        found,
        {"type": "container_upload", "file_id": "f"},
        {"type": "brand_new", "deep": {"k": [1]}},
    ]
    events = [event for index, block in enumerate(given) for event in (start(index, **block), stop(index))]
    assert content(*events) == given
    assert content(
        start(0, type="text", text="", citations=[]),
        delta(0, "citations_delta", citation={"c": 1}),
        delta(0, "text_delta", text="x"),
        delta(0, "citations_delta", citation={"c": 2}),
        stop(0),
        start(1, type="compaction", content=None),
        delta(1, "compaction_delta", content="short"),
        delta(1, "compaction_delta", content="shorter"),
        stop(1),
        start(2, type="text", text=""),
        delta(2, "novel_delta", words="w"),
        delta(2, "novel_delta", words="v"),
        stop(2),
    ) == [
        {"type": "text", "text": "x", "citations": [{"c": 1}, {"c": 2}]},
        {"type": "compaction", "content": "shorter"},
        {
            "type": "text",
            "text": "",
            "extra": [{"type": "novel_delta", "words": "w"}, {"type": "novel_delta", "words": "v"}],
        },
    ]


@pytest.mark.requirement("R-175")
def test_ac_11_three_message_deltas_replace_field_by_field() -> None:
    made = accumulated(
        begin(),
        finish(None, {"output_tokens": 3, "server_tool_use": {"web_search_requests": 1}}),
        finish("tool_use", {"output_tokens": 4, "input_tokens": None}, container={"id": "c"}),
        {
            **finish("end_turn", {"output_tokens": 6}, stop_details={"d": 1}),
            "context_management": {"applied": []},
        },
        STOP,
    )
    result = made.result()
    usage = {"input_tokens": 9, "output_tokens": 6, "server_tool_use": {"web_search_requests": 1}}
    assert result["usage"] == usage
    assert (result["stop_reason"], result["container"], result["stop_details"]) == (
        "end_turn",
        {"id": "c"},
        {"d": 1},
    )
    assert result["context_management"] == {"applied": []}


@pytest.mark.requirement("R-170")
@pytest.mark.parametrize(
    "events",
    [
        pytest.param(
            [begin(), start(0, type="text", text="p"), delta(1, "text_delta", text="x")], id="unopened index"
        ),
        pytest.param([begin(), start(0, type="text", text="p"), stop(1)], id="stop of an unopened index"),
        pytest.param([begin(), start(0, type="text", text="p"), begin()], id="second message_start"),
        pytest.param(
            [begin(), start(0, type="text", text="p"), start(0, type="text", text="")], id="second start"
        ),
        pytest.param([delta(0, "text_delta", text="x")], id="delta before start"),
        pytest.param([start(0, type="text", text="")], id="block before start"),
        pytest.param([finish()], id="message_delta before start"),
        pytest.param([STOP], id="stop before start"),
        pytest.param([{"type": "message_start", "message": None}], id="start without message"),
        pytest.param([begin(), start("0", type="text")], id="index that is no number"),
    ],
)
def test_ac_12_events_out_of_order_are_protocol_errors_with_partial(events: list[Event]) -> None:
    made = accumulated(*events[:-1])
    with pytest.raises(StreamProtocolError):
        made.add(events[-1]["type"], events[-1])
    assert [block["text"] for block in made.partial().get("content", [])] == ["p"] * (len(events) == 3)


@pytest.mark.requirement("R-174")
@pytest.mark.parametrize("raw", ['{"a": ', "{a}", '{"a":1}}', '{"a": NaN}', '"\ud800"'])
def test_ac_13_invalid_tool_json_is_marked_and_kept(raw: str) -> None:
    tool = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    found = content(start(0, **tool), delta(0, "input_json_delta", partial_json=raw), stop(0))
    assert found == [{**tool, "input": {}, "input_valid": False, "input_raw": raw}]


@pytest.mark.requirement("R-176")
@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        pytest.param([begin(), *text_block(0, "a"), finish()], "inferred", id="ST-08 closed with a reason"),
        pytest.param([begin(), *text_block(0, "a")[:-1], finish()], None, id="ST-09 one block open"),
        pytest.param([begin(), *text_block(0, "a")], None, id="no stop reason"),
        pytest.param([begin(), *text_block(0, "a"), finish(None)], None, id="stop reason null"),
        pytest.param([begin(), finish()], "inferred", id="no block at all"),
        pytest.param([], None, id="nothing"),
        pytest.param([{"type": "ping"}], None, id="ping only"),
        pytest.param([begin(), finish(), STOP], "explicit", id="ST-01 message_stop"),
    ],
)
def test_the_ending_is_explicit_inferred_or_interrupted(events: list[Event], verdict: str | None) -> None:
    assert accumulated(*events).ending() == verdict


@pytest.mark.requirement("R-173")
def test_content_that_came_with_message_start_is_kept_before_the_blocks() -> None:
    made = accumulated(
        begin(content=[{"type": "text", "text": "given"}]), *text_block(1, "a"), finish(), STOP
    )
    assert [block["text"] for block in made.result()["content"]] == ["given", "a"]


@pytest.mark.requirement("R-146")
def test_unfinished_blocks_are_marked_in_the_partial_message() -> None:
    made = accumulated(
        begin(),
        *text_block(0, "done"),
        start(1, type="text", text=""),
        delta(1, "text_delta", text="half"),
        start(2, type="tool_use", id="t", name="f", input={}),
        delta(2, "input_json_delta", partial_json='{"a": "x", "b": tr'),
    )
    tool = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "x"}}
    assert made.partial()["content"] == [
        {"type": "text", "text": "done"},
        {"type": "text", "text": "half", "complete": False},
        {**tool, "input_raw": '{"a": "x", "b": tr', "complete": False},
    ]
    assert made.partial()["usage"] == {"input_tokens": 9, "output_tokens": 1}


@pytest.mark.requirement("R-170")
def test_st_23_pings_errors_and_unknown_events_are_legal_in_every_state() -> None:
    odd: list[Event] = [
        {"type": "ping"},
        {"type": "brand_new", "x": 1},
        {"type": "error", "error": {}},
        {"type": ["list"]},
        {"type": "content_block_delta_v2", "index": 7},
    ]
    events = [begin(), *text_block(0, "a", "b"), finish(), STOP]
    made = BlockAccumulator()
    for event in events:
        for other in odd:
            made.add("x", other)
        made.add("x", event)
    assert made.result() == accumulated(*events).result()


@pytest.mark.requirement("R-142")
def test_st_11_what_follows_message_stop_is_ignored() -> None:
    made = accumulated(begin(), finish(), STOP)
    made.add("message_start", begin())
    made.add("x", [1])
    assert made.result()["stop_reason"] == "end_turn"


@pytest.mark.requirement("R-131")
@pytest.mark.parametrize(
    ("name", "data", "ends"),
    [
        ("message_stop", '{"type":"message_stop"   }', True),
        ("message_stop", '{"type":"message_stop"', False),
        ("message_stop", '{"type":"message_delta","x":"message_stop"}', False),
        ("message", '{"type":"message_stop"}', True),
        ("message_stop", "[DONE]", False),
        ("message_stop", '["message_stop"]', False),
        ("ping", '{"type":"ping"}', False),
    ],
)
def test_se_14_only_a_complete_message_stop_ends_this_family(name: str, data: str, ends: bool) -> None:
    made = accumulator("block-event")
    assert made.is_terminal(name, data) is ends
    assert made.is_sentinel(data) is False


@pytest.mark.requirement("R-171")
def test_an_event_without_a_type_goes_by_its_name() -> None:
    made = BlockAccumulator()
    made.add("message_start", {"message": begin()["message"]})
    made.add("message_stop", {})
    assert made.terminal


@pytest.mark.requirement("R-170")
@pytest.mark.parametrize("data", [[], "text", 5])
def test_what_is_no_object_is_a_protocol_error(data: Any) -> None:
    with pytest.raises(StreamProtocolError):
        BlockAccumulator().add("message_start", data)


@pytest.mark.requirement("R-141")
@pytest.mark.parametrize(
    "broken",
    [
        delta(0, "text_delta", text=None),
        delta(0, "input_json_delta", partial_json=5),
        delta(0, "citations_delta"),
        {"type": "content_block_delta", "index": 0, "delta": "text"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": ["x"]}},
        {"type": "message_delta", "delta": None, "usage": 5},
    ],
)
def test_unexpected_shapes_inside_an_event_never_raise(broken: Event) -> None:
    made = accumulated(begin(), start(0, type="text", text="a"), broken, stop(0), stop(0), finish(), STOP)
    assert made.result()["content"][0]["text"] == "a"


@pytest.mark.requirement("R-149")
@pytest.mark.parametrize(
    ("event", "brings"),
    [
        (begin(), False),
        (start(0, type="text", text=""), False),
        (start(0, type="thinking", thinking=""), False),
        (delta(0, "text_delta", text=""), False),
        ({"type": "ping"}, False),
        (finish(), False),
        (delta(0, "text_delta", text="x"), True),
        (delta(0, "thinking_delta", thinking="x"), True),
        (delta(0, "input_json_delta", partial_json="{"), True),
        (start(0, type="tool_use", id="t", name="f", input={}), True),
    ],
)
def test_only_what_brings_something_to_show_is_content(event: Event, brings: bool) -> None:
    assert BlockAccumulator().is_content(event) is brings


@pytest.mark.requirement("R-140")
def test_text_of_an_event_is_its_text_delta() -> None:
    made = BlockAccumulator()
    assert made.text_of("", delta(0, "text_delta", text="x")) == "x"
    assert made.text_of("", start(0, type="text", text="y")) == "y"
    for other in (delta(0, "thinking_delta", thinking="x"), begin(), start(0, type="new", text="z"), None):
        assert made.text_of("", other) == ""


@pytest.mark.requirement("R-178")
def test_tool_input_can_be_read_while_it_arrives() -> None:
    made = accumulated(begin(), start(0, type="tool_use", id="t", name="f", input={}))
    assert made.tool_input(0) == {}
    made.add("", delta(0, "input_json_delta", partial_json='{"city": "Os'))
    assert made.tool_input(0) == {"city": "Os"}
    assert made.tool_input(1) is None


@pytest.mark.requirement("R-169")
def test_results_are_fresh_copies_and_the_events_stay_untouched() -> None:
    events = [
        begin(),
        start(0, type="text", text="", citations=[]),
        delta(0, "citations_delta", citation={"c": 1}),
    ]
    before = copy.deepcopy(events)
    made = accumulated(*events, finish(usage={"output_tokens": 3}))
    made.result()["content"][0]["citations"][0]["c"] = 99
    assert made.result()["content"][0]["citations"] == [{"c": 1}]
    assert events == before


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    marks = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(marks)]


@pytest.mark.requirement("R-171")
@settings(deadline=None, derandomize=True, max_examples=60)
@given(cuts=st.lists(st.integers(1, 30), max_size=6), chance=st.randoms(use_true_random=False))
def test_any_splitting_and_interleaving_gives_the_same_result(cuts: list[int], chance: Any) -> None:
    words, raw = "Grüße, 世界 and more", '{"x": [1, 2, {"y": "z"}], "n": 12345678901234567890}'
    tool = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    lanes = [
        [start(0, type="thinking", thinking="", signature="")]
        + [delta(0, "thinking_delta", thinking=piece) for piece in pieces_of(words, cuts)]
        + [delta(0, "signature_delta", signature="s"), stop(0)],
        text_block(1, *pieces_of(words, cuts)),
        [start(2, **tool)]
        + [delta(2, "input_json_delta", partial_json=piece) for piece in pieces_of(raw, cuts)]
        + [stop(2)],
    ]
    made = accumulated(begin())
    while any(lanes):
        event = chance.choice([lane for lane in lanes if lane]).pop(0)
        made.add(event["type"], event)
    made.add("message_delta", finish())
    assert made.ending() == "inferred"
    assert made.result()["content"] == [
        {"type": "thinking", "thinking": words, "signature": "s"},
        {"type": "text", "text": words},
        {**tool, "input": {"x": [1, 2, {"y": "z"}], "n": 12345678901234567890}},
    ]


@pytest.mark.requirement("R-170")
@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([STOP], "message_stop before message_start"),
        ([finish()], "message_delta before message_start"),
        ([start(0, type="text")], "content_block_start before message_start"),
        ([delta(0, "text_delta", text="x")], "content_block_delta before message_start"),
        ([begin(), begin()], "a second message_start in one stream"),
        ([{"type": "message_start"}], "a message_start without a message"),
        ([begin(), {"type": "content_block_start"}], "a content_block_start without index or block"),
        (
            [begin(), start(0, type="text"), start(0, type="text")],
            "a second content_block_start for index 0",
        ),
        (
            [begin(), delta(1, "text_delta", text="x")],
            "content_block_delta for index 1, which was not started",
        ),
        (
            [begin(), {"type": "content_block_stop", "index": 1}],
            "content_block_stop for index 1, which was not started",
        ),
    ],
)
def test_a_protocol_error_says_which_event_came_out_of_order(events: list[Event], says: str) -> None:
    made = accumulated(*events[:-1])
    with pytest.raises(StreamProtocolError) as caught:
        made.add("message", events[-1])
    assert caught.value.message == says
