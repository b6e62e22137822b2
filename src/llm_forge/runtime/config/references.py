"""References that stand for credentials in configuration files: never the credential itself.

env:NAME              an environment variable, read when the client is made
file:PATH             a file that holds it, read when the client is made; `~` is the home folder, other
                      paths start at the configuration file's folder
cmd:COMMAND ARG ...   the output of a command, run without a shell when the key is first needed
keyring:SERVICE/USER  the system's keyring (package `keyring`), asked when the key is first needed
"""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from ...core.errors import AuthError, ConfigError
from ...core.secrets import Secret
from ..auth.credential import Credential, read_secret_file
from .document import Place

COMMAND_SECONDS = 30.0
FORMS = "env:NAME, file:PATH, cmd:COMMAND or keyring:SERVICE/USER"


def credential_at(place: Place) -> Credential:
    """The credential that a reference means; ConfigError for anything else, without showing it."""
    if not isinstance(place.value, str):
        raise place.error(f"expected a reference ({FORMS}), found {place.kind()}")
    form, colon, rest = place.value.partition(":")
    if not colon or form not in _READERS or not rest:
        raise place.error(f"must be a reference ({FORMS}), not the credential itself")
    return _READERS[form](rest, place)


def variable_at(place: Place, name: str) -> str:
    """The value of a variable that a file refers to; ConfigError if it is unset or blank (R-002)."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise place.error(f"the environment variable {name} is not set")
    return value


def _from_variable(name: str, place: Place) -> Credential:
    secret = Secret.clean(variable_at(place, name), f"{place}: the environment variable {name}")
    return Credential(secret, source=f"{place}, environment {name}")


def _from_file(path: str, place: Place) -> Credential:
    found = Path(place.file).parent / Path(path).expanduser()
    return Credential(read_secret_file(found, f"{place}: {place.path}"), source=f"{place}, file {path}")


def _from_command(command: str, place: Place) -> Credential:
    try:
        words = shlex.split(command)
    except ValueError:
        raise place.error("the command has an open quote") from None
    source = f"{place}, command {words[0]}"
    return Credential(ask=once(lambda: _output(words, source)), source=source, slow=True)


def _output(words: list[str], source: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, timeout=COMMAND_SECONDS, check=False, text=True)  # noqa: S603 - the user's own command, without a shell
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        raise AuthError(f"The credential's command failed ({source}): {type(error).__name__}") from None
    if done.returncode:
        raise AuthError(f"The credential's command failed ({source}): exit code {done.returncode}")
    return done.stdout


def _from_keyring(name: str, place: Place) -> Credential:
    service, slash, user = name.rpartition("/")
    if not slash or not service or not user:
        raise place.error("expected keyring:SERVICE/USER")
    source = f"{place}, keyring {service}"
    return Credential(ask=once(lambda: _in_keyring(service, user, source)), source=source, slow=True)


def _in_keyring(service: str, user: str, source: str) -> str:
    try:
        found: str | None = import_module("keyring").get_password(service, user)
    except ImportError:
        raise ConfigError(f"{source}: the keyring needs a package: pip install keyring") from None
    if found is None:
        raise AuthError(f"The keyring has no password for {user} ({source})")
    return found


def once(read: Callable[[], str]) -> Callable[[], str]:
    """The same function asked until it first succeeds; its answer is kept out of reprs."""
    lock, kept = threading.Lock(), list[str]()

    def ask() -> str:
        with lock:
            if not kept:
                kept.append(read())
            return kept[0]

    return ask


_READERS: dict[str, Callable[[str, Place], Credential]] = {
    "env": _from_variable,
    "file": _from_file,
    "cmd": _from_command,
    "keyring": _from_keyring,
}
