"""Unions whose members one text field tells apart.

A description names that field (`discriminator`) or shows it: every member requires a field that is
a constant text, different in each. The second is as good as the first.
"""

from __future__ import annotations

from dataclasses import replace

from .combine import union
from .ir import (
    EnumType,
    LiteralType,
    ObjectType,
    Ref,
    TaggedUnion,
    Type,
    TypeDef,
    Union,
)
from .schemas import Discriminator, Schemas

_USUAL_TAGS = ("type", "object", "role", "event", "kind", "status")


def settle_unions(schemas: Schemas) -> None:
    """Turn named unions of objects into tagged unions where a tag exists."""
    for name in sorted(schemas.types):
        definition = schemas.types[name]
        found = definition.type
        if isinstance(found, Union):
            settled = _settle(schemas, definition, found)
            schemas.types[name] = replace(definition, type=settled)


def _settle(schemas: Schemas, definition: TypeDef, found: Union) -> Type:
    objects = [member for member in found.members if _is_object(schemas, member)]
    told = schemas.discriminators.get(definition.name)
    if len(objects) < 2:
        return found
    tagged = _told(schemas, objects, told) if told else _shown(schemas, objects)
    if tagged is None:
        return found
    if len(objects) == len(found.members):
        return tagged
    place = schemas.places[definition.name]
    inner = schemas.name(tagged, f"{definition.name}Object", place)
    rest = [member for member in found.members if member not in objects]
    return union([*rest, inner])


def _is_object(schemas: Schemas, member: Type) -> bool:
    return isinstance(member, Ref) and bool(_variants(schemas, member))


def _variants(schemas: Schemas, member: Type) -> list[Type]:
    """The objects that a member stands for: itself, or those of a union of objects; [] if neither."""
    found: list[Type] = []
    seen: set[Type] = set()
    waiting = [member]
    while waiting:
        one = waiting.pop(0)
        if one in seen:
            continue
        seen.add(one)
        flat = schemas.flat(one)
        if isinstance(flat, ObjectType):
            found.append(one)
        elif isinstance(flat, (Union, TaggedUnion)):
            waiting[:0] = _members(flat)
        else:
            return []
    return found


def _members(found: Union | TaggedUnion) -> list[Type]:
    return list(found.members) if isinstance(found, Union) else [one for _, one in found.members]


def _told(schemas: Schemas, objects: list[Type], told: Discriminator) -> TaggedUnion | None:
    members: dict[str, Type] = {}
    for target in _opened(schemas, objects):
        values = _tag_values(schemas, target, told.tag)
        mapped = [value for value, to in told.mapping if to == target]
        for value in dict.fromkeys([*values, *mapped]) or _implicit(target):
            if members.setdefault(value, target) != target:
                told.place.repair(f"two members have the tag {value!r}; the first is used")
    for value, target in told.mapping:
        members.setdefault(value, target)
    return TaggedUnion(told.tag, tuple(members.items())) if members else None


def _implicit(target: Type) -> list[str]:
    """OpenAPI's rule for a member without a constant tag: the schema's name."""
    return [target.name] if isinstance(target, Ref) else []


def _shown(schemas: Schemas, objects: list[Type]) -> TaggedUnion | None:
    opened = _opened(schemas, objects)
    for tag in _candidates(schemas, opened[0]):
        values = [_tag_values(schemas, target, tag) for target in opened]
        every = [value for group in values for value in group]
        if all(values) and len(set(every)) == len(every):
            pairs = [(v, target) for group, target in zip(values, opened, strict=True) for v in group]
            return TaggedUnion(tag, tuple(pairs))
    return None


def _opened(schemas: Schemas, objects: list[Type]) -> list[Type]:
    return list(dict.fromkeys(one for member in objects for one in _variants(schemas, member)))


def _candidates(schemas: Schemas, target: Type) -> list[str]:
    flat = schemas.flat(target)
    names = [p.name for p in flat.properties] if isinstance(flat, ObjectType) else []
    usual = [name for name in _USUAL_TAGS if name in names]
    return usual + [name for name in names if name not in usual]


def _tag_values(schemas: Schemas, target: Type, tag: str) -> list[str]:
    """The texts that a member's tag field allows, [] if it is not a constant or small enum."""
    flat = schemas.flat(target)
    if not isinstance(flat, ObjectType):
        return []
    for one in flat.properties:
        if one.name == tag:
            return _texts(schemas.flat(one.type))
    return []


def _texts(found: Type) -> list[str]:
    if isinstance(found, LiteralType):
        return [found.value] if isinstance(found.value, str) else []
    if isinstance(found, EnumType):
        return [value for value in found.values if isinstance(value, str)]
    return []
