"""Bodies of requests against the provider's description.

Rules: what the description requires must be there, types and limits hold. Enums are open and unknown
fields are let through, as are union members with an unknown tag, so that a description which lags
behind the vendor refuses nothing; only an unknown `role` is an error, as it is everywhere. A list of
messages is never empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from ..spec import Api, load_description
from ..spec.ir import (
    EnumType,
    Limits,
    ListType,
    LiteralType,
    MapType,
    Nullable,
    ObjectType,
    Primitive,
    TaggedUnion,
    Type,
    Union,
)
from .problems import Failure, Path, Problem

_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: (isinstance(value, int) and not isinstance(value, bool)) or _whole(value),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


class Validator:
    """Checks the bodies of one provider's operations. DescriptionError if its description is wrong."""

    def __init__(self, provider: str) -> None:
        self._api = _description(provider)
        self._operations = {operation.name: operation for operation in self._api.operations()}

    def wants_body(self, operation: str) -> bool:
        """Whether requests of an operation have a body."""
        known = self._operations.get(operation)
        return known is None or known.body is not None

    def check(self, operation: str, body: Mapping[str, Any], *, but: str | None = None) -> None:
        """Failure "invalid" with all problems, if there are any, but those inside the fields named `but`."""
        known = self._operations.get(operation)
        if known is None or known.body is None:
            return
        found = self.problems(known.body.type, body, ())
        problems = tuple(one for one in found if but not in one.path[:-1]) or tuple(_empty_messages(body))
        if problems:
            raise Failure("invalid", problems=problems)

    def problems(self, kind: Type, value: Any, path: Path) -> Iterator[Problem]:
        """What is wrong with a value of a type."""
        kind = self._api.resolve(kind)
        match kind:
            case Nullable():
                if value is not None:
                    yield from self.problems(kind.inner, value, path)
            case Primitive() | EnumType():
                yield from _scalar(kind, value, path)
            case LiteralType():
                if value != kind.value:
                    yield Problem("value", path, f"'{kind.value}'", value)
            case Union():
                yield from self._union(kind, value, path)
            case ListType():
                yield from self._list(kind, value, path)
            case ObjectType() | MapType() | TaggedUnion():
                yield from self._object(kind, value, path)

    def _list(self, kind: ListType, value: Any, path: Path) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield Problem("type", path, "list", value)
            return
        yield from _items(kind.limits, value, path)
        for index, item in enumerate(value):
            yield from self.problems(kind.item, item, (*path, index))

    def _object(self, kind: ObjectType | MapType | TaggedUnion, value: Any, path: Path) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem("type", path, "object", value)
        elif isinstance(kind, TaggedUnion):
            yield from self._tagged(kind, value, path)
        elif isinstance(kind, MapType):
            for key, item in value.items():
                yield from self.problems(kind.value, item, (*path, key))
        else:
            yield from self._fields(kind, value, path)

    def _fields(self, kind: ObjectType, value: Mapping[str, Any], path: Path) -> Iterator[Problem]:
        for field in kind.properties:
            if field.name in value:
                yield from self.problems(field.type, value[field.name], (*path, field.name))
            elif field.required and not field.read_only:
                yield Problem("missing", (*path, field.name), None, value)

    def _tagged(self, kind: TaggedUnion, value: Mapping[str, Any], path: Path) -> Iterator[Problem]:
        members = dict(kind.members)
        tag = value.get(kind.tag, self._usual_tag(kind))
        if tag is None:
            yield Problem("missing", (*path, kind.tag), None, value)
            return
        if isinstance(tag, str) and tag in members:
            yield from self.problems(members[tag], value, path)
        elif kind.tag == "role" or not isinstance(tag, str):
            words = " or ".join(f"'{name}'" for name in members)
            yield Problem("value", (*path, kind.tag), words, tag)

    def _usual_tag(self, kind: TaggedUnion) -> str | None:
        """The tag of the member that need not say it, as a custom tool of Anthropic's need not."""
        for tag, member in kind.members:
            found = self._api.resolve(member)
            fields = found.properties if isinstance(found, ObjectType) else ()
            if not any(field.name == kind.tag and field.required for field in fields):
                return tag
        return None

    def _union(self, kind: Union, value: Any, path: Path) -> Iterator[Problem]:
        """Nothing if a member fits; else what is wrong with the member that comes nearest."""
        tried = [list(self.problems(member, value, path)) for member in kind.members]
        if all(tried):
            yield from max(tried, key=_nearness)


def _nearness(problems: list[Problem]) -> tuple[int, bool]:
    """How far a value got into a member of a union: depth first, then content over type."""
    return max((len(problem.path), problem.kind != "type") for problem in problems)


def _scalar(kind: Primitive | EnumType, value: Any, path: Path) -> Iterator[Problem]:
    if not _CHECKS[kind.kind](value):
        yield Problem("type", path, kind.kind, value)
    elif isinstance(kind, Primitive) and kind.kind in {"integer", "number"}:
        yield from _range(kind.limits, value, path)
    elif isinstance(kind, EnumType) and path[-1:] == ("role",) and value not in kind.values:
        yield Problem("value", path, " or ".join(f"'{one}'" for one in kind.values), value)


def _range(limits: Limits, value: Any, path: Path) -> Iterator[Problem]:
    least, most = limits.minimum, limits.maximum
    if least is not None and value < least:
        yield Problem("too-small", path, least, value)
    if most is not None and value > most:
        yield Problem("too-large", path, most, value)


def _items(limits: Limits, value: list[Any], path: Path) -> Iterator[Problem]:
    if limits.min_items is not None and len(value) < limits.min_items:
        yield Problem("too-short", path, limits.min_items, len(value))
    if limits.max_items is not None and len(value) > limits.max_items:
        yield Problem("too-long", path, limits.max_items, len(value))


def _empty_messages(body: Mapping[str, Any]) -> Iterator[Problem]:
    if body.get("messages") == []:
        yield Problem("too-short", ("messages",), 1, 0)


def _whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


@cache
def _description(provider: str) -> Api:
    return load_description(provider)
