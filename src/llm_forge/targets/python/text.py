"""Text of a description on its way into Python source (R-245, R-246).

Every string of a description enters generated code as one of these types, and each of them can be
made only by a constructor that makes it safe: `Identifier` from an allow-list alphabet, `Quoted` as
a string literal, `Prose` as docstring text that cannot end the docstring. `Comment` is in `targets.text`.
"""

from __future__ import annotations

import keyword
import re
from typing import Any

from ..text import escaped, paragraphs, wrapped

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Identifier(str):
    """A Python name; ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, name: str) -> Identifier:
        """Check `name`."""
        if not _IDENTIFIER.match(name) or keyword.iskeyword(name):
            raise ValueError(f"{name!r} is not a Python identifier")
        return super().__new__(cls, name)


class Quoted(str):
    """A string literal in printable ASCII, with the quotes a formatter would choose."""

    __slots__ = ()

    def __new__(cls, text: str) -> Quoted:
        """Quote `text`."""
        quote = "'" if text.count('"') > text.count("'") else '"'
        body = "".join("\\" + quote if one == quote else escaped(one, ascii_only=True) for one in text)
        return super().__new__(cls, quote + body + quote)


class Prose(str):
    """Docstring text: lines wrapped to a width, unable to end the docstring or to hide characters."""

    __slots__ = ()

    def __new__(cls, text: str, width: int = 96) -> Prose:
        """Wrap `text`."""
        return super().__new__(cls, "\n\n".join(_filled(one, width) for one in paragraphs(text)))


def number(value: float) -> str:
    """A number literal made from the parsed value."""
    if isinstance(value, (bool, int)):
        return repr(value)
    return repr(value) if value == value and abs(value) != float("inf") else f'float("{value}")'


def literal(value: Any) -> str:
    """A literal for a JSON scalar."""
    if value is None or isinstance(value, (bool, int, float)):
        return "None" if value is None else number(value)
    return Quoted(str(value))


def docstring(lines: list[str], indent: str) -> list[str]:
    """The lines of a docstring; one line of source if the text is one line and fits."""
    if lines and lines[0].startswith('"'):
        lines = [" " + lines[0], *lines[1:]]
    if len(lines) == 1 and len(indent) + len(lines[0]) + 6 <= 110:
        tail = " " if re.search(r'(?<!\\)(\\\\)*"\Z', lines[0]) else ""
        return [f'{indent}"""{lines[0]}{tail}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{one}" if one else "" for one in lines[1:]), f'{indent}"""']


def _filled(paragraph: str, width: int) -> str:
    # Three quotes in a row would end the docstring; an escaped one cannot.
    return "\n".join(wrapped(paragraph.replace('"""', '\\"\\"\\"'), width))
