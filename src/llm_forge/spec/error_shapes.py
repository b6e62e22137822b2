"""Where type and message stand in error bodies, from their types, where x-forge does not say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from .ir import Api, Errors, Nullable, ObjectType, TaggedUnion, Type, Union

_MESSAGES = ("error.message", "message", "error.detail", "detail", "error", "errors", "title")
_TYPES = ("error.type", "type", "error.code", "code", "error.status", "status")


def guess_errors(api: Api) -> Errors:
    """The errors as told; `message` and `type` as most of the operations' error types show them."""
    told = api.errors
    if told.message is not None or told.type is not None:
        return told
    shapes = Counter(_shape(api, one.error) for one in api.operations() if one.error is not None)
    del shapes["", ""]
    if not shapes:
        return told
    message, kind = max(shapes, key=lambda shape: (shapes[shape], shape))
    return replace(told, message=message, type=kind or None)


def _shape(api: Api, error: Type) -> tuple[str, str]:
    paths = set(_paths(api, error, 2))
    message = next((path for path in _MESSAGES if path in paths), "")
    kind = next((path for path in _TYPES if path in paths and _around(path) == _around(message)), "")
    return (message, kind) if message else ("", "")


def _around(path: str) -> str:
    return path.rpartition(".")[0]


def _paths(api: Api, found: Type, depth: int) -> Iterator[str]:
    """Dotted paths of the fields of an error body, down to a depth."""
    flat = api.resolve(found)
    if isinstance(flat, Nullable):
        yield from _paths(api, flat.inner, depth)
    elif isinstance(flat, (Union, TaggedUnion)) and depth:
        members = flat.members if isinstance(flat, Union) else tuple(member for _, member in flat.members)
        for member in members:
            yield from _paths(api, member, depth - 1 if isinstance(api.resolve(member), Union) else depth)
    elif isinstance(flat, ObjectType) and depth:
        for one in flat.properties:
            yield one.name
            yield from (f"{one.name}.{path}" for path in _paths(api, one.type, depth - 1))
