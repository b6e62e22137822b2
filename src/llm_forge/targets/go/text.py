"""Text of a description on its way into Go source (R-245, R-246).

Every string of a description enters generated code as one of these types, and each of them can be made only
by a constructor that makes it safe: `Identifier` from an allow-list alphabet, `Quoted` as a string literal,
`Prose` as comment lines that gofmt leaves as they are.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..text import escaped, first_sentence, paragraphs, wrapped

KEYWORDS = frozenset(
    {
        "break", "case", "chan", "const", "continue",
        "default", "defer", "else", "fallthrough", "for", "func",
        "go", "goto", "if", "import", "interface", "map", "package", "range", "return", "select", "struct",
        "switch", "type", "var",
    }
)  # fmt: skip
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# What gofmt would take for a heading, a list or the definition of a link, and write in its own way.
_MARKED = re.compile(r"(?:[-*+#\[•]|\d+[.)])")


class Identifier(str):
    """A Go name; ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, name: str) -> Identifier:
        """Check `name`."""
        if not _IDENTIFIER.match(name) or name in KEYWORDS:
            raise ValueError(f"{name!r} is not a Go identifier")
        return super().__new__(cls, name)


class Quoted(str):
    """An interpreted string literal in printable ASCII."""

    __slots__ = ()

    def __new__(cls, text: str) -> Quoted:
        """Quote `text`."""
        body = "".join('\\"' if one == '"' else _escaped(one) for one in text)
        return super().__new__(cls, f'"{body}"')


def _escaped(one: str) -> str:
    # Go has no escape for half of a surrogate pair, and no text that could hold one.
    return (
        "\\ufffd" if 0xD800 <= ord(one) <= 0xDFFF else escaped(one, ascii_only=True).replace("\\x", "\\u00")
    )


class Tag(str):
    """A struct tag; ValueError for a wire name that no tag can hold."""

    __slots__ = ()

    def __new__(cls, wire: str, *, optional: bool, given: str = "") -> Tag:
        """A tag for a field of this wire name; `given` is the text that it has where nobody gives one."""
        if not fits_tag(wire):
            raise ValueError(f"{wire!r} cannot stand in a tag")
        text = f'json:"{wire}{",omitempty" if optional else ""}"'
        if given and fits_tag(given):
            text += f' forge:"{given}"'
        return super().__new__(cls, f"`{text}`")


def fits_tag(wire: str) -> bool:
    """Whether encoding/json takes a wire name from a tag as it is."""
    return wire != "-" and re.fullmatch(r"[A-Za-z0-9_$%&()*+\-./:;<=>?@\[\]^{|}~!# ]+", wire) is not None


class Prose(str):
    """Comment lines that begin with a name, without their marks."""

    __slots__ = ()

    def __new__(cls, name: Identifier, text: str, limit: int = 400) -> Prose:
        """The first sentences of `text` about `name`."""
        line = " ".join(paragraphs(first_sentence(text, limit))).replace("``", '"').replace("''", '"')
        made: list[str] = []
        for one in wrapped(f"{name}: {line}" if line else f"{name} has no description.", 100):
            if made and _MARKED.match(one):
                made[-1] += f" {one}"
            else:
                made.append(one)
        return super().__new__(cls, "\n".join(made))

    def lines(self, indent: str = "") -> list[str]:
        """The comment."""
        return [f"{indent}// {one}" for one in self.split("\n")]


def literal(value: Any) -> str:
    """A literal for a JSON scalar."""
    if isinstance(value, str):
        return Quoted(value)
    return "nil" if value is None else json.dumps(value)


def aligned(rows: list[tuple[str, ...]], indent: str = "\t") -> list[str]:
    """Lines whose cells stand below each other, as gofmt has them."""
    widths = [max(len(row[at]) for row in rows if len(row) > at + 1) for at in range(max(map(len, rows)) - 1)]
    return [
        indent + " ".join([*(cell.ljust(widths[at]) for at, cell in enumerate(row[:-1])), row[-1]])
        for row in rows
    ]
