"""The response family on recorded streams: what its events build is what the terminal event brings."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pytest
from tests.shared import SHARED, needs_shared

from llm_forge.core.accumulate import ResponseAccumulator
from llm_forge.core.profile import StreamRule
from llm_forge.core.stream import StreamReader

NOT_THE_SAME = ("status", "complete", "logprobs", "encrypted_content")


def recorded() -> list[str]:
    """The bodies of all recorded streams of the Responses API that are whole."""
    with gzip.open(SHARED / "wire" / "open" / "openai.jsonl.gz", "rt") as lines:
        records = [json.loads(line) for line in lines if "/v1/responses" in line]
    bodies = [one["response_body"] for one in records if one["is_stream"] and one["status"] == 200]
    return [body for body in bodies if "response.completed" in body or "response.incomplete" in body]


def reader() -> StreamReader:
    return StreamReader(StreamRule("response", dict), lambda _: None)


def in_pieces(body: str, chance: random.Random) -> StreamReader:
    made, raw, at = reader(), body.encode(), 0
    while at < len(raw):
        size = chance.randint(1, 2000)
        made.feed(raw[at : at + size])
        while made.refill():
            made.ready.clear()
        made.ready.clear()
        at += size
    return made


def comparable(item: dict[str, Any]) -> dict[str, Any]:
    """Without what OpenAI sends at the end only, or in another place."""
    return {name: value for name, value in item.items() if name not in NOT_THE_SAME}


@needs_shared
@pytest.mark.requirement("R-169", "R-146")
def test_ac_14_recorded_streams_build_the_output_that_their_terminal_event_brings() -> None:
    bodies, chance = recorded(), random.Random(14)
    assert len(bodies) >= 290
    for body in bodies:
        made = in_pieces(body, chance)
        assert made.completion == "explicit"
        result = made.accumulator.result()
        unended = in_pieces(body[: body.rindex("event: response.")], chance)
        assert unended.completion is None
        built = unended.accumulator.partial()["output"]
        assert [comparable(item) for item in built] == [comparable(item) for item in result["output"]]


@needs_shared
@pytest.mark.requirement("R-144")
def test_st_04_no_cut_of_a_recorded_stream_passes_for_a_whole_one() -> None:
    chance = random.Random(4)
    for body in chance.sample(recorded(), 25):
        raw = body.encode()
        terminal = raw.rindex(b"event: response.")
        for cut in chance.sample(range(terminal), 40):
            made = reader()
            made.feed(raw[:cut])
            made.finish()
            assert made.completion is None
            assert made.failure is not None
            assert made.failure.kind == "StreamInterruptedError"


@pytest.mark.requirement("R-178")
def test_tool_input_can_be_read_while_it_arrives() -> None:
    made = ResponseAccumulator()
    made.add("", {"type": "response.output_item.added", "output_index": 1, "item": {"type": "function_call"}})
    assert made.tool_input(1) is None
    for piece in ('{"city": "Par', 'is", "n": 1'):
        event = {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": piece}
        made.add("", event)
    assert made.tool_input(1) == {"city": "Paris"}
    assert made.tool_input(0) is None


@pytest.mark.requirement("R-149")
@pytest.mark.parametrize(
    ("event", "brings"),
    [
        ({"type": "response.output_text.delta", "delta": "x"}, True),
        ({"type": "response.output_text.delta", "delta": ""}, False),
        ({"type": "response.created", "response": {}}, False),
        ({"type": "response.output_item.added", "item": {}}, False),
        ({"type": "response.output_item.done", "item": {}}, True),
    ],
)
def test_only_what_brings_something_to_show_is_content(event: dict[str, Any], brings: bool) -> None:
    assert ResponseAccumulator().is_content(event) is brings


@pytest.mark.requirement("R-160")
def test_the_text_of_an_event_is_its_output_text() -> None:
    made = ResponseAccumulator()
    assert made.text_of("", {"type": "response.output_text.delta", "delta": "x"}) == "x"
    assert made.text_of("response.output_text.delta", {"delta": "x"}) == "x"
    assert made.text_of("", {"type": "response.refusal.delta", "delta": "x"}) == ""


@pytest.mark.requirement("R-169")
def test_results_are_fresh_copies() -> None:
    made = ResponseAccumulator()
    made.add("", {"type": "response.completed", "response": {"output": [{"id": "a"}]}})
    made.result()["output"].clear()
    assert made.result()["output"] == [{"id": "a"}]
