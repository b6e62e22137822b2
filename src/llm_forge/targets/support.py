"""What every language's runtime is told of an operation, and the name of every operation that needs more.

The runtimes are ports of one another, so what one can do all can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..spec import ir
from ..spec.errors import Notice

Answer: TypeAlias = Literal["object", "json", "lines", "binary", "empty"]
# The parts of a call, by where OpenAPI says that a parameter is.
PLACES = {"path": "path", "query": "query", "header": "headers", "cookie": "cookies"}

_OBJECTS = (ir.ObjectType, ir.MapType, ir.TaggedUnion)
_BODIES = (*_OBJECTS, ir.AnyType, ir.Nullable)  # what a call writes as an object, whatever else is allowed

# A client that sent TRACE would show its credentials to whoever answers (RFC 9110 section 9.3.8).
_UNSENT = frozenset({"TRACE", "TRACK", "CONNECT"})
_METHOD = re.compile(r"[A-Z][A-Z0-9-]{0,30}\Z")

_DEEPEST = 5  # of unions in a field that holds a file


def unsupported(api: ir.Api) -> dict[str, str]:
    """Reasons by method path, for operations that are not generated."""
    found = {one.name: reason(api, one) for one in api.operations()}
    return {name: why for name, why in found.items() if why}


def left_out(api: ir.Api) -> tuple[Notice, ...]:
    """One notice for each operation that is not generated."""
    reasons = unsupported(api)
    return tuple(
        _notice(api, f"{_shown(one)} is not generated: {reasons[one.name]}")
        for one in api.operations()
        if one.name in reasons
    )


def _notice(api: ir.Api, message: str) -> Notice:
    return Notice(api.source, 0, "", message)


def _shown(operation: ir.Operation) -> str:
    return f"{operation.name} ({operation.http_method} {operation.path})"


def reason(api: ir.Api, operation: ir.Operation) -> str:
    """Why an operation cannot be generated, "" if it can."""
    if operation.http_method in _UNSENT or not _METHOD.match(operation.http_method):
        return f"method {operation.http_method} is not sent"
    if operation.body is not None:
        why = _body_reason(api, operation.body)
        if why:
            return why
    return _result_reason(api, operation)


def _body_reason(api: ir.Api, body: ir.Body) -> str:
    if body.kind in ("multipart", "form") and not _is_any_of(api, body.type, _BODIES):
        return f"its form ({body.media_type}) is not an object"
    return ""


def _result_reason(api: ir.Api, operation: ir.Operation) -> str:
    result = operation.result
    if result.kind == "stream" and not streams(operation):
        return f"it only streams{_in_words(result.media_type)}, in a family that is neither known nor told"
    if not accumulates(operation):
        return ""
    if result.kind in ("empty", "binary", "lines") or not _is_any_of(api, whole_type(operation), _BODIES):
        return "it streams, and its whole answer is not a JSON object"
    return ""


def _in_words(media_type: str) -> str:
    return f" ({media_type})" if media_type else ""


def streams(operation: ir.Operation) -> bool:
    """Whether a method that streams is generated for an operation."""
    return operation.stream is not None and operation.stream.family is not None


def accumulates(operation: ir.Operation) -> bool:
    """Whether its stream adds up to the whole answer, not just to a list of events."""
    return streams(operation) and operation.stream is not None and operation.stream.family != "events"


def whole_type(operation: ir.Operation) -> ir.Type:
    """The type of the whole answer, which x-forge tells where the operation only streams."""
    told = operation.stream.result if operation.stream is not None else None
    return told if told is not None and operation.result.kind == "stream" else operation.result.type


def answer(api: ir.Api, operation: ir.Operation) -> Answer:
    """What the runtime is to expect of a 2xx body; a stream accumulates to an object."""
    kind = operation.result.kind
    if kind in ("empty", "binary", "lines"):
        return kind
    if accumulates(operation) or _is_any_of(api, operation.result.type, _OBJECTS):
        return "object"
    return "json"


def page_item(api: ir.Api, operation: ir.Operation) -> ir.Type | None:
    """The type of an item of the operation's list, None if it has no pages that can be generated."""
    if operation.pagination is None or not isinstance(operation.result.type, ir.Ref):
        return None
    found: ir.Type = operation.result.type
    for name in operation.pagination.items.split("."):
        flat = _present(api, found)
        properties = flat.properties if isinstance(flat, ir.ObjectType) else ()
        found = next((one.type for one in properties if one.name == name), ir.AnyType())
    flat = _present(api, found)
    whole = isinstance(api.resolve(operation.result.type), ir.ObjectType)
    return flat.item if whole and isinstance(flat, ir.ListType) else None


def _present(api: ir.Api, found: ir.Type) -> ir.Type:
    flat = api.resolve(found)
    return api.resolve(flat.inner) if isinstance(flat, ir.Nullable) else flat


def unpaged(api: ir.Api) -> tuple[Notice, ...]:
    """One notice for each operation whose pages are described, but whose answer has no such list."""
    return tuple(
        _notice(
            api, f"{_shown(one)} is generated without pages: its answer has no list {one.pagination.items!r}"
        )
        for one in api.operations()
        if one.pagination is not None and page_item(api, one) is None
    )


