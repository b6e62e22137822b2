"""A file that appears whole or not at all (R-153, R-190, R-244)."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import IO

from ..core.file_names import safe_file_name

_NAME_BYTES = 200  # of the target's name in that of the unfinished file; file systems allow 255


class AtomicFile:
    """Write to it, then `commit`: the bytes are on the disk before the name is.

    The unfinished file lies beside its target, hidden, readable by its owner only. After `discard` it is
    gone, or with `keep_partial` it is `<name>.partial`. A symbolic link is followed: what it leads to is
    replaced, not the link. Raises OSError where the disk does.
    """

    def __init__(self, target: Path, *, keep_partial: bool = False) -> None:
        self.target = target
        self._place = Path(os.path.realpath(target))
        self._keep_partial = keep_partial
        self._ended = False
        name = os.fsdecode(os.fsencode(self._place.name)[:_NAME_BYTES])
        self._path = self._place.with_name(f".{name}.{secrets.token_hex(4)}.part")
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
        self._path.replace(self._place)
        self._ended = True
        _sync_folder(self._place.parent)
        return self.target

    def discard(self) -> None:
        """Give up what was written; nothing after `commit`."""
        if self._ended:
            return
        self._ended = True
        with contextlib.suppress(OSError):  # what a full disk did not take is lost anyway
            self._file.close()
        if self._keep_partial:
            self._path.replace(self._place.with_name(f"{self._place.name}.partial"))
        else:
            self._path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a new name durable, where folders can be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def choose_target(path: str | os.PathLike[str], served_name: str | None) -> Path:
    """The path itself, or in a folder the served name made safe; FileExistsError if that is taken."""
    target = Path(path)
    if not target.is_dir():
        return target
    target = target / safe_file_name(served_name or "")
    if target.exists():
        raise FileExistsError(f"{target} exists already; name the file instead of its folder to replace it")
    return target
