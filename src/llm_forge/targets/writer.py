"""Writes a tree of files so that it is there whole or not at all, and nowhere else (R-249).

Files are first written beside their place and then moved in; a failure on the way removes what was
written and leaves the directory as it was. A directory that holds other people's files is refused
unless it holds a previous output (its manifest says which files are ours) or the caller forces it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

MANIFEST = ".llm-forge.json"


class OutputError(Exception):
    """The output cannot be written; the message says what to do."""


def write_tree(files: Mapping[str, str | bytes], directory: Path, *, force: bool = False) -> None:
    """Make `directory` hold exactly `files` of ours; files of a previous output that are gone are removed.

    Raises:
        OutputError: a path leaves the directory, the directory is not ours, or it cannot be written.
    """
    directory = Path(directory)
    for path in files:
        check_path(path)
    previous = _previous(directory, force=force)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    except OSError as error:
        raise OutputError(
            f"{directory}: cannot be written ({error.strerror}); choose another --out"
        ) from None
    try:
        _stage(files, staged)
        _move(files, staged, directory, previous)
    except OSError as error:
        raise OutputError(
            f"{directory}: cannot be written ({error.strerror}); choose another --out"
        ) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def check_path(path: str) -> None:
    """OutputError for a path that is not inside the output directory, or that some systems cannot write."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        raise OutputError(f"{path!r} is not a path inside the output directory")


def _previous(directory: Path, *, force: bool) -> list[str]:
    """Files of the previous output, from its manifest."""
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise OutputError(f"{directory} is not a directory; choose another --out")
    if not directory.exists() or not any(directory.iterdir()):
        return []
    manifest = directory / MANIFEST
    try:
        listed = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        return [str(path) for path in listed]
    except (OSError, ValueError, KeyError, TypeError):
        if force:
            return []
    raise OutputError(
        f"{directory} holds files that are not a previous output; choose an empty directory or use --force"
    )


def _stage(files: Mapping[str, str | bytes], staged: Path) -> None:
    manifest = json.dumps({"generator": "llm-forge", "files": sorted(files)}, indent=1) + "\n"
    for path, content in {**files, MANIFEST: manifest}.items():
        target = staged / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def _move(files: Mapping[str, str | bytes], staged: Path, directory: Path, previous: list[str]) -> None:
    """Put staged files in place: as a whole where nothing is there yet, else one by one."""
    if not directory.exists():
        staged.chmod(0o755)
        staged.rename(directory)
        return
    for path in [*files, MANIFEST]:
        target = directory / path
        _confine(target, directory)
        target.parent.mkdir(parents=True, exist_ok=True)
        (staged / path).replace(target)
    for path in sorted(set(previous) - set(files)):
        _remove(directory, path)


def _confine(target: Path, directory: Path) -> None:
    """Refuse a target that a symbolic link in the directory leads elsewhere."""
    if not target.parent.resolve().is_relative_to(directory.resolve()):
        raise OutputError(f"{target} leads outside the output directory; remove the link")


def _remove(directory: Path, path: str) -> None:
    """Remove a file of the previous output, and folders that it leaves empty."""
    target = directory / path
    if ".." in PurePosixPath(path).parts or path.startswith("/"):
        return
    if not target.parent.resolve().is_relative_to(directory.resolve()):
        return
    target.unlink(missing_ok=True)
    for folder in target.parents:
        if folder == directory or not folder.is_dir() or any(folder.iterdir()):
            break
        folder.rmdir()
