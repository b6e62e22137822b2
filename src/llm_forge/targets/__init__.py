"""Target languages: an API in, a whole SDK out.

    report = generate(api, "python", Path("out"))
    for notice in report.notices:
        print(notice)

A language is a folder beside this file and a line in `TARGETS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..spec.errors import Notice
from ..spec.ir import Api
from .protocol import Options, Target
from .python import PythonTarget
from .writer import OutputError, write_tree

TARGETS: Mapping[str, Target] = {"python": PythonTarget()}


@dataclass(frozen=True, slots=True)
class Generated:
    """What `generate` wrote: paths relative to the directory; what was left out, then what was repaired."""

    directory: Path
    files: tuple[str, ...]
    notices: tuple[Notice, ...]


def generate(
    api: Api, language: str, out_dir: Path, package: str | None = None, *, force: bool = False
) -> Generated:
    """Write a stand-alone SDK of `api` into `out_dir`.

    Raises:
        OutputError: an unknown language, a bad package name, or a directory that is not ours.
    """
    if language not in TARGETS:
        raise OutputError(f"no target language {language!r}; there are {', '.join(sorted(TARGETS))}")
    target = TARGETS[language]
    try:
        files = target.files(api, Options(package))
    except RecursionError:
        raise OutputError(f"{api.source}: types contain each other too deeply; flatten them") from None
    except ValueError as error:
        raise OutputError(f"{error}; give another --package") from None
    write_tree(files, Path(out_dir), force=force)
    return Generated(Path(out_dir), tuple(files), target.notices(api) + api.notices)


__all__ = ["TARGETS", "Generated", "Options", "OutputError", "Target", "generate", "write_tree"]
