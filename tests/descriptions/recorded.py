"""Recorded traffic held against a description: fields it does not know, fields it wrongly promises."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tests.shared import SHARED

from .documents import operations
from .shapes import shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .documents import Document, Node
    from .shapes import Shape

TAGS = frozenset({"type", "role", "object"})


class Value(NamedTuple):
    """One recorded JSON value and the schema that describes it."""

    kind: str
    schema: Node
    json: Any


class Findings:
    """How many values were compared, and the fields that are unknown or missing, with an example each."""

    def __init__(self, document: Document) -> None:
        self.name = document.name
        self.values = 0
        self.unknown: dict[str, Any] = {}
        self.missing: dict[str, Any] = {}
        self._document = document
        self._shapes: dict[tuple[int, ...], list[Shape]] = {}

    def hold(self, value: Value) -> None:
        """Compare one value with its schema."""
        self.values += 1
        self._hold(value.kind, [value.schema], value.json)

    def _hold(self, path: str, nodes: list[Node], value: Any) -> None:
        if isinstance(value, list):
            items = [node for shape in self._shapes_of(nodes) for node in shape.items]
            for inner in value:
                self._hold(f"{path}[]", items, inner)
        if isinstance(value, dict):
            options = [s for s in self._shapes_of(nodes) if s.members and self._fits(s, value)]
            if options:
                self._hold_members(path, options, value)

    def _hold_members(self, path: str, options: list[Shape], value: dict[str, Any]) -> None:
        promised = frozenset.intersection(*(shape.required for shape in options))
        self.missing.update({f"{path}.{name}": value for name in promised - set(value)})
        for name, inner in value.items():
            nodes = [node for shape in options for node in shape.members.get(name, ())]
            if nodes:
                self._hold(f"{path}.{name}", nodes, inner)
            elif not any(shape.entries for shape in options):
                self.unknown[f"{path}.{name}"] = inner

    def _fits(self, shape: Shape, value: dict[str, Any]) -> bool:
        """Whether the tags of a shape are those of the value, where both have them."""
        for name in TAGS & set(shape.members) & set(value):
            options = self._shapes_of(list(shape.members[name]))
            fixed = {known for option in options for known in option.values}
            if len(fixed) == 1 and value[name] not in fixed:
                return False
        return True

    def _shapes_of(self, nodes: list[Node]) -> list[Shape]:
        key = tuple(map(id, nodes))
        if key not in self._shapes:
            self._shapes[key] = shapes(self._document, nodes)
        return self._shapes[key]


def recorded_answers(document: Document) -> Iterator[Value]:
    """Yield every successful recorded answer of our operations: whole ones, and each event of streams.

    An error object inside a stream is no event of the described kind; an answer that is no JSON is none.
    """
    base = urlsplit(document.root["servers"][0]["url"])
    routes = [
        (verb.upper(), _pattern(base.path + path), definition)
        for path, verb, definition in operations(document).values()
    ]
    packed = SHARED / "wire" / "open" / f"{document.name}.jsonl.gz"
    with gzip.open(packed, "rt", encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if record["status"] == 200 and record["host"] == base.hostname:
                for verb, pattern, definition in routes:
                    if verb == record["method"] and pattern.fullmatch(record["url_path"]):
                        yield from _answer(definition, record)
                        break


def _pattern(template: str) -> re.Pattern[str]:
    """The paths of a template; templates are tried in the order of the description."""
    return re.compile("".join(part if part == "[^/]+" else re.escape(part) for part in _parts(template)))


def _parts(template: str) -> list[str]:
    return re.sub(r"\{[^{}]*\}", "\0[^/]+\0", template).split("\0")


def _answer(definition: Node, record: dict[str, Any]) -> Iterator[Value]:
    content = definition["responses"]["200"].get("content", {})
    if not record["is_stream"]:
        if "application/json" in content:
            yield from _value("response", content["application/json"]["schema"], record["response_body"])
        return
    event = content["text/event-stream"]["itemSchema"]
    for line in record["response_body"].splitlines():
        if line.startswith("data:"):
            yield from _value("event", event, line.removeprefix("data:"))


def _value(kind: str, schema: Node, text: str) -> Iterator[Value]:
    try:
        found = json.loads(text)
    except ValueError:
        return
    if isinstance(found, dict) and (found.get("type") == "error" or "error" not in found):
        yield Value(kind, schema, found)
