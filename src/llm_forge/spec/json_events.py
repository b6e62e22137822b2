"""JSON text to events (RFC 8259)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from .errors import DescriptionError
from .events import Event

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_TOKEN = re.compile(r'[ \t\n\r]*(?:([{}\[\]:,])|("(?:[^"\\]|\\.)*")|([^\s{}\[\],:"]+))', re.DOTALL)


def json_events(text: str, name: str) -> Iterator[Event] | None:
    """The events of a JSON document; None if it is not JSON but may be YAML in flow style.

    Raises:
        DescriptionError: nested deeper than any limit.
    """
    text = text.removeprefix("\ufeff")
    try:
        json.loads(text)
    except RecursionError:
        raise DescriptionError("nested too deeply; flatten the document", file=name) from None
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError) and not _may_be_yaml(text):
            raise _syntax_error(error, name) from None
        return None
    return _events(text)


def _events(text: str) -> Iterator[Event]:
    """Events of text that is known to be valid, so that punctuation says nothing new."""
    line, position = 1, 0
    for match in _TOKEN.finditer(text):
        start = match.start(match.lastindex or 0)
        line += text.count("\n", position, start)
        position = start
        mark, string, word = match.groups()
        if mark is None:
            value = _text(string) if string else json.loads(word)
            yield Event("value", line, value, None, value if string else word)
        elif mark in "{[":
            yield Event("map" if mark == "{" else "seq", line)
        elif mark in "}]":
            yield Event("end", line)


def _text(string: str) -> str:
    """The value of a string; half a surrogate pair means no character. Most have no escape to parse."""
    if "\\" not in string:
        return string[1:-1]
    return _LONE_SURROGATE.sub("\ufffd", str(json.loads(string)))


def _may_be_yaml(text: str) -> bool:
    """Whether text that begins like JSON has unquoted keys, comments or single quotes."""
    return re.match(r"[\s{\[]*[^\s\"{\[]", text) is not None


def _syntax_error(error: json.JSONDecodeError, name: str) -> DescriptionError:
    return DescriptionError(
        f"this is not JSON: {error.msg} (column {error.colno}); correct the syntax",
        file=name,
        line=error.lineno,
    )
