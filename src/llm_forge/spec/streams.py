"""How an operation streams, as x-forge says it or as the description shows it."""

from __future__ import annotations

from dataclasses import replace

from . import forge
from .ir import AnyType, Body, ObjectType, Primitive, Ref, Result, Stream, TaggedUnion, Type, Union
from .place import Place
from .schemas import Schemas
from .source import Mapping


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
    parameter = (told.text("parameter") if told.value else "") or flag
    family = (forge.choice(told, "family") if told.value else None) or _family(schemas, place, event, result)
    if event is None:
        event = AnyType()
        place.note("the type of streamed events is not stated; events are plain JSON")
    return Stream(family, event, parameter)


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
    written["$ref"] = name if name.startswith("#") else f"#/components/schemas/{name}"
    return schemas.ref(replace(told.child(key), value=written))


def _family(schemas: Schemas, place: Place, event: Type | None, result: Result) -> str | None:
    """The family that events show: `choices` are chat completions, block tags are block events."""
    known = event if event is not None else result.type
    flat = schemas.flat(known)
    if isinstance(flat, ObjectType) and any(p.name == "choices" for p in flat.properties):
        return "chat-completion"
    if {"content_block_delta", "message_stop"} <= _tags(schemas, flat):
        return "block-event"
    place.note("the family of its stream is unknown; only its unary form can be generated")
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
