"""Prints params.py."""

from __future__ import annotations

from . import layout
from .expressions import Subscript, node
from .printing import alias, blocks, class_line, head, imports, names_used, text
from .text import docstring
from .view import Key, ParamClass, View

_STANDARD = {
    "collections.abc": ("Mapping", "Sequence"),
    "typing": ("Any", "Literal", "NotRequired", "Required", "TypeAlias", "TypedDict"),
}


def write_params(view: View) -> str:
    """The source of params.py."""
    classes = view.params.classes
    found = [_class(one) if all(key.identifier for key in one.keys) else _functional(one) for one in classes]
    found += [alias(one, "params") for one in view.params.aliases]
    body = blocks(found)
    words = names_used(body)
    title = f"What requests to {view.title} are made of: typed dictionaries."
    needed = imports(words, _STANDARD)
    own = imports(words, {"...runtime.uploads": ("FileInput",)})
    own += ["from . import models"] if "models" in words else []
    own = ["", *own] if own else []
    return text([*head(view, title), *needed, *own, *body])


def _class(one: ParamClass) -> list[str]:
    found = [*class_line(one.name, "TypedDict"), *docstring(one.doc.split("\n"), "    ")]
    if one.keys:
        found.append("")
    for key in one.keys:
        found.extend(_key(key))
    return found


def _key(key: Key) -> list[str]:
    if key.required:
        found = [f"    {key.wire}: {layout.flat(node(key.type, 'params'))}"]
    else:
        made = node(Subscript("NotRequired", (key.type,)), "params")
        found = layout.lines(f"{key.wire}: ", made, indent="    ")
    return found + (docstring(key.doc.split("\n"), "    ") if key.doc else [])


def _functional(one: ParamClass) -> list[str]:
    """A TypedDict with keys that are no Python names; its types are quoted, as they may come later."""
    items = tuple(_item(key) for key in one.keys)
    table = layout.Group("{", items, "}")
    call = layout.Group("TypedDict(", (f'"{one.name}"', table), ")")
    return [*layout.lines(f"{one.name} = ", call), *docstring(one.doc.split("\n"), "")]


def _item(key: Key) -> str:
    made = layout.flat(node(key.type, "params")).replace('"', "'")
    word = "Required" if key.required else "NotRequired"
    return f'{key.quoted}: {word}["{made}"]'
