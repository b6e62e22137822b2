"""Target languages: an API in, a whole SDK out.

    report = generate(api, "python", Path("out"))
    for notice in report.notices:
        print(notice)

A language is a folder beside this file and a line in `registry.py`, or an installed package that offers it
(docs/adding-a-language.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..spec.errors import Notice
from ..spec.ir import Api
from .protocol import OptionError, Options, Runtime, Target
from .registry import Targets
from .writer import Change, OutputError, changes, write_tree

TARGETS: Mapping[str, Target] = Targets()


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a target made: contents by path, and what is to be said of them.

    `operations` counts those that the SDK has, `left_out` names each that it lacks, `notices` is all
    that is to be said: `left_out` first, then what was changed or repaired.
    """

    files: Mapping[str, str | bytes]
    notices: tuple[Notice, ...]
    operations: int = 0
    left_out: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Generated:
    """What `generate` wrote: paths relative to the directory; the rest is as in `Rendered`."""

    directory: Path
    files: tuple[str, ...]
    notices: tuple[Notice, ...]
    operations: int = 0
    left_out: tuple[Notice, ...] = ()


def render(api: Api, language: str, options: Options | None = None) -> Rendered:
    """An SDK of `api`, in memory.

    Raises:
        OutputError: an unknown language, or an option that it cannot follow.
    """
    if language not in TARGETS:
        raise OutputError(f"no target language {language!r}; there are {', '.join(sorted(TARGETS))}")
    target = TARGETS[language]
    try:
        files = target.files(api, options or Options())
    except RecursionError:
        raise OutputError(f"{api.source}: types contain each other too deeply; flatten them") from None
    except OptionError as error:
        raise OutputError(str(error)) from None
    missing = target.left_out(api)
    skipped = _skipped(api)
    left_out = (*missing, *(notice for notice in api.notices if notice.message in skipped))
    others = [notice for notice in (*target.notices(api), *api.notices) if notice not in left_out]
    operations = len(api.operations()) - len(missing)
    return Rendered(files, (*left_out, *others), operations, left_out)


def generate(
    api: Api,
    language: str,
    out_dir: Path,
    package: str | None = None,
    *,
    name: str | None = None,
    runtime: Runtime = "vendored",
    force: bool = False,
) -> Generated:
    """Write an SDK of `api` into `out_dir`; `package`, `name` and `runtime` are those of `Options`.

    Raises:
        OutputError: an unknown language, an option that it cannot follow, or a directory that is not ours.
    """
    made = render(api, language, Options(package, name, runtime))
    write_tree(made.files, Path(out_dir), force=force)
    return Generated(Path(out_dir), tuple(made.files), made.notices, made.operations, made.left_out)


def _skipped(api: Api) -> frozenset[str]:
    """What is said of operations that the description gives no sense to."""
    return frozenset(f"{one.http_method} {one.path} is left out: {one.reason}" for one in api.skipped)


__all__ = [
    "TARGETS",
    "Change",
    "Generated",
    "OptionError",
    "Options",
    "OutputError",
    "Rendered",
    "Runtime",
    "Target",
    "Targets",
    "changes",
    "generate",
    "render",
    "write_tree",
]
