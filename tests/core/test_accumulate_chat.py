"""The chat-completion accumulator: scenario by scenario, then any splitting of the same answer."""

from __future__ import annotations

import copy
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.accumulate import ChatAccumulator, accumulator
from llm_forge.core.errors import StreamProtocolError

DONE = None


def chunk(delta: Any = None, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish}
    return {
        "id": "c-1",
        "object": "chat.completion.chunk",
        "created": 7,
        "model": "m",
        "choices": [choice],
        **more,
    }


def accumulated(*chunks: Any) -> ChatAccumulator:
    made = ChatAccumulator()
    for data in chunks:
        made.add("message", data)
    return made


def message(made: ChatAccumulator, choice: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = made.result()["choices"][choice]["message"]
    return found


def call(
    index: int | None = None, call_id: str | None = None, name: str | None = None, args: str | None = None
) -> Any:
    function = {key: value for key, value in (("name", name), ("arguments", args)) if value is not None}
    whole = {"index": index, "id": call_id, "type": "function" if call_id else None, "function": function}
    return {key: value for key, value in whole.items() if value is not None}


def calls_of(*deltas: list[Any], finish: str | None = "tool_calls") -> list[dict[str, Any]]:
    chunks = [chunk({"tool_calls": entries}) for entries in deltas]
    found: list[dict[str, Any]] = message(accumulated(*chunks, chunk(finish=finish), DONE))["tool_calls"]
    return found


@pytest.mark.requirement("R-169")
def test_st_01_a_stream_gives_the_object_of_the_unary_answer() -> None:
    made = accumulated(
        chunk(
            {"role": "assistant", "content": "", "refusal": None}, system_fingerprint="f", obfuscation="xyz"
        ),
        chunk({"content": "Hel"}, system_fingerprint="f", p="abc"),
        chunk({"content": "lo"}, usage=None),
        chunk({}, "stop"),
        {**chunk(), "choices": [], "usage": {"total_tokens": 3}},
        DONE,
    )
    assert made.terminal
    assert made.ending() == "explicit"
    assert made.result() == {
        "id": "c-1",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "system_fingerprint": "f",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", "refusal": None},
                "finish_reason": "stop",
            }
        ],
        "usage": {"total_tokens": 3},
    }


@pytest.mark.requirement("R-160")
def test_ac_01_two_choices_interleave() -> None:
    made = accumulated(
        chunk({"role": "assistant", "content": "b1"}, index=1),
        chunk({"role": "assistant", "content": "a1"}),
        chunk({"content": "b2"}, "length", index=1),
        chunk({"content": "a2"}, "stop"),
        DONE,
    )
    assert [c["message"]["content"] for c in made.result()["choices"]] == ["a1a2", "b1b2"]
    assert [c["finish_reason"] for c in made.result()["choices"]] == ["stop", "length"]
    assert made.text_of("message", chunk({"content": "b"}, index=1)) == ""
    assert made.text_of("message", chunk({"content": "a"})) == "a"


@pytest.mark.requirement("R-162")
def test_ac_02_three_parallel_calls_interleave_byte_by_byte() -> None:
    texts = ['{"city":"Oslo"}', '{"n":[1,2]}', "{}"]
    deltas = [[call(2 - i, f"id{2 - i}", f"f{2 - i}", "")] for i in range(3)]
    for at in range(max(map(len, texts))):
        deltas += [[call(i, args=text[at])] for i, text in enumerate(texts) if at < len(text)]
    assert calls_of(*deltas) == [
        {"id": f"id{i}", "type": "function", "function": {"name": f"f{i}", "arguments": text}}
        for i, text in enumerate(texts)
    ]


