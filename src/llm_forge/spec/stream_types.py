"""The type of events that a document has among its schemas but that no response names.

Some vendors describe streaming in prose only. The schemas are searched as they are written, so that those
which nothing refers to are read only if they are the one looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .ir import AnyType, ListType, ObjectType, Type
from .place import Place, root_place
from .schemas import Schemas
from .source import Mapping
from .stream_shapes import CHUNKS, FAMILY_TAGS, TAG_FIELDS

_STREAM_WORDS = ("stream", "chunk", "event")


def find_event_type(schemas: Schemas, family: str, whole: Type) -> Type:
    """The type of the events of a family, any value where the document has none."""
    if family == CHUNKS and not _has_messages(schemas, whole):
        return whole  # completions of old send the same objects, with pieces of `text`
    components = root_place(schemas.references.main).child("components").child("schemas")
    fit = [name for name, schema in components.entries() if _is_event(schemas, family, schema)]
    if not fit:
        return AnyType()
    name = min(fit, key=lambda one: (not any(word in one.lower() for word in _STREAM_WORDS), len(one), one))
    reference = Mapping(components.line)
    reference["$ref"] = f"#/components/schemas/{name.replace('~', '~0').replace('/', '~1')}"
    return schemas.ref(replace(components, value=reference))


def _has_messages(schemas: Schemas, whole: Type) -> bool:
    """Whether the choices of a whole answer hold messages."""
    flat = schemas.flat(whole)
    for one in flat.properties if isinstance(flat, ObjectType) else ():
        choices = schemas.flat(one.type)
        if one.name == "choices" and isinstance(choices, ListType):
            item = schemas.flat(choices.item)
            return isinstance(item, ObjectType) and any(part.name == "message" for part in item.properties)
    return False


def _is_event(schemas: Schemas, family: str, schema: Place) -> bool:
    follow = schemas.references.follow
    if family == CHUNKS:
        choices = follow(follow(schema).child("properties").child("choices"))
        return follow(choices.child("items")).child("properties").has("delta")
    return FAMILY_TAGS[family] <= set(_written_tags(schemas, schema))


def _written_tags(schemas: Schemas, schema: Place) -> Iterator[str]:
    """The tags that a union's discriminator maps, and those that its members' constants show."""
    mapping = schema.child("discriminator").child("mapping").value
    yield from mapping if isinstance(mapping, Mapping) else ()
    for word in ("oneOf", "anyOf"):
        for member in schema.child(word).items():
            properties = schemas.references.follow(member).child("properties")
            for field in TAG_FIELDS:
                yield from _constants(schemas.references.follow(properties.child(field)))


def _constants(schema: Place) -> list[str]:
    enum = schema.child("enum").value
    values = [schema.child("const").value, *(enum if isinstance(enum, list) and len(enum) == 1 else [])]
    return [value for value in values if isinstance(value, str)]
