"""Scripted replies from YAML or JSON: the keys of `Reply`, plus forms for bytes.

status: 429
headers: {Retry-After: "7"}            # or [[name, value], ...] for repeats
json: {error: {message: slow down}}    # or text:, base64:, hex:, body: (text), one of them
events:                                # each a string sent as it is, or a mapping
  - "data: {\\"n\\":1}\\n\\n"
  - {event: ping, json: {type: ping}}  # keys event, id, data or json: one event, LF line ends
  - {text: ": heartbeat\\n\\n", times: 1000, pause: 0.01}
pieces:                                # text, base64, hex or json, each with times and pause
  - {text: "x", times: 1000000}
raw: "HTTP/1.1 200 OK\\r\\n..."          # or {base64: ...}, {hex: ...}
drip: {bytes: 16, every: 1.0}          # short for split: 16 and pause: 1.0
times: forever                         # or a number
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from .documents import Place
from .script import End, Framing, Piece, Reply, compact_json

_BYTE_FORMS = ("text", "base64", "hex", "json")
_SECONDS = ("delay", "body_delay", "pause", "linger", "stall", "refuse_after")
_FLAGS = ("gzip", "terminate", "template")
_COUNTS = ("status", "truncate")
_REPLY_KEYS = (*(field.name for field in dataclasses.fields(Reply)), "base64", "hex", "drip")
_EVENT_KEYS = ("event", "id", "data", "json")
_PIECE_KEYS = (*_BYTE_FORMS, "times", "pause")
_BODIES = ("text", "json", "body", "base64", "hex", "events", "pieces", "raw")


def reply_from(value: Any, place: Place | None = None) -> Reply:
    """A reply from a mapping. DocumentError naming the key that is wrong."""
    where = place or Place("reply")
    given = where.known_keys(value, _REPLY_KEYS)
    _check_one_body(given, where)
    arguments = {key: _value(key, item, where / key) for key, item in given.items()}
    if "drip" in arguments:
        arguments |= arguments.pop("drip")
    for form in ("base64", "hex"):
        if form in arguments:
            arguments["body"] = arguments.pop(form)
    if isinstance(arguments.get("events"), list):
        arguments |= _event_pieces(arguments)
    return Reply(**arguments)


def replies_from(value: Any, place: Place | None = None) -> list[Reply]:
    """Replies from a list of mappings. DocumentError naming entry and key."""
    where = place or Place("replies")
    where.check(value, list, "a list of replies")
    return [reply_from(item, where / index) for index, item in enumerate(value)]


def _check_one_body(given: Mapping[str, Any], where: Place) -> None:
    bodies = [key for key in _BODIES if key in given]
    if len(bodies) > 1:
        raise (where / bodies[1]).error(f"one body only: there is {bodies[0]} already")


def _value(key: str, item: Any, where: Place) -> Any:
    if key in _SECONDS:
        return None if item is None else float(where.check(item, (int, float), "seconds"))
    if key in _FLAGS:
        return where.check(item, bool, "true or false")
    if key in _COUNTS:
        return where.check(item, int, "a whole number")
    reader = _READERS.get(key)
    return item if reader is None else reader(item, where)


def _headers(item: Any, where: Place) -> Any:
    if isinstance(item, Mapping):
        return {str(name): str(value) for name, value in item.items()}
    where.check(item, list, "a mapping, or a list of [name, value]")
    for index, pair in enumerate(item):
        if not isinstance(pair, list) or len(pair) != 2:
            raise (where / index).error("expected [name, value]")
    return [(str(name), str(value)) for name, value in item]


def _text(item: Any, where: Place) -> Any:
    return where.check(item, str, "text")


def _body(item: Any, where: Place) -> bytes:
    return item if isinstance(item, bytes) else bytes(_text(item, where).encode("utf-8", "surrogateescape"))


def _base64(item: Any, where: Place) -> bytes:
    try:
        return base64.b64decode(_text(item, where), validate=True)
    except binascii.Error as error:
        raise where.error(f"not base64: {error}") from error


def _hex(item: Any, where: Place) -> bytes:
    try:
        return bytes.fromhex(_text(item, where))
    except ValueError as error:
        raise where.error("not hexadecimal digits") from error


def _bytes(item: Any, where: Place) -> bytes:
    """Bytes from text, or from a mapping with one of text, base64, hex, json."""
    if not isinstance(item, Mapping):
        return _body(item, where)
    form = next((key for key in _BYTE_FORMS if key in item), None)
    if form is None:
        raise where.error(f"expected text, or one of: {', '.join(_BYTE_FORMS)}")
    if form == "json":
        return compact_json(item["json"])
    return {"text": _body, "base64": _base64, "hex": _hex}[form](item[form], where / form)


def _piece(item: Any, where: Place) -> Piece:
    if isinstance(item, Mapping):
        where.known_keys(item, _PIECE_KEYS)
        times = (where / "times").check(item.get("times", 1), int, "a whole number")
        pause = (where / "pause").check(item.get("pause", 0), (int, float), "seconds")
        return Piece(_bytes(item, where), times, float(pause))
    return Piece(_bytes(item, where))


def _pieces(item: Any, where: Place) -> list[Piece]:
    where.check(item, list, "a list of pieces")
    return [_piece(one, where / index) for index, one in enumerate(item)]


def _events(item: Any, where: Place) -> list[Piece]:
    where.check(item, list, "a list of events")
    return [_event(one, where / index) for index, one in enumerate(item)]


def _event(item: Any, where: Place) -> Piece:
    if not isinstance(item, Mapping) or any(key in item for key in ("text", "base64", "hex", "times")):
        return _piece(item, where)
    where.known_keys(item, (*_EVENT_KEYS, "pause"))
    data = compact_json(item["json"]).decode() if "json" in item else str(item.get("data", ""))
    lines = [f"{name}: {item[name]}" for name in ("event", "id") if name in item]
    lines += [f"data: {line}" for line in data.split("\n")]
    return Piece(
        ("\n".join(lines) + "\n\n").encode("utf-8", "surrogateescape"), 1, float(item.get("pause", 0))
    )


def _event_pieces(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Events become text where they are plain text, so that templates reach them; pieces otherwise."""
    pieces: Sequence[Piece] = arguments["events"]
    if all(piece.times == 1 and not piece.pause for piece in pieces):
        return {"events": [piece.data.decode("utf-8", "surrogateescape") for piece in pieces]}
    return {"events": (), "pieces": pieces}


