"""The attributes that lead to resources, whose modules are imported on first use."""

from __future__ import annotations

from collections.abc import Iterable

from .printing import import_lines, import_order
from .text import Identifier
from .view import View

Children = Iterable[tuple[Identifier, Identifier]]


def child_property(name: str, class_name: str, module: str, client: str) -> list[str]:
    """An attribute for a resource, which is imported when it is first asked for."""
    return [
        "    @cached_property",
        f"    def {name}(self) -> {class_name}:",
        f'        """Operations of `{name}`."""',
        *import_lines(module, [class_name], "        "),
        "",
        f"        return {class_name}({client})",
    ]


def child_imports(view: View, children: Children, package: str) -> list[str]:
    """Imports of the resources' classes for annotations, in the linter's order."""
    modules = {one.name: f"{package}{one.module}" for one in view.resources}
    listed = sorted((modules[class_name], class_name) for _, class_name in children)
    found: list[str] = []
    for module, name in listed:
        found += import_lines(module, sorted([f"Async{name}", name], key=import_order), "    ")
    return found
