"""Prints the package `models`."""

from __future__ import annotations

from ..homes import COMMON
from . import layout
from .expressions import Either, Subscript, node
from .lazy_writer import LAZY_REASON, write_lazy
from .parts import EMPTY, names_of, split
from .printing import alias, blocks, class_line, head, imports, names_used, text, wrapped
from .text import Quoted, docstring
from .view import Attribute, Converter, ModelClass, Models, PageClass, View

_TYPING = ("Any", "Literal", "TypeAlias")
_IMPORTS = {
    "....core.views": ("Unknown", "View", "either", "field", "list_of", "map_of", "obj", "shaped", "union"),
    "....runtime.pages": ("AsyncPageOf", "PageOf"),
}


def write_models(view: View) -> dict[str, str]:
    """The files of `models/`: a module for each service, one for what they share, and their names."""
    parts = split(view)
    shared = parts.get(COMMON, EMPTY)
    found = {f"{module}.py": _part(view, module, part, shared) for module, part in parts.items()}
    title = f"What {view.title} answers with: typed views over its JSON, imported on first use."
    homes = {module: names_of(part) for module, part in parts.items()}
    return {"__init__.py": write_lazy(head(view, title, LAZY_REASON if parts else ""), homes), **found}


def _part(view: View, module: str, part: Models, shared: Models) -> str:
    found = [_converter(one) for one in part.converters]
    found += [_class(one) for one in part.classes]
    found += [alias(one, "models") for one in part.aliases]
    for page in part.pages:
        found += [_page(page, "PageOf", ""), _page(page, "AsyncPageOf", "Async")]
    body = blocks(found)
    words = names_used(body)
    what = "several services" if module == COMMON else f"`{module}`"
    title = f"What {view.title} answers with, as {what} needs it: typed views over its JSON."
    needed = imports(words, {"typing": _TYPING})
    own = imports(words, _IMPORTS)
    own += [] if part is shared else imports(words, {f".{COMMON}": names_of(shared)})
    return text([*head(view, title), *needed, *([""] if needed and own else []), *own, *body])


def _converter(one: Converter) -> list[str]:
    if one.tag is not None:
        cases = tuple(f"{tags[0]}: {maker}" for tags, maker in one.cases)
        table = layout.Group("lambda: {", cases, "}")
        return layout.lines(f"{one.name} = ", layout.Group("union(", (str(one.tag), table), ")"))
    pairs = tuple(layout.Group("(", (_tuple(names), maker), ")") for names, maker in one.cases)
    shaped = layout.Group("shaped(", (layout.Group("lambda: [", pairs, "]"),), ")")
    if not one.others:
        return layout.lines(f"{one.name} = ", shaped)
    return layout.lines(f"{one.name} = ", layout.Group("either(", (*one.others, shaped), ")"))


def _tuple(names: tuple[Quoted, ...]) -> layout.Group:
    return layout.Group("(", names, ",)" if len(names) == 1 else ")")


def _class(one: ModelClass) -> list[str]:
    found = [*class_line(one.name, "View"), *docstring(one.doc.split("\n"), "    "), "", "    __slots__ = ()"]
    for attribute in one.attributes:
        found.extend(_attribute(attribute))
    return found


def _page(one: PageClass, base: str, prefix: str) -> list[str]:
    bases = (layout.flat(node(Subscript(base, (one.item,)), "models")), str(one.answer))
    found = layout.lines(f"class {prefix}{one.name}", layout.Group("(", bases, ")"), ":")
    told = f"A page of a list: `{one.answer}`, and iterating gives the items of all pages."
    return [*found, *docstring(wrapped(told), "    "), "", "    __slots__ = ()"]


def _attribute(one: Attribute) -> list[str]:
    made = layout.flat(node(one.type, "models"))
    arguments = tuple(str(part) for part in (one.wire, one.convert) if part)
    arguments += ("required=True",) if one.required else ()
    call = layout.Group("field(", arguments, ")")
    start = f"{one.name}: {made} = "
    if len(f"    {start}field(") > layout.WIDTH and isinstance(one.type, Either):
        found = [f"    {one.name}: (", f"        {made}", *layout.lines(") = ", call, indent="    ")]
    else:
        found = layout.lines(start, call, indent="    ")
    return found + (docstring(one.doc.split("\n"), "    ") if one.doc else [])
