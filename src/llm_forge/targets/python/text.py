"""Text of a description on its way into Python source (R-245, R-246).

Every string of a description enters generated code as one of these types, and each of them can be
made only by a constructor that makes it safe: `Identifier` from an allow-list alphabet, `Quoted` as
a string literal, `Prose` as docstring text that cannot end the docstring, `Comment` as one line.
"""

from __future__ import annotations

import keyword
import re
import textwrap
import unicodedata
from typing import Any

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
# Typographic characters that linters take for their ASCII look-alikes.
_PLAIN = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-",
        "\u2212": "-", "\u00d7": "x", "\u00a0": " ", "\u202f": " ", "\u2026": "...", "\u2011": "-",
    }
)  # fmt: skip


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
        body = "".join("\\" + quote if one == quote else _escaped(one, ascii_only=True) for one in text)
        return super().__new__(cls, quote + body + quote)


class Comment(str):
    """A comment line without its mark: printable ASCII only."""

    __slots__ = ()

    def __new__(cls, text: str) -> Comment:
        """Escape `text`."""
        return super().__new__(cls, "".join(_escaped(one, ascii_only=True) for one in text))


class Prose(str):
    """Docstring text: lines wrapped to a width, unable to end the docstring or to hide characters."""

    __slots__ = ()

    def __new__(cls, text: str, width: int = 96) -> Prose:
        """Wrap `text`."""
        paragraphs = re.split(r"\n\s*\n", text.translate(_PLAIN).strip())
        filled = [_fill(paragraph, width) for paragraph in paragraphs]
        return super().__new__(cls, "\n\n".join(one for one in filled if one))


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


def first_sentence(text: str, limit: int = 240) -> str:
    """The beginning of a text: its first paragraph, shortened at a sentence or word."""
    paragraph = " ".join(re.split(r"\n\s*\n", text.strip())[0].split())
    if len(paragraph) <= limit:
        return paragraph
    cut = paragraph[:limit]
    end = max(cut.rfind(". "), cut.rfind("; "))
    return cut[: end + 1] if end > limit // 3 else cut[: cut.rfind(" ")].rstrip(",;:") + " ..."


def docstring(lines: list[str], indent: str) -> list[str]:
    """The lines of a docstring; one line of source if the text is one line and fits."""
    if lines and lines[0].startswith('"'):
        lines = [" " + lines[0], *lines[1:]]
    if len(lines) == 1 and len(indent) + len(lines[0]) + 6 <= 110:
        tail = " " if re.search(r'(?<!\\)(\\\\)*"\Z', lines[0]) else ""
        return [f'{indent}"""{lines[0]}{tail}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{one}" if one else "" for one in lines[1:]), f'{indent}"""']


def _fill(paragraph: str, width: int) -> str:
    escaped = "".join(_escaped(one, ascii_only=False) for one in " ".join(paragraph.split()))
    # Three quotes in a row would end the docstring; an escaped one cannot.
    safe = escaped.replace('"""', '\\"\\"\\"')
    return "\n".join(textwrap.wrap(safe, width, break_long_words=False, break_on_hyphens=False))


def _escaped(one: str, *, ascii_only: bool) -> str:
    if one in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[one]
    if " " <= one <= "~":
        return one
    hidden = not one.isprintable() or unicodedata.category(one) in ("Cf", "Mn", "Me", "Lm", "Zs")
    if not ascii_only and not hidden:
        return one
    code = ord(one)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
