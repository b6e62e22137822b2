"""Source without its literals and comments, for each language that a target writes.

What remains is what the language executes. A template literal's `${...}`, and `$(...)` and `$x` inside a
shell's double quotes, are executed, so they remain too.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable
from pathlib import PurePosixPath

_QUOTED = r'"(?:\\.|[^"\\\n])*"'
_SINGLE = r"'(?:\\.|[^'\\\n])*'"
_SLASHES = r"//[^\n]*|/\*.*?\*/"
_TYPESCRIPT = re.compile(rf"{_SLASHES}|{_QUOTED}|{_SINGLE}|`(?:\\.|[^`\\])*`", re.DOTALL)
_GO = re.compile(rf"{_SLASHES}|{_QUOTED}|{_SINGLE}|`[^`]*`", re.DOTALL)
_RUST = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\bb?r(?P<marks>\#*)".*?"(?P=marks)|"(?:\\.|[^"\\])*"|'(?:\\[^']*|[^'\\])'""",
    re.DOTALL,
)
_SHELL = re.compile(r"""(?:(?<=\s)|^)\#[^\n]*|'[^']*'|"(?:\\.|[^"\\])*\"""", re.DOTALL | re.MULTILINE)
_TEMPLATE_CODE = re.compile(r"(?<!\\)(?:\\\\)*\$\{")
_SHELL_CODE = re.compile(r"(?<!\\)(?:\\\\)*[$`]")


def code(path: str, source: str) -> str | None:
    """What a language executes of a file; None for a file that is data or prose."""
    lexer = LEXERS.get(PurePosixPath(path).suffix)
    return lexer(source) if lexer else None


def python(source: str) -> str:
    """Python's own tokens; f-strings are kept whole, since they hold code."""
    kept = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type != tokenize.COMMENT
        and not (token.type == tokenize.STRING and not _is_format(token.string))
    ]
    return " ".join(kept)


def _is_format(literal: str) -> bool:
    return "f" in literal[: literal.index(literal[-1])].lower()


def typescript(source: str) -> str:
    """TypeScript and JavaScript; a template with code inside is kept whole."""
    return _without(_TYPESCRIPT, source, lambda one: one[0] == "`" and bool(_TEMPLATE_CODE.search(one)))


def go(source: str) -> str:
    """Go."""
    return _without(_GO, source)


def rust(source: str) -> str:
    """Rust; its comments nest, so that one which does is kept: generated ones never do."""
    return _without(_RUST, source, lambda one: one.startswith("/*") and "/*" in one[2:])


def shell(source: str) -> str:
    """POSIX shell; double quotes with an expansion inside are kept whole."""
    return _without(_SHELL, source, lambda one: one[0] == '"' and bool(_SHELL_CODE.search(one)))


def _without(pattern: re.Pattern[str], source: str, kept: Callable[[str], bool] = lambda _: False) -> str:
    return pattern.sub(lambda match: match.group() if kept(match.group()) else " ", source)


LEXERS: dict[str, Callable[[str], str]] = {
    ".py": python,
    **dict.fromkeys((".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs"), typescript),
    ".go": go,
    ".rs": rust,
    ".sh": shell,
}
