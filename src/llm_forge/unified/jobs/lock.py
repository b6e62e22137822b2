"""Who may run a job: one process alone, or workers together (R-183).

A file beside the job is locked as SQLite locks its own, which works on every system and ends with the
process, however it ends: exclusive for a process alone, shared for workers.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ...core.errors import JournalError


class JobLock:
    """The right to run the job at `path`, until `close`.

    JournalError if another process has it and keeps it for `wait` seconds.
    """

    def __init__(self, path: Path, *, shared: bool = False, wait: float = 0.0) -> None:
        place = path.with_name(f"{path.name}.lock")
        self._file = sqlite3.connect(place, isolation_level=None, timeout=wait, check_same_thread=False)
        try:
            if shared:
                self._file.execute("BEGIN")
                self._file.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            else:
                self._file.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._file.close()
            raise JournalError(
                f"Another process runs the job {path}; wait for it, or cancel the job"
            ) from error

    def close(self) -> None:
        """Let others run it."""
        self._file.close()
