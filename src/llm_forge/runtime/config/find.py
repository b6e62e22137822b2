"""Every option that is given anywhere: arguments, then the environment, then files (R-001).

`api_key` and `auth` are one choice: the first layer that gives either of them decides. A value that a
higher layer replaces is not even read, so that nothing is asked of a variable or file for nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.profile import Profile
from ...core.secrets import Secret
from ..auth.credential import Credential, credential_from
from ..options import LIMITER_NAMES
from .environment import options_from_environment
from .sources import Found, Layer, arguments, resolve

if TYPE_CHECKING:
    from .schema import ConfigFile

CREDENTIALS = frozenset({"api_key", "auth"})


def find_options(profile: Profile, given: Mapping[str, Any]) -> dict[str, Found]:
    """The options of a client of this provider, each with its source.

    ConfigError names the variable, or file and line, of a value that cannot be. Credentials have become
    `Credential` objects.
    """
    found = resolve(arguments(given))
    if found.get("api_key") is not None:
        found["api_key"] = Found(credential_from(given["api_key"], "api_key"), found["api_key"].source)
    found = resolve(found, _vendors_variables(profile, found), options_from_environment(found))
    for file in reversed(_files(found.get("config"))):
        found = resolve(found, file.options(profile.name, _taken(found)))
    return found


def _taken(found: Layer) -> frozenset[str]:
    """What lower layers need not be asked for."""
    taken = set(found)
    if taken & CREDENTIALS:
        taken |= CREDENTIALS
    if "limits" in taken or "rate_limiter" in taken:
        taken.add("rate_limit")
    if "rate_limiter" in taken:
        taken |= set(LIMITER_NAMES)
    return frozenset(taken)


def _vendors_variables(profile: Profile, above: Layer) -> Layer:
    """Key and base URL from the variables that the provider's own tools read, too (R-002)."""
    found: dict[str, Found] = {}
    names = {} if above.keys() & CREDENTIALS else {"api_key": profile.env_api_key}
    for option, variables in {**names, "base_url": profile.env_base_url}.items():
        for variable in reversed(variables):
            if text := os.environ.get(variable, "").strip():
                found[option] = Found(_value(option, text, variable), f"environment {variable}")
    return found


def _value(option: str, text: str, variable: str) -> Any:
    if option != "api_key":
        return text
    return Credential(
        Secret.clean(text, f"the environment variable {variable}"), source=f"environment {variable}"
    )


def _files(found: Found | None) -> Sequence[ConfigFile]:
    """The files of the option `config`; a later one goes before an earlier."""
    if found is None:
        return ()
    from .schema import ConfigFile

    config = found.value
    listed = [config] if isinstance(config, (str, Path, ConfigFile)) else config
    return [one if isinstance(one, ConfigFile) else ConfigFile.read(one) for one in listed]