@pytest.mark.requirement("R-162")
@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        pytest.param(
            [
                [call(call_id="a", name="f", args="{")],
                [call(call_id="b", name="g", args="{")],
                [call(call_id="a", args="}")],
                [call(call_id="b", args="}")],
            ],
            [("a", "f", "{}"), ("b", "g", "{}")],
            id="without index, by id",
        ),
        pytest.param(
            [
                [call(call_id="a", name="f", args='{"x"')],
                [call(args=":1}")],
                [call(call_id="b", name="g", args="{")],
                [call(args="}")],
            ],
            [("a", "f", '{"x":1}'), ("b", "g", "{}")],
            id="without index, a continuation without id belongs to the latest",
        ),
        pytest.param(
            [[call(0, name="f", args="{")], [call(0, args="}")], [call(1, name="g", args="{}")]],
            [(None, "f", "{}"), (None, "g", "{}")],
            id="without id, by index",
        ),
        pytest.param(
            [[call(name="f", args="{"), call(name="g", args="{")], [call(args="}"), call(args="}")]],
            [(None, "f", "{}"), (None, "g", "{}")],
            id="without both, by position",
        ),
        pytest.param(
            [[call(name="f", args='{"a":1}')], [call(name="f", args='{"a":2}')]],
            [(None, "f", '{"a":1}'), (None, "f", '{"a":2}')],
            id="without both, whole calls one after the other",
        ),
        pytest.param(
            [[call(0, "a", "get_", "")], [call(0, name="weather", args="")], [call(0, args="{}")]],
            [("a", "get_weather", "{}")],
            id="name split over deltas",
        ),
        pytest.param(
            [[call(0, "a", "", "{")], [call(0, name="late", args="}")], [call(0, name="late", args="")]],
            [("a", "late", "{}")],
            id="name that comes after arguments and is repeated",
        ),
        pytest.param(
            [[call(0, "a", "f", "{")], [call(0, "a", "f", "}")], [call(0, "other", "g")]],
            [("a", "f", "{}")],
            id="id and name of the first delta stay",
        ),
    ],
)
def test_ac_03_calls_without_index_or_id_are_told_apart(deltas: Any, expected: list[Any]) -> None:
    found = [(c.get("id"), c["function"]["name"], c["function"]["arguments"]) for c in calls_of(*deltas)]
    assert found == expected


@pytest.mark.requirement("R-165")
@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(
            [chunk(usage=None), {"choices": [], "usage": {"n": 2}}], id="last chunk without choices"
        ),
        pytest.param([chunk(x_groq={"id": "r", "usage": {"n": 2}}), chunk(usage=None)], id="x_groq"),
        pytest.param(
            [chunk(usage={"n": 1}), chunk(usage={"n": 2}), chunk(x_groq={"usage": None})], id="last wins"
        ),
    ],
)
def test_ac_04_usage_is_taken_once_from_wherever_it_is(chunks: list[Any]) -> None:
    result = accumulated(*chunks, DONE).result()
    assert result["usage"] == {"n": 2}
    assert "usage" not in result.get("x_groq", {})


@pytest.mark.requirement("R-168")
def test_ac_05_list_content_is_appended_and_thoughts_grow_together() -> None:
    def thought(text: str, **more: Any) -> dict[str, Any]:
        return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **more}

    made = accumulated(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": [thought("Let")]}),
        chunk({"content": [thought(" me", closed=True)]}),
        chunk({"content": [{"type": "text", "text": "A"}, {"type": "reference", "reference_ids": [1]}]}),
        chunk({"content": "x"}),
        chunk({"content": "y"}, "stop"),
        DONE,
    )
    assert message(made)["content"] == [
        thought("Let me", closed=True),
        {"type": "text", "text": "A"},
        {"type": "reference", "reference_ids": [1]},
        {"type": "text", "text": "xy"},
    ]
    assert made.text_of("", chunk({"content": [thought("no"), {"type": "text", "text": "yes"}]})) == "yes"


