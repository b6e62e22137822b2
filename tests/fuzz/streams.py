"""Streams of every family, whole, cut at any byte and damaged, through decoder and accumulator in pieces.

What holds for each (R-144, R-146, R-169): a whole stream adds up to what its author put in; a cut one is
an error with nothing but what had arrived, or is complete and has everything; a damaged one is an error or
an end, and never an exception.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random
from typing import Any

from llm_forge.core.error_body import stream_error
from llm_forge.core.errors import ApiError, ResponseTooLargeError, StreamError, StreamInterruptedError
from llm_forge.core.profile import Family, Profile, StreamRule
from llm_forge.core.redact import Redactor
from llm_forge.core.stream import StreamReader

from .stories import story
from .telling import Facts, Story, wire
from .values import broken, damaged

CUTS_OF_A_STORY = 40
PROFILE = Profile("acme", "https://api.acme.test")
TERMINALS: dict[Family, tuple[bytes, ...]] = {
    "chat-completion": (b"[DONE]",),
    "block-event": (b"message_stop",),
    "response": (b"response.completed", b"response.incomplete"),
    "conversation": (b"conversation.response.done",),
    "events": (b"speech.done", b"[DONE]"),
}
TYPED_ENDS = frozenset({"speech.done"})


def check(family: Family) -> Callable[[int, int], int]:
    """A function of a seed and a number of streams that reads them; what is violated is raised."""

    def run(seed: int, wanted: int) -> int:
        chance, done = Random(seed), 0
        while done < wanted:
            one = story(family, chance)
            _is_whole(one, chance)
            for _ in range(CUTS_OF_A_STORY):
                _is_never_short(one, chance)
                _survives_damage(one, chance)
                done += 2
        return done

    return run


def _read(family: Family, body: bytes, chance: Random) -> StreamReader:
    """Feed and finish; look at everything that can be looked at after every piece."""
    reader = StreamReader(StreamRule(family, dict, terminal=TYPED_ENDS), _error_of)
    cuts = sorted(chance.randint(0, len(body)) for _ in range(chance.choice([0, 1, 3, 12])))
    for start, end in itertools.pairwise([0, *cuts, len(body)]):
        if not reader.ended:
            reader.feed(body[start:end])
            _look(reader)
    reader.finish()
    _look(reader)
    return reader


def _error_of(data: Any) -> ApiError | None:
    return stream_error(data, profile=PROFILE, redactor=Redactor(), request_id=None)


def _look(reader: StreamReader) -> None:
    made = reader.accumulator
    assert isinstance(made.partial(), (dict, list))
    assert isinstance(made.result(), (dict, list))
    made.tool_input(0)
    while reader.ready:
        event = reader.ready.popleft()
        made.text_of(event.name, event.data)
        made.is_content(event.data)


def _is_whole(one: Story, chance: Random) -> None:
    body = one.wire()
    reader = _read(one.family, body, chance)
    assert reader.completion == "explicit", body
    assert one.read(reader.accumulator.result()) == one.facts, body


def _is_never_short(one: Story, chance: Random) -> None:
    whole = one.wire()
    body = whole[: chance.randint(0, len(whole))]
    reader = _read(one.family, body, chance)
    if reader.completion is not None:
        assert one.read(reader.accumulator.result()) == one.facts, body
    else:
        assert isinstance(reader.failure, StreamInterruptedError), body
        _shows_only_what_arrived(one.read(reader.accumulator.partial()), one.facts, body)


def _shows_only_what_arrived(partial: Facts, whole: Facts, body: bytes) -> None:
    for place, value in partial.items():
        expected = whole.get(place)
        for part, full in zip(_texts(value), _texts(expected), strict=False):
            assert full.startswith(part), f"{place} shows {part!r} of {full!r} in {body!r}"
        if place[-1] == "finish":
            assert value in (None, expected), body


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [part or "" for part in value] if isinstance(value, tuple) else []


def _survives_damage(one: Story, chance: Random) -> None:
    events = list(one.events)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(events)) if events else 0
        events[at : at + 1] = chance.choice([[], events[at : at + 1] * 2, [damaged(one.events[0], chance)]])
        if events:
            at = chance.randrange(len(events))
            events[at] = damaged(events[at], chance)
            chance.shuffle(events) if chance.random() < 0.1 else None
    body = wire(events)
    body = broken(body, chance) if chance.random() < 0.3 else body
    reader = _read(one.family, body, chance)
    assert (reader.completion is None) != (reader.failure is None), body
    failures = (StreamError, ApiError, ResponseTooLargeError)
    assert reader.failure is None or isinstance(reader.failure, failures), body
    if reader.completion == "explicit":
        assert any(end in body for end in TERMINALS[one.family]), body
