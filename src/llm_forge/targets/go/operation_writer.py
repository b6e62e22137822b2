"""Prints what the client knows of one operation, as a variable beside its method."""

from __future__ import annotations

from ...spec import ir
from .printing import Literal, Value, present, text_map, texts
from .text import Quoted, literal
from .view import Method


def write_operation(method: Method) -> list[str]:
    """The variable of one operation."""
    one = method.operation
    pairs: list[tuple[str, Value | None]] = [
        ("Name", Quoted(one.name)),
        ("Method", Quoted(one.http_method)),
        ("Path", Quoted(one.path)),
        ("Stream", _stream(one.stream) if method.stream is not None else None),
        ("Replay", None if one.replay == "safe" else Quoted(one.replay)),
        ("Group", None if one.group == "default" else Quoted(one.group)),
        ("HasBody", "true" if one.body is not None else None),
        ("Answer", None if method.answer == "object" else Quoted(method.answer)),
        ("Accept", Quoted(one.result.media_type) if method.answer in ("lines", "binary") else None),
        ("Body", _body(method)),
        ("Pages", _pages(one.pagination) if method.item else None),
        ("Required", texts(method.required)),
        ("Styles", text_map(dict(method.styles))),
    ]
    first, *rest = Literal("&forge.Operation", present(pairs)).lines("")
    return [f"var {method.variable} = {first}", *rest]


def _stream(stream: ir.Stream | None) -> Literal | None:
    if stream is None:
        return None
    pairs: list[tuple[str, Value | None]] = [
        ("Family", Quoted(stream.family or "")),
        ("Parameter", Quoted(stream.parameter) if stream.parameter else None),
        ("Value", literal(stream.value) if stream.parameter else None),
        ("NDJSON", "true" if stream.ndjson else None),
        ("Terminal", texts(sorted(stream.terminal))),
        ("TypeField", None if stream.type_field == "type" else Quoted(stream.type_field)),
    ]
    return Literal("&forge.StreamRule", present(pairs))


def _body(method: Method) -> Literal | None:
    rule = method.rule
    if rule is None:
        return None
    pairs: list[tuple[str, Value | None]] = [
        ("Kind", Quoted(rule.kind)),
        ("MediaType", Quoted(rule.media_type) if rule.media_type else None),
        ("Files", texts(rule.files)),
        ("Deep", texts(rule.deep)),
        ("MediaTypes", text_map(dict(rule.media_types))),
    ]
    return Literal("forge.BodyRule", present(pairs))


def _pages(rule: ir.Pagination | None) -> Literal | None:
    if rule is None:
        return None
    pairs: list[tuple[str, Value | None]] = [
        ("Style", Quoted(rule.style)),
        ("Items", Quoted(rule.items)),
        ("Param", _text(rule.param)),
        ("ID", None if rule.id == "id" else Quoted(rule.id)),
        ("Before", _text(rule.before)),
        ("Next", _text(rule.next)),
        ("More", _text(rule.more)),
        ("Start", str(rule.start)),
        ("SizeParam", _text(rule.size_param)),
        ("Total", _text(rule.total)),
        ("InBody", "true" if rule.in_body else None),
        ("Otherwise", _pages(rule.otherwise)),
    ]
    return Literal("&forge.PageRule", present(pairs))


def _text(value: str) -> str | None:
    return Quoted(value) if value else None