@pytest.mark.requirement("R-168")
def test_ac_05_reasoning_refusal_logprobs_audio_and_unknown_fields_grow_by_their_type() -> None:
    first = {
        "reasoning": "a",
        "refusal": "n",
        "audio": {"id": "u", "data": "AA"},
        "n": 1,
        "o": {"s": "x"},
        "l": [1],
    }
    second = {
        "reasoning": "b",
        "refusal": "o",
        "audio": {"data": "BB", "expires_at": 9},
        "n": 2,
        "o": {"s": "y"},
    }
    opening, more = (
        chunk(first),
        chunk({**second, "l": [2], "channel": "final", "flag": True, "none": None}, "stop"),
    )
    opening["choices"][0]["logprobs"] = None
    more["choices"][0]["logprobs"] = {"content": [{"token": "a"}], "refusal": None}
    last = chunk()
    last["choices"][0]["logprobs"] = {"content": [{"token": "b"}]}
    made = accumulated(opening, more, last, DONE)
    assert message(made) == {
        "reasoning": "ab",
        "refusal": "no",
        "audio": {"id": "u", "data": "AABB", "expires_at": 9},
        "n": 2,
        "o": {"s": "xy"},
        "l": [1, 2],
        "channel": "final",
        "flag": True,
        "none": None,
    }
    logprobs = made.result()["choices"][0]["logprobs"]
    assert logprobs == {"content": [{"token": "a"}, {"token": "b"}], "refusal": None}


@pytest.mark.requirement("R-169")
def test_an_executed_tool_reported_twice_is_there_once_with_its_output() -> None:
    begun = {"index": 0, "type": "search", "arguments": "{}"}
    made = accumulated(
        chunk({"executed_tools": [begun]}),
        chunk({"executed_tools": [{**begun, "output": "found"}, {"index": 1, "type": "python"}]}, "stop"),
        DONE,
    )
    tools = message(made)["executed_tools"]
    assert tools == [{**begun, "output": "found"}, {"index": 1, "type": "python"}]
    assert begun == {"index": 0, "type": "search", "arguments": "{}"}


