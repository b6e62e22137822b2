"""What streamed events, or whole answers, look like: the families by what only they have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .ir import EnumType, LiteralType, ObjectType, Primitive, Property, Ref, Type, Union
from .schemas import Schemas

CHUNKS = "chat-completion"
FAMILY_TAGS = {
    "block-event": frozenset({"content_block_delta", "message_stop"}),
    "response": frozenset({"response.output_text.delta", "response.completed"}),
    "conversation": frozenset({"message.output.delta", "conversation.response.done"}),
}
_WHOLE_FIELDS = {
    CHUNKS: frozenset({"choices"}),
    "block-event": frozenset({"content", "stop_reason", "role", "usage"}),
    "response": frozenset({"output", "status", "incomplete_details"}),
    "conversation": frozenset({"conversation_id", "outputs"}),
}
TAG_FIELDS = ("type", "event", "object", "kind", "status")
_END_WORDS = frozenset(
    {"complete", "completed", "done", "end", "ended", "final", "finish", "finished", "stop", "stopped"}
)
_MOST_OPENED = 1000


@dataclass(frozen=True, slots=True)
class End:
    """What ends a stream: a text in a field of an event."""

    terminal: str
    type_field: str


def family_of(schemas: Schemas, event: Type) -> str | None:
    """The family that events show; None for events of none."""
    if "choices" in _names(schemas.flat(event)):
        return CHUNKS
    tags = {tag for _, tag in _tags(schemas, event)}
    return next((family for family, needed in FAMILY_TAGS.items() if needed <= tags), None)


def whole_family_of(schemas: Schemas, whole: Type) -> str | None:
    """The family whose whole answer this is; None for another."""
    names = _names(schemas.flat(whole))
    return next((family for family, needed in _WHOLE_FIELDS.items() if needed <= names), None)


def end_of(schemas: Schemas, event: Type, *, ndjson: bool) -> End | None:
    """What ends a stream of these events: the only tag that says an end, or the flag `done` of a line."""
    objects = [one for one in _variants(schemas, event) if isinstance(one, ObjectType)]
    if ndjson and any(_is_flag(schemas, field) for one in objects for field in one.properties):
        return End("true", "done")
    tags = set(_tags(schemas, event))
    ends = {pair for pair in tags if _says_end(pair[1])}
    if len(tags) < 2 or len(ends) != 1:
        return None
    field, tag = ends.pop()
    return End(tag, field)


def _is_flag(schemas: Schemas, one: Property) -> bool:
    found = schemas.flat(one.type)
    return one.name == "done" and isinstance(found, Primitive) and found.kind == "boolean"


def _says_end(tag: str) -> bool:
    return re.split(r"[^A-Za-z]+", tag)[-1].lower() in _END_WORDS


def _names(found: Type) -> set[str]:
    return {one.name for one in found.properties} if isinstance(found, ObjectType) else set()


def _variants(schemas: Schemas, event: Type) -> Iterator[Type]:
    """The types that an event may be, with the names and unions on the way."""
    waiting: list[Type] = [event]
    seen: set[Type] = set()
    while waiting and len(seen) < _MOST_OPENED:
        one = waiting.pop(0)
        if one in seen:
            continue
        seen.add(one)
        yield one
        flat = schemas.flat(one)
        if isinstance(flat, Union):
            waiting.extend(flat.members)
        elif isinstance(flat, ObjectType) and flat != one:
            waiting.append(flat)


def _tags(schemas: Schemas, event: Type) -> Iterator[tuple[str, str]]:
    """Field and text of what says which event it is: discriminators, and constants of the events."""
    for one in _variants(schemas, event):
        told = schemas.discriminators.get(one.name) if isinstance(one, Ref) else None
        yield from ((told.tag, value) for value, _ in told.mapping) if told is not None else ()
        for field in one.properties if isinstance(one, ObjectType) else ():
            if field.name in TAG_FIELDS:
                yield from ((field.name, text) for text in _texts(schemas.flat(field.type)))


def _texts(found: Type) -> tuple[str, ...]:
    if isinstance(found, LiteralType) and isinstance(found.value, str):
        return (found.value,)
    if isinstance(found, EnumType) and len(found.values) == 1:
        return (str(found.values[0]),)
    return ()
