"""Writes a tree of files so that it is there whole or not at all, and nowhere else (R-249).

Rules of this file:
- Files are first written beside their place and then moved in; a failure on the way removes what was written
  and leaves the directory as it was.
- The manifest says which files are ours and what they held. A directory with other people's files and no
  manifest is refused unless the caller forces it.
- A file that we did not write is never touched. One that we wrote and somebody edited is overwritten, or
  removed, only if the caller forces it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

MANIFEST = ".llm-forge.json"
LONGEST_PART = 255  # bytes of a file's or a folder's name, on all common file systems
_SHOWN = 5


class OutputError(Exception):
    """The output cannot be written; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """What writing would do to one file."""

    kind: Literal["new", "changed", "removed"]
    path: str


def write_tree(files: Mapping[str, str | bytes], directory: Path, *, force: bool = False) -> None:
    """Make `directory` hold exactly `files` of ours; files of a previous output that are gone are removed.

    Raises:
        OutputError: a path leaves the directory, the directory is not ours, a file in the way is not ours or
            was edited, or it cannot be written.
    """
    directory = Path(directory)
    for path in files:
        check_path(path)
    previous = _previous(directory, force=force)
    _check_untouched(files, directory, previous, force=force)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    except OSError as error:
        raise _unwritable(directory, error) from None
    try:
        _stage(files, staged)
        _move(files, staged, directory, previous)
    except OSError as error:
        raise _unwritable(directory, error) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def changes(files: Mapping[str, str | bytes], directory: Path) -> tuple[Change, ...]:
    """What `write_tree` would change, in the order of paths; nothing is written."""
    directory = Path(directory)
    previous = _previous(directory, force=True)
    found: list[Change] = []
    for path in sorted({*files, *previous}):
        present = _content(directory / path)
        if path not in files:
            found += [Change("removed", path)] if present is not None else []
        elif present != _bytes(files[path]):
            found.append(Change("new" if present is None else "changed", path))
    return tuple(found)


def check_path(path: str) -> None:
    """OutputError for a path that is not inside the output directory, or that some systems cannot write."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        raise OutputError(f"{path!r} is not a path inside the output directory")
    if any(len(part.encode()) > LONGEST_PART for part in parts):
        raise OutputError(f"{path!r} has a name of more than {LONGEST_PART} bytes; give a shorter one")


def _unwritable(directory: Path, error: OSError) -> OutputError:
    return OutputError(f"{directory}: cannot be written ({error.strerror}); choose another --out")


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _content(path: Path) -> bytes | None:
    """What a file holds; None if there is none."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OutputError(f"{path}: cannot be read ({error.strerror}); move it away") from None


def _previous(directory: Path, *, force: bool) -> Mapping[str, str]:
    """Files of the previous output with the hash of what they held ("" where that is not known)."""
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise OutputError(f"{directory} is not a directory; choose another --out")
    if not directory.exists() or not any(directory.iterdir()):
        return {}
    try:
        listed = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))["files"]
        digests = listed if isinstance(listed, dict) else dict.fromkeys(listed, "")
        return {str(path): str(digest) for path, digest in digests.items() if _is_inside(str(path))}
    except (OSError, ValueError, KeyError, TypeError):
        if force:
            return {}
    raise OutputError(
        f"{directory} holds files that are not a previous output; choose an empty directory or use --force"
    )


def _is_inside(path: str) -> bool:
    return ".." not in PurePosixPath(path).parts and not path.startswith("/")


def _check_untouched(
    files: Mapping[str, str | bytes], directory: Path, previous: Mapping[str, str], *, force: bool
) -> None:
    """OutputError if a file in the way is not ours, or is ours and was edited."""
    foreign: list[str] = []
    edited: list[str] = []
    for path in sorted({*files, *previous}):
        present = _content(directory / path)
        if present is None or (path in files and present == _bytes(files[path])):
            continue
        if path not in previous:
            foreign.append(path)
        elif previous[path] not in ("", _digest(present)):
            edited.append(path)
    if foreign:
        raise OutputError(
            f"{directory} has files of others in the way: {_some(foreign)}; move them elsewhere"
        )
    if edited and not force:
        raise OutputError(
            f"{directory} has generated files that were edited: {_some(edited)}; "
            "put the changes elsewhere (the description, a forge file), or lose them with --force"
        )


def _some(paths: list[str]) -> str:
    more = len(paths) - _SHOWN
    return ", ".join(paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _stage(files: Mapping[str, str | bytes], staged: Path) -> None:
    digests = {path: _digest(_bytes(content)) for path, content in sorted(files.items())}
    manifest = json.dumps({"generator": "llm-forge", "files": digests}, indent=1) + "\n"
    for path, content in {**files, MANIFEST: manifest}.items():
        target = staged / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_bytes(content))


def _move(
    files: Mapping[str, str | bytes], staged: Path, directory: Path, previous: Mapping[str, str]
) -> None:
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
    if not target.parent.resolve().is_relative_to(directory.resolve()):
        return
    target.unlink(missing_ok=True)
    for folder in target.parents:
        if folder == directory or not folder.is_dir() or any(folder.iterdir()):
            break
        folder.rmdir()
