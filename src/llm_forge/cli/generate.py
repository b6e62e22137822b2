"""`llm-forge generate`: SDKs of one description, one a language.

Rules of this file:
- Everything is made in memory first: nothing is written for any language unless all can be made.
- `--check` writes nothing and ends with 1 if writing would change a file.
- With `--diagnostics json` standard output is one JSON object, also where the command fails.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..spec import Api, DescriptionError
from ..spec.overview import notice_facts
from ..targets import TARGETS, Change, Options, OutputError, Rendered, changes, render, write_tree
from .descriptions import Source, counted, load_source, steps
from .failure import FAILED, WRONG, Failure

NOTICES_SHOWN = 20
VERSION = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    source: Source
    languages: list[str]
    out: Path
    options: Options = field(default_factory=Options)
    check: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """One language's output: where it goes, and what writing it changes."""

    language: str
    folder: Path
    rendered: Rendered
    changes: tuple[Change, ...]


def run_generate(wanted: Wanted, *, as_json: bool) -> None:
    """Write (or with `check` compare) one SDK a language."""
    try:
        api, made = _generate(wanted)
    except (DescriptionError, OutputError, Failure) as error:
        if as_json:
            print(
                json.dumps({"version": VERSION, "source": wanted.source.name, "error": _error_facts(error)})
            )
        raise error if isinstance(error, Failure) else Failure(str(error), WRONG) from error
    if as_json:
        print(json.dumps(_facts(api, made)))
    else:
        for one in made:
            _report(one, check=wanted.check)
    different = [one.language for one in made if one.changes]
    if wanted.check and different:
        raise Failure(f"The output would change: {', '.join(different)}; generate it again", FAILED)


def _generate(wanted: Wanted) -> tuple[Api, list[Made]]:
    names = _languages(wanted.languages)
    with steps() as say:
        say(f"reading {wanted.source.name}")
        api = load_source(wanted.source)
        made = [_make(api, name, wanted, say, alone=len(names) == 1) for name in names]
        for one in made if not wanted.check else ():
            say(f"writing {one.language}")
            write_tree(one.rendered.files, one.folder, force=wanted.force)
    return api, made


def _make(api: Api, language: str, wanted: Wanted, say: Callable[[str], None], *, alone: bool) -> Made:
    say(f"making {language}")
    folder = wanted.out if alone else wanted.out / language
    rendered = render(api, language, wanted.options)
    return Made(language, folder, rendered, changes(rendered.files, folder))


def _languages(given: list[str]) -> list[str]:
    names = list(dict.fromkeys(name.strip() for words in given for name in words.split(",") if name.strip()))
    for name in names:
        if name not in TARGETS:
            near = difflib.get_close_matches(name, TARGETS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known ones: {', '.join(sorted(TARGETS))}"
            raise Failure(f"Unknown language {name!r}; {hint}", WRONG)
    if not names:
        raise Failure("--lang names no language", WRONG)
    return names


def _report(one: Made, *, check: bool) -> None:
    """Every operation left out, other notes up to a limit, and one line that counts them all."""
    made = one.rendered
    notes = made.notices[len(made.left_out) :]
    for notice in (*made.left_out, *notes[:NOTICES_SHOWN]):
        print(f"note: {notice}")
    if len(notes) > NOTICES_SHOWN:
        print(f"note: and {len(notes) - NOTICES_SHOWN} more like these")
    for change in one.changes if check else ():
        print(f"{change.kind}: {one.folder / change.path}")
    counts = (
        counted(made.operations, "operation"),
        f"{len(made.left_out)} left out",
        counted(len(notes), "note"),
        *((counted(len(one.changes), "change"),) if check else ()),
    )
    print(f"{one.language}: {counted(len(made.files), 'file')} in {one.folder} ({', '.join(counts)})")


def _facts(api: Api, made: list[Made]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "source": api.source,
        "sha256": api.sha256,
        "operation_count": len(api.operations()),
        "languages": [_language_facts(one) for one in made],
        "diagnostics": [notice_facts(notice) for notice in api.notices],
        "error": None,
    }


def _language_facts(one: Made) -> dict[str, Any]:
    return {
        "language": one.language,
        "directory": str(one.folder),
        "files": len(one.rendered.files),
        "operations": one.rendered.operations,
        "left_out": [notice.message for notice in one.rendered.left_out],
        "changes": [{"kind": change.kind, "path": change.path} for change in one.changes],
    }


def _error_facts(error: Exception) -> dict[str, Any]:
    if isinstance(error, DescriptionError):
        place = {"file": error.file, "line": error.line, "pointer": error.pointer}
        return {"message": error.message, **place}
    return {"message": str(error), "file": "", "line": 0, "pointer": ""}
