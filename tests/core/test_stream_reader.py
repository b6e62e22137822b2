from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from llm_forge.core import stream
from llm_forge.core.error_body import stream_error
from llm_forge.core.errors import ApiError, ForgeError
from llm_forge.core.profile import Family, Profile, StreamRule
from llm_forge.core.redact import Redactor
from llm_forge.core.stream import Decoded, StreamReader, may_be_error

PROFILE = Profile("acme", "https://api.acme.test")
START = {"type": "message_start", "message": {"id": "m", "content": []}}


def error_of(data: Any) -> ApiError | None:
    return stream_error(data, profile=PROFILE, redactor=Redactor(), request_id=None)


def reader(family: Family = "block-event", redact: Any = str) -> StreamReader:
    return StreamReader(StreamRule(family, dict), error_of, redact)


def event(value: Any, name: str | None = None, id: str | None = None) -> bytes:  # noqa: A002 - as on the wire
    lines = [*([f"event: {name}"] if name else []), *([f"id: {id}"] if id else [])]
    text = value if isinstance(value, str) else json.dumps(value)
    return "\n".join([*lines, f"data: {text}", "", ""]).encode()


def chunk(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


def failure(made: StreamReader) -> ForgeError:
    assert made.failure is not None
    assert made.completion is None
    assert made.ended
    return made.failure


@pytest.mark.requirement("R-144")
@pytest.mark.parametrize("family", get_args(Family))
def test_an_event_that_is_null_is_not_the_sentinel(family: Family) -> None:
    made = reader(family)
    made.feed(b"data: null\n\n")
    assert failure(made).kind == "StreamProtocolError"
    assert "Event 1 of the stream is null" in failure(made).message


@pytest.mark.requirement("R-140", "R-141")
def test_events_come_with_name_data_id_and_whether_they_are_more_than_a_ping() -> None:
    made = reader()
    made.feed(
        event(START, "message_start", "7")
        + event({"type": "ping"})
        + event({"x": 1}, "ping")
        + event({"n": 1})
    )
    assert list(made.ready) == [
        Decoded("message_start", START, application=True, id="7"),
        Decoded("message", {"type": "ping"}, application=False, id="7"),
        Decoded("ping", {"x": 1}, application=False, id="7"),
        Decoded("message", {"n": 1}, application=True, id="7"),
    ]
    assert (made.events_seen, made.application_events, made.ended) == (4, 2, False)


@pytest.mark.requirement("R-142")
def test_the_sentinel_ends_a_stream_and_is_no_event() -> None:
    made = reader("chat-completion")
    made.feed(
        event(chunk("Hel")) + event(chunk("lo", "stop")) + event(" [DONE] ", "message", "3") + event("[1")
    )
    assert made.completion == "explicit"
    assert made.failure is None
    assert [one.data["choices"][0]["delta"]["content"] for one in made.ready] == ["Hel", "lo"]
    assert made.events_seen == 3
    assert made.application_events == 2


@pytest.mark.requirement("R-147")
def test_an_event_that_is_not_json_says_which_and_keeps_its_redacted_beginning() -> None:
    made = reader("chat-completion", redact=lambda text: text.replace("secret", "[redacted]"))
    made.feed(event(chunk("x")) + event("{secret" + "x" * 10_000))
    error = failure(made)
    assert error.kind == "StreamDecodeError"
    assert error.message.startswith("Event 2 of the stream is not valid JSON: ")
    assert len(error.message) > len("Event 2 of the stream is not valid JSON: ")
    assert error.body is not None
    assert error.body.startswith("{[redacted]xxx")
    assert len(error.body) == stream._SHOWN
    assert len(made.ready) == 1


def test_json_with_bytes_that_are_not_utf_8_is_read_all_the_same() -> None:
    made = reader("chat-completion")
    made.feed(b'id: 4\nevent: e\ndata: {"choices":[],"x":"\xff"}\n\n')
    assert list(made.ready) == [Decoded("e", {"choices": [], "x": "\ufffd"}, application=True, id="4")]


@pytest.mark.requirement("R-148")
def test_reported_errors_end_the_stream_with_their_class() -> None:
    made = reader()
    made.feed(
        event(START)
        + event({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, "error")
    )
    assert failure(made).kind == "OverloadedError"
    silent = reader()
    silent.feed(event({}, "error"))
    assert failure(silent).kind == "StreamProtocolError"
    assert failure(silent).message == "The stream reported an error that says nothing more"
    harmless = reader()
    harmless.feed(event({"type": "news", "error": None, "message": "m"}, "news"))
    assert not harmless.ended


@pytest.mark.requirement("R-148")
@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("error", {}, True),
        ("error", "text", True),
        ("message", "text", False),
        ("message", {"type": "error"}, True),
        ("message", {"type": ["error"]}, False),
        ("message", {"object": "error"}, True),
        ("message", {"object": "chunk"}, False),
        ("message", {"error": {"message": "x"}}, True),
        ("message", {"error": None, "type": "x"}, False),
        ("message", {}, False),
        ("message", [1], False),
    ],
)
def test_an_error_is_known_by_name_type_or_fields(name: str, data: Any, expected: bool) -> None:
    assert may_be_error(name, data) is expected


