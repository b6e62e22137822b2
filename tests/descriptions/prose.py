"""The sentences of a description, and the words they share with other texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from .documents import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .documents import Node


class Field(NamedTuple):
    """One property of an object, with the path that leads to it."""

    path: str
    name: str
    schema: Node


def schemas(root: Node) -> Iterator[tuple[str, Node]]:
    """Yield every schema of the document with its path, inline ones included."""
    for name, schema in root["components"]["schemas"].items():
        yield from _within(name, schema)
    for path, item in root["paths"].items():
        for verb in VERBS:
            for parameter in item.get(verb, {}).get("parameters", ()):
                yield from _within(f"{verb} {path} {parameter.get('name', '')}", parameter.get("schema", {}))


def _within(path: str, schema: Any) -> Iterator[tuple[str, Node]]:
    if not isinstance(schema, dict):
        return
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _within(f"{path}.{name}", inner)
    for key in ("items", "additionalProperties"):
        yield from _within(f"{path}[]", schema.get(key))
    for key in ("allOf", "anyOf", "oneOf"):
        for index, inner in enumerate(schema.get(key, ())):
            yield from _within(f"{path}|{index}", inner)


def fields(root: Node) -> Iterator[Field]:
    """Yield every property of every object in the document."""
    for path, schema in schemas(root):
        for name, inner in schema.get("properties", {}).items():
            yield Field(f"{path}.{name}", name, inner)


def texts(node: Any) -> Iterator[str]:
    """Yield every description and summary in a document."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("description", "summary") and isinstance(value, str):
                yield value
            else:
                yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text."""
    return re.split(r"(?<=[.!?])\s+", text.strip())


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return re.findall(r"[a-z0-9]+", text.lower())


def runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    """Yield every run of so many consecutive words."""
    found = words(text)
    for start in range(len(found) - length + 1):
        yield tuple(found[start : start + length])


FILLERS = frozenset(words("a an the of for in on to is are and or its this that which with by beta"))


def says_more_than(name: str, text: str) -> bool:
    """Whether a description has a word that the field's name does not have already."""
    return bool(set(words(text)) - set(words(name.replace("_", " "))) - FILLERS)
