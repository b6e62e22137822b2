"""The members of unions: what each is called, and which values are one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from ...spec import ir
from .names import VARIANT_SCOPE, Names, pascal
from .text import Doc, Identifier, Quoted
from .view import Member, UnionType

if TYPE_CHECKING:
    from .types import Types

_WORDS = {"String": "Text", "i64": "Integer", "f64": "Number", "bool": "Bool", "Object": "Object"}


class Unions:
    """Plans the unions of one description."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._api = types.api

    def tagged(self, name: Identifier, doc: Doc, found: ir.TaggedUnion) -> UnionType:
        """A union that a field tells apart; a type with several tags is one variant."""
        names = Names(VARIANT_SCOPE)
        by_type: dict[str, tuple[ir.Type, list[str]]] = {}
        for tag, member in found.members:
            type_ = self._canonical(member, f"{name} {pascal(tag)}")
            by_type.setdefault(type_, (member, []))[1].append(tag)
        members = (
            Member(
                variant=names.camel(tags[0] or "Empty"),
                type=type_,
                boxed=self._is_boxed(member),
                doc=Doc.code(tags[0]),
                tags=tuple(map(Quoted, tags)),
            )
            for type_, (member, tags) in by_type.items()
            if type_ != "Value"
        )
        return UnionType(name, doc, tuple(members), tag=Quoted(found.tag))

    def untagged(self, name: Identifier, doc: Doc, found: ir.Union) -> UnionType:
        """A union whose members are told apart by what they require."""
        names = Names(VARIANT_SCOPE)
        by_type: dict[str, ir.Type] = {}
        for one in self._ordered(found):
            by_type.setdefault(self._canonical(one, f"{name} Value"), one)
        members = [
            Member(
                variant=names.camel(self._words(type_, name)),
                type=type_,
                boxed=self._is_boxed(one),
                doc=Doc(f"A value of the type {type_}.") if "<" not in type_ else Doc.code(type_),
                rule=self._rule(one),
            )
            for type_, one in by_type.items()
            if type_ != "Value"
        ]
        text = next((one.variant for one in members if self._is_text(by_type[one.type])), None)
        return UnionType(name, doc, tuple(members), text=text)

    @cached_property
    def tags(self) -> dict[tuple[str, str], str]:
        """The value of a tag, by structure and field, where the structure has only that one."""
        found: dict[tuple[str, str], set[str]] = {}
        for told in self._api.types.values():
            if isinstance(told.type, ir.TaggedUnion):
                for tag, member in told.type.members:
                    if isinstance(member, ir.Ref):
                        found.setdefault((member.name, told.type.tag), set()).add(tag)
        return {key: next(iter(values)) for key, values in found.items() if len(values) == 1}

    def _canonical(self, found: ir.Type, place: str) -> str:
        """The Rust type without aliases and null, so that equal ones are one."""
        inner = self._types.expanded(self._types.without_null(found)[0])
        return self._types.expression(inner, place)

    def _ordered(self, found: ir.Union) -> Iterator[ir.Type]:
        """The members; of objects those first that require most, since the others would take their values.

        A text beside a text with known values is left out: that one takes any text.
        """
        flat = {one: self._flat(one) for one in found.members}
        objects = [one for one in found.members if isinstance(flat[one], ir.ObjectType)]
        objects.sort(key=lambda one: -len(_required(flat[one])))
        known = any(isinstance(one, ir.EnumType) and one.kind == "string" for one in flat.values())
        for one in found.members:
            if isinstance(flat[one], ir.ObjectType):
                yield objects.pop(0)
            elif not (known and _is_plain_text(flat[one])):
                yield one

    def _flat(self, found: ir.Type) -> ir.Type:
        return self._api.resolve(self._types.without_null(found)[0])

    def _is_boxed(self, found: ir.Type) -> bool:
        found = self._types.expanded(self._types.without_null(found)[0])
        flat = self._api.resolve(found)
        return isinstance(found, ir.Ref) and isinstance(flat, (ir.ObjectType, ir.Union, ir.TaggedUnion))

    def _is_text(self, found: ir.Type) -> bool:
        flat = self._flat(found)
        return _is_plain_text(flat) or (isinstance(flat, ir.EnumType) and flat.kind == "string")

    def _words(self, type_: str, owner: str) -> str:
        """A Rust type in words: `Vec<String>` is TextList."""
        if type_.startswith("Vec<"):
            return f"{self._words(type_[4:-1], owner)} List"
        if type_.startswith("BTreeMap<String, "):
            return f"{self._words(type_[17:-1], owner)} Map"
        if type_.startswith("Option<"):
            return self._words(type_[7:-1], owner)
        return _WORDS.get(type_, type_.removeprefix(owner) or type_)

    def _rule(self, found: ir.Type) -> str:
        """Code for what an object must have to be this member, "" for what serde tells by itself."""
        flat = self._flat(found)
        if isinstance(flat, ir.TaggedUnion):
            tags = ", ".join(Quoted(tag) for tag, _ in flat.members)
            return f"fits(&[], &[({Quoted(flat.tag)}, &[{tags}])])"
        if not isinstance(flat, ir.ObjectType):
            return ""
        fixed = [
            f"({Quoted(one.name)}, &[{', '.join(map(Quoted, values))}])"
            for one in flat.properties
            if one.required and (values := self._texts(one.type))
        ]
        names = ", ".join(Quoted(name) for name in _required(flat))
        return f"fits(&[{names}], &[{', '.join(fixed)}])" if names or fixed else ""

    def _texts(self, found: ir.Type) -> tuple[str, ...]:
        flat = self._api.resolve(found)
        if isinstance(flat, ir.EnumType) and len(flat.values) == 1 and flat.kind == "string":
            return (str(flat.values[0]),)
        return (flat.value,) if isinstance(flat, ir.LiteralType) and isinstance(flat.value, str) else ()


def _required(found: ir.Type) -> tuple[str, ...]:
    properties = found.properties if isinstance(found, ir.ObjectType) else ()
    return tuple(one.name for one in properties if one.required and not one.write_only)


def _is_plain_text(found: ir.Type) -> bool:
    text = isinstance(found, ir.LiteralType) and isinstance(found.value, str)
    return text or (isinstance(found, ir.Primitive) and found.kind == "string")
