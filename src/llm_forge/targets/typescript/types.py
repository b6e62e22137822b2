"""Types of the IR to type expressions of TypeScript.

Requests and answers share their types. A long inline type becomes an alias. Rules of unions, which keep them
free of members that say nothing:
- The members of an alias count as members: what others cover already is left out.
- Beside literals, any text is `string & {}`, so that editors still offer the literals (R-014).
- A tagged union has one more member, `Unknown`, for those that come later (R-141).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from ...spec import ir
from .expressions import (
    BOOLEAN,
    NULL,
    NUMBER,
    OPEN,
    STRING,
    UNKNOWN,
    Array,
    Dictionary,
    Either,
    Expression,
    Name,
    either,
    members_of,
    show,
)
from .names import Names
from .text import Identifier, Quoted, literal

LONGEST_INLINE = 58
_PRIMITIVES: Mapping[str, Expression] = {
    "string": STRING,
    "integer": NUMBER,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "null": NULL,
}
_UNNAMED = (ir.Primitive, ir.AnyType, ir.LiteralType, ir.Ref)
_BOOLEANS = frozenset({Name("true"), Name("false")})


class Types:
    """The expressions and names of all types that requests and answers need."""

    def __init__(self, api: ir.Api, wanted: Iterable[str], names: Names) -> None:
        self.api = api
        self.names = names
        self.type_names = {name: names.pascal(name) for name in wanted if self._is_named(name)}
        self.aliases: dict[Identifier, Expression] = {}
        self._atoms: dict[str, frozenset[Expression]] = {}

    def _is_named(self, name: str) -> bool:
        """Whether a type keeps its name; plain scalars and aliases of other names do not."""
        return not isinstance(self.api.types[name].type, _UNNAMED)

    def expression(self, found: ir.Type, hint: str) -> Expression:
        """The type expression; one that is long becomes an alias named after `hint`."""
        return self._short(self._expression(found, hint), hint)

    def definition(self, name: str, more: Iterable[str] = ()) -> Expression:
        """What the alias of a named type stands for, and `more` that it takes.

        It is any JSON value if the alias stands for nothing but itself.
        """
        if self._is_circular(name):
            return UNKNOWN
        made = self._expression(self.api.types[name].type, name)
        return self.union([made, *(Name(self.type_names[one], own=True) for one in more)])

    def alias(self, made: Expression, hint: str) -> Name:
        """A name for an expression; the name it has already, if there is one."""
        for name, known in self.aliases.items():
            if known == made:
                return Name(name, own=True)
        name = self.names.pascal(hint)
        self.aliases[name] = made
        return Name(name, own=True)

    def _short(self, made: Expression, hint: str) -> Expression:
        """The expression with an alias in place of what is long in it; null stays outside."""
        if isinstance(made, Name) or len(show(made)) <= LONGEST_INLINE:
            return made
        others = [one for one in members_of(made) if one != NULL]
        whole = either(others)
        named = whole if isinstance(whole, Name) else self.alias(whole, hint)
        return either([named, NULL]) if NULL in members_of(made) else named

    def _expression(self, found: ir.Type, hint: str) -> Expression:
        if isinstance(found, ir.Ref):
            return self._named(found, hint)
        if isinstance(found, ir.Nullable):
            return self.union([self._expression(found.inner, hint), NULL])
        if isinstance(found, ir.ListType):
            return Array(self.expression(found.item, f"{hint}_Item"))
        if isinstance(found, ir.MapType):
            return Dictionary(self.expression(found.value, f"{hint}_Value"))
        if isinstance(found, ir.Union):
            return self.union([self.expression(one, f"{hint}_Option") for one in found.members])
        if isinstance(found, ir.TaggedUnion):
            members = [self.expression(one, f"{hint}_Option") for _, one in found.members]
            return self.union([*members, Name(f"Unknown<{Quoted(found.tag)}>")])
        return scalar(found)

    def _named(self, found: ir.Ref, hint: str) -> Expression:
        if found.name in self.type_names:
            return Name(self.type_names[found.name], own=True)
        return self._expression(self.api.resolve(found), hint)

    # unions

    def union(self, members: Iterable[Expression]) -> Expression:
        """A union without members that others cover."""
        listed = members_of(either(list(members)))
        atoms = {one: self._atoms_in(one, ()) for one in listed}
        every = frozenset(atom for some in atoms.values() for atom in some)
        if UNKNOWN in every:
            return UNKNOWN
        kept: list[Expression] = []
        seen: set[Expression] = set(_BOOLEANS if BOOLEAN in every else ())
        for one in _with_literals_apart(listed, atoms, every):
            covered = {_opened(atom, every) for atom in self._atoms_in(one, ())}
            if not covered <= seen:
                kept.append(_opened(one, every))
            seen |= covered
        return either(kept)

    def _atoms_in(self, made: Expression, above: tuple[str, ...]) -> frozenset[Expression]:
        """The members of a union, those of its aliases too; a name that stands above is nothing new."""
        if isinstance(made, Either):
            return frozenset(atom for one in made.members for atom in self._atoms_in(one, above))
        if not isinstance(made, Name) or not made.own:
            return frozenset({made})
        return frozenset() if made.name in above else self._atoms_of(made, above)

    def _atoms_of(self, name: Name, above: tuple[str, ...]) -> frozenset[Expression]:
        if name.name in self._atoms:
            return self._atoms[name.name]
        if name.name in self.aliases:
            return self._atoms_in(self.aliases[Identifier(name.name)], (*above, name.name))
        wire = self._wire_names.get(name.name)
        if wire is None or isinstance(self.api.types[wire].type, ir.ObjectType):
            return frozenset({name})
        members = [self._member(one) for one in _direct(self.api.types[wire].type)]
        found = frozenset(atom for one in members for atom in self._atoms_in(one, (*above, name.name)))
        if not above:
            self._atoms[name.name] = found
        return found

    @cached_property
    def _wire_names(self) -> Mapping[str, str]:
        return {made: wire for wire, made in self.type_names.items()}

    def _member(self, found: ir.Type) -> Expression:
        """A member of a named union, as far as other members can be compared with it."""
        if isinstance(found, (ir.Ref, ir.ListType, ir.MapType)):
            return self._expression(found, "Member")
        return scalar(found)

    def _is_circular(self, name: str) -> bool:
        """Whether an alias reaches itself through nothing but aliases and unions."""
        seen: set[str] = set()
        waiting = _refs(self.api.types[name].type)
        while waiting:
            one = waiting.pop()
            if one == name:
                return True
            if one not in seen:
                seen.add(one)
                waiting.extend(_refs(self.api.types[one].type))
        return False


def scalar(found: ir.Type) -> Expression:
    """The expression of a type without parts."""
    if isinstance(found, ir.Primitive):
        return Name("FileInput") if found.format == "binary" else _PRIMITIVES[found.kind]
    if isinstance(found, ir.LiteralType):
        return Name(literal(found.value))
    if isinstance(found, ir.EnumType):
        return _open_enum(found.values)
    return UNKNOWN


def closed(values: Iterable[object]) -> Expression:
    """The union of literals."""
    return either([Name(literal(one)) for one in values])


def _open_enum(values: Iterable[object]) -> Expression:
    """The literals, and any other value of their kinds (R-014)."""
    listed = list(values)
    kinds = list(dict.fromkeys(_kind_of(one) for one in listed))
    literals = [Name(literal(one)) for one in listed if not isinstance(one, bool)]
    return either([*literals, *(OPEN.get(kind, kind) for kind in kinds)])


def _kind_of(value: object) -> Name:
    if isinstance(value, bool):
        return BOOLEAN
    return NUMBER if isinstance(value, (int, float)) else STRING


def _is_literal(atom: Expression, kind: Expression) -> bool:
    """Whether an atom is a literal of a kind, or the open rest of an enum."""
    if not isinstance(atom, Name) or atom.own:
        return False
    if atom in OPEN.values():
        return isinstance(kind, Name) and atom == OPEN[kind]
    is_number = atom.name[:1].isdigit() or atom.name[:1] == "-"
    return is_number if kind == NUMBER else atom.name[:1] in ("'", '"')


def _with_literals_apart(
    listed: Iterable[Expression],
    atoms: Mapping[Expression, frozenset[Expression]],
    every: frozenset[Expression],
) -> Iterable[Expression]:
    """The members; an alias with plain text or numbers gives way to its own where literals stand beside."""
    crowded = [kind for kind in (STRING, NUMBER) if any(_is_literal(atom, kind) for atom in every)]
    for one in listed:
        if len(atoms[one]) > 1 and any(kind in atoms[one] for kind in crowded):
            yield from sorted(atoms[one], key=show)
        else:
            yield one


def _opened(made: Expression, every: frozenset[Expression]) -> Expression:
    """`string` as `string & {}` where literals stand beside it; numbers likewise."""
    if isinstance(made, Name) and made in OPEN and any(_is_literal(atom, made) for atom in every):
        return OPEN[made]
    return made


def _direct(found: ir.Type) -> list[ir.Type]:
    """The members of a type that is a union or may be null; else the type itself."""
    if isinstance(found, ir.Nullable):
        return [*_direct(found.inner), ir.Primitive("null")]
    if isinstance(found, ir.Union):
        return [one for member in found.members for one in _direct(member)]
    if isinstance(found, ir.TaggedUnion):
        return [one for _, member in found.members for one in _direct(member)]
    return [found]


def _refs(found: ir.Type) -> list[str]:
    return [one.name for one in _direct(found) if isinstance(one, ir.Ref)]