def body_kind(api: ir.Api, body: ir.Body) -> str:
    """How the runtime is to write a body."""
    if body.kind == "json":
        return "object" if _is_any_of(api, body.type, _BODIES) else "json"
    return body.kind


def file_fields(api: ir.Api, body: ir.Body) -> tuple[str, ...]:
    """The fields of a form that hold files."""
    flat = api.resolve(body.type)
    properties = flat.properties if isinstance(flat, ir.ObjectType) else ()
    return tuple(one.name for one in properties if _is_file(api, one.type))


def _is_file(api: ir.Api, found: ir.Type, depth: int = 0) -> bool:
    flat = api.resolve(found)
    if isinstance(flat, ir.Nullable):
        return _is_file(api, flat.inner, depth + 1)
    if isinstance(flat, ir.ListType):
        return _is_file(api, flat.item, depth + 1)
    if isinstance(flat, ir.Union) and depth < _DEEPEST:
        return all(_is_file(api, member, depth + 1) for member in flat.members)
    return isinstance(flat, ir.Primitive) and flat.format == "binary"


def _is_any_of(api: ir.Api, found: ir.Type, allowed: tuple[type[ir.Type], ...]) -> bool:
    """Whether a type, every member of a union included, is one of these kinds."""
    return all(isinstance(one, allowed) for one in _alternatives(api, found))


def _alternatives(api: ir.Api, found: ir.Type) -> Iterator[ir.Type]:
    """What a value of the type may be: `Nullable`s and what is in them, and the members of unions."""
    seen: set[ir.Type] = set()
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        flat = api.resolve(one)
        if isinstance(flat, ir.Union):
            waiting.extend(flat.members)
            continue
        yield flat
        if isinstance(flat, ir.Nullable):
            waiting.append(flat.inner)


def parameter_style(api: ir.Api, one: ir.Parameter) -> str | None:
    """How the runtime is to write a parameter that is not written in the usual way, None for that."""
    if one.encoding == "json":
        return "json"
    if one.location == "path" and one.style in ("label", "matrix"):
        return f"{one.style}*" if one.explode else one.style
    lists, objects = _may_be(api, one.type, ir.ListType), _may_be(api, one.type, _OBJECTS)
    if one.location != "query":
        return "pairs" if objects and one.explode else None
    if one.style == "deepObject" or not (lists or objects):
        return None
    if one.explode:
        return "fields" if objects else None
    return {"spaceDelimited": "space", "pipeDelimited": "pipe"}.get(one.style, "comma")


def _may_be(api: ir.Api, found: ir.Type, kinds: type[ir.Type] | tuple[type[ir.Type], ...]) -> bool:
    """Whether a value of the type may be of one of these kinds."""
    return any(isinstance(one, kinds) for one in _alternatives(api, found))


def styles(api: ir.Api, operation: ir.Operation) -> tuple[tuple[str, str], ...]:
    """How parameters are written that are not written in the usual way, by place and name."""
    told = ((one, parameter_style(api, one)) for one in operation.parameters)
    return tuple((f"{PLACES[one.location]}.{one.name}", style) for one, style in told if style)


@dataclass(frozen=True, slots=True)
class BodyRule:
    """How a body that is not a plain JSON object is written; see `core.profile.BodyRule`."""

    kind: str
    media_type: str | None
    files: tuple[str, ...]
    deep: tuple[str, ...]
    media_types: tuple[tuple[str, str], ...]


def body_rule(api: ir.Api, body: ir.Body | None) -> BodyRule | None:
    """What the runtime must know of the body; None for a JSON object."""
    if body is None:
        return None
    kind = body_kind(api, body)
    essence = body.media_type.partition(";")[0].strip().lower()
    plain = kind == "multipart" or essence in ("application/json", "*/*")
    if kind == "object" and plain:
        return None
    form = kind == "multipart" or kind == "form"
    return BodyRule(
        kind=kind,
        media_type=None if plain and kind != "binary" else essence,
        files=file_fields(api, body) if form else (),
        deep=tuple(one.name for one in body.encodings if one.style == "deepObject"),
        media_types=tuple((one.name, one.media_type) for one in body.encodings if one.media_type),
    )


def source_of(api: ir.Api) -> str:
    """The description as headers name it: its file, and the beginning of its hash."""
    return f"{api.source.rpartition('/')[2]}, sha256 {api.sha256[:16]}"


def supported(api: ir.Api) -> list[ir.Operation]:
    """The operations that an SDK has, depth first."""
    lacking = unsupported(api)
    return [one for one in api.operations() if one.name not in lacking]


def stream_fields(operations: list[ir.Operation]) -> dict[str, str]:
    """The field of each body that asks for a stream: the method says it, not the caller."""
    return {
        one.body.type.name: one.stream.parameter
        for one in operations
        if one.stream is not None and one.stream.parameter and one.body is not None
        if isinstance(one.body.type, ir.Ref) and streams(one)
    }
