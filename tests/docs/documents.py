"""README.md and docs/*.md taken apart: blocks, links and command lines.

Rules of this file:
- A block is fenced with ``` and has a language. On the line before it (blank lines aside) may stand
  `<!-- not run: reason -->`, which takes it out of the run, or `<!-- needs: package, ... -->`: it runs
  alone, where these packages are installed.
- `<!-- faults -->` or `<!-- forge -->` before a yaml block says which loader reads it.
- Command lines are what follows `llm-forge` in sh blocks, in blocks indented by four, and in inline code
  that has more than the command's name.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.shared import ROOT

DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PAGES = tuple(sorted((ROOT / "docs" / "providers").glob("*.md")))
GUIDES = (
    "clients.md",
    "streams.md",
    "resilience.md",
    "auth.md",
    "files.md",
    "observability.md",
    "jobs.md",
    "langchain.md",
    "simulator.md",
    "generator.md",
    "adding-a-language.md",
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- ([^\n]*?) -->\s*\Z")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_INLINE = re.compile(r"`(llm-forge [^`]+)`")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it stands, what it is written in, and what was remarked before it."""

    path: Path
    line: int
    language: str
    text: str
    remark: str

    @property
    def excused(self) -> str | None:
        """Why it is not run; None if it is."""
        return self.remark.removeprefix("not run: ") if self.remark.startswith("not run:") else None

    @property
    def needs(self) -> list[str]:
        """Packages that are not ours and must be there to run it."""
        known, _, names = self.remark.partition("needs: ")
        return [] if known or not names else names.split(", ")

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"


def blocks(path: Path, language: str | None = None) -> list[Block]:
    """The fenced blocks of a document, of one language if it is given."""
    text = path.read_text(encoding="utf-8")
    return [block for block in _blocks(path, text) if language in (None, block.language)]


def _blocks(path: Path, text: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        before = _COMMENT.search(text[: match.start()])
        remark = before.group(1) if before else ""
        line = text.count("\n", 0, match.start()) + 1
        yield Block(path, line, match.group(1), match.group(2), remark)


def command_lines(path: Path) -> list[list[str]]:
    """The arguments of every `llm-forge` command line of a document."""
    return [shlex.split(line, comments=True)[1:] for line in _command_lines(path)]


def _command_lines(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    shells = [block.text for block in blocks(path) if block.language == "sh"]
    prose = _FENCE.sub("", text)
    lines = [line for shell in shells for line in shell.replace("\\\n", " ").splitlines()]
    lines += [line[4:] for line in prose.splitlines() if line.startswith("    ")]
    for line in lines:
        if line.startswith("llm-forge "):
            yield line.partition(" > ")[0].partition(" &")[0]
    yield from _INLINE.findall(prose)


def links(path: Path) -> list[str]:
    """The targets of a document's relative links."""
    prose = _FENCE.sub("", path.read_text(encoding="utf-8"))
    return [link for link in _LINK.findall(prose) if "://" not in link and not link.startswith("mailto:")]


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as the usual viewers make them."""
    prose = _FENCE.sub("", path.read_text(encoding="utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in _HEADING.findall(prose))
    return {title.strip().replace(" ", "-") for title in plain}


def sections(path: Path) -> dict[str, str]:
    """The text under each heading of any level, by heading."""
    parts = re.split(r"^#+ (.*)$", _FENCE.sub("", path.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(path: Path, heading: str) -> dict[str, str]:
    """The code words of the first column of the tables under a heading, each with its second cell."""
    found: dict[str, str] = {}
    for keys, second in re.findall(r"^\| *(`[^|]*`) *\|([^|]*)\|", sections(path)[heading], re.MULTILINE):
        found |= dict.fromkeys(re.findall(r"`([^`]+)`", keys), second.strip())
    return found
