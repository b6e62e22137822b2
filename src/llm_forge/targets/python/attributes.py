"""Where resources are found on a client."""

from __future__ import annotations

from collections.abc import Mapping

from .view import ResourceClass, View


def attribute_paths(view: View) -> Mapping[str, str]:
    """The attributes of a client that lead to each resource, by its class name: `chat.completions`."""
    by_class = {one.name: one for one in view.resources}
    found: dict[str, str] = {}
    waiting = [(view.children, "")]
    while waiting:
        children, prefix = waiting.pop()
        for attribute, class_name in children:
            found[class_name] = f"{prefix}.{attribute}".strip(".")
            waiting.append((by_class[class_name].children, found[class_name]))
    return found


def by_attribute(view: View) -> list[tuple[str, ResourceClass]]:
    """Every resource with its attribute path, in the order of the description."""
    paths = attribute_paths(view)
    return [(paths[one.name], one) for one in view.resources]
