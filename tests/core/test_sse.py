"""The event decoder beside a slow decoder that follows the WHATWG rules line by line."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shared import SHARED, needs_shared

from llm_forge.core.errors import ResponseTooLargeError
from llm_forge.core.framing import MIB, RawEvent
from llm_forge.core.sse import SseDecoder

Plain = list[tuple[str, str, str]]
CASES = SHARED / "wire" / "sse_cases.json"
NOT_BYTES_TO_EVENTS = {"mime-bogus", "huge-10MiB"}  # the HTTP layer's; made in a test below


def decoded(chunks: list[bytes]) -> tuple[Plain, int | None]:
    decoder = SseDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return plain(events), decoder.retry


def plain(events: list[RawEvent]) -> Plain:
    return [(event.event, event.data, event.id) for event in events]


def reference(body: bytes) -> tuple[Plain, int | None]:
    """WHATWG HTML 9.2.6, literally: split into lines, then interpret each."""
    events: Plain = []
    data: list[str] = []
    name = last_id = ""
    retry = None
    for line in reference_lines(body):
        text = line.decode("utf-8", "replace")
        if text == "":
            if data:
                events.append((name or "message", "\n".join(data), last_id))
            data, name = [], ""
            continue
        field, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last_id = value
        elif field == "retry" and value and all(char in "0123456789" for char in value):
            retry = int(value)
    return events, retry


def reference_lines(body: bytes) -> list[bytes]:
    """The complete lines."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    lines, current, at = [], b"", 0
    while at < len(body):
        char = body[at : at + 1]
        at += 1
        if char not in b"\r\n":
            current += char
            continue
        if char == b"\r" and body[at : at + 1] == b"\n":
            at += 1
        lines.append(current)
        current = b""
    return lines


def cases() -> list[Any]:
    if not CASES.is_file():
        return []
    found = json.loads(CASES.read_text())["cases"]
    return [pytest.param(case, id=case["name"]) for case in found if case["name"] not in NOT_BYTES_TO_EVENTS]


def splits(body: bytes, seed: str) -> list[list[bytes]]:
    """The whole, single bytes, every split in two (sampled above 1,000 bytes), 50 random splits."""
    chance = random.Random(seed)
    cuts = range(len(body) + 1) if len(body) <= 1000 else chance.sample(range(len(body)), 300)
    found = [[body], [body[i : i + 1] for i in range(len(body))]]
    found += [[body[:cut], body[cut:]] for cut in cuts]
    for _ in range(50):
        marks = sorted(chance.choices(range(len(body) + 1), k=chance.randint(2, 12)))
        found.append([body[a:b] for a, b in zip([0, *marks], [*marks, len(body)], strict=True)])
    return found


@needs_shared
@pytest.mark.requirement("R-125")
@pytest.mark.parametrize("case", cases())
def test_se_01_a_collected_case_gives_its_events_under_every_split(case: dict[str, Any]) -> None:
    expected = [(event["event"], event["data"], event["last_event_id"]) for event in case["expected"]]
    body = bytes.fromhex("".join(case["chunks_hex"]))
    own_chunks = [bytes.fromhex(chunk) for chunk in case["chunks_hex"]]
    for chunks in [own_chunks, *splits(body, case["name"])]:
        assert decoded(chunks) == (expected, case["retry"])


@needs_shared
@pytest.mark.requirement("R-125")
def test_all_collected_cases_are_there() -> None:
    assert len(cases()) == 66
    assert len(json.loads(CASES.read_text())["cases"]) == 68


