"""From a scenario's answers to the simulator's scripted replies.

Rules of this file:
- Virtual seconds become real ones by the scenario's scale.
- Every answer carries a request id, `req-<n>` by the order of the scripted answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ..simulator.script import Piece, Reply
from ..simulator.scripted import Route
from .canon import FAMILIES, PIECES, Family, FamilyName, data_event
from .cuts import every_cut, whole_stream
from .scenario import Answer, Case, Item

_AS_THEY_ARE = ("status", "split", "truncate", "gzip", "end", "terminate", "times")


def replies(case: Case) -> list[Reply]:
    """The replies of a case, in the order of its requests."""
    return _replies(case, case.scenario.server)


def routes(case: Case) -> list[Route]:
    """The replies of the paths that have their own."""
    return [Route(_replies(case, answers), path=path) for path, answers in case.scenario.routes.items()]


def _replies(case: Case, answers: Sequence[str | Answer]) -> list[Reply]:
    family = FAMILIES[case.family]
    scale = case.scenario.clock.scale or 1.0
    made: list[Reply] = []
    for number, answer in enumerate(answers, 1):
        if answer == "every-cut":
            made += _cut_replies(case.family)
        else:
            made.append(_reply(_answer(answer), family, scale, number))
    return made


def _cut_replies(family: FamilyName) -> list[Reply]:
    """The canonical stream ending cleanly after nothing, one byte, two bytes, ..."""
    whole, headers = Piece(whole_stream(family)), {"content-type": "text/event-stream"}
    return [
        Reply(pieces=[whole], headers=headers, framing="chunked", truncate=cut.size, end="complete")
        for cut in every_cut(family)
    ]


def _answer(answer: str | Answer) -> Answer:
    if isinstance(answer, Answer):
        return answer
    if answer == "ok":
        return Answer()
    if answer == "stream":
        return Answer(stream="whole")
    raise ValueError(f"an answer is a mapping, 'ok', 'stream' or 'every-cut', not {answer!r}")


def _reply(answer: Answer, family: Family, scale: float, number: int) -> Reply:
    given: dict[str, Any] = {name: getattr(answer, name) for name in _AS_THEY_ARE}
    given |= {
        name: getattr(answer, name) * scale
        for name in ("delay", "body_delay", "pause", "stall")
        if getattr(answer, name) is not None
    }
    if answer.raw is not None:
        return Reply(raw=_raw(answer.raw, family), **given)
    return Reply(headers=_headers(answer, number), **_body(answer, family, scale), **given)


def _raw(raw: str | list[Item], family: Family) -> bytes:
    items = [Item(text=raw)] if isinstance(raw, str) else raw
    return b"".join(_repeated(item, family) for item in items)


def _headers(answer: Answer, number: int) -> dict[str, str]:
    names = {name.lower() for name in answer.headers}
    extra: dict[str, str] = {}
    if not names & {"request-id", "x-request-id"}:
        extra = {"request-id": f"req-{number}", "x-request-id": f"req-{number}"}
    if answer.stream is not None and "content-type" not in names:
        extra["content-type"] = "text/event-stream; charset=utf-8"
    return {**extra, **{name: value for name, value in answer.headers.items() if value != "none"}}


def _body(answer: Answer, family: Family, scale: float) -> dict[str, Any]:
    if answer.stream is not None:
        return {"pieces": list(_pieces(answer, family, scale)), "framing": "chunked"}
    if answer.text is not None:
        return {"text": answer.text}
    if answer.json is not msgspec.UNSET:
        return {"json": answer.json}
    if answer.status >= 400:
        return {"json": family.error_body(answer.type, answer.message, answer.code)}
    return {"json": family.result}


def _pieces(answer: Answer, family: Family, scale: float) -> Iterator[Piece]:
    listed = PIECES if answer.stream == "whole" else answer.stream or ()
    for entry in listed:
        item = entry if isinstance(entry, Item) else Item(piece=entry)
        data = _repeated(item, family)
        if data:
            yield Piece(data, item.times, item.pause * scale)


def _repeated(item: Item, family: Family) -> bytes:
    if item.numbered and item.text is not None:
        return "".join(item.text.replace("#", str(number)) for number in range(item.repeat)).encode()
    return _bytes(item, family) * item.repeat


def _bytes(item: Item, family: Family) -> bytes:
    if item.hex is not None:
        return bytes.fromhex(item.hex)
    if item.text is not None:
        return item.text.encode("utf-8", "surrogateescape")
    if item.piece is not None:
        return family.pieces[item.piece].encode()
    return data_event(item.data, item.event).encode()
