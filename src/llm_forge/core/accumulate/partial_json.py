"""The value of JSON text that is still arriving (R-178).

Nothing runs ahead of the bytes: a string gives its whole characters so far; a number, a key or a
literal counts only when the next byte shows that it has ended. Never raises.
"""

from __future__ import annotations

import re
from typing import Any

from ..codec import JsonError, decode

_MAX_DEPTH = 200
_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+)("?)')
_SCALAR = re.compile(
    r"(true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?=[ \t\r\n,\]}])"
)
_HALF_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
_NOTHING: Any = object()


def parse_partial(text: str) -> Any:
    """The best value that `text`, the beginning of a JSON value, already shows; None for nothing."""
    try:
        return decode(text.encode())
    except (JsonError, UnicodeEncodeError):
        reader = _Reader(text)
    value = reader.value(0)
    return None if value is _NOTHING else value


class _Reader:
    """Reads as far as the text goes; `ended` is set when it does not go further."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.ended = False

    def value(self, depth: int) -> Any:
        char = self._peek()
        if char == '"':
            return self._string()
        if char == "{" and depth < _MAX_DEPTH:
            return self._object(depth)
        if char == "[" and depth < _MAX_DEPTH:
            return self._array(depth)
        return self._scalar()

    def _peek(self) -> str:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def _take(self, char: str) -> bool:
        if self._peek() != char:
            return False
        self.at += 1
        return True

    def _stop(self, value: Any = _NOTHING) -> Any:
        self.ended = True
        return value

    def _scalar(self) -> Any:
        match = _SCALAR.match(self.text, self.at)
        if match is None:
            return self._stop()
        self.at = match.end()
        return _decoded(match.group(1))

    def _string(self) -> Any:
        match = _STRING.match(self.text, self.at)
        if match is None:
            return self._stop()
        self.at = match.end()
        body, quote = match.groups()
        if quote:
            return _decoded(f'"{body}"')
        return self._stop(_decoded(f'"{_HALF_PAIR.sub("", body)}"'))

    def _array(self, depth: int) -> list[Any]:
        self.at += 1
        found: list[Any] = []
        if self._take("]"):
            return found
        while not self.ended:
            value = self.value(depth + 1)
            if value is not _NOTHING:
                found.append(value)
            if self.ended or self._take("]"):
                break
            if not self._take(","):
                self._stop()
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        self.at += 1
        found: dict[str, Any] = {}
        if self._take("}"):
            return found
        while not self.ended:
            self._member(found, depth)
            if self.ended or self._take("}"):
                break
            if not self._take(","):
                self._stop()
        return found

    def _member(self, found: dict[str, Any], depth: int) -> None:
        key = self._string() if self._peek() == '"' else self._stop()
        if self.ended or not isinstance(key, str) or not self._take(":"):
            self._stop()
            return
        value = self.value(depth + 1)
        if value is not _NOTHING:
            found[key] = value


def _decoded(text: str) -> Any:
    try:
        return decode(text.encode())
    except (JsonError, UnicodeEncodeError):
        return _NOTHING
