"""How an operation streams, as x-forge says it, as the description shows it, or as can be guessed.

Rules of this file:
- x-forge goes first; then what the response declares; then a `stream` field of the body.
- A family is known by fields or tags that only it has: of the events, else of the whole answer.
- Events of no known family are of `events`. The one tag that says an end (`audio.done`) ends them, or a flag
  `done` on lines of JSON; where nothing says it, only the end of the body does
  (docs/adr/0007-open-streams.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from . import forge
from .contents import Answers, Events
from .ir import AnyType, Body, EnumType, LiteralType, ObjectType, Primitive, Result, Stream, Type, Union
from .place import Place
from .schemas import Schemas
from .source import Mapping, plain
from .stream_shapes import end_of, family_of, whole_family_of
from .stream_types import find_event_type


@dataclass(frozen=True, slots=True)
class _Flag:
    """The field of a body that asks for a stream, and what it is set to."""

    name: str
    value: Any = True


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a stream is taken for; `why` says of a guess what it rests on."""

    family: str
    event: Type
    terminal: tuple[str, ...] = ()
    type_field: str = "type"
    why: str = ""


def read_stream(
    schemas: Schemas, told: Place, place: Place, body: Body | None, answers: Answers
) -> Stream | None:
    """The stream of an operation, None if it does not stream."""
    flag = _flag(schemas, body)
    result, events = answers.result, answers.events
    if told.value is False or (told.value is None and _is_only_whole(flag, result, events)):
        return None
    if told.value is not None:
        forge.check_keys(told, forge.STREAM_KEYS)
    stated = _named(schemas, told, "event") or (events.type if events is not None else None)
    shape = _told(told, stated) or _guessed(schemas, stated, result, ndjson=_ndjson(told, events))
    if shape.why:
        place.guess(shape.why)
    return Stream(
        family=shape.family,
        event=shape.event,
        parameter=told.text("parameter") or (flag.name if flag else None),
        value=plain(told.child("value").value) if told.has("value") else flag.value if flag else True,
        ndjson=_ndjson(told, events),
        terminal=shape.terminal,
        type_field=shape.type_field,
        result=_named(schemas, told, "result"),
    )


def _is_only_whole(flag: _Flag | None, result: Result, events: Events | None) -> bool:
    """Whether nothing shows that the operation streams.

    Beside JSON, lines need a field that asks for them, and so do events that are said to be mere text.
    """
    if events is None:
        return flag is None or result.kind != "json"
    beside_json = flag is None and result.kind == "json-or-stream"
    return beside_json and (events.ndjson or isinstance(events.type, Primitive))


def _ndjson(told: Place, events: Events | None) -> bool:
    return told.flag("ndjson") if told.has("ndjson") else events is not None and events.ndjson


def _told(told: Place, stated: Type | None) -> _Shape | None:
    """The shape that x-forge gives, None where it names no family."""
    family = forge.choice(told, "family")
    if family is None:
        for key in ("terminal", "type_field"):
            if told.has(key):
                raise told.child(key).error(f"{key} goes with family events; add the family")
        return None
    why = "" if stated is not None else "the type of streamed events is not stated; events are plain JSON"
    terminal = _terminal(told, family)
    return _Shape(family, stated or AnyType(), terminal, told.text("type_field") or "type", why)


def _terminal(told: Place, family: str) -> tuple[str, ...]:
    """The types of events that end a stream of the family `events`, which alone needs to be told them."""
    if family == "events":
        if not told.has("terminal"):
            raise told.error(
                "a stream of family events needs `terminal`: the types of events that end it, [] if none does"
            )
        return forge.texts(told.child("terminal"))
    for key in ("terminal", "type_field"):
        if told.has(key):
            raise told.child(key).error(f"{key} goes with family events; the others know how they end")
    return ()


def _guessed(schemas: Schemas, stated: Type | None, result: Result, *, ndjson: bool) -> _Shape:
    event = stated if stated is not None and not isinstance(stated, AnyType) else None
    family = family_of(schemas, event) if event is not None else whole_family_of(schemas, result.type)
    if family is not None and event is not None:
        return _Shape(family, event)
    if family is not None:
        found = find_event_type(schemas, family, result.type)
        of = "" if isinstance(found, AnyType) else " and of the events' type"
        return _Shape(family, found, why=f"its stream is taken for {family} because of its whole answer{of}")
    return _typed(schemas, event or AnyType(), ndjson=ndjson)


def _typed(schemas: Schemas, event: Type, *, ndjson: bool) -> _Shape:
    """The family `events`, and what ends it."""
    end = end_of(schemas, event, ndjson=ndjson)
    if end is not None:
        why = f"its stream is taken for typed events that {end.terminal!r} in {end.type_field!r} ends"
        return _Shape("events", event, (end.terminal,), end.type_field, why)
    why = (
        "nothing says which event ends its stream, so that a whole one is told from a cut one only by how "
        "the body ends; x-forge stream: {family: events, terminal: [...]} says it"
    )
    return _Shape("events", event, why=why)


def _flag(schemas: Schemas, body: Body | None) -> _Flag | None:
    """`stream`, if the body has that field as a boolean; `stream_format`, if it may be `sse`."""
    flat = schemas.flat(body.type) if body is not None else None
    for variant in flat.members if isinstance(flat, Union) else (flat,):
        one = schemas.flat(variant) if variant is not None else None
        for known in one.properties if isinstance(one, ObjectType) else ():
            found = _asks(known.name, schemas.flat(known.type))
            if found is not None:
                return found
    return None


def _asks(name: str, found: Type) -> _Flag | None:
    if name == "stream":
        off = isinstance(found, LiteralType) and found.value is False
        is_switch = not isinstance(found, Primitive) or found.kind == "boolean"
        return _Flag("stream") if is_switch and not off else None
    if name == "stream_format" and isinstance(found, EnumType) and "sse" in found.values:
        return _Flag("stream_format", "sse")
    return None


def _named(schemas: Schemas, told: Place, key: str) -> Type | None:
    """A component schema named by x-forge."""
    name = told.text(key)
    if not name:
        return None
    written = Mapping(told.child(key).line)
    written["$ref"] = name if "#" in name else f"#/components/schemas/{name}"
    return schemas.ref(replace(told.child(key), value=written))
