"""Streams of the other families through the client: lines of JSON, typed events, responses, conversations."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_forge.core.errors import (
    ApiError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)
from llm_forge.core.profile import EVENT_NAME, Operation, StreamRule
from llm_forge.core.views import View
from llm_forge.runtime.scripted import Answer
from tests.runtime.kit import answer, client, sse
from tests.runtime.test_stream import block, stream

DONE_TYPE = frozenset({"speech.done"})
SPEECH = Operation(
    "audio.speak", "POST", "/speech", View,
    StreamRule("events", View, parameter="form", value="sse", terminal=DONE_TYPE), has_body=True,
)  # fmt: skip
LINES = Operation(
    "chat.lines", "POST", "/api/chat", View,
    StreamRule("events", View, ndjson=True, terminal=frozenset({"true"}), type_field="done"), has_body=True,
)  # fmt: skip
RUNS = Operation(
    "runs.watch", "GET", "/runs", View,
    StreamRule("events", View, parameter=None, terminal=frozenset({"over"}), type_field=EVENT_NAME),
)  # fmt: skip
RESPONSES = Operation(
    "responses.create", "POST", "/responses", View, StreamRule("response", View), has_body=True
)
TALK = Operation(
    "conversations.start", "POST", "/talk", View, StreamRule("conversation", View), has_body=True
)

A, B, OVER = (
    block("speech.delta", audio="AA"),
    block("speech.delta", audio="BB"),
    block("speech.done", usage={"input_tokens": 2, "output_tokens": 3}),
)
LINE_A, LINE_B, LINE_Z = (
    b'{"message":{"content":"Hel"},"done":false}\n',
    b'{"message":{"content":"lo"},"done":false}\n',
    b'{"done":true}\n',
)
HEAD = {"id": "r", "object": "response", "status": "in_progress", "output": []}
FAILED = {**HEAD, "status": "failed", "error": {"code": "server_error", "message": "no"}}
PLACE = {"item_id": "m", "output_index": 0, "content_index": 0}
ITEM = {"id": "m", "type": "message", "content": [{"type": "output_text", "text": "Hello €"}]}
RESPONSE = (
    block("response.created", response=HEAD),
    block("response.output_text.delta", **PLACE, delta="Hel"),
    block("response.output_text.delta", **PLACE, delta="lo €"),
    block("response.completed", response={**HEAD, "status": "completed", "output": [ITEM]}),
)
CONVERSATION = (
    block("conversation.response.started", conversation_id="c"),
    block("message.output.delta", id="m", output_index=0, content="Hel"),
    block("message.output.delta", id="m", output_index=0, content="lo €"),
    block("conversation.response.done", usage={"total_tokens": 3}),
)


def lines(*pieces: Any, kind: str = "application/x-ndjson") -> Answer:
    return Answer(200, [("content-type", kind)], list(pieces))


@pytest.mark.requirement("R-143", "R-014")
def test_typed_events_are_asked_for_in_their_own_way_and_give_the_list_of_themselves() -> None:
    acme = client(sse(A, B, OVER))
    with stream(acme, SPEECH) as opened:
        assert [event["type"] for event in opened] == ["speech.delta", "speech.delta", "speech.done"]
        assert [event.get("audio") for event in opened.result()] == ["AA", "BB", None]
        assert opened.completion == "explicit"
    sent = json.loads(acme.world.requests[0].body or b"")
    assert sent["form"] == "sse"
    assert "stream" not in sent


@pytest.mark.requirement("R-146")
def test_typed_events_that_are_cut_are_interrupted_with_those_that_arrived() -> None:
    with pytest.raises(StreamInterruptedError) as caught:
        stream(client(sse(A, B)), SPEECH).result()
    assert [event["audio"] for event in caught.value.partial] == ["AA", "BB"]
    assert caught.value.to_dict()["partial"] == [
        {"type": "speech.delta", "audio": "AA"},
        {"type": "speech.delta", "audio": "BB"},
    ]


@pytest.mark.requirement("R-135")
@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/jsonl; charset=utf-8", "text/plain"])
def test_lines_of_json_are_events_in_any_chunking_and_under_any_of_their_names(kind: str) -> None:
    body = LINE_A + b"\r\n" + LINE_B + LINE_Z
    for size in (1, 7, len(body)):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        acme = client(lines(*pieces, kind=kind))
        collected = stream(acme, LINES).result()
        assert [event["done"] for event in collected] == [False, False, True]
        assert dict(acme.world.requests[0].headers)["accept"] == "application/x-ndjson"


@pytest.mark.requirement("R-135", "R-134")
def test_what_is_labelled_as_one_json_is_taken_whole_and_a_page_is_refused() -> None:
    whole = stream(client(answer(200, {"done": True})), LINES)
    assert [event.to_dict() for event in whole.result()] == [{"done": True}]
    assert whole.synthesised
    for kind in ("text/html", "text/plain"):
        with pytest.raises(InvalidResponseError):
            stream(client(lines(b"<html>no</html>", kind=kind)), LINES).result()


@pytest.mark.requirement("R-135", "R-148")
def test_a_line_that_reports_an_error_ends_the_stream_with_it() -> None:
    with pytest.raises(ApiError, match="loading") as caught:
        stream(client(lines(LINE_A, b'{"error":"model is loading"}\n')), LINES).result()
    assert caught.value.mid_stream
    assert len(caught.value.partial) == 1


@pytest.mark.requirement("R-142")
def test_an_operation_without_a_parameter_may_end_by_the_name_of_an_event() -> None:
    acme = client(sse(b"event: step\ndata: {}\n\n", b'event: over\ndata: {"n":1}\n\n', 3600.0))
    events = acme.stream(RUNS, options={}).result()
    assert [event.to_dict() for event in events] == [{}, {"n": 1}]
    assert acme.world.requests[0].body is None


@pytest.mark.requirement("R-148")
@pytest.mark.parametrize(
    ("operation", "first", "failure", "error"),
    [
        (RESPONSES, RESPONSE[:2], block("response.failed", response=FAILED), ServerError),
        (RESPONSES, RESPONSE[:2], block("error", code="rate_limit_exceeded", message="no"), RateLimitError),
        (
            TALK,
            CONVERSATION[:2],
            block("conversation.response.error", message="no", code=429),
            RateLimitError,
        ),
    ],
)
def test_st_15_each_family_says_in_its_own_way_that_it_failed(
    operation: Any, first: tuple[bytes, ...], failure: bytes, error: type[ApiError]
) -> None:
    acme = client(sse(*first, failure))
    with pytest.raises(error) as caught:
        stream(acme, operation).result()
    assert caught.value.mid_stream
    assert "Hel" in json.dumps(caught.value.to_dict()["partial"])
    assert len(acme.world.requests) == 1


@pytest.mark.requirement("R-144", "R-131")
@pytest.mark.parametrize(
    ("operation", "pieces"),
    [(SPEECH, (A, B, OVER)), (LINES, (LINE_A, LINE_B, LINE_Z)), (RESPONSES, RESPONSE), (TALK, CONVERSATION)],
    ids=["events", "ndjson", "response", "conversation"],
)
def test_st_04_no_cut_of_a_stream_passes_for_a_whole_one(operation: Any, pieces: tuple[bytes, ...]) -> None:
    body, between = b"".join(pieces), b"}\n" if operation is LINES else b"\n\n"
    ends = len(body.rstrip(b"\n"))
    for cut in range(len(body) + 1):
        reply = lines(body[:cut]) if operation is LINES else sse(body[:cut])
        opened = stream(client(reply, max_attempts=1), operation)
        if cut >= ends:
            opened.result()
            assert opened.completion == "explicit"
            continue
        with pytest.raises(StreamInterruptedError) as caught:
            opened.result()
        arrived = body[: max(body.rfind(between, 0, cut), 0)]
        shown = json.dumps(caught.value.to_dict().get("partial", None), ensure_ascii=False)
        assert ("Hel" in shown or "AA" in shown) == (b"Hel" in arrived or b"AA" in arrived), cut


OPEN = Operation("logs.watch", "GET", "/logs", View, StreamRule("events", View, parameter=None))
OPEN_LINES = Operation(
    "logs.lines", "GET", "/lines", View, StreamRule("events", View, parameter=None, ndjson=True)
)


@pytest.mark.requirement("R-143", "R-145")
def test_a_stream_whose_last_event_nobody_knows_ends_with_its_body() -> None:
    opened = client(sse(A, B)).stream(OPEN, options={})
    assert len(opened.result()) == 2
    assert opened.completion == "inferred"
    with pytest.raises(StreamInterruptedError, match="strict_completion"):
        client(sse(A, B), strict_completion=True).stream(OPEN, options={}).result()


@pytest.mark.requirement("R-143")
def test_a_sentinel_ends_it_for_sure() -> None:
    opened = client(sse(A, b"data: [DONE]\n\n", 3600.0)).stream(OPEN, options={})
    assert len(opened.result()) == 1
    assert opened.completion == "explicit"


@pytest.mark.requirement("R-131", "R-144")
@pytest.mark.parametrize(
    ("operation", "whole", "more"), [(OPEN, A, B), (OPEN_LINES, LINE_A, LINE_B)], ids=["events", "ndjson"]
)
def test_it_is_interrupted_where_its_body_ends_inside_an_event(
    operation: Any, whole: bytes, more: bytes
) -> None:
    ends = len(more.rstrip(b"\n"))
    for cut in range(1, len(more) + 1):
        body = whole + more[:cut]
        reply = lines(body) if operation is OPEN_LINES else sse(body)
        opened = client(reply, max_attempts=1).stream(operation, options={})
        if cut >= ends:
            assert len(opened.result()) == 2
            continue
        begun = operation is OPEN_LINES or more[:cut].partition(b"data:")[1]
        if not begun:  # nothing of the event's data came, so that nothing of it is known to be lost
            continue
        with pytest.raises(StreamInterruptedError) as caught:
            opened.result()
        assert len(caught.value.to_dict()["partial"]) == 1, cut


@pytest.mark.requirement("R-198")
def test_an_object_that_tells_of_its_own_failure_is_returned_and_not_raised() -> None:
    acme = client(answer(200, FAILED), answer(200, {"error": {"message": "no"}}))
    body = {"model": "m"}
    assert acme.call(RESPONSES, body=body, options={}).to_dict() == FAILED
    with pytest.raises(ApiError):
        acme.call(RESPONSES, body=body, options={})


@pytest.mark.requirement("R-230")
@pytest.mark.parametrize(
    ("operation", "reply"),
    [
        (SPEECH, sse(A, B, OVER)),
        (LINES, lines(LINE_A, LINE_Z)),
        (RESPONSES, sse(*RESPONSE)),
        (TALK, sse(*CONVERSATION)),
    ],
    ids=["events", "ndjson", "response", "conversation"],
)
def test_hooks_are_told_of_the_end_of_every_family(operation: Any, reply: Answer) -> None:
    seen: list[Any] = []
    stream(client(reply, on_event=seen.append), operation).result()
    (ended,) = [event.facts for event in seen if event.name == "call-end"]
    assert (ended["outcome"], ended["completion"]) == ("ok", "explicit")
