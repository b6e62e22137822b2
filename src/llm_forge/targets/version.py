"""What every SDK says of its origin: the generator's version, and the licence of what is copied."""

from __future__ import annotations

import ast
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@cache
def version() -> str:
    """The version of llm-forge, read from the runtime's source."""
    tree = ast.parse((ROOT / "core" / "version.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    raise ValueError("core/version.py names no version")


def license_text() -> str:
    """The licence of the copied runtime: beside the source, or with the installed distribution."""
    place = ROOT.parent.parent / "LICENSE"
    if place.is_file():
        return place.read_text(encoding="utf-8")
    try:
        return distribution("llm-forge").read_text("licenses/LICENSE") or ""
    except PackageNotFoundError:
        return ""
