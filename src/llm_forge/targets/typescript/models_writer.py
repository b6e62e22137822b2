"""Prints models/: the types of requests and answers, by the service that needs them; and their shapes."""

from __future__ import annotations

from collections.abc import Mapping

from . import layout
from .declarations import names_of
from .expressions import members_of, names_in, show
from .printing import by_source, documented, imports, module
from .view import Alias, Declaration, Field, Interface, Shape, ShapeOf, View

UNKNOWN_SOURCE = """declare const unknown: unique symbol;

/** The tag of a member that this SDK does not know: a text, which comparing it with known ones leaves out. */
export type UnknownTag = `${string & { readonly [unknown]: true }}${string}`;

/** A member of a union that this SDK does not know (R-141); it goes back on the wire as it came. */
export type Unknown<Tag extends string> = { readonly [name in Tag]: UnknownTag } & {
  readonly [field: string]: unknown;
};"""


def write_models(view: View) -> dict[str, str]:
    """The sources of models/, by file name."""
    found = {f"{home}.ts": _models(view, home, part) for home, part in view.declarations.items()}
    exports = [f'export type * from "./{home}.js";' for home in view.declarations]
    exports.append('export type { Unknown, UnknownTag } from "./unknown.js";')
    title = f"The types of {view.title}, of what is sent and what is answered."
    unknown = [UNKNOWN_SOURCE.split("\n")]
    return {
        **found,
        "index.ts": module(view, [exports], title),
        "unknown.ts": module(view, unknown, "Members of unions that came after this SDK."),
    }


def _models(view: View, home: str, part: tuple[Declaration, ...]) -> str:
    blocks = [_declaration(one) for one in part]
    used = {name for one in part for name in names_of(one) if view.homes[name] != home}
    marks = {name.name for one in part for made in _types(one) for name in names_in(made) if not name.own}
    head = [
        *imports({"FileInput"} & marks, "../runtime/index.js", types=True),
        *by_source(used, _modules(view, used), types=True),
    ]
    if any(mark.startswith("Unknown<") for mark in marks):
        head += imports(["Unknown"], "./unknown.js", types=True)
    return module(view, [head, *blocks], f"Types of {view.title}: {home}.")


def _types(one: Declaration) -> list:  # type: ignore[type-arg]
    return [part.type for part in one.fields] if isinstance(one, Interface) else [one.type]


def _modules(view: View, used: set[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in sorted(used):
        found.setdefault(f"./{view.homes[name]}.js", []).append(name)
    return dict(sorted(found.items()))


def _declaration(one: Declaration) -> list[str]:
    if isinstance(one, Alias):
        members = [show(member) for member in members_of(one.type)]
        return [*documented(one.doc), *layout.union(f"export type {one.name} =", members, ";")]
    fields = [line for field in one.fields for line in _field(field, readonly=one.readonly)]
    if one.open:
        mark = "readonly " if one.readonly else ""
        fields.append(f"  {mark}[field: string]: unknown;")
    return [*documented(one.doc), f"export interface {one.name} {{", *fields, "}"]


def _field(one: Field, *, readonly: bool) -> list[str]:
    members = [show(member) for member in members_of(one.type)]
    if not one.required and "undefined" not in members and members != ["unknown"]:
        members.append("undefined")
    start = f"{'readonly ' if readonly else ''}{one.key}{'' if one.required else '?'}:"
    return [*documented(one.doc, indent="  "), *layout.union(start, members, ";", "  ")]


# shapes


def write_shapes(view: View) -> dict[str, str]:
    """The sources of shapes/, by file name."""
    return {f"{home}.ts": _shapes(view, home, part) for home, part in view.shapes.items()}


def _shapes(view: View, home: str, part: tuple[Shape, ...]) -> str:
    used = {name for one in part for shape in one.fields.values() for name in named(shape)}
    others = {name for name in used if view.homes[name] != home}
    head = [*imports(["Shape"], "../runtime/index.js", types=True)]
    head += by_source(others, _modules(view, others), types=False)
    title = f"Which fields answers of {view.title} must have: {home}."
    return module(view, [head, *(_shape(one) for one in part)], title)


def named(shape: ShapeOf) -> list[str]:
    """The names of the types in a shape."""
    return ([shape.name] if shape.name else []) + (named(shape.items) if shape.items else [])


def shape_node(shape: ShapeOf) -> str:
    """The expression of a shape."""
    if shape.items is None:
        return str(shape.name)
    return f"() => ({{ items: {shape_node(shape.items)} }})"


def _shape(one: Shape) -> list[str]:
    fields: dict[str, layout.Node | None] = {name: shape_node(shape) for name, shape in one.fields.items()}
    made = layout.obj(
        {
            "required": layout.data(one.required) if one.required else None,
            "fields": layout.obj(fields) if fields else None,
        }
    )
    start = f"export const {one.name} = (): Shape => ("
    whole = f"{start}{layout.flat(made)});"
    if len(whole) <= layout.WIDTH:
        return [whole]
    if len(start) < layout.WIDTH:
        return layout.broken(start, made, ");")
    return [f"export const {one.name} =", *layout.broken("(): Shape => (", made, ");", "  ")]