def _choice(words: Sequence[str], item: Any, where: Place) -> str:
    if item not in words:
        raise where.error(f"expected one of: {', '.join(words)}")
    return str(item)


def _times(item: Any, where: Place) -> int | None:
    if item == "forever":
        return None
    return int(where.check(item, int, 'a whole number or "forever"'))


def _split(item: Any, where: Place) -> Any:
    sizes = item if isinstance(item, list) else [item]
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise where.error("expected a size in bytes, or a list of sizes, each at least 1")
    return item


def _drip(item: Any, where: Place) -> dict[str, Any]:
    where.known_keys(item, ("bytes", "every"))
    size = (where / "bytes").check(item.get("bytes"), int, "a size in bytes")
    every = (where / "every").check(item.get("every"), (int, float), "seconds")
    return {"split": size, "pause": float(every)}


_READERS: Mapping[str, Callable[[Any, Place], Any]] = {
    "headers": _headers,
    "reason": _text,
    "text": _text,
    "body": _body,
    "base64": _base64,
    "hex": _hex,
    "raw": _bytes,
    "pieces": _pieces,
    "events": _events,
    "split": _split,
    "drip": _drip,
    "times": _times,
    "end": lambda item, where: _choice(get_args(End), item, where),
    "framing": lambda item, where: _choice(get_args(Framing), item, where),
}
