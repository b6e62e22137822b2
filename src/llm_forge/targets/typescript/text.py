"""Text of a description on its way into TypeScript source (R-245, R-246).

Every string of a description enters generated code as one of these types or as a `targets.text.Comment`, and
each can be made only by a constructor that makes it safe.
"""

from __future__ import annotations

import re
from typing import Any

from ..text import paragraphs, wrapped

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
# Words that cannot name a variable in a module (ECMA-262, 12.7.2, strict mode).
RESERVED = frozenset(
    {
        "arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger",
        "default", "delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally",
        "for", "function", "if", "implements", "import", "in", "instanceof", "interface", "let", "new",
        "null", "package", "private", "protected", "public", "return", "static", "super", "switch",
        "this", "throw", "true", "try", "typeof", "undefined", "var", "void", "while", "with", "yield",
    }
)  # fmt: skip
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
# What begins a tag of a documentation comment, which would mean something to tools.
_TAG = re.compile(r"(?<![A-Za-z0-9_\\])@(?=[A-Za-z])")


class Identifier(str):
    """A name of TypeScript; ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, name: str) -> Identifier:
        """Check `name`."""
        if not _IDENTIFIER.match(name) or name in RESERVED:
            raise ValueError(f"{name!r} is not a TypeScript identifier")
        return super().__new__(cls, name)


class Quoted(str):
    """A string literal in printable ASCII, with the quotes that Prettier would choose."""

    __slots__ = ()

    def __new__(cls, text: str) -> Quoted:
        """Quote `text`."""
        quote = "'" if text.count('"') > text.count("'") else '"'
        body = "".join("\\" + quote if one == quote else _escaped(one) for one in text)
        return super().__new__(cls, quote + body + quote)


class Key(str):
    """The name of a property, in quotes where it has to be."""

    __slots__ = ()

    def __new__(cls, name: str) -> Key:
        """Quote `name` if it is no identifier; reserved words are allowed here."""
        return super().__new__(cls, name if is_plain(name) else Quoted(name))


class Prose(str):
    """Text of a documentation comment: lines wrapped to a width, unable to end the comment or to be a tag."""

    __slots__ = ()

    def __new__(cls, text: str, width: int = 96) -> Prose:
        """Wrap `text`."""
        filled = ("\n".join(wrapped(_harmless(one), width)) for one in paragraphs(text))
        return super().__new__(cls, "\n\n".join(filled))


def is_plain(name: str) -> bool:
    """Whether a property of this name needs no quotes; names beyond ASCII get some."""
    return _IDENTIFIER.match(name) is not None


def literal(value: Any) -> str:
    """A literal for a JSON scalar."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(value) if isinstance(value, (int, float)) else Quoted(str(value))


def number(value: float) -> str:
    """A number literal made from the parsed value; what no literal can say is unlimited."""
    if value != value or abs(value) == float("inf"):
        return "-Infinity" if value < 0 else "Infinity"
    whole = int(value)
    return str(whole) if whole == value and abs(whole) <= 2**53 else repr(float(value))


def comment(prose: str, indent: str = "") -> list[str]:
    """The lines of a documentation comment, none for no text; one line of source if the text is one."""
    lines = prose.split("\n")
    if not prose:
        return []
    if len(lines) == 1:
        return [f"{indent}/** {prose} */"]
    return [f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */"]


def _harmless(paragraph: str) -> str:
    return _TAG.sub(r"\\@", paragraph.replace("*/", "*\\/"))


def _escaped(one: str) -> str:
    if one in _SHORT:
        return _SHORT[one]
    if " " <= one <= "~":
        return one
    code = ord(one)
    if code >= 0x10000:
        return f"\\u{{{code:x}}}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
