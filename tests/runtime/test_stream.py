"""Streams in a scripted world: three ends, every timer, every way of leaving."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest

from llm_forge.core.breaker import BreakerSettings
from llm_forge.core.errors import (
    AttemptTimeoutError,
    AuthenticationError,
    ConnectionLostError,
    DeadlineExceededError,
    ForgeError,
    InvalidResponseError,
    OverloadedError,
    ProtocolError,
    RateLimitError,
    ResponseTooLargeError,
    StreamDecodeError,
    StreamError,
    StreamIdleError,
    StreamInterruptedError,
    StreamStallError,
)
from llm_forge.runtime.scripted import Answer
from llm_forge.runtime.stream import Stream
from tests.runtime.kit import BLOCKS, CHAT, DONE, Acme, answer, client, delta, failed, ok, sse

HEL, LO = delta("Hel"), delta("lo")
END = delta("", "stop")


def stream(acme: Acme, operation: Any = CHAT, **options: Any) -> Stream[Any, Any]:
    return acme.stream(operation, body={"model": "m", "messages": []}, options=options)


def text_of(message: Any) -> str:
    return message["choices"][0]["message"]["content"] if message.get("choices") else ""


def block(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


START = block(
    "message_start",
    message={"id": "m", "type": "message", "role": "assistant", "content": [], "usage": {"input_tokens": 3}},
)
OPEN = block("content_block_start", index=0, content_block={"type": "text", "text": ""})
TEXT = block("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hello"})
SHUT = block("content_block_stop", index=0)
STOP = block("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2})
OVER = block("message_stop")


@pytest.mark.requirement("R-143")
def test_st_01_a_whole_stream_ends_explicitly_and_its_request_asked_for_one() -> None:
    acme = client(sse(HEL, LO, END, DONE))
    with stream(acme) as opened:
        assert opened.completion is None
        assert [event["choices"][0]["delta"]["content"] for event in opened] == ["Hel", "lo", ""]
        assert text_of(opened.result()) == "Hello"
        assert opened.completion == "explicit"
    assert json.loads(acme.world.requests[0].body or b"")["stream"] is True
    assert dict(acme.world.requests[0].headers)["accept"] == "text/event-stream"
    assert acme.world.exchanges[0].closed


@pytest.mark.requirement("R-140")
def test_texts_and_result_need_no_with() -> None:
    assert "".join(stream(client(sse(HEL, LO, END, DONE))).texts()) == "Hello"
    assert text_of(stream(client(sse(HEL, LO, END, DONE))).result()) == "Hello"


@pytest.mark.requirement("R-125")
def test_every_chunking_gives_the_same_message() -> None:
    whole = HEL + LO + END + DONE
    pieces = [whole[i : i + 1] for i in range(len(whole))]
    assert text_of(stream(client(sse(*pieces))).result()) == "Hello"


@pytest.mark.requirement("R-144")
@pytest.mark.parametrize("lost", [False, True])
def test_st_02_and_03_a_cut_stream_is_an_error_with_what_arrived(lost: bool) -> None:
    pieces = [HEL, LO, *([ConnectionLostError("reset")] if lost else [])]
    acme = client(sse(*pieces))
    with pytest.raises(StreamInterruptedError) as caught:
        stream(acme).result()
    error = caught.value
    assert text_of(error.partial) == "Hello"
    assert (error.events_seen, error.operation, error.provider) == (2, "chat.create", "acme")
    assert isinstance(error.__cause__, ConnectionLostError) == lost
    assert [a.outcome for a in error.attempts] == ["StreamInterruptedError"]
    assert acme.world.exchanges[0].closed


@pytest.mark.requirement("R-144")
@pytest.mark.parametrize("family", ["chat", "blocks"])
def test_st_04_no_cut_of_a_stream_passes_for_a_whole_one(family: str) -> None:
    operation = CHAT if family == "chat" else BLOCKS
    whole = HEL + LO + END + DONE if family == "chat" else START + OPEN + TEXT + SHUT + STOP + OVER
    ended = {"explicit": 0, "inferred": 0, "interrupted": 0}
    for cut in range(len(whole) + 1):
        acme = client(sse(*([whole[:cut]] if cut else [])), max_attempts=1)
        opened = stream(acme, operation)
        try:
            opened.result()
        except StreamInterruptedError:
            ended["interrupted"] += 1
            assert cut < len(whole)
        else:
            ended[opened.completion or "none"] += 1
    # Inferred once the last part is finished, explicit once the terminal event is complete.
    last = len(DONE) if family == "chat" else len(OVER)
    assert ended["interrupted"] == len(whole) - last
    assert ended["explicit"] >= 2
    assert sum(ended.values()) == len(whole) + 1


@pytest.mark.requirement("R-145")
def test_st_05_a_missing_sentinel_is_inferred_or_with_strict_completion_refused() -> None:
    opened = stream(client(sse(HEL, LO, END)))
    assert text_of(opened.result()) == "Hello"
    assert opened.completion == "inferred"
    with pytest.raises(StreamInterruptedError):
        stream(client(sse(HEL, LO, END)), strict_completion=True).result()


@pytest.mark.requirement("R-142")
def test_st_10_a_stream_ends_at_its_terminal_event_though_the_server_stays() -> None:
    acme = client(sse(HEL, END, DONE, 60.0, b"data: late\n\n"))
    assert text_of(stream(acme).result()) == "Hel"
    assert acme.world.now() <= 0.15


@pytest.mark.requirement("R-134")
def test_st_12_to_14_answers_that_are_no_event_stream() -> None:
    with pytest.raises(OverloadedError):
        stream(client(ok({"error": {"message": "no", "type": "overloaded_error"}}), max_attempts=1)).result()
    whole = {
        "id": "c",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    }
    opened = stream(client(ok(whole)))
    assert list(opened.texts()) == ["Hi"]
    assert opened.synthesised
    assert opened.result().to_dict() == whole
    with pytest.raises(InvalidResponseError):
        stream(client(Answer(200, [("content-type", "text/html")], [b"<html>"]))).result()
    with pytest.raises(InvalidResponseError):
        stream(client(ok({"hello": 1}))).result()


@pytest.mark.requirement("R-134")
def test_a_whole_message_on_a_block_stream_is_synthesised_without_loss() -> None:
    whole = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    opened = stream(client(ok(whole)), BLOCKS)
    assert opened.result().to_dict() == whole


def unlabelled(*pieces: bytes, kind: str | None = None) -> Answer:
    return Answer(200, [("content-type", kind)] if kind else [], list(pieces))


@pytest.mark.requirement("R-134")
@pytest.mark.parametrize("kind", [None, "application/json", "text/plain"])
def test_an_event_stream_is_known_by_its_first_bytes_in_any_chunking(kind: str | None) -> None:
    whole = HEL + LO + END + DONE
    pieces = [whole[i : i + 1] for i in range(len(whole))]
    for chunks in (pieces, [whole]):
        assert text_of(stream(client(unlabelled(*chunks, kind=kind))).result()) == "Hello"


@pytest.mark.requirement("R-134")
def test_an_unlabelled_answer_that_is_whole_is_taken_as_such() -> None:
    whole = b'{"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]}'
    assert list(stream(client(unlabelled(whole))).texts()) == ["Hi"]
    error = b'{"error": {"message": "no", "type": "overloaded_error"}}'
    with pytest.raises(OverloadedError):
        stream(client(unlabelled(error)), max_attempts=1).result()
    with pytest.raises(InvalidResponseError):
        stream(client(unlabelled(b"<html>"))).result()


@pytest.mark.requirement("R-195")
def test_a_whole_answer_on_a_stream_call_has_the_limit_of_whole_answers() -> None:
    mebibyte = b" " * 1024 * 1024
    with pytest.raises(ResponseTooLargeError):
        stream(client(unlabelled(b'{"a": ', b"1", *([mebibyte] * 65))), max_attempts=1).result()


@pytest.mark.requirement("R-144")
@pytest.mark.parametrize("cut", range(12))
def test_an_unlabelled_stream_that_breaks_at_once_is_interrupted(cut: int) -> None:
    broken = Answer(
        200, [], [HEL[:cut], ConnectionLostError("reset")] if cut else [ConnectionLostError("reset")]
    )
    with pytest.raises(StreamInterruptedError):
        stream(client(broken), max_attempts=1).result()


@pytest.mark.requirement("R-148")
def test_st_15_an_error_event_is_its_unary_class_with_partial_and_no_retry() -> None:
    error = block("error", error={"type": "overloaded_error", "message": "Overloaded"})
    acme = client(sse(START, OPEN, TEXT, error))
    with pytest.raises(OverloadedError) as caught:
        stream(acme, BLOCKS).result()
    assert caught.value.mid_stream
    assert caught.value.partial["content"][0]["text"] == "Hello"
    assert len(acme.world.requests) == 1


@pytest.mark.requirement("R-080")
def test_an_error_before_the_first_event_is_retried() -> None:
    error = block("error", error={"type": "overloaded_error", "message": "Overloaded"})
    acme = client(sse(error), sse(START, OPEN, TEXT, SHUT, STOP, OVER))
    assert stream(acme, BLOCKS).result()["content"][0]["text"] == "Hello"
    assert len(acme.world.requests) == 2


@pytest.mark.requirement("R-147")
def test_st_17_an_event_that_is_not_json_is_an_error_after_what_came_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened = stream(client(sse(HEL + b"data: {broken secret text\n\n")))
    seen: list[Any] = []
    with pytest.raises(StreamDecodeError) as caught:
        seen.extend(opened)
    assert text_of(caught.value.partial) == "Hel"
    assert "secret text" not in caplog.text + str(caught.value)


@pytest.mark.requirement("R-051")
def test_st_18_silence_is_an_idle_error() -> None:
    acme = client(sse(HEL, LO, 1000.0))
    with pytest.raises(StreamIdleError) as caught:
        stream(acme).result()
    assert acme.world.now() == pytest.approx(60.0)
    assert text_of(caught.value.partial) == "Hello"


@pytest.mark.requirement("R-051")
@pytest.mark.parametrize("beat", [b": beat\n\n", block("ping")])
def test_st_19_and_20_heartbeats_without_events_are_a_stall(beat: bytes) -> None:
    beats = [piece for _ in range(60) for piece in (10.0, beat)]
    acme = client(sse(START, OPEN, TEXT, *beats))
    with pytest.raises(StreamStallError):
        stream(acme, BLOCKS).result()
    assert acme.world.now() == pytest.approx(300.0)


@pytest.mark.requirement("R-052")
def test_st_21_slow_events_are_fine_until_a_deadline() -> None:
    slow = [piece for _ in range(24) for piece in (50.0, delta("x"))]
    assert text_of(stream(client(sse(*slow, END, DONE))).result()) == "x" * 24
    with pytest.raises(DeadlineExceededError) as caught:
        stream(client(sse(*slow, END, DONE)), timeout=600.0).result()
    assert caught.value.phase == "stream"
    assert text_of(caught.value.partial) == "x" * 12 or text_of(caught.value.partial) == "x" * 11


@pytest.mark.requirement("R-151")
def test_a_slow_consumer_is_no_idle_stream() -> None:
    acme = client(sse(HEL, 1.0, LO, 1.0, END, DONE))
    opened = stream(acme)
    for _ in opened:
        acme.world.clock += 1000.0
    assert opened.completion == "explicit"


@pytest.mark.requirement("R-051")
def test_st_22_headers_without_any_event_time_out_and_are_retried_once() -> None:
    acme = client(*(sse(100.0, HEL) for _ in range(3)))
    with pytest.raises(AttemptTimeoutError):
        stream(acme, first_event_timeout=5.0).result()
    assert len(acme.world.requests) == 2


@pytest.mark.requirement("R-154")
@pytest.mark.requirement("R-080")
def test_rt_25_a_throttled_stream_is_retried_and_rt_26_a_begun_one_never() -> None:
    acme = client(failed(429, retry_after="1"), sse(HEL, END, DONE))
    assert text_of(stream(acme).result()) == "Hel"
    begun = client(sse(HEL, ConnectionLostError("reset")), sse(HEL, END, DONE))
    with pytest.raises(StreamInterruptedError):
        stream(begun).result()
    assert len(begun.world.requests) == 1


def test_st_29_an_error_status_is_the_same_as_in_a_unary_call() -> None:
    with pytest.raises(AuthenticationError) as caught:
        stream(client(answer(401, {"error": {"message": "bad key"}}, x_request_id="req_1"))).result()
    assert (caught.value.request_id, caught.value.status) == ("req_1", 401)
    with pytest.raises(RateLimitError):
        stream(client(failed(429), max_attempts=1)).result()


@pytest.mark.requirement("R-150")
def test_st_25_breaking_out_dropping_and_leaving_all_close_the_connection() -> None:
    def broken_out(opened: Stream[Any, Any]) -> None:
        for _ in opened:
            break

    def left(opened: Stream[Any, Any]) -> None:
        with opened:
            next(iter(opened))

    def dropped(opened: Stream[Any, Any]) -> None:
        opened.__enter__()

    for leave in (broken_out, left, dropped):
        acme = client(sse(HEL, LO, END, DONE))
        leave(stream(acme))
        gc.collect()
        assert acme.world.exchanges[0].closed, leave.__name__
        assert not acme._shared.running


def read_and_fail(opened: Stream[Any, Any]) -> None:
    with opened:
        for _ in opened:
            raise ZeroDivisionError


@pytest.mark.requirement("R-152")
def test_st_26_the_users_own_exception_passes_and_closes() -> None:
    acme = client(sse(HEL, LO, END, DONE))
    with pytest.raises(ZeroDivisionError):
        read_and_fail(stream(acme))
    assert acme.world.exchanges[0].closed


@pytest.mark.requirement("R-140")
def test_st_27_a_second_reading_fails_clearly_and_so_does_the_result_of_a_broken_one() -> None:
    opened = stream(client(sse(HEL, LO, END, DONE)))
    for _ in opened:
        break
    with pytest.raises(StreamError, match="once"):
        list(opened)
    with pytest.raises(StreamError, match="left before its end"):
        opened.result()


@pytest.mark.requirement("R-140")
def test_the_result_may_be_taken_in_the_middle() -> None:
    with stream(client(sse(HEL, LO, END, DONE))) as opened:
        events = iter(opened)
        next(events)
        assert text_of(opened.partial) in ("Hel", "Hello")
        assert text_of(opened.result()) == "Hello"


@pytest.mark.requirement("R-197")
def test_a_corrupt_encoding_is_a_protocol_error() -> None:
    acme = client(
        Answer(200, [("content-type", "text/event-stream"), ("content-encoding", "gzip")], [b"nonsense"])
    )
    with pytest.raises(ProtocolError):
        stream(acme, max_attempts=1).result()


@pytest.mark.requirement("R-092")
def test_cb_15_interrupted_streams_open_the_breaker() -> None:
    acme = client(*(sse(HEL) for _ in range(20)), breaker=BreakerSettings())
    for _ in range(20):
        with pytest.raises(StreamInterruptedError):
            stream(acme).result()
    assert acme.circuit("chat").state == "open"


@pytest.mark.requirement("R-149")
def test_times_to_first_event_and_content_are_measured() -> None:
    role = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
    opened = stream(client(sse(1.0, role, 2.0, HEL, END, DONE)))
    opened.result()
    assert (opened.first_event_after, opened.first_content_after) == (1.0, 3.0)


def test_no_stream_error_is_untyped() -> None:
    for bad in (b"data: [1]\n\n", b"data: 5\n\n", b'data: "x"\n\n', b"event: error\ndata: x\n\n"):
        with pytest.raises(ForgeError):
            stream(client(sse(HEL, bad)), max_attempts=1).result()
