"""Text of a description to values that know the line they came from.

Rules of this file:
- YAML follows the 1.2 core schema: `1e-08` is a float; `yes`, `no`, `on`, `off` and dates are text;
  `010` is ten. Keys are always text, as written.
- JSON is read by its own grammar, so that tabs and surrogate pairs mean what JSON says.
- Both grammars become one sequence of events, and one builder keeps the limits of R-248.
- A key given twice takes its last value (R-201), two mappings are taken together; both are noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import DescriptionError, Notice
from .events import Event
from .json_events import json_events
from .yaml_events import yaml_events

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 200
MAX_ALIASED = 1_000_000


class Mapping(dict[str, Any]):
    """A mapping of a document; `line` is where it begins, `lines` where each of its keys stands.

    `files` names the file of each key that was laid over the document from another one.
    """

    __slots__ = ("files", "line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}
        self.files: dict[str, str] = {}


class Sequence(list[Any]):
    """A sequence of a document; `lines` is where each of its entries begins, `files` as in `Mapping`."""

    __slots__ = ("files", "line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []
        self.files: dict[int, str] = {}


def shallow_copy(container: Any) -> Any:
    """A container with the same entries, lines and files; any other value as it is."""
    if not isinstance(container, (Mapping, Sequence)):
        return container
    copy: Any = type(container)(container.line)
    copy.extend(container) if isinstance(container, Sequence) else copy.update(container)
    copy.lines, copy.files = container.lines.copy(), container.files.copy()
    return copy


def put(container: Any, key: int | str, value: Any, line: int, file: str) -> None:
    """Set an entry that another file brings; a list must have the entry already."""
    container[key] = value
    container.lines[key] = line
    container.files[key] = file


def remove(container: Any, key: int | str) -> None:
    """Take an entry out; those after it in a list keep their lines and files."""
    del container[key]
    if isinstance(container, Sequence):
        at = int(key)
        del container.lines[at]
        container.files = {one - (one > at): file for one, file in container.files.items() if one != at}


@dataclass(slots=True)
class Document:
    """One read file; `version` is the OpenAPI version it states, once that is known.

    Of one that was fetched, `url` and `content` are where and what it was, and `path` is only a name.
    """

    name: str
    path: Path
    root: Any
    version: str = ""
    notices: list[Notice] = field(default_factory=list)
    url: str = ""
    content: bytes = b""

    @property
    def key(self) -> str:
        """What no other document of a description has."""
        return self.url or self.name

    def bytes(self) -> bytes:
        """What was read."""
        return self.content if self.url else self.path.read_bytes()


def read_document(path: Path, name: str | None = None) -> Document:
    """The values of a YAML or JSON file.

    Raises:
        DescriptionError: the file is missing, too large, too deep, or neither YAML nor JSON.
    """
    name = name or path.name
    return parse_document(_read_text(path, name), name, path)


def parse_document(text: str, name: str, path: Path) -> Document:
    """The values of YAML or JSON text; `path` is where relative references start from."""
    is_json = text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")
    events = json_events(text, name) if is_json else None
    builder = _Builder(name)
    root = builder.build(events if events is not None else yaml_events(text, name))
    return Document(name, path, root, notices=builder.notices)


def pointer_token(key: str) -> str:
    """A key as it stands in a JSON pointer (RFC 6901 section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


def _pointers(root: Any) -> dict[int, str]:
    """The JSON pointer of each container, by its id; the first where several lead to it."""
    found = {id(root): ""}
    waiting = [root]
    while waiting:
        container = waiting.pop()
        around = found[id(container)]
        pairs = container.items() if isinstance(container, Mapping) else enumerate(container)
        for key, value in pairs:
            if isinstance(value, (Mapping, Sequence)) and id(value) not in found:
                found[id(value)] = f"{around}/{pointer_token(str(key))}"
                waiting.append(value)
    return found


def _read_text(path: Path, name: str) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DescriptionError(
                f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB; give a smaller description",
                file=name,
            )
        return decoded(path.read_bytes(), name)
    except IsADirectoryError:
        raise DescriptionError("this is a directory; name a YAML or JSON file", file=name) from None
    except (OSError, ValueError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise DescriptionError(f"{reason}; check the path", file=str(path)) from None


def decoded(content: bytes, name: str) -> str:
    """The text of a file; DescriptionError if it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DescriptionError(
            f"the file is not UTF-8 text (byte {error.start}); save it as UTF-8", file=name
        ) from None


class _Builder:
    """Builds values from events; one use."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.notices: list[Notice] = []
        self._twices: list[tuple[Mapping, str, int, str]] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._aliased = 0

    def build(self, events: Iterator[Event]) -> Any:
        first = next(events, None)
        root = None if first is None else self._value(first, events, 0)[0]
        next(events, None)  # a second document is an error of the grammar
        if self._twices:
            self._tell_twices(root)
        return root

    def _tell_twices(self, root: Any) -> None:
        """Notices of keys given twice, whose places are known only when all is read."""
        pointers = _pointers(root)
        for mapping, key, line, message in self._twices:
            pointer = f"{pointers.get(id(mapping), '')}/{pointer_token(key)}"
            self.notices.append(Notice(self.name, line, pointer, message, "repair"))

    def _value(self, event: Event, events: Iterator[Event], depth: int) -> tuple[Any, int]:
        if depth > MAX_DEPTH:
            raise self._error(event, f"nested deeper than {MAX_DEPTH} levels; flatten the document")
        if event.kind == "alias":
            return self._alias(event)
        value: Any
        if event.kind == "map":
            value, size = self._mapping(event, events, depth)
        elif event.kind == "seq":
            value, size = self._sequence(event, events, depth)
        else:
            value, size = event.value, 1
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, size)
        return value, size

    def _mapping(self, start: Event, events: Iterator[Event], depth: int) -> tuple[Mapping, int]:
        mapping = Mapping(start.line)
        size = 1
        for key in events:
            if key.kind == "end":
                break
            if key.kind != "value":
                raise self._error(key, "a mapping key must be plain text; write it as one word or quoted")
            value, grown = self._value(next(events), events, depth + 1)
            size += grown
            self._put(mapping, key.text, value, key.line)
        return mapping, size

    def _put(self, mapping: Mapping, key: str, value: Any, line: int) -> None:
        if key == "<<" and isinstance(value, Mapping):
            for name, merged in value.items():
                if name not in mapping:
                    mapping[name] = merged
                    mapping.lines[name] = line
            return
        if key in mapping:
            value = self._twice(mapping, key, value, line)
        mapping[key] = value
        mapping.lines[key] = line

    def _twice(self, mapping: Mapping, key: str, second: Any, line: int) -> Any:
        """Two mappings under one key are taken together; of other values the last counts."""
        first = mapping[key]
        both = isinstance(first, Mapping) and isinstance(second, Mapping)
        used = "both are taken together" if both else "the last is used"
        self._twices.append((mapping, key, line, f"key {key!r} is given twice; {used}"))
        if not both:
            return second
        joined = Mapping(first.line)
        joined.update({**first, **second})
        joined.lines.update({**first.lines, **second.lines})
        return joined

    def _sequence(self, start: Event, events: Iterator[Event], depth: int) -> tuple[Sequence, int]:
        sequence = Sequence(start.line)
        size = 1
        for event in events:
            if event.kind == "end":
                break
            value, grown = self._value(event, events, depth + 1)
            size += grown
            sequence.append(value)
            sequence.lines.append(event.line)
        return sequence, size

    def _alias(self, event: Event) -> tuple[Any, int]:
        known = self._anchors.get(event.value)
        if known is None:
            raise self._error(event, f"alias *{event.value} stands inside or before its anchor; remove it")
        self._aliased += known[1]
        if self._aliased > MAX_ALIASED:
            raise self._error(event, f"aliases expand to more than {MAX_ALIASED:,} nodes; write them out")
        return known

    def _error(self, event: Event, message: str) -> DescriptionError:
        return DescriptionError(message, file=self.name, line=event.line)


def plain(value: Any) -> Any:
    """A document's value as plain dicts and lists."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value
