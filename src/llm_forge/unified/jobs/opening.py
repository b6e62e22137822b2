"""Opening a job file while other processes open it, close it or die with it.

SQLite's own time-out does not hold here. A switch to WAL that meets another one is refused at once, and so
may be what meets a recovery after a crash, or the closing of the last connection.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

from ...core.errors import JournalError
from ...runtime.clock import Clock
from .wal import is_damaged

PATIENCE = 60.0  # seconds that others may hold the file


def patiently(prepare: Callable[[], None], clock: Clock | None = None) -> None:
    """Prepare a file, again while it is locked and PATIENCE lasts; raises what `prepare` raises."""
    clock = clock or Clock()
    until = clock.now() + PATIENCE
    while True:
        try:
            return prepare()
        except sqlite3.OperationalError as error:
            if code_of(error) != sqlite3.SQLITE_BUSY or clock.now() >= until:
                raise
        clock.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - so that those who wait do not meet again


def code_of(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where the error is not SQLite's own."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def check_log(path: Path) -> None:
    """JournalError where the write-ahead log of a job file is damaged before its end (R-183).

    What looks damaged is read again: another process may have written meanwhile.
    """
    place = path.with_name(f"{path.name}-wal")
    found = _bytes_of(place)
    while is_damaged(found):
        again = _bytes_of(place)
        if again == found:
            raise JournalError(
                f"{place} is damaged before its end: recorded outcomes cannot be read; restore both files"
            )
        found = again


def _bytes_of(path: Path) -> bytes:
    """What a file has; nothing where the last process has closed it, which removes it."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
