"""The schemas of one operation, whichever document it comes from: what a comparison compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .coverage import Comparison

if TYPE_CHECKING:
    from .documents import Document, Node

JSON_LINES = "application/x-jsonl"


@dataclass(frozen=True)
class Parts:
    """Parameters and schemas of an operation; None for what it does not have."""

    parameters: list[Node]
    request: Node | None
    response: Node | None
    line: Node | None
    error: Node | None
    event: Node | None


def parts(
    document: Document, path: str, verb: str, event: str | None = None, media: str | None = None
) -> Parts:
    """Return what an operation consists of; KeyError if the document lacks it.

    `event` names the schema of a streamed event, or a member of one after a dot, where the document does
    not say it at the operation. `media` chooses among the forms of a request.
    """
    item = document.root["paths"][path]
    operation = item[verb]
    return Parts(
        [*item.get("parameters", ()), *operation.get("parameters", ())],
        _request(document, operation, media),
        _json(document, operation),
        _lines(document, operation),
        _error(document, operation),
        _event(document, operation) if event is None else _member(document, event),
    )


def compare(vendor: Document, theirs: Parts, ours: Document, mine: Parts) -> Comparison:
    """Return what the one has and the other lacks, in every part that the one has."""
    found = Comparison(vendor, ours)
    found.parameters(theirs.parameters, mine.parameters, _headers_sent_anyway(ours))
    for name in ("request", "response", "line", "error", "event"):
        schema = getattr(theirs, name)
        if schema is not None:
            found.schemas(name, [schema], [getattr(mine, name) or {}])
    return found


def _headers_sent_anyway(document: Document) -> set[str]:
    fixed = set(document.root.get("x-forge", {}).get("headers", ()))
    schemes = document.root["components"].get("securitySchemes", {}).values()
    return {f"header.{name.lower()}" for name in fixed | {s.get("name", "authorization") for s in schemes}}


def _member(document: Document, name: str) -> Node | None:
    schema, _, member = name.partition(".")
    found: Node | None = document.root["components"]["schemas"].get(schema)
    return found["properties"].get(member) if found and member else found


def _request(document: Document, operation: Node, media: str | None) -> Node | None:
    content = document.follow(operation.get("requestBody", {})).get("content", {})
    known = (media,) if media else ("multipart/form-data", "application/json")
    kinds = [kind for kind in known if kind in content]
    schema: Node | None = content[kinds[0]]["schema"] if kinds else None
    return schema


def _content(document: Document, operation: Node, *statuses: str) -> Node:
    """What answers of the first of the statuses may hold; nothing where none of them has a content."""
    answers = [operation["responses"][status] for status in statuses if status in operation["responses"]]
    content: Node = document.follow(answers[0]).get("content", {}) if answers else {}
    return content


def _json(document: Document, operation: Node) -> Node | None:
    """The schema of success where that is JSON of a described shape, and not a file or nothing."""
    schema: Node | None = _content(document, operation, "200").get("application/json", {}).get("schema")
    return None if schema == {"type": "string"} else schema


def _lines(document: Document, operation: Node) -> Node | None:
    """The schema of one line where success is JSON Lines."""
    media: Node = _content(document, operation, "200").get(JSON_LINES, {})
    return media.get("itemSchema", media.get("schema"))


def _error(document: Document, operation: Node) -> Node | None:
    media: Node = _content(document, operation, "4XX", "default").get("application/json", {})
    return media.get("schema")


def _event(document: Document, operation: Node) -> Node | None:
    media: Node = _content(document, operation, "200").get("text/event-stream", {})
    return media.get("itemSchema")
