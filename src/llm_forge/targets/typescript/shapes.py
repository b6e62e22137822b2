"""Which fields the objects of answers must have, for calls that ask for it (R-200)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ...spec import ir
from ..reach import travelling
from .text import Identifier
from .view import Shape, ShapeOf


def told_objects(api: ir.Api, answered: Iterable[str]) -> frozenset[str]:
    """The objects of answers that have a required field, or contain an object that has one."""
    objects = {name: found for name in answered if isinstance(found := api.types[name].type, ir.ObjectType)}
    inside = {name: frozenset(_objects_inside(api, one)) for name, one in objects.items()}
    told = {name for name, one in objects.items() if any(_required(one))}
    grown = -1
    while grown != len(told):
        grown = len(told)
        told |= {name for name, within in inside.items() if within & told}
    return frozenset(told)


def plan_shape(api: ir.Api, told: Mapping[str, Identifier], name: str) -> Shape:
    """The shape of one object."""
    found = api.types[name].type
    assert isinstance(found, ir.ObjectType)  # noqa: S101 - the caller asked
    shapes = ((one.name, shape_of(api, told, one.type)) for one in travelling(found, writing=False))
    fields = {field: shape for field, shape in shapes if shape is not None}
    return Shape(told[name], tuple(_required(found)), fields)


def shape_of(api: ir.Api, told: Mapping[str, Identifier], found: ir.Type) -> ShapeOf | None:
    """The shape of a type, None where nothing is told of it; `told` are the names of shapes."""
    if isinstance(found, ir.Ref):
        if isinstance(api.types[found.name].type, ir.ObjectType):
            return ShapeOf(told[found.name]) if found.name in told else None
        return None if api.resolve(found) == found else shape_of(api, told, api.resolve(found))
    if isinstance(found, ir.Nullable):
        return shape_of(api, told, found.inner)
    if isinstance(found, (ir.ListType, ir.MapType)):
        inner = shape_of(api, told, found.item if isinstance(found, ir.ListType) else found.value)
        return None if inner is None else ShapeOf(items=inner)
    return None


def _required(found: ir.ObjectType) -> Iterator[str]:
    return (one.name for one in travelling(found, writing=False) if one.required)


def _objects_inside(api: ir.Api, found: ir.ObjectType) -> Iterator[str]:
    """The objects that the fields of one hold, in lists and maps too."""
    for one in travelling(found, writing=False):
        name = _object_in(api, one.type, frozenset())
        if name is not None:
            yield name


def _object_in(api: ir.Api, found: ir.Type, above: frozenset[str]) -> str | None:
    if isinstance(found, ir.Ref):
        target = api.types[found.name].type
        if isinstance(target, ir.ObjectType):
            return found.name
        return None if found.name in above else _object_in(api, target, above | {found.name})
    if isinstance(found, ir.Nullable):
        return _object_in(api, found.inner, above)
    if isinstance(found, ir.ListType):
        return _object_in(api, found.item, above)
    return _object_in(api, found.value, above) if isinstance(found, ir.MapType) else None
