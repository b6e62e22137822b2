"""Go types for types of a description.

Rules of this file:
- Nothing is lost: a struct keeps what it does not know, a union its JSON, an enum any text.
- What may be absent or null is a pointer, unless its type has a nil already.
- A struct that would contain itself is a pointer there; an alias that would mean itself is `any`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from ...spec import ir
from ..reach import parts, reachable
from .names import PACKAGE_SCOPE, STRUCT_SCOPE, Names, pascal
from .text import Identifier, Prose, Quoted, Tag, fits_tag
from .view import Alias, Declaration, Enum, Field, Member, Struct, UnionType

_PRIMITIVES = {"string": "string", "integer": "int64", "number": "float64", "boolean": "bool", "null": "any"}
_NILABLE = ("[]", "map[", "*", "any")
_SCALARS: dict[type, str] = {bool: "bool", int: "int64", float: "float64", str: "string"}


class Types:
    """The Go types of one description, as far as its operations need them."""

    def __init__(
        self, api: ir.Api, roots: list[ir.Type], forms: list[ir.Type], without: dict[str, str]
    ) -> None:
        """`forms` are the types of bodies that hold files.

        `without` names, by type, a field that callers never set, such as the one that asks for a stream.
        """
        self.api = api
        self.names = Names(PACKAGE_SCOPE)
        self._without = without
        self._forms = frozenset(reachable(api, forms, writing=True))
        self._in_form = False
        needed = {*reachable(api, roots, writing=True), *reachable(api, roots, writing=False)}
        self._wire_names = sorted(needed)
        self.go_names = {name: self.names.exported(name) for name in self._wire_names}

    def expression(self, found: ir.Type) -> str:
        """The Go type of a type."""
        match found:
            case ir.Ref():
                return self.go_names[found.name]
            case ir.Primitive():
                is_file = self._in_form and found.format == "binary"
                return "forge.Upload" if is_file else _PRIMITIVES[found.kind]
            case ir.LiteralType():
                return _SCALARS.get(type(found.value), "any")
            case ir.EnumType():
                return _PRIMITIVES[found.kind]
            case ir.ListType():
                return f"[]{self.expression(found.item)}"
            case ir.MapType():
                return f"map[string]{self.expression(found.value)}"
            case ir.Nullable():
                return self.pointer(found.inner)
            case ir.ObjectType():
                return "map[string]any"
            case ir.Union() | ir.TaggedUnion():
                return "forge.OneOf"
        return "any"

    def pointer(self, found: ir.Type) -> str:
        """The Go type of what may be absent or null."""
        made = self.expression(found)
        return made if self._has_nil(found) else f"*{made}"

    def _has_nil(self, found: ir.Type) -> bool:
        seen: set[str] = set()
        while isinstance(found, ir.Ref) and found.name not in seen:
            if self._is_own(found.name):
                return False
            seen.add(found.name)
            found = self.api.types[found.name].type
        return isinstance(found, ir.Ref) or self.expression(found).startswith(_NILABLE)

    def _is_own(self, name: str) -> bool:
        """Whether a named type is a Go type of its own rather than an alias."""
        found = self.api.types[name].type
        enum = isinstance(found, ir.EnumType) and found.kind == "string"
        return enum or isinstance(found, (ir.ObjectType, ir.Union, ir.TaggedUnion))

    # -- declarations ------------------------------------------------------------------------------

    def declarations(self) -> Iterator[Declaration]:
        """Every named type, by name."""
        for wire in self._wire_names:
            yield self._declaration(wire, self.api.types[wire])

    def _declaration(self, wire: str, told: ir.TypeDef) -> Declaration:
        name = self.go_names[wire]
        doc = Prose(name, told.description or f"the JSON value {wire}.")
        self._in_form = wire in self._forms
        match told.type:
            case ir.ObjectType():
                return Struct(name, doc, tuple(self._fields(wire, told.type)))
            case ir.EnumType() if told.type.kind == "string":
                return Enum(name, doc, tuple(self._values(name, told.type)))
            case ir.TaggedUnion():
                make = self.names.exported(f"New {name}")
                return UnionType(name, make, doc, tuple(self._tagged(told.type)), Quoted(told.type.tag))
            case ir.Union():
                make = self.names.exported(f"New {name}")
                return UnionType(name, make, doc, tuple(self._members(told.type)))
        return Alias(name, doc, "any" if wire in self._circular else self.expression(told.type))

    def _values(self, name: Identifier, found: ir.EnumType) -> Iterator[tuple[Identifier, Quoted]]:
        for value in found.values:
            yield self.names.exported(f"{name} {value}"), Quoted(str(value))

    def _fields(self, wire: str, found: ir.ObjectType) -> Iterator[Field]:
        names = Names(STRUCT_SCOPE)
        for one in found.properties:
            if one.name == self._without.get(wire) or not fits_tag(one.name):
                continue  # an odd name is kept in Extra
            name = names.exported(one.name)
            optional = not one.required or one.read_only or one.write_only
            yield Field(
                name,
                self._field_type(wire, one, optional=optional),
                Tag(one.name, optional=optional, given=self._given(one, optional=optional)),
                Prose(name, one.description) if one.description.strip() else None,
            )

    def _field_type(self, wire: str, one: ir.Property, *, optional: bool) -> str:
        if optional or self._contains(one.type, wire):
            return self.pointer(one.type)
        return self.expression(one.type)

    def _given(self, one: ir.Property, *, optional: bool) -> str:
        """The text that a field has where the caller gave none: the only one that it may have."""
        found = one.type
        fixed = isinstance(found, ir.LiteralType) and isinstance(found.value, str) and not optional
        return found.value if fixed else ""  # type: ignore[union-attr,return-value]  # a text, as was just asked

    def _tagged(self, found: ir.TaggedUnion) -> Iterator[Member]:
        names = Names(STRUCT_SCOPE | {"Raw", "Tag", "OneOf"})
        by_type: dict[str, list[Quoted]] = {}
        for tag, member in found.members:
            by_type.setdefault(self.expression(member), []).append(Quoted(tag))
        for type_, tags in by_type.items():
            yield Member(names.exported(f"As {pascal(type_)}"), type_, tuple(tags))

    def _members(self, found: ir.Union) -> Iterator[Member]:
        names = Names(STRUCT_SCOPE | {"Raw", "Tag", "OneOf"})
        for type_ in dict.fromkeys(self.expression(one) for one in found.members):
            yield Member(names.exported(f"As {_words_of(type_)}"), type_)

    # -- cycles ------------------------------------------------------------------------------------

    @cached_property
    def _circular(self) -> frozenset[str]:
        """Aliases that would mean themselves."""
        return frozenset(
            name for name in self._wire_names if not self._is_own(name) and self._reaches_alias(name)
        )

    def _reaches_alias(self, name: str) -> bool:
        waiting, seen = [self.api.types[name].type], set[str]()
        while waiting:
            one = waiting.pop()
            if not isinstance(one, ir.Ref):
                waiting.extend(parts(one))
            elif one.name == name:
                return True
            elif one.name not in seen and not self._is_own(one.name):
                seen.add(one.name)
                waiting.append(self.api.types[one.name].type)
        return False

    def _contains(self, found: ir.Type, owner: str) -> bool:
        """Whether a value of the type would hold a value of `owner` in itself."""
        waiting, seen = [found], set[str]()
        while waiting:
            one = waiting.pop()
            if not isinstance(one, ir.Ref) or one.name in seen:
                continue
            if one.name == owner:
                return True
            seen.add(one.name)
            flat = self.api.types[one.name].type
            if isinstance(flat, ir.ObjectType):
                waiting.extend(p.type for p in flat.properties if p.required)
            elif isinstance(flat, ir.Ref):
                waiting.append(flat)
        return False


def _words_of(type_: str) -> str:
    """A Go type in words: `[]string` is StringList, `map[string]any` AnyMap."""
    if type_.startswith("[]"):
        return f"{_words_of(type_[2:])} List"
    if type_.startswith("map[string]"):
        return f"{_words_of(type_[11:])} Map"
    return pascal(type_.removeprefix("*").rpartition(".")[2])
