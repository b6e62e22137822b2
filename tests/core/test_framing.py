from __future__ import annotations

from random import Random

import pytest

from llm_forge.core.errors import ResponseTooLargeError
from llm_forge.core.framing import JsonLineDecoder, RawEvent
from llm_forge.core.sse import SseDecoder


def facts(events: list[RawEvent]) -> list[tuple[str, bytes, str, int]]:
    return [(one.event, bytes(one.raw), one.id, one.raw_size) for one in events]


@pytest.mark.requirement("R-135")
def test_each_line_that_is_not_blank_is_an_event_in_any_pieces() -> None:
    body = b'\xef\xbb\xbf{"a":1}\r\n\n  \r{"b":"\xc3\xa9"}\n{"c":"\xff"}\r\n'
    expected = [
        ("message", b'{"a":1}', "", 7),
        ("message", b'{"b":"\xc3\xa9"}', "", 10),
        ("message", b'{"c":"\xff"}', "", 9),
    ]
    chance = Random(5)
    for _ in range(300):
        decoder, events, rest = JsonLineDecoder(), [], body
        while rest:
            size = chance.randint(1, 9)
            events += decoder.feed(rest[:size])
            rest = rest[size:]
        assert facts(events) == expected
        assert decoder.finish() is None
        assert decoder.decode_errors == 1


@pytest.mark.requirement("R-131", "R-135")
def test_the_last_line_without_an_end_is_handed_to_the_caller_unless_it_is_blank() -> None:
    decoder = JsonLineDecoder()
    assert facts(decoder.feed(b'{"a":1}\n{"b"')) == [("message", b'{"a":1}', "", 7)]
    rest = decoder.finish()
    assert rest is not None
    assert facts([rest]) == [("message", b'{"b"', "", 4)]
    blank = JsonLineDecoder()
    blank.feed(b"  ")
    assert blank.finish() is None


@pytest.mark.requirement("R-132", "R-135")
@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_json_line_of_exactly_the_limit_passes_and_one_byte_more_does_not(end: bytes) -> None:
    fits = JsonLineDecoder(max_line_bytes=10)
    fits.feed(b"1234567890" + end)
    with pytest.raises(ResponseTooLargeError) as caught:
        JsonLineDecoder(max_line_bytes=10).feed(b"12345678901" + end)
    assert caught.value.message == "a line of the stream exceeded the limit of 10 bytes"


@pytest.mark.requirement("R-132")
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"data: 12345678901234\n", "a line of the stream exceeded the limit of 19 bytes"),
        (b"data: 12345678901234", "a line of the stream exceeded the limit of 19 bytes"),
        (b"data: 1234567890123\ndata: 1\n", "an event of the stream exceeded the limit of 25 bytes"),
        (b"data: 1234567890123\ndata: 1", "an event of the stream exceeded the limit of 25 bytes"),
        (b":12345678\n:1\n", "comments without an event exceeded the limit of 10 bytes"),
        (b":12345678\n:1", "comments without an event exceeded the limit of 10 bytes"),
    ],
)
def test_a_crossed_limit_says_which_and_how_much(body: bytes, says: str) -> None:
    with pytest.raises(ResponseTooLargeError) as caught:
        SseDecoder(19, 25, 10).feed(body)
    assert caught.value.message == says
