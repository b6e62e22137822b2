"""`llm-forge inspect` and `init`: what is understood of a description, and a forge file to start from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from ..spec import Api, DescriptionError
from ..spec.ir import Operation
from ..spec.overview import WHY, guesses, overview, services, type_name
from ..spec.starting_forge import starting_forge_file
from .descriptions import Source, counted, load_source, steps
from .failure import WRONG, Failure

SHOWN = 20
_LEGEND = """\
* is a guess: a forge file makes it certain, and `llm-forge init {source}` writes one with all of them.
safe: repeated freely after a failure; keyed: with an idempotency key; once: only if surely not processed."""


def run_inspect(source: Source, *, as_json: bool) -> None:
    """Print what is understood of a description."""
    api = _loaded(source)
    if as_json:
        print(json.dumps(overview(api), indent=1))
    else:
        print("\n".join(_page(api, source.name)))


def run_init(source: Source, out: Path | None, *, force: bool) -> None:
    """Write a forge file with every guess as a comment; to standard output if `out` is `-`."""
    api = _loaded(source)
    text = starting_forge_file(api)
    if out == Path("-"):
        print(text, end="")
        return
    path = out or Path(f"{api.provider}.forge.yaml")
    _write(path, text, force=force)
    print(_written(path, api, source.name))


def _written(path: Path, api: Api, source: str) -> str:
    number = len(guesses(api))
    what = "1 guess" if number == 1 else f"{number:,} guesses"
    return (
        f"{path}: {what} as comments; then llm-forge generate {source} --forge {path} --lang python --out sdk"
    )


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Failure(
            f"{path} is there already; give another --out, or overwrite it with --force", WRONG
        ) from None
    except OSError as error:
        raise Failure(f"{path}: cannot be written ({error.strerror}); choose another --out", WRONG) from None


def _loaded(source: Source) -> Api:
    try:
        with steps() as say:
            say(f"reading {source.name}")
            return load_source(source)
    except DescriptionError as error:
        raise Failure(str(error), WRONG) from error


def _page(api: Api, source: str) -> Iterator[str]:
    yield from _head(api)
    yield ""
    yield from _table(api)
    yield ""
    yield from _LEGEND.format(source=source).splitlines()
    for title, kind in (("Repaired", "repair"), ("Not used", "omission")):
        yield from _section(title, [str(notice) for notice in api.notices if notice.kind == kind])
    yield from _section("Guessed", list(_guess_lines(api)))
    yield from _section("Left out", [f"{one.http_method} {one.path}: {one.reason}" for one in api.skipped])


def _head(api: Api) -> Iterator[str]:
    streams = sum(one.stream is not None for one in api.operations())
    counts = (
        counted(len(api.operations()), "operation"),
        counted(len(services(api)), "service"),
        counted(len(api.types), "type"),
        counted(streams, "stream"),
    )
    yield f"{api.title} {api.version} ({api.source}, OpenAPI {api.openapi})"
    yield ", ".join(counts)
    yield ", ".join(
        (
            f"provider {api.provider}{_mark(api, 'provider')}",
            f"client {api.client}{_mark(api, 'client')}",
            api.servers[0] if api.servers else "no server, users give base_url",
            f"key: {api.auth.kind} in {api.auth.placement} {api.auth.name}{_mark(api, 'auth')}",
        )
    )


def _mark(found: Api | Operation, what: str) -> str:
    """The star of a guess."""
    return "*" if what in found.guessed else ""


def _table(api: Api) -> Iterator[str]:
    """The operations of each service, in columns."""
    for service, operations in groupby(api.operations(), lambda one: one.name.rpartition(".")[0]):
        yield service
        rows = [_row(one) for one in operations]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            yield f"  {'  '.join([*cells, row[-1]])}".rstrip()


def _row(one: Operation) -> tuple[str, ...]:
    sent = f"{one.body.kind} -> " if one.body is not None and one.body.kind != "json" else ""
    answer = {"json": type_name(one.result.type), "json-or-stream": type_name(one.result.type)}
    given = [answer.get(one.result.kind, one.result.kind)] if one.result.kind != "stream" else []
    streamed = [f"stream of {one.stream.family}{_mark(one, 'stream')}"] if one.stream is not None else []
    return (
        one.name.rpartition(".")[2] + _mark(one, "name"),
        f"{one.http_method} {one.key or one.path}",
        one.replay + _mark(one, "replay"),
        sent + " or ".join([*given, *streamed]),
    )


def _guess_lines(api: Api) -> Iterator[str]:
    """Guesses of the API and of streams one by one; those of names and of repetition as two lines."""
    found = guesses(api)
    for one in found:
        if one.what not in ("name", "replay"):
            of = f" of {one.of}" if one.of else ""
            yield f"{one.what}{of}: {_shown(one.value)} ({one.why})"
    for what, said in (("name", "method names"), ("replay", "what may be repeated")):
        number = sum(one.what == what for one in found)
        if number:
            yield f"{said} of {counted(number, 'operation')} ({WHY[what]})"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{key} {one}" for key, one in value.items() if one not in (None, [], False, True, "type")
        )
    return str(value)


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if not lines:
        return
    yield ""
    yield f"{title} ({len(lines)}):"
    yield from (f"  {line}" for line in lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  and {len(lines) - SHOWN} more; --json has them all"
