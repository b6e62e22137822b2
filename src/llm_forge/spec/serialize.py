"""The IR as JSON, for tools and other languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from . import ir

VERSION = 1
_NAMES: dict[type, str] = {
    ir.AnyType: "any",
    ir.Primitive: "primitive",
    ir.LiteralType: "literal",
    ir.EnumType: "enum",
    ir.ListType: "list",
    ir.MapType: "map",
    ir.Nullable: "nullable",
    ir.Ref: "ref",
    ir.ObjectType: "object",
    ir.Union: "union",
    ir.TaggedUnion: "tagged_union",
}


def to_json(api: ir.Api) -> str:
    """The whole IR as JSON text, the same for the same input; `version` counts changes of this form.

    Types carry `node`, which names their class; facts that equal their default are left out.
    """
    document = {"version": VERSION, "api": _plain(api)}
    return json.dumps(document, ensure_ascii=True, indent=1, sort_keys=True) + "\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _record(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value


def _record(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if type(value) in _NAMES:
        found["node"] = _NAMES[type(value)]
    for one in fields(value):
        held = getattr(value, one.name)
        if held != one.default or type(held) is not type(one.default):
            found[one.name] = _plain(held)
    return found
