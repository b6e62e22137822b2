"""Options from environment variables: `LLM_FORGE_` and the option's name in capitals (R-001, R-002).

Every option that is a number of seconds has its variable, and `max_attempts`; `none` means no limit where
the option has that. `LLM_FORGE_CONFIG` names a configuration file.
"""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from typing import Any

from ...core.errors import ConfigError
from ..options import DURATIONS, OPTIONAL_DURATIONS, client_settings
from .sources import Found

PREFIX = "LLM_FORGE_"
CONFIG = f"{PREFIX}CONFIG"
OPTIONS = (*DURATIONS, *OPTIONAL_DURATIONS, "max_attempts")


def variable_of(option: str) -> str:
    """The variable that gives an option."""
    return PREFIX + option.upper()


def options_from_environment(without: Container[str] = ()) -> Mapping[str, Found]:
    """The options that the environment gives; blank variables count as unset.

    ConfigError names the variable of a value that cannot be; those of `without` are not looked at.
    """
    found = {}
    if config := os.environ.get(CONFIG, "").strip():
        found["config"] = Found(config, f"environment {CONFIG}")
    for option in OPTIONS:
        text = os.environ.get(variable_of(option), "").strip()
        if text and option not in without:
            found[option] = Found(_checked(option, text), f"environment {variable_of(option)}")
    return found


def _checked(option: str, text: str) -> Any:
    value = _value(option, text)
    try:
        client_settings({option: value})
    except ConfigError as error:
        raise ConfigError(f"The environment variable {variable_of(option)}: {error.message}") from None
    return value


def _value(option: str, text: str) -> Any:
    if option in OPTIONAL_DURATIONS and text.lower() == "none":
        return None
    try:
        return int(text) if option == "max_attempts" else float(text)
    except ValueError:
        raise ConfigError(f"The environment variable {variable_of(option)} must be a number") from None
