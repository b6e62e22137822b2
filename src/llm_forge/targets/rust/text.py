"""Text of a description on its way into Rust source (R-245, R-246).

Every string of a description enters generated code as one of these types, and each of them can be made only
by a constructor that makes it safe: `Identifier` from an allow-list alphabet, `Quoted` as a string literal,
`Doc` as documentation that neither rustdoc nor rustfmt takes for anything but plain text.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..text import code_text, escaped, first_sentence, paragraphs, wrapped

KEYWORDS = frozenset(
    {
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
        "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
        "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
        "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true", "try",
        "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    }
)  # fmt: skip
# Words that not even `r#` makes a name of.
_NEVER_RAW = frozenset({"crate", "self", "super", "Self"})
_IDENTIFIER = re.compile(r"(?:r#)?[A-Za-z][A-Za-z0-9_]*\Z")
# What Markdown takes for a list, a heading, a quotation, a table or a rule at the beginning of a line.
_MARKED = re.compile(r"\A(?:[-+#>|=~:]|\d+[.)])")
_MARKUP = re.compile(r"([\\*_<>\[\]|~$])")
_CODE_OR_URL = re.compile(r"(`[^`]+`)|(https?://[^\s<>()\"'`\[\]]*[^\s<>()\"'`\[\].,;:!?])")
_WIDTH = 100


class Identifier(str):
    """A Rust name, raw (`r#type`) where it is a keyword; ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, name: str) -> Identifier:
        """Check `name`."""
        plain = name.removeprefix("r#")
        raw = plain != name
        if not _IDENTIFIER.match(name) or (plain in KEYWORDS) != raw or (raw and plain in _NEVER_RAW):
            raise ValueError(f"{name!r} is not a Rust identifier")
        return super().__new__(cls, name)

    @classmethod
    def of(cls, name: str) -> Identifier:
        """A name, raw if it must be; words that cannot be raw get an underscore."""
        if name in _NEVER_RAW:
            return cls(f"{name}_")
        return cls(f"r#{name}" if name in KEYWORDS else name)


class Quoted(str):
    """A string literal in printable ASCII."""

    __slots__ = ()

    def __new__(cls, text: str) -> Quoted:
        """Quote `text`."""
        return super().__new__(cls, f'"{"".join(map(_escaped, text))}"')


def _escaped(one: str) -> str:
    if one == '"':
        return '\\"'
    made = escaped(one, ascii_only=True)
    if not made.startswith(("\\x", "\\u", "\\U")):
        return made
    # Rust has no text that could hold half of a surrogate pair.
    return "\\u{fffd}" if 0xD800 <= ord(one) <= 0xDFFF else f"\\u{{{ord(one):x}}}"


class Doc(str):
    """Lines of documentation, without their marks."""

    __slots__ = ()

    def __new__(cls, text: str, otherwise: str = "Not described.", limit: int = 400) -> Doc:
        """The first sentences of `text`, or of `otherwise` where it is blank."""
        line = " ".join(paragraphs(first_sentence(text, limit)) or paragraphs(otherwise))
        made: list[str] = []
        for one in wrapped(_plain(line), _WIDTH):
            if made and _MARKED.match(one):
                made[-1] += f" {one}"
            else:
                made.append(one)
        made[0] = _MARKED.sub(lambda found: f"\\{found.group()}", made[0], count=1)
        return super().__new__(cls, "\n".join(made))

    @classmethod
    def code(cls, text: str) -> Doc:
        """A text as code."""
        shown = code_text(text)
        return super().__new__(cls, f"`{shown}`" if shown.strip() else "A blank text.")

    def lines(self, indent: str = "") -> list[str]:
        """The comment."""
        return [f"{indent}/// {one}" for one in self.split("\n")]


def _plain(line: str) -> str:
    """A line in Markdown that means itself; code in backticks and addresses stay what they are."""
    made, end = "", 0
    for found in _CODE_OR_URL.finditer(line):
        made += _without_markup(line[end : found.start()])
        made += f"<{found.group(2)}>" if found.group(2) else found.group(1)
        end = found.end()
    return made + _without_markup(line[end:])


def _without_markup(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text.replace("`", "'"))


def literal(value: Any) -> str:
    """A literal for a JSON scalar that is no text: `true`, `1`, `0.5`."""
    return json.dumps(value)
