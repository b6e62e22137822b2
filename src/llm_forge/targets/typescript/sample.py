"""Programs to begin with: the smallest call of an operation, and its stream where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...spec import ir
from ..sample import described, sample
from . import layout
from .text import Key, Quoted, literal
from .view import Method, View


def example_lines(view: View, source: str, path: str, method: Method) -> list[str]:
    """A program that imports the client from `source` and makes one call."""
    key = "" if view.api.env.api_key else '{ apiKey: "..." }'
    found = [
        f'import {{ {view.client} }} from "{source}";',
        "",
        f"const client = new {view.client}({key});",
        "",
    ]
    arguments = tuple(_arguments(view.api, method))
    if not method.only_streams:
        found += _called(f"client.{path}.{method.name}", method, arguments)
    if method.streaming is not None:
        call = layout.Group(f"client.{path}.{method.streaming.name}(", arguments, ")")
        found += (
            ["", *layout.lines("const stream = ", call, ";")]
            if not method.only_streams
            else layout.lines("const stream = ", call, ";")
        )
        found += ["for await (const event of stream) {", "  console.log(event);", "}"]
    return [*found, "await client.close();"]


def _called(name: str, method: Method, arguments: tuple[layout.Node, ...]) -> list[str]:
    call = layout.Group(f"{name}(", arguments, ")")
    if method.answer == "binary":
        return [*layout.lines("const file = ", call, ";"), "console.log((await file.read()).length);"]
    if method.answer == "lines" or method.item is not None:
        head = layout.lines("const list = ", call, ";")
        return [*head, "for await (const one of list) {", "  console.log(one);", "}"]
    waited = layout.lines("const answer = await ", call, ";")
    if method.answer == "empty":
        return layout.lines("await ", call, ";")
    return [*waited, "console.log(answer);"]


def _arguments(api: ir.Api, method: Method) -> list[layout.Node]:
    """The arguments that a call needs, each with a value."""
    operation = method.operation
    by_name = {one.name: one for one in operation.parameters}
    found = [_node(described(api, by_name[one.wire])) for one in method.path]
    if method.body is not None and operation.body is not None and not method.body.optional:
        found.append(_node(sample(api, operation.body.type, "body")))
    if method.params is not None and not method.params.optional:
        found.append(_node(_fields(api, method)))
    return found


def _fields(api: ir.Api, method: Method) -> Mapping[str, Any]:
    operation = method.operation
    flat = api.resolve(operation.body.type) if operation.body is not None else None
    if isinstance(flat, ir.Nullable):
        flat = api.resolve(flat.inner)
    properties = flat.properties if method.sends_fields and isinstance(flat, ir.ObjectType) else ()
    streaming = operation.stream.parameter if operation.stream is not None else None
    found = {
        one.name: described(api, one)
        for one in properties
        if one.required and not one.read_only and one.name != streaming
    }
    keys = {
        one.wire: one.key
        for taken in (method.params.places if method.params else {}).values()
        for one in taken
    }
    for one in operation.parameters:
        if one.required and one.location != "path":
            found[keys[one.name]] = described(api, one)
    return found


def _node(value: Any) -> layout.Node:
    """A JSON value, and bytes as a file, as TypeScript source."""
    if isinstance(value, Mapping):
        items = (layout.labelled(Key(str(name)), _node(one)) for name, one in value.items())
        return layout.Group("{", tuple(items), "}")
    if isinstance(value, list):
        return layout.array(_node(one) for one in value)
    if isinstance(value, bytes):
        return f"new Blob([{Quoted(value.decode('ascii'))}])"
    return literal(value)
