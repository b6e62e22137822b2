"""Known-failing lists, counts, tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_forge.conformance.report import document, rows, table
from llm_forge.conformance.results import (
    ConformanceError,
    Known,
    Result,
    Status,
    Summary,
    check_known,
    judged,
    load_known,
)


def result(case: str, status: Status, column: str = "sync/a", *notes: str) -> Result:
    return Result(case, case.partition("/")[0], "a title", column, status, notes)


def summary(*results: Result) -> Summary:
    columns = tuple(sorted({one.column for one in results}))
    return Summary("python", columns, results)


def test_a_known_failure_is_no_failure() -> None:
    known = judged(result("RT-01", "failed"), [Known("RT-*", "sync/*", "soon")])
    assert (known.status, known.notes) == ("known", ("soon",))
    assert summary(known).exit_code == 0


def test_a_known_failure_that_passes_is_a_failure() -> None:
    passing = judged(result("RT-01", "passed"), [Known("RT-01", "*", "soon")])
    assert passing.status == "failed"
    assert "take it off" in passing.notes[0]
    assert summary(passing).exit_code == 1


def test_a_line_that_matches_nothing_is_an_error_where_everything_ran() -> None:
    with pytest.raises(ConformanceError, match="RT-99"):
        check_known([result("RT-01", "passed")], [Known("RT-99", "*", "soon")])
    check_known([result("RT-01", "passed")], [Known("RT-*", "*", "soon")])


def test_a_list_has_a_reason_on_every_line(tmp_path: Path) -> None:
    path = tmp_path / "python.txt"
    path.write_text("# a comment\n\nRT-01 sync/*  # the reason\n")
    assert load_known(path) == [Known("RT-01", "sync/*", "the reason")]
    path.write_text("RT-01 sync/*\n")
    with pytest.raises(ConformanceError, match=r"python\.txt:1"):
        load_known(path)
    assert load_known(tmp_path / "absent.txt") == []


def test_the_last_line_counts_what_there_was() -> None:
    assert summary(result("A", "passed")).line() == "1 passed, 0 failed"
    both = summary(result("A", "passed"), result("B", "skipped"), result("C", "known"), result("D", "failed"))
    assert both.line() == "1 passed, 1 failed, 1 skipped, 1 known to fail"


def test_a_cell_shows_the_worst_of_its_cases() -> None:
    several = summary(
        result("RT-01/a", "passed"), result("RT-01/b", "failed"), result("RT-02", "passed", "sync/b")
    )
    assert rows(several) == [("RT-01", "FAILED 1", "-"), ("RT-02", "-", "ok")]
    assert table(several).splitlines()[0].split() == ["id", "sync/a", "sync/b"]


def test_the_document_gives_the_reasons() -> None:
    text = document(summary(result("RT-01", "passed"), result("RT-02", "skipped", "sync/a", "no clock")))
    assert "| RT-01 | a title | ok |" in text
    assert "- RT-02 [sync/a], skipped: no clock" in text
