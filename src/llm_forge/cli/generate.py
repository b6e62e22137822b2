"""`llm-forge generate`."""

from __future__ import annotations

import difflib
from pathlib import Path

from ..spec import Api, DescriptionError, load, load_description, providers
from ..targets import TARGETS, Generated, Options, OutputError, generate
from .failure import Failure

NOTICES_SHOWN = 20


def run_generate(
    source: str, languages: list[str], out: Path, options: Options, *, forge: Path | None, force: bool
) -> None:
    """Write one SDK a language; nothing is written for any language unless the description loads."""
    names = _languages(languages)
    try:
        api = _load(source, forge)
        for name in names:
            folder = out if len(names) == 1 else out / name
            made = generate(
                api, name, folder, options.package, name=options.name, runtime=options.runtime, force=force
            )
            _report(name, folder, made)
    except (DescriptionError, OutputError) as error:
        raise Failure(str(error)) from error


def _languages(given: list[str]) -> list[str]:
    names = list(dict.fromkeys(name.strip() for words in given for name in words.split(",") if name.strip()))
    for name in names:
        if name not in TARGETS:
            near = difflib.get_close_matches(name, TARGETS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known ones: {', '.join(sorted(TARGETS))}"
            raise Failure(f"Unknown language {name!r}; {hint}", 2)
    if not names:
        raise Failure("--lang names no language", 2)
    return names


def _load(source: str, forge: Path | None) -> Api:
    path = Path(source)
    if path.exists():
        return load(path, forge=forge)
    if source in providers():
        if forge is not None:
            raise Failure(f"--forge goes with an OpenAPI file; {source} has its x-forge keys already", 2)
        return load_description(source)
    if path.suffix in (".yaml", ".yml", ".json") or len(path.parts) > 1:
        raise Failure(f"{source}: no such file; give a description, or one of {', '.join(providers())}", 2)
    near = difflib.get_close_matches(source, providers(), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known ones: {', '.join(providers())}; or give a file"
    raise Failure(f"Unknown provider {source!r}; {hint}", 2)


def _report(language: str, folder: Path, made: Generated) -> None:
    """Every operation left out, other notes up to a limit, and one line that counts them all."""
    notes = made.notices[len(made.left_out) :]
    for notice in (*made.left_out, *notes[:NOTICES_SHOWN]):
        print(f"note: {notice}")
    if len(notes) > NOTICES_SHOWN:
        print(f"note: and {len(notes) - NOTICES_SHOWN} more like these")
    counts = (
        _counted(made.operations, "operation"),
        f"{len(made.left_out)} left out",
        _counted(len(notes), "note"),
    )
    print(f"{language}: {_counted(len(made.files), 'file')} in {folder} ({', '.join(counts)})")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