@pytest.mark.requirement("R-161")
def test_ac_06_text_and_tool_call_of_one_choice_are_both_kept() -> None:
    made = accumulated(
        chunk({"content": "I look"}), chunk({"tool_calls": [call(0, "a", "f", "{}")]}, "tool_calls"), DONE
    )
    assert message(made)["content"] == "I look"
    assert message(made)["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


@pytest.mark.requirement("R-160")
def test_ac_07_chunks_without_choices_or_delta_are_legal() -> None:
    bare = {"index": 0, "finish_reason": None}
    made = accumulated(
        {}, {"choices": None}, {"choices": []}, {"choices": [bare]}, {"choices": [{**bare, "delta": None}]}
    )
    made.add("message", chunk({"content": "x"}, "stop"))
    assert message(made) == {"content": "x"}
    assert made.ending() == "inferred"


@pytest.mark.requirement("R-161")
def test_identity_comes_from_the_first_chunk_that_has_it() -> None:
    chunks = [chunk(id=None, system_fingerprint=None), chunk(id="", system_fingerprint="f1"), chunk(id="two")]
    result = accumulated(
        *chunks, chunk(id="x", model="n", system_fingerprint="f2", service_tier="late"), DONE
    ).result()
    assert (result["id"], result["model"], result["system_fingerprint"]) == ("two", "m", "f1")
    assert result["service_tier"] == "late"


@pytest.mark.requirement("R-164")
def test_an_unknown_finish_reason_is_kept_and_later_chunks_still_count() -> None:
    made = accumulated(chunk({"content": "a"}, "eos_token"), chunk({"content": "b"}), DONE)
    assert made.result()["choices"][0] == {
        "index": 0,
        "message": {"content": "ab"},
        "finish_reason": "eos_token",
    }


@pytest.mark.requirement("R-163")
def test_invalid_arguments_are_marked_and_do_not_fail_the_stream() -> None:
    found = calls_of([call(0, "a", "f", '{"x":')], [call(1, "b", "g", "{}")])
    assert [entry.get("arguments_valid") for entry in found] == [False, None]


@pytest.mark.requirement("R-166")
@pytest.mark.parametrize(
    ("chunks", "verdict"),
    [
        pytest.param(
            [chunk({"content": "a"}, "stop")], "inferred", id="ST-05 every choice finished, no sentinel"
        ),
        pytest.param([chunk({"content": "a"}), chunk({}, "stop", 1)], None, id="one choice not finished"),
        pytest.param([chunk({"content": "a"})], None, id="ST-02 no finish reason"),
        pytest.param([], None, id="no choice at all"),
        pytest.param([{"choices": []}], None, id="an empty chunk only"),
        pytest.param([chunk({"content": "a"}, "stop"), DONE], "explicit", id="ST-01 sentinel"),
        pytest.param([chunk({"content": "a"}), DONE], "explicit", id="ST-06 sentinel without finish reason"),
        pytest.param(
            [chunk({"tool_calls": [call(0, "i", "f", '{"a":')]}), DONE], None, id="ST-07 open tool call"
        ),
        pytest.param(
            [chunk({"tool_calls": [call(0, "i", "f", "{}")]}), DONE], "explicit", id="whole tool call"
        ),
        pytest.param(
            [chunk({"tool_calls": [call(0, "i", "f", '{"a":')]}, "length"), DONE],
            "explicit",
            id="cut by length",
        ),
    ],
)
def test_the_ending_is_explicit_inferred_or_interrupted(chunks: list[Any], verdict: str | None) -> None:
    assert accumulated(*chunks).ending() == verdict


@pytest.mark.requirement("R-167")
def test_st_06_a_sentinel_without_finish_reason_gives_unknown_but_nothing_is_invented_before_it() -> None:
    made = accumulated(chunk({"content": "a"}))
    assert made.result()["choices"][0]["finish_reason"] is None
    made.add("message", DONE)
    assert made.result()["choices"][0]["finish_reason"] == "unknown"
    assert made.partial()["choices"][0]["finish_reason"] is None


@pytest.mark.requirement("R-146")
def test_st_07_an_unfinished_tool_call_is_marked_in_the_partial_message() -> None:
    made = accumulated(
        chunk({"content": "t", "tool_calls": [call(0, "i", "f", '{"a":'), call(1, "j", "g", '{"b":1}')]}),
        DONE,
    )
    partial = made.partial()["choices"][0]["message"]
    assert partial["content"] == "t"
    assert [entry.get("complete") for entry in partial["tool_calls"]] == [False, None]
    assert partial["tool_calls"][0]["function"]["arguments"] == '{"a":'


@pytest.mark.requirement("R-142")
def test_st_11_what_follows_the_sentinel_is_ignored() -> None:
    made = accumulated(chunk({"content": "a"}, "stop"), DONE)
    before = made.result()
    made.add("message", chunk({"content": "more"}))
    made.add("message", "nonsense")
    assert made.result() == before


@pytest.mark.requirement("R-131")
@pytest.mark.parametrize(
    ("data", "ends"), [("[DONE]", True), (" [DONE] \n", True), ("[DON", False), ("{}", False)]
)
def test_se_14_only_the_sentinel_ends_this_family(data: str, ends: bool) -> None:
    made = accumulator("chat-completion")
    assert made.is_sentinel(data) is ends
    assert made.is_terminal("message", data) is ends


@pytest.mark.requirement("R-160")
@pytest.mark.parametrize(
    "data", [[], "text", 5, {"choices": 5}, {"choices": [5]}, {"choices": [{"delta": [1]}]}]
)
def test_what_is_no_chunk_is_a_protocol_error(data: Any) -> None:
    with pytest.raises(StreamProtocolError):
        ChatAccumulator().add("message", data)


@pytest.mark.requirement("R-141")
@pytest.mark.parametrize(
    "delta",
    [
        {"tool_calls": [None, "x", {}, {"function": None}, {"function": "f"}, {"index": "0", "id": 5}]},
        {"tool_calls": {"index": 0}},
        {"content": {"a": 1}},
        {"content": [None, 5, {"type": "thinking", "thinking": "text"}]},
        {"role": ["a"], "executed_tools": "none"},
    ],
)
def test_unexpected_shapes_never_raise(delta: Any) -> None:
    made = accumulated(
        chunk(delta), chunk(delta), chunk({"content": "x"}), chunk({"role": "r"}, "stop"), DONE
    )
    assert made.partial()
    assert made.result()["choices"][0]["finish_reason"] == "stop"


@pytest.mark.requirement("R-149")
@pytest.mark.parametrize(
    ("data", "content"),
    [
        (chunk({"role": "assistant"}), False),
        (chunk({"role": "assistant", "content": ""}), False),
        (chunk({}, "stop"), False),
        ({"choices": []}, False),
        ({}, False),
        (None, False),
        (chunk({"content": "x"}), True),
        (chunk({"reasoning": "x"}), True),
        (chunk({"tool_calls": [call(0, "i", "f", "")]}), True),
    ],
)
def test_a_role_only_or_empty_delta_is_not_content(data: Any, content: bool) -> None:
    assert ChatAccumulator().is_content(data) is content


@pytest.mark.requirement("R-178")
def test_tool_input_can_be_read_while_it_arrives() -> None:
    made = accumulated(chunk({"tool_calls": [call(0, "i", "f", '{"city": "Os')]}))
    assert made.tool_input(0) == {"city": "Os"}
    assert made.tool_input(1) is None
    assert made.tool_input(-1) is None


@pytest.mark.requirement("R-169")
def test_results_are_fresh_copies_and_the_chunks_stay_untouched() -> None:
    chunks = [
        chunk({"content": "a", "l": [{"x": 1}], "o": {"k": [1]}}),
        chunk({"l": [{"y": 1}], "o": {"k": [2]}}, "stop"),
    ]
    before = copy.deepcopy(chunks)
    made = accumulated(*chunks)
    made.result()["choices"][0]["message"]["o"]["k"].append(99)
    assert message(made)["o"] == {"k": [1, 2]}
    assert chunks == before


ANSWER = {
    "content": "Grüße, 世界 and more",
    "reasoning": "because",
    "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": [1, 2, {"y": "z"}]}'}},
        {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ],
}


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    marks = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(marks)]


