"""Keys that are kept for the user: in the system's keyring where the package `keyring` works, else in a file.

A key is looked for in this order: argument, environment, configuration, keyring, file. The file has mode 0600
and is refused with a wider one, since others could have read it (R-244).
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..core.errors import ConfigError
from ..core.secrets import Secret
from ..runtime.auth.credential import Credential
from ..runtime.files import AtomicFile
from .folders import user_folder

SERVICE = "llm-forge"


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key that is kept: whose, where, and its fingerprint (R-005)."""

    provider: str
    place: str
    fingerprint: str


def keys_file() -> Path:
    """The file of keys, whether it is there or not."""
    return user_folder() / "keys.json"


def kept_key(provider: str) -> Credential | None:
    """The key that is kept for a provider; ConfigError for a file that others can read."""
    if (found := _from_keyring(provider)) is not None:
        return Credential(
            Secret.clean(found, f"the keyring's key of {provider}"), source=f"keyring {SERVICE}"
        )
    if (text := _read_file().get(provider)) is not None:
        return Credential(Secret.clean(text, f"{keys_file()}: {provider}"), source=f"file {keys_file()}")
    return None


def keep_key(provider: str, key: str, *, in_file: bool = False) -> str:
    """Keep a key; where it is now. ConfigError for one that cannot be a key."""
    Secret.clean(key, f"the key of {provider}")
    if not in_file and _to_keyring(provider, key.strip()):
        return f"keyring {SERVICE}"
    _write_file({**_read_file(), provider: key.strip()})
    return f"file {keys_file()}"


def forget_key(provider: str) -> list[str]:
    """Remove a kept key from wherever it is; the places it was in."""
    places = []
    if _from_keyring(provider) is not None:
        import_module("keyring").delete_password(SERVICE, provider)
        places.append(f"keyring {SERVICE}")
    keys = dict(_read_file())
    if keys.pop(provider, None) is not None:
        _write_file(keys)
        places.append(f"file {keys_file()}")
    return places


def kept_keys(providers: list[str]) -> list[KeptKey]:
    """Every key that is kept for these providers or in the file."""
    in_file = _read_file()
    found = [(one, f"keyring {SERVICE}", _from_keyring(one)) for one in providers]
    found += [(one, f"file {keys_file()}", text) for one, text in in_file.items()]
    return [KeptKey(one, place, Secret(text).fingerprint) for one, place, text in found if text is not None]


def _from_keyring(provider: str) -> str | None:
    if find_spec("keyring") is None:
        return None
    keyring = import_module("keyring")
    try:
        found: str | None = keyring.get_password(SERVICE, provider)
    except keyring.errors.KeyringError:
        return None  # no keyring on this machine, or a locked one: the file is next
    return found


def _to_keyring(provider: str, key: str) -> bool:
    if find_spec("keyring") is None:
        return False
    keyring = import_module("keyring")
    try:
        keyring.set_password(SERVICE, provider, key)
    except keyring.errors.KeyringError:
        return False
    return True


def _read_file() -> Mapping[str, str]:
    path = keys_file()
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()).st_mode)
            value: Any = json.loads(file.read())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not JSON'}"
        ) from None
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ConfigError(f"{path} must be an object of providers and keys")
    return value


def _check_mode(path: Path, mode: int) -> None:
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{path} can be read by others, so its keys may be known: run chmod 600 {path}")


def _write_file(keys: Mapping[str, str]) -> None:
    path = keys_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = AtomicFile(path)
    try:
        file.write(json.dumps(keys, indent=1, sort_keys=True).encode())
        file.commit()
    finally:
        file.discard()
