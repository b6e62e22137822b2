"""Prints the types: structs, enums, unions and aliases, in the file of the service that needs them."""

from __future__ import annotations

from collections.abc import Iterator

from .printing import file
from .text import aligned
from .view import Alias, Declaration, Enum, Field, Struct, UnionType, View


def write_types(view: View, declarations: list[Declaration]) -> str:
    """One file of types."""
    body = [line for one in declarations for line in ["", *_declaration(one)]]
    return file(view, body[1:], ["encoding/json", view.runtime])


def _declaration(one: Declaration) -> list[str]:
    match one:
        case Struct():
            return _struct(one)
        case Enum():
            return _enum(one)
        case UnionType():
            return _union(one)
        case Alias():
            return [*one.doc.lines(), f"type {one.name} = {one.type}"]


def _struct(one: Struct) -> list[str]:
    return [
        *one.doc.lines(),
        f"type {one.name} struct {{",
        *fields(one.fields),
        *([""] if one.fields else []),
        "\t// Extra are the fields that this type does not know.",
        '\tExtra forge.Extra `json:"-"`',
        "}",
        "",
        "// UnmarshalJSON keeps what the type does not know in Extra.",
        f"func (t *{one.name}) UnmarshalJSON(data []byte) error {{",
        f"\ttype plain {one.name}",
        "\textra, err := forge.UnmarshalKnown(data, (*plain)(t))",
        "\tt.Extra = extra",
        "\treturn err",
        "}",
        "",
        "// MarshalJSON writes the fields, and what stands in Extra.",
        f"func (t {one.name}) MarshalJSON() ([]byte, error) {{",
        f"\ttype plain {one.name}",
        "\treturn forge.MarshalKnown(plain(t), t.Extra)",
        "}",
    ]


def fields(listed: tuple[Field, ...]) -> Iterator[str]:
    """The fields of a struct; those with a comment stand apart."""
    run: list[tuple[str, ...]] = []
    before = False
    for one in listed:
        row = (one.name, one.type) if one.tag is None else (one.name, one.type, one.tag)
        if one.doc is None:
            run.append(row)
            continue
        if run:
            yield from [*([""] if before else []), *aligned(run)]
            before = True
        run = []
        yield from [*([""] if before else []), *one.doc.lines("\t"), "\t" + " ".join(row)]
        before = True
    if run:
        yield from [*([""] if before else []), *aligned(run)]


def _enum(one: Enum) -> list[str]:
    head = [*one.doc.lines(), f"type {one.name} string"]
    if not one.values:
        return head
    rows: list[tuple[str, ...]] = [(name, one.name, f"= {value}") for name, value in one.values]
    return [
        *head,
        "",
        f"// The known values of {one.name}; others are legal.",
        "const (",
        *aligned(rows),
        ")",
    ]


def _union(one: UnionType) -> list[str]:
    lines = [
        *one.doc.lines(),
        f"type {one.name} struct{{ forge.OneOf }}",
        "",
        f"// {one.make} is a {one.name} of any value that its description allows.",
        f"func {one.make}(value any) {one.name} {{",
        f"\treturn {one.name}{{forge.NewOneOf(value)}}",
        "}",
    ]
    for member in one.members:
        tags = " || ".join(f"tag == {tag}" for tag in member.tags)
        lines += [
            "",
            f"// {member.as_name} is the value as {member.type}, false if it is none.",
            f"func (t {one.name}) {member.as_name}() ({member.type}, bool) {{",
        ]
        if one.tag is not None:
            lines += [
                f"\tif tag := t.Tag({one.tag}); !({tags}) {{" if len(member.tags) > 1
                else f"\tif t.Tag({one.tag}) != {member.tags[0]} {{",
                f"\t\tvar none {member.type}",
                "\t\treturn none, false",
                "\t}",
            ]  # fmt: skip
        lines += [f"\treturn forge.As[{member.type}](t.OneOf)", "}"]
    return lines
