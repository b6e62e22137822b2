"""Prints the types: structures, texts with known values, unions and aliases, in the file of their service."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .printing import INDENT, MAX_WIDTH, Literal, Value, function, structure, typed, used
from .text import Quoted
from .view import Alias, Declaration, Enum, Field, Struct, UnionType, View

_NAME = re.compile(r"[A-Z]\w*")
_SUPPORT = frozenset({"Object", "open_enum", "recast", "tagged_union", "untagged_union"})
_SKIP = 'skip_serializing_if = "Option::is_none"'


def write_types(view: View, module: str, declarations: list[Declaration], homes: Mapping[str, str]) -> str:
    """One file of types; `homes` are the modules of all types by name."""
    named = {name for one in declarations for name in _needs(one)}
    groups = [
        used("std::collections", named & {"BTreeMap"}),
        [*used("serde", named & {"Deserialize", "Serialize"}), *used("serde_json", named & {"Value"})],
        [
            *used("super", [one for one in named if one in homes and homes[one] != module]),
            *used("crate::runtime", named & {"Upload"}),
            *used("crate::support", named & _SUPPORT),
        ],
    ]
    head = [f"// {view.header}", *(line for group in groups if group for line in ["", *group])]
    return "\n".join([*head, *(line for one in declarations for line in ["", *_declaration(one)])]) + "\n"


def _needs(one: Declaration) -> set[str]:
    """What is named by a declaration and its macros."""
    match one:
        case Struct() if not one.json:
            return names_in(one)
        case Struct():
            return names_in(one) | {"Serialize", "Object"} | (set() if one.form else {"Deserialize"})
        case UnionType():
            macro = "untagged_union" if one.tag is None else "tagged_union"
            return names_in(one) | {"Value", macro, *(["recast"] if one.mirrors else [])}
        case Enum():
            return {"open_enum"}
        case Alias():
            return names_in(one)


def names_in(one: Declaration) -> set[str]:
    """The type names that a declaration mentions."""
    match one:
        case Struct():
            text = " ".join(field.type for field in one.fields)
        case UnionType():
            text = " ".join([*(member.type for member in one.members), *one.mirrors])
        case Alias():
            text = one.type
        case Enum():
            text = ""
    return set(_NAME.findall(text))


def write_types_index(view: View, modules: list[str]) -> str:
    """types/mod.rs."""
    uses = [[f"{kind} {one}{end}" for one in modules] for kind, end in (("mod", ";"), ("pub use", "::*;"))]
    body = [line for group in uses if group for line in ["", *group]]
    return "\n".join([f"// {view.header}", "//! The types of requests and answers.", *body]) + "\n"


def _declaration(one: Declaration) -> list[str]:
    match one:
        case Struct():
            return struct_lines(one)
        case Enum():
            return _enum(one)
        case UnionType():
            return _union(one)
        case Alias():
            return [*one.doc.lines(), *typed(f"pub type {one.name} =", one.type, ";", "")]


def struct_lines(one: Struct) -> list[str]:
    """A structure, its constructor and its setters."""
    asked = [field for field in one.fields if field.asked and field.presence == "plain"]
    given = any(field.given for field in one.fields)
    default = not asked
    derived = ["Clone", "Debug", *(["Default"] if default and not given else [])]
    derived += [] if one.form else ["PartialEq", "Deserialize"] if one.json else ["PartialEq"]
    derived += ["Serialize"] if one.json else []
    lines = [*one.doc.lines(), f"#[derive({', '.join(derived)})]"]
    if not one.fields and not one.json:
        return [*lines, f"pub struct {one.name} {{}}"]
    lines.append(f"pub struct {one.name} {{")
    for field in one.fields:
        attributes = _attribute(field) if one.json else []
        lines += [*field.doc.lines(INDENT), *attributes]
        lines += typed(f"pub {field.name}:", _whole_type(field), ",", INDENT)
    if one.json:
        lines += [
            f"{INDENT}/// The fields that this type does not know.",
            f"{INDENT}#[serde(flatten)]",
            f"{INDENT}pub extra: Object,",
        ]
    lines.append("}")
    if default and given:
        lines += ["", *_default(one)]
    methods = list(_methods(one, default=default)) if one.builds else []
    return [*lines, "", f"impl {one.name} {{", *methods[1:], "}"] if methods else lines


def _whole_type(field: Field) -> str:
    shapes = {"plain": "{}", "option": "Option<{}>", "null": "Option<{}>", "maybe": "Option<Option<{}>>"}
    return shapes[field.presence].format(field.type)


def _attribute(field: Field) -> list[str]:
    if field.is_file:
        return [f"{INDENT}#[serde(skip)]"]
    told = []
    if field.wire is not None and field.wire != Quoted(field.name.removeprefix("r#")):
        told.append(f"rename = {field.wire}")
    if field.presence == "maybe":
        told += ["default", 'deserialize_with = "crate::support::present"']
    if field.presence in ("option", "maybe"):
        told.append(_SKIP)
    flat = f"{INDENT}#[serde({', '.join(told)})]"
    if len(flat) <= MAX_WIDTH:
        return [flat] if told else []
    inner = [f"{INDENT}{INDENT}{one}," for one in told]
    return [f"{INDENT}#[serde(", *inner[:-1], inner[-1].rstrip(","), f"{INDENT})]"]


def _default(one: Struct) -> list[str]:
    pairs: list[tuple[str, Value]] = [
        (f.name, _filled(f, f.given) if f.given else "None") for f in one.fields
    ]
    return [
        f"impl Default for {one.name} {{",
        f"{INDENT}fn default() -> Self {{",
        *_made(one, pairs),
        f"{INDENT}}}",
        "}",
    ]


def _made(one: Struct, pairs: list[tuple[str, Value]], rest: str = "") -> list[str]:
    extra: list[tuple[str, Value]] = [("extra", "Object::new()")] if one.json and not rest else []
    short = [("", key) if key == value else (key, value) for key, value in [*pairs, *extra]]
    made = structure("Self", short, rest)
    return made.lines("", "", INDENT * 2)


def _filled(field: Field, value: str) -> str:
    shapes = {"plain": "{}", "option": "Some({})", "null": "Some({})", "maybe": "Some(Some({}))"}
    return shapes[field.presence].format(value)


def _methods(one: Struct, *, default: bool) -> Iterator[str]:
    asked = [field for field in one.fields if field.asked]
    if asked:
        yield from ["", f"{INDENT}/// A value with all that is required.", f"{INDENT}#[must_use]"]
        arguments = [f"{field.name}: {_argument(field)}" for field in asked]
        yield from function("pub fn new", arguments, "Self", INDENT)
        pairs = [
            (str(f.name), _filled(f, f"{f.name}.into()" if f.into else f.name) if f.asked else _start(f))
            for f in one.fields
            if f.asked or not default
        ]
        rest = "Self::default()" if default and (one.json or len(asked) < len(one.fields)) else ""
        yield from [*_made(one, [*pairs], rest), f"{INDENT}}}"]
    for field in one.fields:
        if field.setter is not None:
            yield from ["", *_setter(field)]


def _start(field: Field) -> str:
    return _filled(field, field.given) if field.given else "None"


def _argument(field: Field) -> str:
    return f"impl Into<{field.type}>" if field.into else field.type


def _setter(field: Field) -> list[str]:
    value = "value.into()" if field.into else "value"
    return [
        f"{INDENT}/// Set `{field.name.removeprefix('r#')}`.",
        f"{INDENT}#[must_use]",
        *function(f"pub fn {field.setter}", ["mut self", f"value: {_argument(field)}"], "Self", INDENT),
        f"{INDENT * 2}self.{field.name} = {_filled(field, value)};",
        f"{INDENT * 2}self",
        f"{INDENT}}}",
    ]


def _enum(one: Enum) -> list[str]:
    lines = [*one.doc.lines(), "#[derive(Clone, Debug, PartialEq, Eq, Hash)]", f"pub enum {one.name} {{"]
    for variant, _, doc in one.values:
        lines += [*doc.lines(INDENT), f"{INDENT}{variant},"]
    lines += [f"{INDENT}/// A text that is not known here.", f"{INDENT}Other(String),", "}", ""]
    known = [f"{INDENT}{variant} = {value}," for variant, value, _ in one.values]
    return [*lines, "open_enum! {", f"{INDENT}{one.name};", *known, "}"]


def _union(one: UnionType) -> list[str]:
    lines = [*one.doc.lines(), "#[derive(Clone, Debug, PartialEq)]", f"pub enum {one.name} {{"]
    for member in one.members:
        type_ = f"Box<{member.type}>" if member.boxed else member.type
        holds = Literal(f"{member.variant}(", [("", type_)], ")")
        lines += [*member.doc.lines(INDENT), *holds.lines("", ",", INDENT)]
    lines += [f"{INDENT}/// A value that is not known here.", f"{INDENT}Other(Value),", "}", ""]
    if one.tag is not None:
        known = [f"{INDENT}{m.variant}({m.type}) = {' | '.join(m.tags)}," for m in one.members]
        lines += ["tagged_union! {", f"{INDENT}{one.name} by {one.tag};", *known, "}"]
    else:
        known = [f"{INDENT}{m.variant}({m.type}){f' if {m.rule}' if m.rule else ''}," for m in one.members]
        lines += ["untagged_union! {", f"{INDENT}{one.name};", *known, "}"]
    if one.text is not None:
        lines += _from(one, "text: &str", f"Self::{one.text}(text.into())")
    for mirror in one.mirrors:
        lines += _from(one, f"value: {mirror}", "recast(&value)")
    return lines


def _from(one: UnionType, argument: str, made: str) -> list[str]:
    return [
        "",
        f"impl From<{argument.partition(': ')[2]}> for {one.name} {{",
        f"{INDENT}fn from({argument}) -> Self {{",
        f"{INDENT * 2}{made}",
        f"{INDENT}}}",
        "}",
    ]
