"""How an operation streams, as x-forge says it or as the description shows it."""

from __future__ import annotations

from dataclasses import replace

from . import forge
from .ir import AnyType, Body, ObjectType, Primitive, Ref, Result, Stream, TaggedUnion, Type, Union
from .place import Place
from .schemas import Schemas
from .source import Mapping, plain

_FAMILY_TAGS = {
    "block-event": {"content_block_delta", "message_stop"},
    "response": {"response.output_text.delta", "response.completed"},
    "conversation": {"message.output.delta", "conversation.response.done"},
}


def read_stream(
    schemas: Schemas, told: Place, place: Place, body: Body | None, result: Result, event: Type | None
) -> Stream | None:
    """The stream of an operation, None if it does not stream."""
    flag = _flag(schemas, body)
    if told.value is None and event is None and (flag is None or result.kind != "json"):
        return None
    if told.value is False:
        return None
    if told.value is not None:
        forge.check_keys(told, forge.STREAM_KEYS)
        event = _named(schemas, told, "event") or event
    family = forge.choice(told, "family") or _family(schemas, place, event, result)
    if event is None:
        event = AnyType()
        place.note("the type of streamed events is not stated; events are plain JSON")
    return Stream(
        family=family,
        event=event,
        parameter=told.text("parameter") or flag,
        value=plain(told.child("value").value) if told.has("value") else True,
        ndjson=told.flag("ndjson"),
        terminal=_terminal(told, family),
        type_field=told.text("type_field") or "type",
        result=_named(schemas, told, "result"),
    )


def _terminal(told: Place, family: str | None) -> tuple[str, ...]:
    """The types of events that end a stream of the family `events`, which alone needs to be told them."""
    if family == "events":
        found = forge.texts(told.child("terminal")) if told.has("terminal") else ()
        if not found:
            raise told.error("a stream of family events needs `terminal`: the types of events that end it")
        return found
    for key in ("terminal", "type_field"):
        if told.has(key):
            raise told.child(key).error(f"{key} goes with family events; the others know how they end")
    return ()


def _flag(schemas: Schemas, body: Body | None) -> str | None:
    """`stream`, if the body has that field as a boolean."""
    flat = schemas.flat(body.type) if body is not None else None
    variants = flat.members if isinstance(flat, Union) else (flat,)
    for variant in variants:
        one = schemas.flat(variant) if variant is not None else None
        for known in one.properties if isinstance(one, ObjectType) else ():
            if known.name == "stream":
                inner = schemas.flat(known.type)
                return "stream" if not isinstance(inner, Primitive) or inner.kind == "boolean" else None
    return None


def _named(schemas: Schemas, told: Place, key: str) -> Type | None:
    """A component schema named by x-forge."""
    name = told.text(key)
    if not name:
        return None
    written = Mapping(told.child(key).line)
    written["$ref"] = name if "#" in name else f"#/components/schemas/{name}"
    return schemas.ref(replace(told.child(key), value=written))


def _family(schemas: Schemas, place: Place, event: Type | None, result: Result) -> str | None:
    """The family that events show, by the fields or the tags that only it has."""
    known = event if event is not None else result.type
    flat = schemas.flat(known)
    if isinstance(flat, ObjectType) and any(p.name == "choices" for p in flat.properties):
        return "chat-completion"
    tags = _tags(schemas, flat)
    for family, needed in _FAMILY_TAGS.items():
        if needed <= tags:
            return family
    place.note(
        "the family of its stream is unknown; only its unary form can be generated. If its events are typed, "
        "x-forge stream: {family: events, terminal: [...]} says which of them end it"
    )
    return None


def _tags(schemas: Schemas, flat: Type) -> set[str]:
    members: list[Type] = []
    if isinstance(flat, TaggedUnion):
        members = [one for _, one in flat.members]
    elif isinstance(flat, Union):
        members = list(flat.members)
    found: set[str] = set()
    for member in members:
        one = schemas.flat(member) if isinstance(member, Ref) else member
        for known in one.properties if isinstance(one, ObjectType) else ():
            value = getattr(schemas.flat(known.type), "value", None)
            found.update([value] if isinstance(value, str) else [])
    return found
