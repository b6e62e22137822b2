"""Text of a description that is safe in every language: comment lines, and prose for documentation comments.

What only one language has (its identifiers, its literals, how a comment could be ended) is in that
language's own `text.py`.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata

_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
# Typographic characters that linters take for their ASCII look-alikes.
_PLAIN = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-",
        "\u2212": "-", "\u00d7": "x", "\u00a0": " ", "\u202f": " ", "\u2026": "...", "\u2011": "-",
    }
)  # fmt: skip


class Comment(str):
    """A comment line without its mark: printable ASCII only."""

    __slots__ = ()

    def __new__(cls, text: str) -> Comment:
        """Escape `text`."""
        return super().__new__(cls, "".join(escaped(one, ascii_only=True) for one in text))


def first_sentence(text: str, limit: int = 240) -> str:
    """The beginning of a text: its first paragraph, shortened at a sentence or word."""
    paragraph = " ".join(re.split(r"\n\s*\n", text.strip())[0].split())
    if len(paragraph) <= limit:
        return paragraph
    cut = paragraph[:limit]
    end = max(cut.rfind(". "), cut.rfind("; "))
    return cut[: end + 1] if end > limit // 3 else cut[: cut.rfind(" ")].rstrip(",;:") + " ..."


def sentence(text: str) -> str:
    """A text on one line, with a full stop where it has no end of its own."""
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?", "`")) else f"{text}."


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, each on one line, in plain punctuation and without hidden characters."""
    found = re.split(r"\n\s*\n", text.translate(_PLAIN).strip())
    visible = ("".join(escaped(one, ascii_only=False) for one in " ".join(part.split())) for part in found)
    return [one for one in visible if one]


def wrapped(line: str, width: int) -> list[str]:
    """A line in lines of at most `width` columns; words stay whole."""
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)


def escaped(one: str, *, ascii_only: bool) -> str:
    """A character as it may stand in source; hidden ones, and others beyond ASCII if so told, as escapes."""
    if one in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[one]
    if " " <= one <= "~":
        return one
    hidden = not one.isprintable() or unicodedata.category(one) in ("Cf", "Mn", "Me", "Lm", "Zs")
    if not ascii_only and not hidden:
        return one
    code = ord(one)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def markdown(value: str) -> str:
    """Text that stays text in Markdown: no markup, no line ends."""
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", " ".join(value.split()))


def code_text(text: str) -> str:
    """Text that stays inside its backticks in Markdown."""
    return Comment(text).replace("`", "'")