@pytest.mark.requirement("R-144", "R-145")
def test_a_stream_without_its_end_says_how_far_it_came() -> None:
    cut = reader("chat-completion")
    cut.feed(event(chunk("a")) + event(chunk("b")))
    cut.finish()
    assert failure(cut).kind == "StreamInterruptedError"
    assert failure(cut).message == (
        "The stream was cut short after 2 events, before its terminal event; what arrived is in error.partial"
    )
    for strict in (False, True):
        made = reader("chat-completion")
        made.feed(event(chunk("a", "stop")))
        made.finish(strict=strict)
        assert made.completion == (None if strict else "inferred")
    assert (
        failure(made).message
        == "The stream ended without its terminal event, which strict_completion requires"
    )
    lenient = reader("chat-completion")
    lenient.feed(event(chunk("a", "stop")))
    lenient.finish()
    assert lenient.completion == "inferred"


@pytest.mark.requirement("R-167")
def test_a_declared_end_inside_a_tool_call_is_an_interruption() -> None:
    call = {"index": 0, "id": "t", "function": {"name": "f", "arguments": '{"a":'}}
    made = reader("chat-completion")
    made.feed(event({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}) + event("[DONE]"))
    assert failure(made).kind == "StreamInterruptedError"
    assert failure(made).message == (
        "The stream declared its end while a tool call was still incomplete; see error.partial"
    )


@pytest.mark.requirement("R-131")
def test_a_terminal_event_without_its_blank_line_counts_and_nothing_else_does() -> None:
    stop = event({"type": "message_stop"}, "message_stop")[:-2]
    by_name = event({}, "message_stop")[:-2]
    for last in (stop, by_name):
        made = reader()
        made.feed(event(START) + last)
        made.finish()
        assert (made.completion == "explicit") is (last is stop)
    half = reader()
    half.feed(event(START) + stop[:-1])
    half.finish()
    assert failure(half).kind == "StreamInterruptedError"


@pytest.mark.requirement("R-151")
def test_a_chunk_of_very_many_events_is_decoded_a_part_at_a_time() -> None:
    made = reader("chat-completion")
    count = stream.MAX_READY * 2 + 3
    made.feed(
        b"".join(event(chunk(str(number))) for number in range(count))
        + event(chunk("", "stop"))
        + event("[DONE]")
    )
    seen: list[Any] = []
    for _ in range(10):
        assert len(made.ready) <= stream.MAX_READY
        seen += made.ready
        made.ready.clear()
        made.refill()
    assert [one.data["choices"][0]["delta"]["content"] for one in seen] == [*map(str, range(count)), ""]
    assert made.completion == "explicit"
    assert made.events_seen == count + 2


@pytest.mark.requirement("R-132", "R-151")
def test_what_came_before_a_line_without_end_is_delivered_before_the_failure() -> None:
    made = reader("chat-completion")
    long = b"data: " + b"x" * (9 << 20)
    made.feed(event(chunk("a")) + long)
    made.feed(long)
    while made.refill() and not made.ended:
        pass
    assert [one.data["choices"][0]["delta"]["content"] for one in made.ready] == ["a"]
    made.ready.clear()
    made.refill()
    made.finish()
    assert failure(made).kind == "ResponseTooLargeError"


def test_nothing_waits_where_nothing_came() -> None:
    made = reader("chat-completion")
    assert made.refill() is False
    assert (made.events_seen, made.application_events, made.ready) == (0, 0, type(made.ready)())
    assert made.last_event_id is None


def test_the_sentinel_may_have_a_name_and_data_before_an_end_without_a_blank_line() -> None:
    made = reader("chat-completion")
    made.feed(event(chunk("a", "stop")) + b"event: done\nid: 9\ndata: [DONE]")
    made.finish()
    assert made.completion == "explicit"
    assert made.last_event_id in ("", None, "9")


@pytest.mark.requirement("R-132")
def test_events_before_a_line_without_end_are_taken_and_the_failure_comes_with_the_end_of_the_body() -> None:
    made = reader("chat-completion")
    made.feed(event(chunk("a")) * 3 + b"data: " + b"x" * (9 << 20))
    assert made.failure is None
    made.finish()
    assert len(made.ready) == 3
    assert failure(made).kind == "ResponseTooLargeError"
