"""Names of a package that are imported from its modules on first use (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for a package whose names live in its modules: `{module: names}`.

    A name is kept once it is found. Hide the assignment from type checkers, which would take it for a
    promise that every name exists; give them the imports instead.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def find(name: str) -> Any:
        if name == "__all__":
            return sorted(home_of)
        home = home_of.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(f"{package}.{home}")
        value = getattr(module, name)
        setattr(import_module(package), name, value)
        return value

    return find, lambda: sorted(home_of)


class LateModule:
    """Stands for a module, which is imported when one of its names is first used.

    A name is kept once it is found, so that later uses cost what they cost of the module itself. Give type
    checkers the import instead.
    """

    def __init__(self, name: str, package: str | None = None) -> None:
        self.__dict__["_from"] = (name, package)

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(*self._from), name)
        self.__dict__[name] = value
        return value
