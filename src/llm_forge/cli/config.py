"""`llm-forge config`: what the files say, where it stands, and whether it is right."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..core.redact import names_a_secret
from ..runtime.config.document import Place
from ..runtime.config.environment import PREFIX, variable_of
from ..runtime.config.sources import DEFAULT
from ..runtime.options import FILE_NAMES, Settings
from ..unified.config import Configuration, load_configuration, user_file
from ..unified.registry import find_provider, provider_names
from .failure import WRONG, Failure, failing

REDACTED = "[redacted]"
SETTINGS = Settings()


def show_config(*, as_json: bool) -> None:
    """Print every value with its origin; credentials and what may hold some are not shown.

    Last come the defaults: what a client does where nothing above says otherwise.
    """
    with failing():
        config = load_configuration()
    rows = [*_from_environment(), *(row for file in config.files for row in _values(file.root)), *_defaults()]
    if as_json:
        named = ("name", "value", "origin")
        print(json.dumps([dict(zip(named, row, strict=True)) for row in rows]))
        return
    for name, value, origin in rows:
        print(f"{name} = {value}  ({origin})")


def _from_environment() -> Iterator[tuple[str, Any, str]]:
    names = sorted(name for name in os.environ if name.startswith(PREFIX) and os.environ[name].strip())
    for name in names:
        yield name, _shown(name, os.environ[name]), f"environment {name}"
    for provider in provider_names():
        profile = find_provider(provider).profile
        for variable in (*profile.env_api_key, *profile.env_base_url):
            if text := os.environ.get(variable, "").strip():
                secret = variable in profile.env_api_key
                yield variable, REDACTED if secret else _shown(variable, text), f"environment {variable}"


def _values(place: Place) -> Iterator[tuple[str, Any, str]]:
    """Every value that is no mapping, by its path."""
    entries = list(place.entries()) if isinstance(place.value, dict) else []
    for _, value in entries:
        yield from _values(value)
    if not entries and place.path:
        yield place.path, _shown(place.path, place.plain()), str(place)


def _defaults() -> Iterator[tuple[str, Any, str]]:
    """The options of clients that a file may hold, with the values that they have by themselves."""
    known = asdict(SETTINGS) | asdict(SETTINGS.network) | {"timeout": SETTINGS.call_timeout(streaming=False)}
    for name in sorted(known.keys() & FILE_NAMES - {"auth"}):
        if not os.environ.get(variable_of(name), "").strip():
            yield from _flat(name, known[name])
    for provider in provider_names():
        profile = find_provider(provider).profile
        if not any(os.environ.get(variable, "").strip() for variable in profile.env_base_url):
            yield f"providers.{provider}.base_url", profile.base_url, DEFAULT


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any, str]]:
    if not isinstance(value, dict) or not value:
        yield name, list(value) if isinstance(value, tuple) else value, DEFAULT
        return
    for inner, one in value.items():
        yield f"{name}.{inner}", one, DEFAULT


def _shown(name: str, value: Any) -> Any:
    """A value, unless its name or its form says that it may be a credential; references may be seen."""
    reference = isinstance(value, str) and value.partition(":")[0] in ("env", "file", "keyring")
    parts = name.replace("_", "-").split(".")
    if not reference and any(names_a_secret(part) or part == "api-key" for part in parts):
        return REDACTED
    return REDACTED if isinstance(value, str) and "@" in value and "//" in value else value


def check_config(path: Path | None) -> None:
    """Read everything as a client would; Failure with file and line for the first mistake."""
    with failing():
        config = load_configuration(path)
        config.check()
        for file in config.files:
            for provider, _ in file.providers():
                file.options(provider)
    print(_summary(config))


def _summary(config: Configuration) -> str:
    files = ", ".join(str(file.path) for file in config.files)
    return f"right: {files}" if files else f"no configuration file; yours would be {user_file()}"


def edit_config() -> None:
    """Open the user's file in the editor, then check it."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise Failure(f"Set EDITOR to your editor's command, or edit {user_file()} by hand", WRONG)
    user_file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        done = subprocess.run([*shlex.split(editor), str(user_file())], check=False)  # noqa: S603 - the user's own editor
    except OSError as error:
        raise Failure(f"The editor {editor!r} cannot be run: {error.strerror}", WRONG) from error
    if done.returncode:
        raise Failure(f"The editor {editor!r} ended with code {done.returncode}")
    if user_file().is_file():
        check_config(None)
    else:
        print(f"{user_file()} was not written", file=sys.stderr)
