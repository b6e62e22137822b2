"""Results of a conformance run, and the list of cases known to fail.

Rules of this file:
- A known-failing case that passes is a failure; a pattern of the list that matches nothing is an error.
- A run of zero cases is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

Status = Literal["passed", "failed", "skipped", "known"]


class ConformanceError(Exception):
    """The run itself is wrong: nothing to run, an unknown id, a pattern that matches nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one case ended in one column; `notes` say why where it did not pass.

    `pace` is how many times slower than planned the clock flowed.
    """

    case: str
    id: str
    title: str
    column: str
    status: Status
    notes: tuple[str, ...] = ()
    pace: int = 1


@dataclass(frozen=True, slots=True)
class Known:
    """One line of a known-failing list: patterns of case and column, and the reason."""

    case: str
    column: str
    reason: str

    def matches(self, result: Result) -> bool:
        """Whether this line speaks of that result."""
        return fnmatchcase(result.case, self.case) and fnmatchcase(result.column, self.column)


@dataclass(frozen=True, slots=True)
class Summary:
    """All results of one language."""

    language: str
    columns: tuple[str, ...]
    results: tuple[Result, ...]

    def count(self, status: Status) -> int:
        """How many results have this status."""
        return sum(result.status == status for result in self.results)

    @property
    def exit_code(self) -> int:
        """0 if nothing failed, else 1."""
        return 1 if self.count("failed") else 0

    def line(self) -> str:
        """The last line of a run: `N passed, N failed`, and what else there was."""
        parts = [f"{self.count('passed')} passed", f"{self.count('failed')} failed"]
        if self.count("skipped"):
            parts.append(f"{self.count('skipped')} skipped")
        if self.count("known"):
            parts.append(f"{self.count('known')} known to fail")
        return ", ".join(parts)


def joined(summaries: Sequence[Summary]) -> Summary:
    """The results of several languages as one, whose columns then begin with their language."""
    if len(summaries) == 1:
        return summaries[0]
    return Summary(
        ",".join(one.language for one in summaries),
        tuple(f"{one.language} {column}" for one in summaries for column in one.columns),
        tuple(
            replace(result, column=f"{one.language} {result.column}")
            for one in summaries
            for result in one.results
        ),
    )


def load_known(path: Path) -> list[Known]:
    """The known-failing list of a language: `case-pattern column-pattern # reason` a line."""
    if not path.exists():
        return []
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return [_known(path, number, line) for number, line in lines if line.strip() and not line.startswith("#")]


def _known(path: Path, number: int, line: str) -> Known:
    patterns, _, reason = line.partition("#")
    words = patterns.split()
    if len(words) != 2 or not reason.strip():
        raise ConformanceError(f"{path}:{number}: a line is `case-pattern column-pattern # reason`")
    return Known(words[0], words[1], reason.strip())


def check_known(results: Iterable[Result], known: Sequence[Known]) -> None:
    """ConformanceError for a line that matches no result of a complete run."""
    listed = list(results)
    for line in known:
        if not any(line.matches(result) for result in listed):
            raise ConformanceError(f"known-failing: {line.case} {line.column} matches no case")


def judged(result: Result, known: Sequence[Known]) -> Result:
    """A known failure taken out of the failures, or a pass put in that is known to fail."""
    line = next((line for line in known if line.matches(result)), None)
    if line is None or result.status == "skipped":
        return result
    if result.status == "passed":
        note = f"passes although it is on the known-failing list ({line.reason}); take it off"
        return Result(result.case, result.id, result.title, result.column, "failed", (note,))
    return Result(result.case, result.id, result.title, result.column, "known", (line.reason, *result.notes))
