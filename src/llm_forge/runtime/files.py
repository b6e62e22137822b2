"""A file that appears whole or not at all (R-190, R-244)."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import IO

from ..core.file_names import safe_file_name


class AtomicFile:
    """Write to it, then `commit`: the bytes are on the disk before the name is.

    The unfinished file lies beside its target, hidden, readable by its owner only, and is gone after
    `discard`.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self._path = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._file: IO[bytes] = os.fdopen(descriptor, "wb")

    def write(self, piece: bytes) -> None:
        """Add bytes."""
        self._file.write(piece)

    def commit(self) -> Path:
        """Give the file its name, in place of an older one; its path."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(self.target)
        return self.target

    def discard(self) -> None:
        """Remove what was written; nothing after `commit`."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)


def choose_target(path: str | os.PathLike[str], served_name: str | None) -> Path:
    """The path itself, or in a folder the served name made safe; FileExistsError if that is taken."""
    target = Path(path)
    if not target.is_dir():
        return target
    target = target / safe_file_name(served_name or "")
    if target.exists():
        raise FileExistsError(f"{target} exists already; name the file instead of its folder to replace it")
    return target
