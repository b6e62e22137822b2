"""YAML and JSON files of ours, read strictly: every complaint names file, line and key.

Rules: an unknown key, a wrong type or a missing key is a `DocumentError` of at most three lines that
says what is allowed. `Place` is a position in a document and carries the complaint there.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

Keys: TypeAlias = tuple[str | int, ...]


class DocumentError(ValueError):
    """A file or value that breaks its schema; the message is for its author."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: `source` (a file name or a word), the keys to it, and known lines."""

    source: str
    keys: Keys = ()
    lines: Mapping[Keys, int] = field(default_factory=dict)

    def __truediv__(self, key: str | int) -> Place:
        return Place(self.source, (*self.keys, key), self.lines)

    def __str__(self) -> str:
        known = (self.keys[:size] for size in range(len(self.keys), -1, -1))
        line = next((self.lines[keys] for keys in known if keys in self.lines), None)
        where = self.source if line is None else f"{self.source}:{line}"
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys)
        return f"{where} {path.lstrip('.')}".rstrip()

    def error(self, problem: str) -> DocumentError:
        """The complaint at this place."""
        return DocumentError(f"{self}: {problem}")

    def known_keys(self, value: Any, allowed: Iterable[str]) -> Mapping[str, Any]:
        """The value as a mapping whose keys are all allowed; DocumentError otherwise."""
        names = list(allowed)
        if not isinstance(value, Mapping):
            raise self.error(f"expected a mapping with keys of: {', '.join(names)}")
        for key in value:
            if key not in names:
                raise (self / str(key)).error(_unknown(str(key), names))
        return value

    def check(self, value: Any, kind: type | tuple[type, ...], expected: str) -> Any:
        """The value if it has the type (a bool is no number); DocumentError otherwise."""
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.error(f"expected {expected}, found {_described(value)}")
        return value


def read_document(path: str | Path) -> tuple[Any, Place]:
    """The value in a YAML or JSON file and the place of its root. DocumentError if it cannot be read."""
    file = Path(path)
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{file}: cannot be read: {_one_line(error)}") from error
    return parse_document(text, str(file))


def parse_document(text: str, source: str) -> tuple[Any, Place]:
    """The value of YAML or JSON text; `source` names it in complaints (a name in .json means JSON)."""
    try:
        if source.endswith(".json"):
            return json.loads(text), Place(source)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(root, ())) if root is not None else {}
        return yaml.safe_load(text), Place(source, (), lines)
    except json.JSONDecodeError as error:
        raise DocumentError(f"{source}:{error.lineno}: not JSON: {error.msg}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}" if mark else source
        raise DocumentError(f"{where}: not YAML: {getattr(error, 'problem', _one_line(error))}") from error


def _lines(node: yaml.Node, keys: Keys) -> Iterable[tuple[Keys, int]]:
    yield keys, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*keys, index))
    elif isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            yield from _lines(item, (*keys, str(key.value)))


def _unknown(key: str, names: list[str]) -> str:
    near = difflib.get_close_matches(key, names, n=1)
    return f"unknown key; did you mean {near[0]}?" if near else f"unknown key; known: {', '.join(names)}"


def _described(value: Any) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {str(value)[:60]!r}"


def _one_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
