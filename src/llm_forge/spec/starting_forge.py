"""The text of a forge file to start from: every guess as a comment that can be made certain, or changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import ir
from .errors import one_line

_HEAD = """\
# What is guessed about {source} ({title}). Each guess is a comment: remove its "# " to make it certain,
# and change it where it is wrong. What the keys mean: docs/generator.md, "The forge file".
"""
# Words that YAML, or an old reader of it, does not take for text.
_WORDS = frozenset({"", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./{}-]*\Z")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def starting_forge_file(api: ir.Api) -> str:
    """The forge file of an API: it says nothing until comments are removed from it."""
    head = _HEAD.format(source=one_line(api.source), title=one_line(api.title, 60))
    return head + "\n".join(["x-forge:", *_indented(_of_api(api), 1), *_of_paths(api)]) + "\n"


def _of_api(api: ir.Api) -> Iterator[str]:
    variable = api.provider.upper()
    if not api.env.api_key:
        yield f"# env: {{api_key: {variable}_API_KEY, base_url: {variable}_BASE_URL}}"
    facts = {
        "provider": api.provider,
        "client": api.client,
        "idempotency_header": api.idempotency_header,
        "health": api.health,
        "errors": _without_none({"message": api.errors.message, "type": api.errors.type}),
    }
    for key, value in facts.items():
        if key in api.guessed:
            yield f"# {key}: {flow(value)}"


def _of_paths(api: ir.Api) -> Iterator[str]:
    """The guesses of operations, under the keys that they have in the document."""
    by_key: dict[str, list[ir.Operation]] = {}
    for one in sorted(api.operations(), key=lambda one: (one.file, one.line)):
        if one.guessed:
            by_key.setdefault(one.key, []).append(one)
    if by_key:
        yield "paths:"
    for key, operations in by_key.items():
        yield f"  {scalar(key)}:"
        for one in operations:
            yield from _indented(_of_operation(api, one), 2)


def _of_operation(api: ir.Api, one: ir.Operation) -> Iterator[str]:
    *around, method = one.pointer.split("/")
    depth = 0
    if around[-1:] == ["additionalOperations"]:
        yield "additionalOperations:"
        depth = 1
    yield from _indented([f"{scalar(method)}:", "  x-forge:"], depth)
    facts: dict[str, Any] = {
        "method": ("name", one.name),
        "replay": ("replay", one.replay),
        "stream": ("stream", _stream(api, one.stream) if one.stream is not None else None),
    }
    guessed = [f"# {key}: {flow(value)}" for key, (fact, value) in facts.items() if fact in one.guessed]
    yield from _indented(guessed, depth + 2)


def _stream(api: ir.Api, stream: ir.Stream) -> dict[str, Any]:
    """The keys under `stream` that say the same; types without a name of the document stay as they are."""
    typed = stream.family == "events"
    named = isinstance(stream.event, ir.Ref) and not api.types[stream.event.name].derived
    facts = {
        "family": stream.family,
        "parameter": stream.parameter,
        "value": None if stream.value is True else stream.value,
        "event": stream.event.name if isinstance(stream.event, ir.Ref) and named else None,
        "ndjson": stream.ndjson or None,
        "terminal": list(stream.terminal) if typed else None,
        "type_field": stream.type_field if typed and stream.type_field != "type" else None,
    }
    return _without_none(facts)


def _without_none(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}


def _indented(lines: Iterator[str] | list[str], depth: int) -> Iterator[str]:
    return (f"{'  ' * depth}{line}" for line in lines)


def flow(value: Any) -> str:
    """A value in YAML's flow style, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(one) for one in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return scalar(value) if isinstance(value, str) else str(value)


def scalar(text: str) -> str:
    """Text as YAML reads it back: plain where that is safe everywhere, else in double quotes."""
    if _PLAIN.match(text) and text.lower() not in _WORDS and "{" not in text:
        return text
    return '"' + "".join(_escaped(one) for one in text) + '"'


def _escaped(one: str) -> str:
    if one in _ESCAPES:
        return _ESCAPES[one]
    if " " <= one <= "~" or (one.isprintable() and ord(one) < 0x10000):
        return one
    code = ord(one)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
