"""Runs a language's driver through corpora and scenarios, and tells how it went.

summary = run("python", patterns=["RT-*"])
summary.exit_code, summary.line()
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TextIO

from ..simulator.scripted import ScriptedServer
from .certificates import server_context
from .corpus import Table, load_corpora
from .driver import Driver
from .elsewhere import load_elsewhere
from .jobs import ScenarioJob, TableJob
from .languages import CORE, LANGUAGES, Language, language, start_driver
from .report import table, write_document
from .results import ConformanceError, Result, Summary, check_known, joined, judged, load_known
from .scenario import Case, Certificate, ScenarioError, load_scenarios
from .session import Job, Session

PATIENCE = 20.0
SLOWER = 4
PACES = (1, SLOWER, SLOWER**2)
_CHECKOUT = Path(__file__).resolve().parents[3]


def conformance_root() -> Path:
    """The folder with corpora, scenarios and drivers; ConformanceError outside a checkout."""
    for folder in (Path.cwd() / "conformance", _CHECKOUT / "conformance"):
        if (folder / "protocol.schema.json").is_file():
            return folder
    raise ConformanceError("no conformance/ folder here: run this from a checkout of the project")


def run(
    language_name: str = "python",
    columns: Sequence[str] | None = None,
    patterns: Sequence[str] | None = None,
    out: TextIO | None = None,
    root: Path | None = None,
) -> Summary:
    """Run all cases, or those whose id or name matches a pattern, in all columns or those named.

    Progress goes to `out`. Raises ConformanceError where the run itself is wrong: an unknown language,
    column or pattern, a known-failing line that matches nothing, nothing to run; ScenarioError where a
    scenario or corpus file is.
    """
    root = root or conformance_root()
    chosen = language(language_name)
    names = _columns(chosen, columns)
    tables, cases = _selected(root, patterns)
    results: list[Result] = []
    numbers = itertools.count(1)
    known = load_known(root / "known-failing" / f"{chosen.name}.txt")
    with Servers() as servers:
        for column in names:
            command = chosen.columns[column if column != CORE else next(iter(chosen.columns))]
            start = functools.partial(start_driver, command, root)
            played = _played(_jobs(column, tables, cases, servers), start, column, numbers)
            results += _told((judged(one, known) for one in played), column, out)
    if not results:
        raise ConformanceError("nothing was run")
    if patterns is None and columns is None:
        check_known(results, known)
    return Summary(chosen.name, tuple(names), tuple(sorted(results, key=lambda one: (one.case, one.column))))


def _played(
    jobs: Sequence[Job], start: Callable[[], Driver], column: str, numbers: Iterator[int]
) -> Iterator[Result]:
    """The results of a column; what fails while its clock flows is played again, alone and slower.

    A busy machine makes everybody late by real time. That is a matter of seconds, so it counts for less the
    slower the clock; what a client does wrong in virtual time is wrong at every pace.
    """
    for pace in PACES:
        session = Session(start, column, numbers, PATIENCE * pace)
        again: list[Job] = []
        flowing = {job.name: job for job in jobs if isinstance(job, ScenarioJob) and job.flows}
        for result in session.run(jobs):
            if result.status == "failed" and result.case in flowing and pace != PACES[-1]:
                again.append(flowing[result.case])
            else:
                yield replace(result, pace=pace)
        jobs = [job.slower(SLOWER) for job in again if isinstance(job, ScenarioJob)]
        if not jobs:
            return


class Servers(contextlib.ExitStack):
    """The servers that scenarios need, each started when the first case needs it."""

    def __init__(self) -> None:
        super().__init__()
        self._started: dict[Certificate | None, ScriptedServer] = {}

    def of(self, certificate: Certificate | None) -> ScriptedServer:
        """The server with this certificate, or without TLS."""
        if certificate not in self._started:
            tls = None if certificate is None else server_context(certificate)
            self._started[certificate] = self.enter_context(ScriptedServer(tls=tls))
        return self._started[certificate]


def _columns(chosen: Language, columns: Sequence[str] | None) -> list[str]:
    known = [CORE, *chosen.columns]
    for column in columns or ():
        if column not in known:
            raise ConformanceError(f"no column {column!r}; columns: {', '.join(known)}")
    return [column for column in known if not columns or column in columns]


def _selected(root: Path, patterns: Sequence[str] | None) -> tuple[list[Table], list[Case]]:
    tables, cases = load_corpora(root / "corpora"), load_scenarios(root / "scenarios")
    for pattern in patterns or ():
        named: list[Table | Case] = [*tables, *cases]
        if not any(_matches(one, [pattern]) for one in named):
            raise ConformanceError(f"no case matches {pattern!r}; see --list")
    return (
        [one for one in tables if _matches(one, patterns)],
        [one for one in cases if _matches(one, patterns)],
    )


def _matches(case: Table | Case, patterns: Sequence[str] | None) -> bool:
    if patterns is None:
        return True
    return any(fnmatchcase(case.id, one) or fnmatchcase(case.name, one) for one in patterns)


def _jobs(column: str, tables: Sequence[Table], cases: Sequence[Case], servers: Servers) -> Sequence[Job]:
    if column == CORE:
        return [TableJob(one) for one in tables]
    return [ScenarioJob(one, servers.of(one.scenario.tls)) for one in cases]


def _told(results: Iterable[Result], column: str, out: TextIO | None) -> list[Result]:
    """The results, with a line for each that did not pass and one at the end of the column."""
    got: list[Result] = []
    for result in results:
        got.append(result)
        if out is not None and result.status in ("failed", "skipped"):
            _say(out, f"  {result.status}: {result.case} [{column}]", *result.notes)
        elif out is not None and result.pace > 1:
            _say(out, f"  passed at a clock {result.pace} times slower: {result.case} [{column}]")
    passed = sum(result.status == "passed" for result in got)
    if out is not None and got:
        _say(out, f"{column}: {passed} of {len(got)} passed")
    return got


def _say(out: TextIO, line: str, *notes: str) -> None:
    print(line, *(f"    {note}" for note in notes), sep="\n", file=out, flush=True)


def listed(root: Path | None = None) -> list[tuple[str, str]]:
    """Every case there is, with its title."""
    tables, cases = _selected(root or conformance_root(), None)
    titled = [(one.name, one.title) for one in tables] + [(one.name, one.scenario.title) for one in cases]
    return sorted(titled)


def main(argv: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """The command `llm-forge conformance`: 0 if all passed, 1 if not, 2 if the run itself is wrong."""
    arguments = _parser().parse_args(argv)
    out = out or sys.stdout
    try:
        return _command(arguments, out)
    except (ConformanceError, ScenarioError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2


def _command(arguments: argparse.Namespace, out: TextIO) -> int:
    if arguments.list:
        for name, title in listed():
            print(f"{name:32} {title}", file=out)
        return 0
    progress = sys.stderr if arguments.json else out
    names = list(LANGUAGES) if arguments.lang == "all" else arguments.lang.split(",")
    summaries = [run(name, arguments.column or None, arguments.only or None, progress) for name in names]
    if arguments.write:
        _write(summaries)
    for summary in summaries:
        print(_as_json(summary) if arguments.json else f"{table(summary)}\n{summary.line()}", file=out)
    return max(summary.exit_code for summary in summaries)


def _write(summaries: Sequence[Summary]) -> None:
    """The page of results, with what tests prove instead in each language."""
    root = conformance_root()
    lists = {one.language: load_elsewhere(root / "elsewhere" / f"{one.language}.yaml") for one in summaries}
    write_document(joined(summaries), root.parent / "docs" / "conformance.md", lists)


def _as_json(summary: Summary) -> str:
    results = [
        {"case": one.case, "column": one.column, "status": one.status, "notes": list(one.notes)}
        for one in summary.results
    ]
    counts = {status: summary.count(status) for status in ("passed", "failed", "skipped", "known")}
    return json.dumps({"language": summary.language, **counts, "results": results}, indent=1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="llm-forge conformance", description=run.__doc__)
    parser.add_argument(
        "--lang", default="python", help="the language whose driver runs; several with commas, or all"
    )
    parser.add_argument("--only", action="append", metavar="PATTERN", help="ids or names, e.g. 'RT-*'")
    parser.add_argument("--column", action="append", help="core, sync/curl, ...")
    parser.add_argument("--list", action="store_true", help="list the cases and stop")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--write", action="store_true", help="write docs/conformance.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
