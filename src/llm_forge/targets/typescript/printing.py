"""What all TypeScript writers share: the head of a module, its imports, documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .layout import WIDTH
from .text import Prose, comment
from .view import View


def module(view: View, parts: Iterable[list[str]], title: str = "") -> str:
    """The source of a module: header, what it is, and its parts with blank lines between."""
    head = [f"// {view.header}", *comment(Prose(title))]
    body = [part for part in parts if part]
    return "\n".join(line for part in ([*head, ""], *_spaced(body)) for line in part) + "\n"


def _spaced(parts: list[list[str]]) -> Iterable[list[str]]:
    for number, part in enumerate(parts):
        yield ["", *part] if number else part


def imports(names: Iterable[str], source: str, *, types: bool = False) -> list[str]:
    """An import of named things, none for no names; one a line where they are many."""
    listed = sorted(set(names), key=lambda one: (one.lower(), one))
    if not listed:
        return []
    start = "import type" if types else "import"
    whole = f'{start} {{ {", ".join(listed)} }} from "{source}";'
    if len(whole) <= WIDTH or len(listed) == 1:
        return [whole]
    return [f"{start} {{", *(f"  {name}," for name in listed), f'}} from "{source}";']


def by_source(used: Iterable[str], sources: Mapping[str, Iterable[str]], *, types: bool) -> list[str]:
    """Imports of the used names from the modules that have them."""
    wanted = frozenset(used)
    return [
        line for source, names in sources.items() for line in imports(wanted & {*names}, source, types=types)
    ]


def documented(summary: str, *more: str, indent: str = "") -> list[str]:
    """A documentation comment of paragraphs that are safe already."""
    return comment("\n\n".join(one for one in (summary, *more) if one), indent)
