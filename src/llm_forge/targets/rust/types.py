"""Rust types for types of a description.

Rules of this file:
- Nothing is lost: a structure keeps what it does not know, a union and an enum any other value.
- Of answers every field may be absent (R-200); of requests those that are required are always there.
- A structure that would contain itself is boxed there, and so is every object in a union.
- Texts with known values and unions that stand in a field get a name from where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TypeAlias

from ...spec import ir
from ..mirrors import mirrors
from ..reach import parts, reachable
from .cycles import Cycles
from .names import FIELD_SCOPE, SETTER_SCOPE, TYPE_SCOPE, VARIANT_SCOPE, Names, pascal
from .text import Doc, Identifier, Quoted, literal
from .unions import Unions
from .view import Alias, Declaration, Enum, Field, Presence, Struct, UnionType

_PRIMITIVES = {"string": "String", "integer": "i64", "number": "f64", "boolean": "bool", "null": "Value"}
Choice: TypeAlias = ir.EnumType | ir.Union | ir.TaggedUnion
_SCALARS: dict[type, str] = {bool: "bool", int: "i64", float: "f64", str: "String"}


class Types:
    """The Rust types of one description, as far as its operations need them."""

    def __init__(
        self,
        api: ir.Api,
        requested: list[ir.Type],
        answered: list[ir.Type],
        files: dict[str, tuple[str, ...]],
        without: dict[str, str],
    ) -> None:
        """`requested` and `answered` are the roots of what is sent and received.

        `files` are the fields that hold files, by the type of the form. `without` names, by type, a field
        that callers never set, such as the one that asks for a stream.
        """
        self.api = api
        self.names = Names(TYPE_SCOPE)
        self.requested = frozenset(reachable(api, requested, writing=True))
        self.answered = frozenset(reachable(api, answered, writing=False))
        self._files = {name: told for name, told in files.items() if name not in self.answered}
        self._without = without
        self._wire_names = sorted(self.requested | self.answered)
        self.rust_names = {name: self.names.camel(name) for name in self._wire_names}
        self._hoisted: dict[tuple[str, Choice], Identifier] = {}
        self._waiting: list[tuple[Identifier, Choice, Doc]] = []
        self._unions = Unions(self)
        self._mirrors = mirrors(api, sorted(self.requested), self.answered)
        self._cycles = Cycles(api, self._wire_names)

    # -- expressions -------------------------------------------------------------------------------

    def expression(self, found: ir.Type, place: str) -> str:
        """The Rust type of a type; `place` are the words for where it stands."""
        match found:
            case ir.Ref():
                return self.rust_names[found.name]
            case ir.Primitive():
                return _PRIMITIVES[found.kind]
            case ir.LiteralType():
                return _SCALARS.get(type(found.value), "Value")
            case ir.EnumType() | ir.Union() | ir.TaggedUnion():
                return self._choice_name(found, place)
            case ir.ListType():
                return f"Vec<{self.expression(found.item, f'{place} Item')}>"
            case ir.MapType() if isinstance(found.value, ir.AnyType):
                return "Object"
            case ir.MapType():
                return f"BTreeMap<String, {self.expression(found.value, f'{place} Value')}>"
            case ir.Nullable():
                return f"Option<{self.expression(self.without_null(found)[0], place)}>"
            case ir.ObjectType():
                return "Object"
        return "Value"

    def _choice_name(self, found: Choice, place: str) -> str:
        if isinstance(found, ir.EnumType) and found.kind != "string":
            return _PRIMITIVES[found.kind]
        key = (place, found)
        if key not in self._hoisted:
            self._hoisted[key] = self.names.camel(place)
            doc = Doc(f"The values of {' '.join(place.split())}.")
            self._waiting.append((self._hoisted[key], found, doc))
        return self._hoisted[key]

    def without_null(self, found: ir.Type) -> tuple[ir.Type, bool]:
        """A type without null, and whether it had it."""
        flat = self.expanded(found)
        if not isinstance(flat, ir.Nullable):
            return found, False
        while isinstance(flat, ir.Nullable):
            found = flat.inner
            flat = self.expanded(found)
        return found, True

    def expanded(self, found: ir.Type) -> ir.Type:
        """The type behind aliases: never a Ref to one."""
        while isinstance(found, ir.Ref) and not self.is_own(found.name):
            if found.name in self._circular:
                return ir.AnyType()
            found = self.api.types[found.name].type
        return found

    def is_own(self, name: str) -> bool:
        """Whether a named type is a Rust type of its own rather than an alias."""
        found = self.api.types[name].type
        enum = isinstance(found, ir.EnumType) and found.kind == "string"
        return enum or isinstance(found, (ir.ObjectType, ir.Union, ir.TaggedUnion))

    def becomes(self, found: ir.Type) -> bool:
        """Whether values of other types may be given for a type: texts for an enum, members for a union."""
        flat = self.expanded(found)
        flat = self.api.resolve(flat) if isinstance(flat, ir.Ref) else flat
        if isinstance(flat, (ir.EnumType, ir.Primitive)):
            return flat.kind in ("string", "null")
        if isinstance(flat, ir.LiteralType):
            return isinstance(flat.value, str)
        return isinstance(flat, (ir.Union, ir.TaggedUnion, ir.AnyType))

    # -- declarations ------------------------------------------------------------------------------

    def declarations(self) -> Iterator[Declaration]:
        """Every named type by name, then those that got a name from where they stand."""
        for wire in self._wire_names:
            yield self._declaration(wire, self.api.types[wire])
        while self._waiting:
            name, found, doc = self._waiting.pop(0)
            yield self._choice(name, found, doc)

    def _declaration(self, wire: str, told: ir.TypeDef) -> Declaration:
        name = self.rust_names[wire]
        doc = Doc(told.description, f"The JSON value {wire}.")
        if isinstance(told.type, ir.ObjectType):
            fields = tuple(self._fields(wire, told.type))
            return Struct(name, doc, fields, builds=wire in self.requested, form=wire in self._files)
        if isinstance(told.type, Choice) and self.is_own(wire):
            made = self._choice(name, told.type, doc)
            return replace(made, mirrors=self._mirrored(wire, made)) if isinstance(made, UnionType) else made
        return Alias(name, doc, "Value" if wire in self._circular else self.expression(told.type, wire))

    def _mirrored(self, wire: str, union: UnionType) -> tuple[str, ...]:
        """The types of answers that a union of requests takes too: what was said can be said again."""
        members = {one.type for one in union.members}
        names = [self.rust_names[one] for one in self._mirrors.get(wire, ()) if self.is_own(one)]
        return tuple(one for one in names if one not in members)

    def _choice(self, name: Identifier, found: Choice, doc: Doc) -> Declaration:
        if isinstance(found, ir.TaggedUnion):
            return self._unions.tagged(name, doc, found)
        if isinstance(found, ir.Union):
            return self._unions.untagged(name, doc, found)
        names = Names(VARIANT_SCOPE)
        values = dict.fromkeys(map(str, found.values))
        made = ((names.camel(one or "Empty"), Quoted(one), Doc.code(one)) for one in values)
        return Enum(name, doc, tuple(made))

    def _fields(self, wire: str, found: ir.ObjectType) -> Iterator[Field]:
        names, setters = Names(FIELD_SCOPE), Names(SETTER_SCOPE)
        files = self._files.get(wire, ())
        for one in found.properties:
            if one.name != self._without.get(wire):
                make = self._file if one.name in files else self._field
                yield make(wire, one, names.snake(one.name), setters)

    def file_fields(self, found: ir.Type) -> Iterator[tuple[Identifier, str]]:
        """The fields of a form that hold files, with their wire names."""
        wire = found.name if isinstance(found, ir.Ref) else ""
        told = self.api.types[wire].type if wire in self._files else None
        names = Names(FIELD_SCOPE)
        for one in told.properties if isinstance(told, ir.ObjectType) else ():
            if one.name != self._without.get(wire):
                name = names.snake(one.name)
                if one.name in self._files[wire]:
                    yield name, one.name

    def _file(self, _: str, one: ir.Property, name: Identifier, setters: Names) -> Field:
        inner, _null = self.without_null(one.type)
        single = isinstance(self.api.resolve(inner), ir.Primitive)
        return Field(
            name=name,
            wire=Quoted(one.name),
            type="Upload" if single else "Vec<Upload>",
            presence="plain" if one.required else "option",
            doc=Doc(one.description, "A file."),
            into=False,
            asked=one.required,
            is_file=True,
            setter=None if one.required else setters.snake(one.name),
        )

    def _field(self, wire: str, one: ir.Property, name: Identifier, setters: Names) -> Field:
        inner, nullable = self.without_null(one.type)
        required = one.required and not one.read_only and not one.write_only
        boxed = self._cycles.holds(inner, wire)
        type_ = self.expression(inner, f"{pascal(wire)} {pascal(one.name)}")
        given = self._given(wire, one, required=required)
        return Field(
            name=name,
            wire=Quoted(one.name),
            type=f"Box<{type_}>" if boxed else type_,
            presence=presence(required=required and wire not in self.answered, told=required, null=nullable),
            doc=Doc(one.description, f"The field `{Doc.code(one.name).strip('`')}`."),
            into=boxed or self.becomes(inner),
            given=given,
            asked=required and not nullable and not given,
            setter=setters.snake(one.name) if not required or nullable else None,
        )

    def _given(self, wire: str, one: ir.Property, *, required: bool) -> str:
        """The value that a field has where the caller gave none: the only one that it may have."""
        tag = self._unions.tags.get((wire, one.name))
        if tag is not None:
            return f"{Quoted(tag)}.into()"
        found = self.expanded(one.type)
        if isinstance(found, ir.EnumType) and len(found.values) == 1:
            value: object = found.values[0]
        elif isinstance(found, ir.LiteralType):
            value = found.value
        else:
            return ""
        if not required or not isinstance(value, (str, bool, int)):
            return ""
        return f"{Quoted(value)}.into()" if isinstance(value, str) else literal(value)

    @cached_property
    def _circular(self) -> frozenset[str]:
        """Aliases that would mean themselves."""
        return frozenset(
            name for name in self._wire_names if not self.is_own(name) and self._reaches_alias(name)
        )

    def _reaches_alias(self, name: str) -> bool:
        waiting, seen = [self.api.types[name].type], set[str]()
        while waiting:
            one = waiting.pop()
            if not isinstance(one, ir.Ref):
                waiting.extend(parts(one))
            elif one.name == name:
                return True
            elif one.name not in seen and not self.is_own(one.name):
                seen.add(one.name)
                waiting.append(self.api.types[one.name].type)
        return False


def presence(*, required: bool, told: bool, null: bool) -> Presence:
    """How a field is there; `told` says that the description requires it, `required` that the type does."""
    if null:
        return "null" if told else "maybe"
    return "plain" if required else "option"