def deltas_of(choice: int, cuts: list[int]) -> list[tuple[int, dict[str, Any]]]:
    """The deltas of one choice, in the order in which a field's own pieces must stay."""
    texts = [
        {name: piece} for name in ("content", "reasoning") for piece in pieces_of(str(ANSWER[name]), cuts)
    ]
    calls = [
        {
            "tool_calls": [
                call(i, **({"call_id": e["id"], "name": e["function"]["name"]} if n == 0 else {}), args=piece)
            ]
        }
        for i, e in enumerate(ANSWER["tool_calls"])
        for n, piece in enumerate(pieces_of(e["function"]["arguments"], cuts))
    ]
    return [(choice, delta) for delta in [*texts, *calls]]


@pytest.mark.requirement("R-160")
@settings(deadline=None, derandomize=True, max_examples=60)
@given(cuts=st.lists(st.integers(1, 30), max_size=6), chance=st.randoms(use_true_random=False))
def test_any_splitting_and_interleaving_gives_the_same_result(cuts: list[int], chance: Any) -> None:
    lanes = [deltas_of(choice, cuts) for choice in (0, 1)]
    made = ChatAccumulator()
    while any(lanes):
        choice, delta = chance.choice([lane for lane in lanes if lane]).pop(0)
        made.add("message", chunk(delta, index=choice))
    for choice in (0, 1):
        made.add("message", chunk({}, "stop", index=choice))
    assert made.ending() == "inferred"
    assert [c["message"] for c in made.result()["choices"]] == [ANSWER, ANSWER]
    assert json.loads(json.dumps(made.result())) == made.result()


def made_of(*chunks: Any) -> ChatAccumulator:
    made = ChatAccumulator()
    for chunk in chunks:
        made.add("message", chunk)
    return made


@pytest.mark.requirement("R-141")
@pytest.mark.parametrize(
    ("chunk", "says"),
    [
        ([1], "a chunk of the stream is not an object"),
        ({"choices": {"index": 0}}, "the choices of a chunk are not a list"),
        ({"choices": ["x"]}, "a choice of a chunk is not an object"),
        ({"choices": [{"index": 0, "delta": "x"}]}, "a delta of the stream is not an object"),
    ],
)
def test_a_chunk_of_the_wrong_form_says_what_is_wrong(chunk: Any, says: str) -> None:
    with pytest.raises(StreamProtocolError) as caught:
        made_of(chunk)
    assert caught.value.message == says


