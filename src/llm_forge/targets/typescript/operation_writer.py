"""Prints what the client knows of one operation, as a constant beside its class."""

from __future__ import annotations

from ...spec import ir
from ..support import BodyRule
from . import layout
from .expressions import show
from .models_writer import shape_node
from .text import Identifier, Quoted, is_plain
from .view import Method


def write_operation(method: Method) -> list[str]:
    """The constant of one operation."""
    operation = method.operation
    answer = method.answer
    facts = layout.obj(
        {
            "name": Quoted(operation.name),
            "method": Quoted(operation.http_method),
            "path": Quoted(operation.path),
            "stream": _stream(operation.stream) if method.streaming is not None else None,
            "replay": None if operation.replay == "safe" else Quoted(operation.replay),
            "group": None if operation.group == "default" else Quoted(operation.group),
            "hasBody": "true" if operation.body is not None else None,
            "answer": None if answer == "object" else Quoted(answer),
            "accept": Quoted(operation.result.media_type) if answer in ("lines", "binary") else None,
            "body": _body(method.rule),
            "pages": _pages(operation.pagination) if method.item is not None else None,
            "styles": layout.data(dict(method.styles)) if method.styles else None,
            "shape": None if method.shape is None else shape_node(method.shape),
        }
    )
    types = [show(method.result)]
    if method.streaming is not None:
        types.append(show(method.streaming.event))
    return _defined(method.constant, types, facts)


def _defined(constant: Identifier, types: list[str], facts: layout.Group) -> list[str]:
    """The statement of a constant, broken where Prettier breaks it."""
    call = f"/* @__PURE__ */ defineOperation<{', '.join(types)}>("
    start = f"const {constant} ="
    if len(f"{start} {call}{{") <= layout.WIDTH:
        return layout.broken(f"{start} {call}", facts, ");")
    if len(f"{start} {call}") <= layout.WIDTH:
        return [f"{start} {call}", *layout.broken("", facts, ",", "  "), ");"]
    if len(types) == 1 and is_plain(types[0]):
        return [start, *layout.broken(call, facts, ");", "  ")]
    split = [f"  {one}," for one in types[:-1]] + [f"  {types[-1]}"]
    return [f"{start} /* @__PURE__ */ defineOperation<", *split, *layout.broken(">(", facts, ");")]


def _stream(stream: ir.Stream | None) -> layout.Node | None:
    if stream is None:
        return None
    return layout.obj(
        {
            "family": Quoted(stream.family or ""),
            "parameter": None if stream.parameter == "stream" else layout.data(stream.parameter),
            "value": None if stream.value is True else layout.data(stream.value),
            "ndjson": "true" if stream.ndjson else None,
            "terminal": layout.data(sorted(stream.terminal)) if stream.terminal else None,
            "typeField": None if stream.type_field == "type" else Quoted(stream.type_field),
        }
    )


def _body(rule: BodyRule | None) -> layout.Node | None:
    if rule is None:
        return None
    return layout.obj(
        {
            "kind": None if rule.kind == "object" else Quoted(rule.kind),
            "mediaType": None if rule.media_type is None else Quoted(rule.media_type),
            "files": layout.data(sorted(rule.files)) if rule.files else None,
            "deep": layout.data(sorted(rule.deep)) if rule.deep else None,
            "mediaTypes": layout.data(dict(rule.media_types)) if rule.media_types else None,
        }
    )


def _pages(rule: ir.Pagination | None) -> layout.Node | None:
    if rule is None:
        return None
    texts = {"param": rule.param, "before": rule.before, "next": rule.next, "more": rule.more}
    texts |= {"sizeParam": rule.size_param, "total": rule.total}
    return layout.obj(
        {
            "style": Quoted(rule.style),
            "items": Quoted(rule.items),
            **{name: Quoted(value) if value else None for name, value in texts.items()},
            "id": None if rule.id == "id" else Quoted(rule.id),
            "start": None if rule.start == 1 else layout.data(rule.start),
            "inBody": "true" if rule.in_body else None,
            "otherwise": _pages(rule.otherwise),
        }
    )
