"""JSON values made from types: the same for the same type, on every machine.

Rules:
- Of a union the first member, of an enum the first value; a value that may be null is not null.
- `minimal` fills required fields only. `full` fills all, down to `_FULL_DEPTH` objects within each other and
  `_FULL_VALUES` values in all; below that, required ones only.
- A type inside itself is left out where it may be: optional fields, entries of lists, members of unions.
- Texts, numbers and lists keep the limits of their type; patterns are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import ir

PLAIN_TEXT = "text"
ODD_TEXT = "a/b & ü?"  # what paths, queries and forms must escape
_FULL_DEPTH = 4
_FULL_VALUES = 250
_BOTTOM = 12  # a type that demands itself without end stops here, as an empty object
_LONGEST = 200
_FORMATS: Mapping[str, str] = {
    "date": "2026-01-02",
    "date-time": "2026-01-02T03:04:05Z",
    "time": "03:04:05Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "uri": "https://example.com/a",
    "url": "https://example.com/a",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "byte": "aGVsbG8=",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}


@dataclass(frozen=True, slots=True)
class File:
    """The content of a file, where an argument is one."""

    content: bytes


SAMPLE_FILE = File(b"\x00wire\r\n\xff")


@dataclass(slots=True)
class Sampler:
    """Values for one case; `writing` says whether they go into a request."""

    api: ir.Api
    writing: bool
    full: bool = False
    files: bool = False
    left: int = _FULL_VALUES
    _open: list[str] = field(default_factory=list)

    def value(self, found: ir.Type, text: str = PLAIN_TEXT, depth: int = 0) -> Any:
        """A value of the type; `text` is what texts without a format are."""
        self.left -= 1
        if depth > _BOTTOM:
            return {}
        if isinstance(found, ir.Ref):
            return self._named(found, text, depth)
        if isinstance(found, ir.Nullable):
            return self.value(found.inner, text, depth)
        if isinstance(found, ir.ObjectType):
            return self.object(found, text, depth)
        if isinstance(found, (ir.ListType, ir.MapType)):
            return self._several(found, text, depth)
        if isinstance(found, (ir.Union, ir.TaggedUnion)):
            return self._member(found, text, depth)
        return self._scalar(found, text)

    def object(self, found: ir.ObjectType, text: str = PLAIN_TEXT, depth: int = 0) -> dict[str, Any]:
        """An object of the type: its required fields, or all that fit."""
        fields = [one for one in found.properties if not (one.read_only if self.writing else one.write_only)]
        return {one.name: self.value(one.type, text, depth + 1) for one in fields if self._wanted(one, depth)}

    def _wanted(self, one: ir.Property, depth: int) -> bool:
        if one.required:
            return True
        return self.full and depth < _FULL_DEPTH and self.left > 0 and not self._is_open(one.type)

    def _named(self, found: ir.Ref, text: str, depth: int) -> Any:
        self._open.append(found.name)
        made = self.value(self.api.types[found.name].type, text, depth + (self._open.count(found.name) > 1))
        self._open.pop()
        return made

    def _is_open(self, found: ir.Type) -> bool:
        """Whether a value of the type lies within another of the same name."""
        if isinstance(found, ir.Ref):
            return found.name in self._open
        if isinstance(found, ir.Nullable):
            return self._is_open(found.inner)
        if isinstance(found, ir.ListType):
            return self._is_open(found.item)
        return self._is_open(found.value) if isinstance(found, ir.MapType) else False

    def _several(self, found: ir.ListType | ir.MapType, text: str, depth: int) -> Any:
        if isinstance(found, ir.MapType):
            filled = self.full and not self._is_open(found)
            return {"key": self.value(found.value, text, depth + 1)} if filled else {}
        if self._is_open(found.item):
            return []
        count = max(1, min(found.limits.min_items or 1, _LONGEST))
        return [self.value(found.item, text, depth + 1) for _ in range(count)]

    def _member(self, found: ir.Union | ir.TaggedUnion, text: str, depth: int) -> Any:
        if isinstance(found, ir.TaggedUnion):
            tag, member = next((one for one in found.members if not self._is_open(one[1])), found.members[0])
            made = self.value(member, text, depth + 1)
            return {**made, found.tag: tag} if isinstance(made, dict) else made
        null = ir.Primitive("null")
        members = [one for one in found.members if one != null] or list(found.members)
        chosen = next((one for one in members if not self._is_open(one)), members[0])
        return self.value(chosen, text, depth + 1)

    def _scalar(self, found: ir.Type, text: str) -> Any:
        if isinstance(found, ir.LiteralType):
            return found.value
        if isinstance(found, ir.EnumType):
            return found.values[0]
        if not isinstance(found, ir.Primitive):
            return {"any": "value"} if self.full else {}
        if found.kind == "string":
            return self._text(found, text)
        return {"boolean": True, "null": None}.get(found.kind, _number(found))

    def _text(self, found: ir.Primitive, text: str) -> Any:
        if found.format == "binary" and self.files:
            return SAMPLE_FILE
        made = _FORMATS.get(found.format or "", text)
        least = min(found.limits.min_length or 0, _LONGEST)
        return made.ljust(least, "x")[: found.limits.max_length]


def _number(found: ir.Primitive) -> int | float:
    """A number within its limits: 1 or 0.5 where they allow it."""
    limits = found.limits
    low = _inside(limits.minimum, limits.exclusive_minimum, 1)
    high = _inside(limits.maximum, limits.exclusive_maximum, -1)
    made: int | float = 1 if found.kind == "integer" or limits.multiple_of else 0.5
    if limits.multiple_of:
        made = limits.multiple_of
    made = made if high is None or made <= high else high
    made = made if low is None or made >= low else low
    return int(made) if found.kind == "integer" else made


def _inside(inclusive: float | None, exclusive: float | None, inwards: int) -> float | None:
    return inclusive if inclusive is not None or exclusive is None else exclusive + inwards
