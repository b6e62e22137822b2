"""From what a user names to an `Api`: a provider of ours, or an OpenAPI file with what is laid over it."""

from __future__ import annotations

import contextlib
import difflib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..spec import Api, Remote, RemoteError, load, load_description, providers
from ..spec.remote import MAX_REMOTE_BYTES
from .failure import WRONG, Failure


@dataclass(frozen=True, slots=True)
class Source:
    """What a user names: a file or one of our providers, what is laid over it, and whom it may ask."""

    name: str
    forge: Path | None = None
    overlays: Sequence[Path] = ()
    origins: Sequence[str] = ()


def load_source(source: Source) -> Api:
    """The API of a file or of one of our providers.

    Raises:
        Failure: there is neither, or something is laid over a description of ours.
        DescriptionError: the description cannot be used.
    """
    path = Path(source.name)
    if path.exists():
        return load(path, forge=source.forge, overlays=source.overlays, remote=_remote(source.origins))
    if source.name in providers():
        _check_alone(source)
        return load_description(source.name)
    raise Failure(_unknown(source.name, path), WRONG)


def _check_alone(source: Source) -> None:
    given = {"--forge": source.forge, "--overlay": source.overlays, "--allow-remote": source.origins}
    option = next((option for option, value in given.items() if value), None)
    if option is not None:
        raise Failure(
            f"{option} goes with an OpenAPI file; {source.name} has its x-forge keys already", WRONG
        )


def _remote(origins: Sequence[str]) -> Remote:
    """The origins that references may lead to, each fetched from with the rules of R-243."""
    from ..core.errors import ForgeError
    from ..runtime.fetch import fetch_url

    def fetch(url: str) -> bytes:
        try:
            return fetch_url(url, max_bytes=MAX_REMOTE_BYTES, origins=remote.origins).content
        except ForgeError as error:
            raise RemoteError(error.message) from error

    try:
        remote = Remote(origins, fetch)
    except RemoteError as error:
        raise Failure(f"--allow-remote: {error}", WRONG) from None
    return remote


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
