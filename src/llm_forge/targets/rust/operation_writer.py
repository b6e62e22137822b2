"""Prints what the client knows of its operations: a static for each."""

from __future__ import annotations

import json

from ...spec import ir
from .names import pascal
from .printing import Literal, Value, listed, pairs, some, statement, structure, texts, updated, used
from .text import Quoted
from .view import Method, View

_NAMES = (
    "AnswerKind", "BodyKind", "BodyRule", "Family", "Operation", "PageRule", "PageStyle", "ParameterStyle",
    "Replay", "StreamRule", "StreamValue",
)  # fmt: skip


def write_operations(view: View) -> str:
    """operations.rs."""
    methods = [method for service in (view.root, *view.services()) for method in service.methods]
    body = [line for method in methods for line in ["", *_operation(method)]]
    text = "\n".join(body)
    named = [one for one in _NAMES if f"{one} {{" in text or f"{one}::" in text]
    head = [f"// {view.header}", "//! The operations, by the names that errors and hooks tell."]
    uses = used("crate::runtime::core::profile", named)
    return "\n".join([*head, *([""] if uses else []), *uses, *body]) + "\n"


def _operation(method: Method) -> list[str]:
    one = method.operation
    found: list[tuple[str, Value | None]] = [
        ("name", Quoted(one.name)),
        ("method", Quoted(one.http_method)),
        ("path", Quoted(one.path)),
        ("stream", some(_stream(one.stream)) if method.stream is not None else None),
        ("replay", None if one.replay == "safe" else f"Replay::{pascal(one.replay)}"),
        ("group", None if one.group == "default" else Quoted(one.group)),
        ("has_body", "true" if one.body is not None else None),
        ("answer", None if method.answer == "object" else f"AnswerKind::{pascal(method.answer)}"),
        ("accept", _accept(method)),
        ("body", _body(method)),
        ("pages", some(_pages(one.pagination)) if method.item else None),
        ("required", texts(method.required)),
        ("styles", _styles(method.styles)),
    ]
    literal = updated("Operation", found, "Operation::DEFAULT")
    name = f"`{Quoted(one.name)[1:-1]}`"
    return [f"/// The operation {name}.", *statement(f"pub static {method.constant}: Operation =", literal)]


def _accept(method: Method) -> str | None:
    if method.answer not in ("lines", "binary"):
        return None
    return Quoted(method.operation.result.media_type)


def _stream(stream: ir.Stream | None) -> Literal | None:
    if stream is None:
        return None
    value = stream.value
    shown = f"StreamValue::Bool({json.dumps(value)})" if isinstance(value, bool) else ""
    shown = f"StreamValue::Text({Quoted(value)})" if isinstance(value, str) else shown
    found: list[tuple[str, Value | None]] = [
        ("parameter", None if stream.parameter == "stream" else some(_text(stream.parameter)) or "None"),
        ("value", None if value is True or not stream.parameter else shown),
        ("ndjson", "true" if stream.ndjson else None),
        ("terminal", texts(sorted(stream.terminal))),
        ("type_field", None if stream.type_field == "type" else Quoted(stream.type_field)),
    ]
    family = f"Family::{pascal(stream.family or '')}"
    return structure("StreamRule", found, f"StreamRule::of({family})")


def _body(method: Method) -> Literal | None:
    rule = method.rule
    if rule is None:
        return None
    found: list[tuple[str, Value | None]] = [
        ("kind", f"BodyKind::{pascal(rule.kind)}"),
        ("media_type", Quoted(rule.media_type) if rule.media_type else None),
        ("files", texts(rule.files)),
        ("deep", texts(rule.deep)),
        ("media_types", pairs(rule.media_types)),
    ]
    return updated("BodyRule", found, "BodyRule::JSON")


def _pages(rule: ir.Pagination | None) -> Literal | None:
    if rule is None:
        return None
    otherwise = _pages(rule.otherwise)
    found: list[tuple[str, Value | None]] = [
        ("style", f"PageStyle::{pascal(rule.style)}"),
        ("items", Quoted(rule.items)),
        ("param", _text(rule.param)),
        ("id", None if rule.id == "id" else Quoted(rule.id)),
        ("before", _text(rule.before)),
        ("next", _text(rule.next)),
        ("more", _text(rule.more)),
        ("start", None if rule.start == 1 else str(rule.start)),
        ("size_param", _text(rule.size_param)),
        ("total", _text(rule.total)),
        ("in_body", "true" if rule.in_body else None),
        ("otherwise", some(otherwise.within("&", "")) if otherwise else None),
    ]
    return updated("PageRule", found, "PageRule::DEFAULT")


def _style(style: str) -> str:
    """The variant of a style, whose star says that it is exploded."""
    return pascal(style.replace("*", "_exploded"))


def _styles(styles: tuple[tuple[str, str], ...]) -> Literal | None:
    made = [
        Literal("(", [("", Quoted(name)), ("", f"ParameterStyle::{_style(style)}")], ")")
        for name, style in styles
    ]
    return listed(made) if made else None


def _text(value: str | None) -> str | None:
    return Quoted(value) if value else None
