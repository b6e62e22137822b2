"""Prints the `__init__.py` of the package and of its resources."""

from __future__ import annotations

from .printing import import_lines, text, wrapped
from .text import docstring
from .view import View


def write_init(view: View) -> str:
    """The source of __init__.py: the two clients, by name."""
    names = sorted([str(view.client), f"Async{view.client}"])
    title = f"Clients of {view.title}: `{view.client}` blocks, `Async{view.client}` is awaited."
    exported = ", ".join(f'"{name}"' for name in names)
    return text(
        [
            f"# {view.header}",
            *docstring(wrapped(title), ""),
            "",
            *import_lines(".client", names),
            "",
            f"__all__ = [{exported}]",
        ]
    )


def write_resources(view: View) -> str:
    """The source of resources/__init__.py."""
    title = f"The resources of {view.title}, each imported when a client first uses it."
    return text([f"# {view.header}", *docstring(wrapped(title), "")])
