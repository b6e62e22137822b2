"""Opening a job file beside others."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from llm_forge import BatchError, JournalError
from llm_forge.runtime.clock import Clock
from llm_forge.unified.jobs import opening
from llm_forge.unified.jobs.opening import PATIENCE, check_log, patiently
from llm_forge.unified.jobs.store import Store
from tests.shared import ROOT


class Waits(Clock):
    """A clock that moves when it is slept on."""

    def __init__(self) -> None:
        self.instant = 0.0
        self.sleeps = 0

    def now(self) -> float:
        return self.instant

    def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        self.instant += seconds


def refusing(code: int, times: int) -> list[sqlite3.OperationalError]:
    """So many errors of SQLite's."""
    errors = [sqlite3.OperationalError("refused") for _ in range(times)]
    for error in errors:
        error.sqlite_errorcode = code
    return errors


@pytest.mark.requirement("R-183", "R-184")
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork and no SIGKILL")
def test_processes_open_close_and_die_at_once_and_none_finds_the_file_locked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unified.jobs.opening", str(tmp_path), "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "at once [0], killed [-9, 0]\n"


def test_a_file_that_is_locked_is_opened_when_the_others_have_done() -> None:
    errors = refusing(sqlite3.SQLITE_BUSY, 3) + refusing(sqlite3.SQLITE_BUSY | 1 << 8, 2)  # during a recovery
    clock = Waits()

    def prepare() -> None:
        if errors:
            raise errors.pop()

    patiently(prepare, clock)
    assert (errors, clock.sleeps) == ([], 5)


@pytest.mark.parametrize(("code", "waited"), [(sqlite3.SQLITE_BUSY, PATIENCE), (sqlite3.SQLITE_FULL, 0.0)])
def test_what_does_not_pass_is_raised(code: int, waited: float) -> None:
    clock = Waits()

    def prepare() -> None:
        raise refusing(code, 1)[0]

    with pytest.raises(sqlite3.OperationalError, match="refused"):
        patiently(prepare, clock)
    assert waited <= clock.now() <= waited + 0.02


@pytest.mark.requirement("R-183")
def test_a_log_that_another_process_writes_while_it_is_read_is_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn, other = b"no log" * 100, b"no log" * 200
    for found, is_raised in (([torn, b""], False), ([torn, other, other], True)):
        contents = iter(found)
        monkeypatch.setattr(opening, "_bytes_of", lambda path, contents=contents: next(contents))
        if is_raised:
            with pytest.raises(JournalError, match="damaged"):
                check_log(tmp_path / "a.db")
        else:
            check_log(tmp_path / "a.db")
        assert list(contents) == []


def test_a_file_that_stays_locked_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PATIENCE", 0.0)
    monkeypatch.setattr("llm_forge.unified.jobs.store.PATIENCE", 0.0)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BatchError, match="locked"):
            Store(tmp_path / "a.db")


def test_a_switch_to_wal_that_sqlite_refuses_at_once_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeps: list[float] = []
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:

        def sleep(clock: Clock, seconds: float) -> None:
            sleeps.append(seconds)
            other.execute("COMMIT")

        monkeypatch.setattr(Clock, "sleep", sleep)
        other.execute("BEGIN IMMEDIATE")
        Store(tmp_path / "a.db").close()
    assert len(sleeps) == 1