FIELDS = (
    b"data: x|data:|data|data:  y|Data: z| data: x|event: a|event|id: 7|id|retry: 10|retry: 1x|:c|::|foo:bar"
)
LINES = st.sampled_from(
    [
        *FIELDS.split(b"|"),
        *[b"", b"", b""],
        *[b"id: a\0b", b"data: a\0b", b"\xef\xbb\xbfdata: q"],
        *[b"data: \xff", b"data: \xe2\x82", b"event: \xf0\x9f"],
        "data: \u2028\u2029\u0085\x0b\x0c\x1c€".encode(),
    ]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
BODIES = st.one_of(
    st.lists(st.tuples(LINES, ENDS), max_size=14).map(lambda pairs: b"".join(a + b for a, b in pairs)),
    st.lists(
        st.sampled_from([b"d", b"data", b":", b" ", b"\r", b"\n", b"\xef", b"\xbb", b"\xbf", b"id"]),
        max_size=20,
    ).map(b"".join),
    st.binary(max_size=60),
)


@pytest.mark.requirement("R-125")
@settings(deadline=None, derandomize=True, max_examples=400)
@given(body=BODIES, marks=st.lists(st.integers(0, 200), max_size=6))
def test_any_bytes_in_any_chunking_give_the_events_of_the_rules(body: bytes, marks: list[int]) -> None:
    cuts = sorted(min(mark, len(body)) for mark in marks)
    chunks = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert decoded(chunks) == reference(body)


@pytest.mark.requirement("R-126")
def test_se_03_a_cr_at_the_end_of_a_chunk_completes_the_event_and_the_lf_after_it_is_part_of_it() -> None:
    decoder = SseDecoder()
    assert plain(decoder.feed(b"data: a\r\n\r")) == [("message", "a", "")]
    assert decoder.feed(b"\n") == []
    assert plain(decoder.feed(b"data: b\r\r")) == [("message", "b", "")]


@pytest.mark.requirement("R-126")
def test_every_event_is_returned_by_the_byte_that_completes_it() -> None:
    body = b"data: 1\n\nevent: x\r\ndata: 2\r\n\r\ndata: 3\r\r"
    decoder = SseDecoder()
    at = [index for index in range(len(body)) for _ in decoder.feed(body[index : index + 1])]
    assert at == [8, 28, len(body) - 1]


@pytest.mark.requirement("R-127")
def test_se_12_invalid_utf_8_becomes_replacement_characters_and_is_counted() -> None:
    decoder = SseDecoder()
    events = decoder.feed(b"data: \xff\ndata: ok\ndata: \xc0\xaf\xe2\x82\n\n")
    assert events[0].data == "\ufffd\nok\n\ufffd\ufffd\ufffd"
    assert decoder.decode_errors == 2


@pytest.mark.requirement("R-128")
@pytest.mark.parametrize(
    ("line", "data"),
    [("data:x", "x"), ("data: x", "x"), ("data:  x", " x"), ("data", ""), ("data:\tx", "\tx")],
)
def test_se_05_exactly_one_space_after_the_colon_is_removed(line: str, data: str) -> None:
    assert decoded([f"{line}\n\n".encode()])[0] == [("message", data, "")]


@pytest.mark.requirement("R-129")
@pytest.mark.parametrize(
    ("value", "retry"), [("10", 10), ("1x", None), ("-1", None), ("\u0661\u0660", None), ("9" * 5000, None)]
)
def test_se_10_retry_takes_ascii_digits_only(value: str, retry: int | None) -> None:
    assert decoded([f"retry: {value}\n\n".encode()])[1] == retry


@pytest.mark.requirement("R-129")
def test_se_09_the_id_persists_is_reset_by_an_empty_one_and_not_changed_by_an_undispatched_one() -> None:
    decoder = SseDecoder()
    events = decoder.feed(
        b"id: 1\ndata: a\n\ndata: b\n\nid: x\0\ndata: c\n\nid\ndata: d\n\nid: 9\n\nid: 10\ndata: e"
    )
    assert [event.id for event in events] == ["1", "1", "1", ""]
    assert decoder.last_event_id == "9"
    rest = decoder.finish()
    assert rest is not None
    assert (rest.id, decoder.last_event_id) == ("10", "9")


@pytest.mark.requirement("R-130")
def test_se_08_a_blank_line_without_data_only_clears_the_event_name() -> None:
    assert decoded([b"event: a\n\ndata: x\n\n"])[0] == [("message", "x", "")]


@pytest.mark.requirement("R-131")
@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (b"data: [DONE]", ("message", "[DONE]")),
        (b"event: message_stop\r\ndata: {}\r\n", ("message_stop", "{}")),
        (b"data: a\ndata: b", ("message", "a\nb")),
        (b"data: a\n: comment", ("message", "a")),
        (b"dat", None),
        (b"event: x\n", None),
        (b"", None),
        (b"\xef\xbb", None),
    ],
)
def test_se_14_the_unfinished_event_at_the_end_is_handed_to_the_caller(
    tail: bytes, expected: tuple[str, str] | None
) -> None:
    decoder = SseDecoder()
    for cut in range(len(tail)):
        assert decoder.feed(tail[cut : cut + 1]) == []
    rest = decoder.finish()
    assert (rest and (rest.event, rest.data)) == expected
    assert decoder.finish() is None


SMALL = {"max_line_bytes": 20, "max_event_bytes": 40, "max_comment_bytes": 10}


