"""From what a user names to an `Api`: a provider of ours, or an OpenAPI file with what is laid over it."""

from __future__ import annotations

import contextlib
import difflib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..spec import Api, load, load_description, providers
from .failure import WRONG, Failure


def load_source(source: str, forge: Path | None = None, overlays: Sequence[Path] = ()) -> Api:
    """The API of a file or of one of our providers.

    Raises:
        Failure: there is neither, or something is laid over a description of ours.
        DescriptionError: the description cannot be used.
    """
    path = Path(source)
    if path.exists():
        return load(path, forge=forge, overlays=overlays)
    if source in providers():
        if forge is not None or overlays:
            option = "--forge" if forge is not None else "--overlay"
            raise Failure(f"{option} goes with an OpenAPI file; {source} has its x-forge keys already", WRONG)
        return load_description(source)
    raise Failure(_unknown(source, path), WRONG)


def _unknown(source: str, path: Path) -> str:
    if path.suffix in (".yaml", ".yml", ".json") or len(path.parts) > 1:
        return f"{source}: no such file; give a description, or one of {', '.join(providers())}"
    near = difflib.get_close_matches(source, providers(), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known ones: {', '.join(providers())}; or give a file"
    return f"Unknown provider {source!r}; {hint}"


@contextlib.contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """A function that says what is being done: on standard error if that is a terminal, else nowhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda step: status.update(step)


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 file`, `2 files`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
