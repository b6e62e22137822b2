"""What was understood of a description, in short: for `llm-forge inspect` and for tools.

The JSON form is stable: keys are added, never renamed or removed, while `version` stays the same. It is
documented in docs/generator.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from . import ir
from .errors import Notice

VERSION = 1
_KINDS: dict[type, str] = {
    ir.AnyType: "any",
    ir.Primitive: "primitive",
    ir.LiteralType: "literal",
    ir.EnumType: "enum",
    ir.ListType: "list",
    ir.MapType: "map",
    ir.Nullable: "nullable",
    ir.Ref: "alias",
    ir.ObjectType: "object",
    ir.Union: "union",
    ir.TaggedUnion: "tagged-union",
}
WHY = {
    "provider": "from the title",
    "client": "from the title",
    "auth": "no usable security scheme; the key is sent as `Authorization: Bearer`",
    "errors": "from the types of most error answers",
    "idempotency_header": "an operation has this header as a parameter",
    "health": "it is a GET that needs no argument",
    "name": "from operationId, tag and path",
    "replay": "from the HTTP method, and a header parameter for a key where there is one",
    "stream": "from the events' type, or a field `stream` of the body",
}


@dataclass(frozen=True, slots=True)
class Guess:
    """A fact that no description says: `of` is the operation's name, "" for the API itself."""

    what: str
    of: str
    value: Any
    why: str
    file: str
    line: int
    pointer: str


def overview(api: ir.Api) -> dict[str, Any]:
    """The facts of an API, ready for JSON; lists are in the order of the resource tree or of the document."""
    operations = api.operations()
    return {
        "version": VERSION,
        "source": api.source,
        "sha256": api.sha256,
        "openapi": api.openapi,
        "title": api.title,
        "api_version": api.version,
        "provider": api.provider,
        "client": api.client,
        "servers": list(api.servers),
        "auth": {"kind": api.auth.kind, "placement": api.auth.placement, "name": api.auth.name},
        "operation_count": len(operations),
        "operations": [_operation(one) for one in operations],
        "left_out": [asdict(one) for one in api.skipped],
        "services": services(api),
        "types": [_type(definition) for definition in api.types.values()],
        "streams": [_stream(one, one.stream) for one in operations if one.stream is not None],
        "repairs": _notices(api, "repair"),
        "guesses": [asdict(one) for one in guesses(api)],
        "omissions": _notices(api, "omission"),
    }


def services(api: ir.Api) -> list[dict[str, Any]]:
    """The resources that have operations, with how many."""
    counted = Counter(one.name.rpartition(".")[0] for one in api.operations())
    return [{"name": name, "operations": number} for name, number in counted.items()]


def guesses(api: ir.Api) -> tuple[Guess, ...]:
    """Every fact that was guessed: of the API, then of each operation."""
    return (*_of_api(api), *_of_operations(api))


def _of_api(api: ir.Api) -> Iterator[Guess]:
    values = {
        "provider": api.provider,
        "client": api.client,
        "auth": f"{api.auth.kind} in {api.auth.placement} {api.auth.name}",
        "errors": {"message": api.errors.message, "type": api.errors.type},
        "idempotency_header": api.idempotency_header,
        "health": api.health,
    }
    for what in api.guessed:
        yield Guess(what, "", values[what], WHY[what], api.source, 0, "")


def _of_operations(api: ir.Api) -> Iterator[Guess]:
    told = {
        (notice.file, notice.pointer, "stream" if "stream" in notice.message else "name"): notice.message
        for notice in api.notices
        if notice.kind == "guess"
    }
    for one in api.operations():
        for what in one.guessed:
            why = told.get((one.file, one.pointer, what), WHY[what])
            yield Guess(what, one.name, _guessed(one, what), why, one.file, one.line, one.pointer)


def _guessed(operation: ir.Operation, what: str) -> Any:
    if what == "stream":
        return _stream_facts(operation.stream) if operation.stream is not None else None
    return operation.name if what == "name" else operation.replay


def _operation(one: ir.Operation) -> dict[str, Any]:
    return {
        "name": one.name,
        "method": one.http_method,
        "path": one.path,
        "query": dict(one.query),
        "operation_id": one.operation_id,
        "body": one.body.kind if one.body is not None else None,
        "result": one.result.kind,
        "result_type": type_name(one.result.type),
        "stream": one.stream.family if one.stream is not None else None,
        "pages": one.pagination.style if one.pagination is not None else None,
        "replay": one.replay,
        "group": one.group,
        "deprecated": one.deprecated,
        "guessed": list(one.guessed),
        "file": one.file,
        "line": one.line,
        "pointer": one.pointer,
    }


def _stream(operation: ir.Operation, stream: ir.Stream) -> dict[str, Any]:
    return {"operation": operation.name, **_stream_facts(stream), "guessed": "stream" in operation.guessed}


def _stream_facts(stream: ir.Stream) -> dict[str, Any]:
    return {
        "family": stream.family,
        "parameter": stream.parameter,
        "value": stream.value,
        "event": type_name(stream.event),
        "ndjson": stream.ndjson,
        "terminal": list(stream.terminal),
        "type_field": stream.type_field,
    }


def _type(definition: ir.TypeDef) -> dict[str, Any]:
    return {"name": definition.name, "kind": _KINDS[type(definition.type)], "derived": definition.derived}


def type_name(found: ir.Type) -> str:
    """A type in a word or two, as people would name it."""
    match found:
        case ir.Ref(name=name):
            return name
        case ir.Nullable(inner=inner):
            return f"{type_name(inner)} or null"
        case ir.ListType(item=item):
            return f"list of {type_name(item)}"
        case ir.MapType(value=value):
            return f"map of {type_name(value)}"
        case ir.Primitive(kind=kind):
            return kind
        case _:
            return _KINDS[type(found)]


def _notices(api: ir.Api, kind: str) -> list[dict[str, Any]]:
    return [notice_facts(one) for one in api.notices if one.kind == kind]


def notice_facts(one: Notice) -> dict[str, Any]:
    """A notice, ready for JSON."""
    return {
        "kind": one.kind,
        "file": one.file,
        "line": one.line,
        "pointer": one.pointer,
        "message": one.message,
    }