@pytest.mark.requirement("R-132")
@pytest.mark.parametrize(
    ("body", "crossing"),
    [
        (b"data: " + b"x" * 15, 20),
        (b"data: " + b"x" * 14 + b"\ndata: " + b"y" * 14 + b"\n:c\nid: 1", 45),
        (b"foo: " + b"x" * 16, 20),
        (b":12345\n:123456", 11),
        (b":1234\n\n\n:12345\n", 13),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_se_15_a_limit_is_refused_at_the_byte_that_crosses_it(body: bytes, crossing: int, size: int) -> None:
    decoder = SseDecoder(**SMALL)
    before = body[:crossing]
    for at in range(0, len(before), size):
        decoder.feed(before[at : at + size])
    with pytest.raises(ResponseTooLargeError):
        decoder.feed(body[crossing : crossing + 1])
    with pytest.raises(ResponseTooLargeError):
        decoder.feed(b"data: later\n\n")
    with pytest.raises(ResponseTooLargeError):
        decoder.finish()


@pytest.mark.requirement("R-132")
def test_se_15_what_stays_below_the_limits_passes() -> None:
    decoder = SseDecoder(**SMALL)
    body = b"data: " + b"x" * 14 + b"\ndata: " + b"y" * 14 + b"\n\n:123456789\ndata: z\n\n:123456789\n"
    for at in range(3):
        assert len(decoder.feed(body)) == 2, at


@pytest.mark.requirement("R-132")
def test_events_completed_before_the_crossing_byte_are_not_lost() -> None:
    decoder = SseDecoder(**SMALL)
    assert plain(decoder.feed(b"data: a\n\ndata: " + b"x" * 100)) == [("message", "a", "")]
    with pytest.raises(ResponseTooLargeError):
        decoder.feed(b"")


def feed_in_chunks(decoder: SseDecoder, piece: bytes, count: int) -> None:
    for _ in range(count):
        for at in range(0, len(piece), 65536):
            decoder.feed(piece[at : at + 65536])


@pytest.mark.requirement("R-132")
@pytest.mark.parametrize(
    ("name", "piece", "count", "limit"),
    [
        ("one line", b"x" * 65536, 129, 8 * MIB),
        ("three data lines", b"data: " + b"x" * (6 * MIB) + b"\n", 3, 16 * MIB),
        ("comments", b":" + b"c" * 1022 + b"\n", 2048, MIB),
    ],
)
def test_se_15_memory_stays_below_twice_the_limit(name: str, piece: bytes, count: int, limit: int) -> None:
    decoder = SseDecoder()
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLargeError):
            feed_in_chunks(decoder, piece, count)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * limit, f"{name}: {peak}"


@pytest.mark.requirement("R-133")
def test_se_16_time_is_linear_in_bytes_also_in_small_chunks() -> None:
    def cpu(size: int) -> float:
        body = b"data: " + b"x" * size
        decoder = SseDecoder()
        start = time.process_time()
        for at in range(0, len(body), 7):
            decoder.feed(body[at : at + 7])
        return time.process_time() - start

    small = min(cpu(100_000) for _ in range(3))
    assert min(cpu(800_000) for _ in range(2)) < 24 * small  # 8 if linear, 64 if quadratic


@pytest.mark.requirement("R-133")
def test_a_ten_mebibyte_line_over_many_chunks_arrives_whole() -> None:
    text = "ab3/" * (5 * MIB // 4)
    body = f"data: {text}\n\n".encode()
    decoder = SseDecoder()
    events = [event for at in range(0, len(body), 1024) for event in decoder.feed(body[at : at + 1024])]
    assert [event.data == text for event in events] == [True]


@pytest.mark.requirement("R-130")
@pytest.mark.parametrize("body", [b"", b": a\n: b\n\n", b"\n\r\n\r\n\n"])
def test_se_17_bodies_without_data_give_no_event(body: bytes) -> None:
    decoder = SseDecoder()
    assert decoder.feed(body) == []
    assert decoder.finish() is None


@pytest.mark.requirement("R-125")
def test_the_size_of_an_event_does_not_depend_on_chunks_or_line_ends() -> None:
    for body in (b":c\nevent: ab\ndata: x\n\n", b"event: ab\r\ndata: x\r\n\r\n"):
        for chunks in splits(body, "size"):
            decoder = SseDecoder()
            assert [e.raw_size for chunk in chunks for e in decoder.feed(chunk)] == [16]
