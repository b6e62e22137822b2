"""Requests that our own description allows, as arguments of its methods: minimal, and with everything set.

A union has one member in a request, so there are several full ones: in the request number n stands the
n-th member of every union, counted round.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from llm_forge.spec import ir

_T = TypeVar("_T")

DEEPEST = 9
PLAIN_DEPTH = 2  # down to here a list has two items: one alone is not a list in a query or form
# Fields whose form is said in words only.
NAMED = {"file_url": "https://example.com/a", "language": "en", "alias": "best"}
_TEXT = "0f0e0d0c-0b0a-4908-8706-050403020100"  # ids of some vendors are such
_TEXTS = {
    "date-time": "2025-08-01T00:00:00Z", "date": "2025-08-01", "uri": "https://example.com/a",
    "email": "ann@example.com", "byte": "aGVsbG8=",
}  # fmt: skip


class Maker:
    """Makes values of a description's types; `full` sets every field, `number` chooses among members.

    What is in `unknown` is not sent: a field, or a value or tag of one as `field = value`.
    """

    def __init__(self, api: ir.Api, number: int, *, full: bool, unknown: Collection[str] = ()) -> None:
        self.api = api
        self.unknown = unknown
        self.number = number
        self.full = full

    def arguments(self, operation: ir.Operation) -> dict[str, Any]:
        """The values of an operation's arguments by wire names; the stream switch is left out."""
        found = {one.name: self._named(one, 0) for one in operation.parameters if self._wanted(one)}
        if operation.body is None:
            return found
        body = self.api.resolve(operation.body.type)
        if not isinstance(body, ir.ObjectType):
            return found | {"body": self.value(operation.body.type)}
        switch = operation.stream.parameter if operation.stream else None
        fields = [one for one in body.properties if one.name != switch and self._wanted(one)]
        return found | {one.name: self._named(one, 1) for one in fields}

    def _wanted(self, one: ir.Property | ir.Parameter) -> bool:
        if isinstance(one, ir.Property) and one.read_only:
            return False
        return one.required or (self.full and one.name not in self.unknown)

    def _named(self, one: ir.Property | ir.Parameter, depth: int) -> Any:
        return NAMED[one.name] if one.name in NAMED else self.value(one.type, depth, one.name)

    def value(self, found: ir.Type, depth: int = 0, field: str = "") -> Any:
        """A value of a type; below the depth limit optional fields and items are left out."""
        match self.api.resolve(found):
            case ir.Nullable(inner=inner):
                return self.value(inner, depth, field)
            case ir.LiteralType(value=value):
                return value
            case ir.EnumType(values=values):
                return self._chosen([one for one in values if f"{field} = {one}" not in self.unknown], 0)
            case ir.ListType(item=item, limits=limits):
                count = max(limits.min_items or 0, 2 if depth <= PLAIN_DEPTH else int(depth < DEEPEST))
                return [self.value(item, depth + 1, field) for _ in range(count)]
            case ir.MapType(value=value):
                return {"key": self.value(value, depth + 1, field)} if depth < DEEPEST else {}
            case ir.Union(members=members):
                return self.value(self._chosen(members, depth), depth + 1, field)
            case ir.TaggedUnion() as union:
                return self._tagged(union, depth, field)
            case ir.ObjectType() as one:
                return self._object(one, depth)
            case ir.Primitive() as one:
                return _scalar(one)
        return {}

    def _tagged(self, union: ir.TaggedUnion, depth: int, field: str) -> Any:
        known = [one for one in union.members if f"{field} = {one[0]}" not in self.unknown]
        tag, member = self._chosen(known, depth)
        return self.value(member, depth + 1, field) | {union.tag: tag}

    def _chosen(self, among: Sequence[_T], depth: int) -> _T:
        """The choice of this request; the first below the depth limit."""
        return among[self.number % len(among) if depth < DEEPEST else 0]

    def _object(self, found: ir.ObjectType, depth: int) -> dict[str, Any]:
        wanted = [p for p in found.properties if p.required or (self._wanted(p) and depth < DEEPEST)]
        return {one.name: self._named(one, depth + 1) for one in wanted}


def _scalar(found: ir.Primitive) -> Any:
    limits = found.limits
    if found.kind == "string":
        if found.format == "binary":
            return b"Hello"
        text = _TEXTS.get(found.format or "", _TEXT)
        return text.ljust(limits.min_length or 0, "x")[: limits.max_length]
    if found.kind == "boolean":
        return True
    if found.kind == "null":
        return None
    low = limits.minimum if limits.minimum is not None else limits.exclusive_minimum
    high = limits.maximum if limits.maximum is not None else limits.exclusive_maximum
    value = (
        1 if (low is None or low <= 1) and (high is None or high >= 1) else low if low is not None else high
    )
    return value if found.kind == "integer" else float(value or 0)
