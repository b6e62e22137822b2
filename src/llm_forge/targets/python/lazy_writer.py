"""Prints a package whose names are imported from its modules on first use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import layout
from .printing import text
from .text import Quoted

LAZY_REASON = "F403 - the names of this package are those of its modules"


def write_lazy(head: list[str], homes: Mapping[str, Sequence[str]]) -> str:
    """The source of an `__init__.py` that has all names of its modules, those in `homes`."""
    if not homes:
        return text(head)
    found = [*head, "from typing import TYPE_CHECKING", "", "from ....core.lazy import lazy_names", ""]
    found += ["if TYPE_CHECKING:", *(f"    from .{module} import *" for module in sorted(homes))]
    return text([*found, *lazily(homes)])


def lazily(homes: Mapping[str, Sequence[str]]) -> list[str]:
    """What follows the imports for type checkers: the names by module, for everybody else."""
    items = tuple(_entry(module, names) for module, names in sorted(homes.items()))
    call = layout.Group("lazy_names(", ("__name__", layout.Group("{", items, "}")), ")")
    return ["else:", *layout.lines("__getattr__, __dir__ = ", call, indent="    ")]


def _entry(module: str, names: Sequence[str]) -> layout.Group:
    quoted = tuple(Quoted(name) for name in names)
    return layout.Group(f"{Quoted(module)}: (", quoted, ",)" if len(quoted) == 1 else ")")
