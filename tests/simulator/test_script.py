"""Plans of scripted replies, as tables: no socket."""

from __future__ import annotations

import zlib

import pytest

from llm_forge.simulator.script import Finish, Pause, Piece, Reply, Send


def sent(reply: Reply) -> bytes:
    return b"".join(step.data * step.times for step in reply.steps() if isinstance(step, Send))


def body(reply: Reply) -> bytes:
    return sent(reply).partition(b"\r\n\r\n")[2]


def finish(reply: Reply) -> Finish:
    last = list(reply.steps())[-1]
    assert isinstance(last, Finish)
    return last


def test_a_json_reply_is_compact_and_has_its_length() -> None:
    assert sent(Reply(json={"a": "é"})) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"
        + '{"a":"é"}'.encode()
    )


def test_headers_keep_order_repeats_and_spelling() -> None:
    head = sent(Reply(status=429, reason="Slow", headers=[("X-A", "1"), ("x-a", "2")])).split(b"\r\n")
    assert head[:3] == [b"HTTP/1.1 429 Slow", b"X-A: 1", b"x-a: 2"]


def test_an_unknown_status_has_a_reason_too() -> None:
    assert sent(Reply(status=529)).startswith(b"HTTP/1.1 529 Status\r\n")


def test_events_are_chunked_and_end_with_the_last_chunk() -> None:
    assert body(Reply(events=["data: a\n\n", "data: b\n\n"])) == (
        b"9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("split", "sizes"), [(None, [3, 3]), (1, [1] * 6), (4, [4, 2]), ([1, 2], [1, 2, 3]), ([9], [6])]
)
def test_split_cuts_where_it_is_told(split: int | list[int] | None, sizes: list[int]) -> None:
    reply = Reply(events=["abc", "def"], split=split, framing="close")
    pieces = [step for step in reply.steps() if isinstance(step, Send)][1:]
    assert [len(piece.data) for piece in pieces] == sizes
    assert b"".join(piece.data for piece in pieces) == b"abcdef"


def test_truncation_keeps_the_promise_of_the_whole_length() -> None:
    reply = Reply(text="x" * 100, truncate=20)
    assert b"Content-Length: 100" in sent(reply)
    assert body(reply) == b"x" * 20
    assert finish(reply).how == "close"


def test_a_truncated_stream_has_no_last_chunk_unless_it_ends_completely() -> None:
    assert body(Reply(events=["abc", "def"], truncate=4)) == b"3\r\nabc\r\n1\r\nd\r\n"
    assert body(Reply(events=["abc"], truncate=2, end="complete")) == b"2\r\nab\r\n0\r\n\r\n"
    assert body(Reply(events=["abc"], end="stall", terminate=True)) == b"3\r\nabc\r\n0\r\n\r\n"


def test_repeats_are_cut_to_the_byte_without_being_built() -> None:
    huge = Piece(b"ab", times=10**12)
    steps = [step for step in Reply(pieces=[huge], truncate=5).steps() if isinstance(step, Send)]
    assert [(step.data, step.times) for step in steps[1:]] == [(b"ab", 2), (b"a", 1)]
    assert b"Content-Length: 2000000000000" in steps[0].data


def test_gzip_is_flushed_at_every_piece() -> None:
    reply = Reply(events=["first", "second"], gzip=True, framing="close")
    pieces = [step.data for step in reply.steps() if isinstance(step, Send)]
    inflate = zlib.decompressobj(wbits=31)
    assert b"Content-Encoding: gzip" in pieces[0]
    assert inflate.decompress(pieces[1]) == b"first"
    assert inflate.decompress(pieces[2]) == b"second"


def test_waits_stand_in_their_order() -> None:
    reply = Reply(text="x", delay=1, body_delay=2, linger=3, end="stall", stall=4)
    assert [step.seconds for step in reply.steps() if isinstance(step, Pause)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("reply", "keep"),
    [
        (Reply(text="x"), True),
        (Reply(text="x", framing="close"), False),
        (Reply(text="x", headers={"Connection": "Close"}), False),
        (Reply(raw=b"HTTP/1.1 204 No Content\r\n\r\n"), True),
    ],
)
def test_the_connection_is_kept_unless_framing_or_headers_say_otherwise(reply: Reply, keep: bool) -> None:
    assert finish(reply) == Finish("complete", keep_alive=keep)


def test_raw_bytes_are_sent_as_they_are() -> None:
    assert sent(Reply(raw=b"\x00\xff garbage", split=2)) == b"\x00\xff garbage"


def test_templates_reach_headers_text_json_and_events() -> None:
    values = {"key": "v"}
    assert Reply(text="{{key}}{{other}}").render(values).text == "v{{other}}"
    assert Reply(json={"a": ["{{key}}"]}).render(values).json == {"a": ["v"]}
    assert Reply(events=["{{key}}"]).render(values).events == ["v"]
    assert Reply(headers={"h": "{{key}}"}).render(values).headers == [("h", "v")]
