"""Where the user's own files lie: configuration, keys and imported prices."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER_VARIABLE = "LLM_FORGE_HOME"
_VARIABLES = (FOLDER_VARIABLE, *(["APPDATA"] if sys.platform == "win32" else ["XDG_CONFIG_HOME", "HOME"]))


def folder_variables() -> tuple[str | None, ...]:
    """The variables on which the folder depends, as they are now."""
    return tuple(map(os.environ.get, _VARIABLES))


def user_folder() -> Path:
    """`LLM_FORGE_HOME`, else `llm-forge` in the platform's folder for configuration."""
    if own := os.environ.get(FOLDER_VARIABLE, "").strip():
        return Path(own).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("APPDATA", "").strip()
    else:
        base = os.environ.get("XDG_CONFIG_HOME", "").strip()
    return (Path(base) if base else Path("~/.config").expanduser()) / "llm-forge"
