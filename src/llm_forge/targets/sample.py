"""Values that a type allows, small and plain, for examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..spec import ir

_DEEPEST = 6
_LONGEST_EXAMPLE = 80
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


def described(api: ir.Api, one: ir.Property | ir.Parameter, depth: int = 0) -> Any:
    """The description's own example of a field or parameter if it is a short scalar, else a `sample`."""
    if len(str(one.example)) <= _LONGEST_EXAMPLE and _fits(api, one.type, one.example):
        return one.example
    return sample(api, one.type, one.name, depth)


def _fits(api: ir.Api, found: ir.Type, example: Any) -> bool:
    """Whether an example is a scalar of the type: descriptions have examples of other kinds too."""
    flat = api.resolve(found)
    if isinstance(flat, ir.Nullable):
        return _fits(api, flat.inner, example)
    if isinstance(flat, ir.Union):
        return any(_fits(api, member, example) for member in flat.members)
    kind = flat.kind if isinstance(flat, (ir.Primitive, ir.EnumType)) else ""
    return type(example) in _KINDS.get(kind, ())


def sample(api: ir.Api, found: ir.Type, name: str = "", depth: int = 0) -> Any:
    """A JSON value of a type: required fields only, first of every choice."""
    flat = api.resolve(found)
    if isinstance(flat, ir.Nullable):
        return sample(api, flat.inner, name, depth + 1)
    if depth > _DEEPEST or isinstance(flat, (ir.AnyType, ir.MapType)):
        return {}
    if isinstance(flat, ir.ObjectType):
        return {p.name: described(api, p, depth + 1) for p in flat.properties if p.required}
    if isinstance(flat, ir.ListType):
        return [sample(api, flat.item, name, depth + 1)]
    if isinstance(flat, ir.TaggedUnion):
        return _tagged(api, flat, name, depth)
    if isinstance(flat, ir.Union):
        return sample(api, flat.members[0], name, depth + 1)
    return _scalar(flat, name)


def _tagged(api: ir.Api, found: ir.TaggedUnion, name: str, depth: int) -> Any:
    """The member that a user would write: the one tagged `user` or `text`, else the first."""
    members = dict(found.members)
    tag = next((one for one in ("user", "text") if one in members), next(iter(members)))
    made = sample(api, members[tag], name, depth + 1)
    return {**made, found.tag: tag} if isinstance(made, dict) else made


def _scalar(found: ir.Type, name: str) -> Any:
    if isinstance(found, ir.LiteralType):
        return found.value
    if isinstance(found, ir.EnumType):
        return "user" if "user" in found.values else found.values[0]
    if not isinstance(found, ir.Primitive):
        return {}
    if found.format == "binary":
        return b"Hello"
    if found.kind == "string" and name in ("content", "text", "prompt", "input"):
        return "Hello"
    if found.kind == "string" and name == "model":
        return "your-model"
    low = found.limits.minimum or 0
    numbers = {"boolean": True, "integer": max(int(low), 64), "number": max(float(low), 1.0)}
    return numbers.get(found.kind, name.replace("_", " ") or "text")
