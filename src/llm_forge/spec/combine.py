"""Types out of types: unions joined, enums opened, objects merged. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .ir import (
    AnyType,
    EnumType,
    Kind,
    ListType,
    LiteralType,
    MapType,
    Nullable,
    ObjectType,
    Primitive,
    Property,
    Type,
    Union,
)
from .source import Sequence

NULL = Primitive("null")


def optional(found: Type) -> Type:
    """A type that may also be null."""
    if isinstance(found, (AnyType, Nullable)) or found == NULL:
        return found
    return Nullable(found)


def literal(value: object) -> Type:
    """A constant; one that is not a scalar is any value."""
    if value is None:
        return NULL
    return LiteralType(value) if isinstance(value, (str, int, float, bool)) else AnyType()


def enumeration(values: Sequence) -> Type:
    """An enum: a literal if it has one value, nullable if null is among them."""
    known = [v for v in values if isinstance(v, (str, int, float))]
    distinct = tuple(dict.fromkeys((type(v), v) for v in known))
    scalars = tuple(v for _, v in distinct)
    if not scalars:
        return NULL if None in values else AnyType()
    found: Type = LiteralType(scalars[0]) if len(scalars) == 1 else EnumType(scalars, _kind(scalars))
    return optional(found) if None in values else found


def _kind(values: tuple[object, ...]) -> Kind:
    if all(isinstance(v, bool) for v in values):
        return "boolean"
    if all(isinstance(v, int) for v in values):
        return "integer"
    return "number" if all(isinstance(v, (int, float)) for v in values) else "string"


def union(members: Iterable[Type]) -> Type:
    """One type for several: duplicates dropped, enums joined, nested unions opened."""
    opened: list[Type] = []
    null = False
    for member in members:
        null = null or isinstance(member, Nullable)
        inner = member.inner if isinstance(member, Nullable) else member
        opened.extend(inner.members if isinstance(inner, Union) else [inner])
    distinct = _join_enums(list(dict.fromkeys(opened)))
    if any(isinstance(member, AnyType) for member in distinct) or not distinct:
        return AnyType()
    found = distinct[0] if len(distinct) == 1 else Union(tuple(distinct))
    return optional(found) if null else found


def _join_enums(members: list[Type]) -> list[Type]:
    """Text constants and open text enums are one open enum, which also takes plain text."""
    texts = [m for m in members if isinstance(m, (EnumType, LiteralType)) and _is_text(m)]
    plain = Primitive("string")
    if not texts or len(texts) + (plain in members) < 2:
        return members
    values: dict[str | int | float | bool, None] = {}
    for text in texts:
        values.update(dict.fromkeys(text.values if isinstance(text, EnumType) else [str(text.value)]))
    joined = EnumType(tuple(values))
    at = min(members.index(text) for text in texts)
    rest = [joined if index == at else member for index, member in enumerate(members)]
    return [m for m in rest if m is joined or (m not in texts and m != plain)]


def _is_text(found: EnumType | LiteralType) -> bool:
    return found.kind == "string" if isinstance(found, EnumType) else isinstance(found.value, str)


def most_exact(parts: list[Type], flat: list[Type]) -> Type:
    """Of several types that all hold, the one that says most; the last wins between equals."""
    order = (Primitive, MapType, ListType, EnumType, LiteralType)
    ranked = [(order.index(type(f)) if type(f) in order else -1, i) for i, f in enumerate(flat)]
    return parts[max(ranked)[1]]


def merge_objects(objects: list[ObjectType]) -> ObjectType:
    """One object with the fields of all; a later one's type wins, required anywhere is required."""
    found: dict[str, Property] = {}
    for part in objects:
        for one in part.properties:
            known = found.get(one.name)
            found[one.name] = _merge_property(known, one) if known else one
    extras = [part.extra for part in objects if part.extra is not None]
    return ObjectType(tuple(found.values()), extras[-1] if extras else None, objects[-1].limits)


def _merge_property(known: Property, later: Property) -> Property:
    return replace(
        later,
        type=known.type if isinstance(later.type, AnyType) else later.type,
        required=known.required or later.required,
        description=later.description or known.description,
    )
