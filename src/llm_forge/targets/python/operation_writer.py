"""Prints what the client knows of one operation, as a constant beside its method."""

from __future__ import annotations

from ...spec import ir
from ..support import BodyRule
from . import layout
from .calls import call, dict_of, set_of
from .expressions import ANY, node
from .text import Quoted, literal
from .view import Method

OPERATION_NAMES = ("BodyRule", "Operation", "PageRule", "StreamRule")


def _stream_rule(stream: ir.Stream, convert: str) -> layout.Group:
    return call(
        "StreamRule",
        family=Quoted(stream.family or ""),
        event=convert,
        parameter=None if stream.parameter == "stream" else literal(stream.parameter),
        value=None if stream.value is True else literal(stream.value),
        ndjson="True" if stream.ndjson else None,
        terminal=set_of(stream.terminal) if stream.terminal else None,
        type_field=None if stream.type_field == "type" else Quoted(stream.type_field),
    )


def _body(body: BodyRule | None) -> layout.Group | None:
    if body is None:
        return None
    return call(
        "BodyRule",
        kind=None if body.kind == "object" else Quoted(body.kind),
        media_type=None if body.media_type is None else Quoted(body.media_type),
        files=set_of(body.files) if body.files else None,
        deep=set_of(body.deep) if body.deep else None,
        media_types=dict_of(body.media_types),
    )


def _pages(rule: ir.Pagination | None) -> layout.Group | None:
    if rule is None:
        return None
    texts = {name: getattr(rule, name) for name in ("param", "before", "next", "more", "size_param", "total")}
    return call(
        "PageRule",
        style=Quoted(rule.style),
        items=Quoted(rule.items),
        **{name: Quoted(value) if value else None for name, value in texts.items()},
        id=None if rule.id == "id" else Quoted(rule.id),
        start=None if rule.start == 1 else literal(rule.start),
        in_body="True" if rule.in_body else None,
        otherwise=_pages(rule.otherwise),
    )


def write_operation(method: Method) -> list[str]:
    """The constant of one operation."""
    operation = method.operation
    result = layout.flat(node(method.result, "resources"))
    event = layout.flat(node(method.event or ANY, "resources"))
    stream = None
    if method.event is not None and operation.stream is not None:
        stream = _stream_rule(operation.stream, method.event_convert)
    made = call(
        "Operation",
        name=Quoted(operation.name),
        method=Quoted(operation.http_method),
        path=Quoted(operation.path),
        result=method.convert,
        stream=stream,
        replay=None if operation.replay == "safe" else Quoted(operation.replay),
        group=None if operation.group == "default" else Quoted(operation.group),
        has_body="True" if operation.body is not None else None,
        answer=None if method.answer == "object" else Quoted(method.answer),
        accept=Quoted(operation.result.media_type) if method.answer in ("lines", "binary") else None,
        body=_body(method.body),
        pages=_pages(operation.pagination) if method.page is not None else None,
        styles=dict_of(method.styles),
    )
    start = f"{method.constant}: Operation[{result}, {event}] = "
    if len(f"{start}Operation(") <= layout.WIDTH:
        return layout.lines(start, made)
    if len(f"{start}(") <= layout.WIDTH:
        return [f"{start}(", *layout.lines("", made, indent="    "), ")"]
    return [f"{method.constant}: Operation[", f"    {result}, {event}", *layout.lines("] = ", made)]
