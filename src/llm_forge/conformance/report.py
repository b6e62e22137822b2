"""The result table, for a terminal and as a document; both say the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from .elsewhere import Elsewhere
from .results import Result, Status, Summary

_MARK = {"passed": "ok", "failed": "FAILED", "skipped": "skip", "known": "known"}
_ORDER = ("failed", "known", "skipped", "passed")


def _cell(results: Sequence[Result]) -> str:
    """The worst of the cases of one id in one column, with their number where there are several."""
    if not results:
        return "-"
    worst = next(status for status in _ORDER if any(one.status == status for one in results))
    count = sum(one.status == worst for one in results)
    return _MARK[worst] if len(results) == 1 else f"{_MARK[worst]} {count}"


def rows(summary: Summary) -> list[tuple[str, ...]]:
    """One row an id: the id, then a cell for each column."""
    ids = sorted({one.id for one in summary.results})
    return [
        (identifier, *(_cell(_of(summary, identifier, column)) for column in summary.columns))
        for identifier in ids
    ]


def _of(summary: Summary, identifier: str, column: str) -> list[Result]:
    return [one for one in summary.results if one.id == identifier and one.column == column]


def table(summary: Summary) -> str:
    """The table in plain text."""
    lines = [("id", *summary.columns), *rows(summary)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)


def document(summary: Summary, elsewhere: Mapping[str, Sequence[Elsewhere]] = MappingProxyType({})) -> str:
    """The same as a Markdown document, with titles and the reasons of what did not pass."""
    titles = {one.id: one.title for one in reversed(summary.results)}
    lines = [
        "# Conformance",
        "",
        f"Written by `llm-forge conformance --lang {summary.language} --write`; do not edit. A row is a",
        "scenario id, a column a way to run it; `ok 9` are nine cases of one id. `core` asks the pure",
        "functions, the other columns play scenarios against a server that is scripted to the byte. The",
        "scenarios, corpora and the protocol are in `conformance/`.",
        "",
        f"**{summary.line()}**",
        "",
        *_counts(summary),
        _markdown(("id", "what", *summary.columns)),
        _markdown(["---"] * (len(summary.columns) + 2)),
        *(_markdown((row[0], titles[row[0]], *row[1:])) for row in rows(summary)),
        *_reasons(summary),
        *_elsewhere(elsewhere),
    ]
    return "\n".join(lines) + "\n"


def _markdown(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _reasons(summary: Summary) -> list[str]:
    """Why cases were skipped or are known to fail."""
    noted = [one for one in summary.results if one.status in ("skipped", "known")]
    if not noted:
        return []
    listed = (f"- {one.case} [{one.column}], {one.status}: {one.notes[0]}" for one in noted)
    return ["", "## Not passed, and why", "", *listed]


def _counts(summary: Summary) -> list[str]:
    """How each column ended, where there are several languages."""
    if "," not in summary.language:
        return []
    statuses: tuple[Status, ...] = ("passed", "failed", "skipped", "known")
    lines = (
        (column, *(str(sum(one.column == column and one.status == status for one in summary.results))
                   for status in statuses))
        for column in summary.columns
    )  # fmt: skip
    head = (_markdown(("column", *statuses)), _markdown(["---"] * 5))
    return [*head, *map(_markdown, lines), ""]


def _elsewhere(lists: Mapping[str, Sequence[Elsewhere]]) -> list[str]:
    """The cases that tests prove instead, those of each language apart where there are several."""
    found = []
    for language, listed in lists.items():
        title = "## Not played by a driver" + (f": {language}" if len(lists) > 1 else "")
        found += ["", title, "", *_listed(listed)] if listed else []
    return found


def _listed(listed: Sequence[Elsewhere]) -> list[str]:
    rows = (
        _markdown((one.id, one.why, "<br>".join(f"`{test}`" for test in one.tests) or "none"))
        for one in sorted(listed, key=lambda one: one.id)
    )
    head = (_markdown(("id", "why", "tests")), _markdown(["---"] * 3))
    return [*head, *rows]


def write_document(summary: Summary, path: Path, elsewhere: Mapping[str, Sequence[Elsewhere]]) -> None:
    """Write the document, with the cases that tests prove instead."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document(summary, elsewhere), encoding="utf-8")