@pytest.mark.requirement("R-160")
def test_a_choice_without_an_index_is_the_first() -> None:
    made = made_of(
        {"choices": [{"delta": {"content": "a"}}]}, {"choices": [{"index": 0, "delta": {"content": "b"}}]}
    )
    assert [choice["index"] for choice in made.result()["choices"]] == [0]
    assert made.result()["choices"][0]["message"]["content"] == "ab"
    assert made.text_of("message", {"choices": [{"delta": {"content": "x"}}]}) == "x"
    assert made.text_of("message", {"choices": [{"index": 1, "delta": {"content": "x"}}]}) == ""
    odd = made_of({"choices": [{"index": "1", "delta": {"content": "a"}}]})
    assert odd.result()["choices"][0]["index"] == 0


@pytest.mark.requirement("R-165", "R-168")
def test_head_fields_keep_first_or_last_values_and_nulls_only_where_nothing_else_came() -> None:
    made = made_of(
        {
            "id": "",
            "model": "m1",
            "service_tier": None,
            "extra": 1,
            "p": "pad",
            "obfuscation": "x",
            "choices": [],
        },
        {"id": "c", "model": "m2", "extra": 2, "other": None, "usage": None, "choices": None},
        {"service_tier": "a", "usage": {"n": 1}, "x_groq": {"id": "r", "usage_breakdown": {"b": 1}}},
        {"extra": None, "x_groq": {"usage": {"n": 2}, "more": 3}, "plain": {"usage": 9}},
    )
    result = made.result()
    assert result == {
        "id": "c",
        "model": "m1",
        "service_tier": "a",
        "extra": 2,
        "other": None,
        "usage_breakdown": {"b": 1},
        "x_groq": {"id": "r", "more": 3},
        "plain": {"usage": 9},
        "choices": [],
        "usage": {"n": 2},
    }


@pytest.mark.requirement("R-168")
def test_fields_of_a_choice_beside_its_delta_are_kept() -> None:
    made = made_of(
        {"choices": [{"index": 0, "delta": None, "logprobs": None, "mark": None, "score": 1}]},
        {"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [1]}, "mark": "x"}]},
        {
            "choices": [
                {"index": 0, "delta": {}, "logprobs": {"content": [2]}, "score": 2, "finish_reason": "stop"}
            ]
        },
        {"choices": [{"index": 0, "delta": {}, "finish_reason": None, "mark": None}]},
    )
    assert made.result()["choices"] == [
        {
            "index": 0,
            "message": {"content": "a"},
            "logprobs": {"content": [1, 2]},
            "mark": "x",
            "score": 2,
            "finish_reason": "stop",
        }
    ]
    assert made.ending() == "inferred"


@pytest.mark.requirement("R-146", "R-178")
def test_unfinished_calls_of_a_partial_message_are_marked_and_finished_ones_are_not() -> None:
    call = {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": '{"a": [1, 2'}}
    made = made_of({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    assert made.tool_input(0) == {"a": [1]}
    assert made.tool_input(1) is None
    assert made.partial()["choices"][0]["message"]["tool_calls"][0]["complete"] is False
    assert made.partial()["choices"][0]["finish_reason"] is None
    rest = {"index": 0, "function": {"arguments": "]}"}}
    made.add(
        "message", {"choices": [{"index": 0, "delta": {"tool_calls": [rest]}, "finish_reason": "tool_calls"}]}
    )
    (shown,) = made.partial()["choices"][0]["message"]["tool_calls"]
    assert "complete" not in shown
    assert made.tool_input(0) == {"a": [1, 2]}
    assert ChatAccumulator().tool_input(0) is None


@pytest.mark.requirement("R-161")
def test_typed_chunks_and_completions_of_text_give_their_text() -> None:
    made = ChatAccumulator()
    parts = [
        {"type": "text", "text": "a"},
        {"type": "thinking", "text": "no"},
        {"type": "text", "text": 1},
        "x",
    ]
    assert made.text_of("message", {"choices": [{"index": 0, "delta": {"content": parts}}]}) == "a"
    assert made.text_of("message", {"choices": [{"index": 0, "text": "plain"}]}) == "plain"
    assert made.is_content({"choices": [{"index": 0, "text": "plain"}]}) is True
    assert made.is_content({"choices": [{"index": 0, "text": ""}]}) is False
    assert (
        made.is_content({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}) is False
    )
    assert made.terminal is False
