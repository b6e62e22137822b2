"""The event-stream decoder against the oracle: hostile bytes in every kind of pieces (R-125 to R-132)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

from llm_forge.core.errors import ResponseTooLargeError
from llm_forge.core.framing import RawEvent
from llm_forge.core.sse import SseDecoder

from .oracle import BOM, Limits, Parsed, parse

SPLITS_OF_A_BODY = 50
TOKENS = [
    *[b"data: ", b"data:", b"data", b"event: ", b"event:", b"id: ", b"id", b"retry: ", b"retry:", b"Data: x"],
    *[
        b":",
        b": keep-alive",
        b" ",
        b"  ",
        b"x",
        b"0",
        b"17",
        b"[DONE]",
        b'{"a":1}',
        b"\t",
        b"\x0b",
        b"\x0c",
        b"\x1c",
    ],
    *[
        BOM,
        BOM[:1],
        BOM[:2],
        b"\x00",
        b"\xff",
        b"\xc3",
        b"\xe2\x82",
        b"\xf0\x9f\x99",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
    ],
    *[text.encode() for text in ("é", "🙂", "\u2028", "\u2029", "\x85", "\u0661\u0660")],
]
ENDS = [b"\n", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r"]


def check(seed: int, wanted: int) -> int:
    """Try at least `wanted` splits; AssertionError names the body and the pieces."""
    chance, done = Random(seed), 0
    while done < wanted:
        body, limits = _body(chance), _limits(chance)
        expected = parse(body, limits)
        for pieces in itertools.islice(_ways(body, chance), SPLITS_OF_A_BODY):
            got = _decoded(pieces, limits)
            assert got == expected, f"{pieces!r} under {limits} gave {got}, the standard gives {expected}"
            done += 1
    return done


def _body(chance: Random) -> bytes:
    start = [BOM] if chance.random() < 0.2 else []
    lines = (_line(chance) for _ in range(chance.randint(0, 14)))
    body = b"".join([*start, *lines])
    return body[: chance.randint(0, len(body))] if chance.random() < 0.3 else body


def _line(chance: Random) -> bytes:
    head = chance.choice(TOKENS[:8]) if chance.random() < 0.7 else b""
    return head + b"".join(chance.choices(TOKENS, k=chance.randint(0, 4))) + chance.choice(ENDS)


def _limits(chance: Random) -> Limits:
    if chance.random() < 0.6:
        return Limits()
    return Limits(chance.randint(8, 40), chance.randint(12, 80), chance.randint(4, 30))


def _ways(body: bytes, chance: Random) -> Iterator[list[bytes]]:
    """The body whole, byte by byte, with empty pieces, and then in two to many random pieces for ever."""
    yield [body]
    yield [body[at : at + 1] for at in range(len(body))]
    yield [b"", body, b""]
    while True:
        cuts = sorted(chance.randint(0, len(body)) for _ in range(chance.choice([1, 1, 2, 5, 20])))
        yield [body[start:end] for start, end in itertools.pairwise([0, *cuts, len(body)])]


def _decoded(pieces: list[bytes], limits: Limits) -> Parsed:
    decoder = SseDecoder(limits.line, limits.event, limits.comment)
    out = Parsed()
    try:
        for piece in pieces:
            out.events += map(_facts, decoder.feed(piece))
        rest = decoder.finish()
        out.rest = _facts(rest) if rest is not None else None
    except ResponseTooLargeError:
        out.crossed = True
    out.retry, out.last_event_id = decoder.retry, decoder.last_event_id
    out.decode_errors = decoder.decode_errors
    return out


def _facts(event: RawEvent) -> tuple[str, str, str, int]:
    return event.event, event.data, event.id, event.raw_size
