"""Types of the IR to Python type expressions, and to the converters that make them true.

Two sides exist: `models`, what responses give (views, lists, dicts), and `params`, what requests take
(typed dictionaries, sequences, mappings). A long or named type becomes an alias of its side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ...spec import ir
from .expressions import ANY, NONE, Either, Expression, Name, Subscript, either, width
from .names import Names
from .text import Identifier, Prose, literal
from .view import Alias

LONGEST_INLINE = 58
_PRIMITIVES: Mapping[str, Expression] = {
    "string": Name("str"),
    "integer": Name("int"),
    "number": Name("float"),
    "boolean": Name("bool"),
    "null": NONE,
}


@dataclass(slots=True)
class Side:
    """The types of one generated module."""

    api: ir.Api
    module: str
    wanted: Iterable[str]
    names: Names = field(default_factory=Names)
    class_names: dict[str, Identifier] = field(default_factory=dict)
    converter_names: dict[str, Identifier] = field(default_factory=dict)
    alias_converters: dict[str, str | None] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    widened: Mapping[str, Expression] = field(default_factory=dict)
    paged: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in self.wanted:
            if self.is_named(name):
                self.class_names[name] = self.names.pascal(name)

    def is_named(self, name: str) -> bool:
        """Whether a type keeps its name; plain scalars and aliases of other names do not."""
        found = self.api.types[name].type
        return not isinstance(found, (ir.Primitive, ir.AnyType, ir.LiteralType, ir.Ref))

    @property
    def reading(self) -> bool:
        """Whether these are types of responses."""
        return self.module == "models"

    # expressions

    def expression(self, found: ir.Type, hint: str = "") -> Expression:
        """The type expression; one that is long inline becomes an alias named after `hint`."""
        made = self._expression(found)
        if hint and not is_name(made) and width(made, self.module) > LONGEST_INLINE:
            return self.alias(made, hint)
        return made

    def alias(self, made: Expression, hint: str) -> Expression:
        """A named alias for an expression; None stays outside it."""
        nullable = isinstance(made, Either) and made.members[-1] == NONE
        inner = either(made.members[:-1]) if isinstance(made, Either) and nullable else made
        for alias in self.aliases.values():
            if alias.type == inner:
                return self._optional(Name(alias.name, self.module), nullable)
        name = self.names.pascal(hint)
        self.aliases[name] = Alias(name, inner, Prose(""))
        return self._optional(Name(name, self.module), nullable)

    def _optional(self, made: Expression, nullable: bool) -> Expression:
        return either([made, NONE]) if nullable else made

    def _expression(self, found: ir.Type) -> Expression:
        if isinstance(found, ir.Ref):
            return self._named(found)
        if isinstance(found, ir.Nullable):
            return either([self._expression(found.inner), NONE])
        if isinstance(found, ir.ListType):
            return Subscript("list" if self.reading else "Sequence", (self._expression(found.item),))
        if isinstance(found, ir.MapType):
            value = (Name("str"), self._expression(found.value))
            return Subscript("dict" if self.reading else "Mapping", value)
        if isinstance(found, ir.Union):
            return self._union(found)
        if isinstance(found, ir.TaggedUnion):
            return self._tagged(found)
        if not self.reading and isinstance(found, ir.Primitive) and found.format == "binary":
            return Name("FileInput")
        return scalar_expression(found)

    def _named(self, found: ir.Ref) -> Expression:
        if found.name in self.class_names:
            return Name(self.class_names[found.name], self.module)
        return self._expression(self.api.resolve(found))

    def _union(self, found: ir.Union) -> Expression:
        members = [self._expression(one) for one in found.members]
        if self.reading and len(self._objects(found)) > 1:
            members.append(Name("Unknown"))
        return either(members)

    def _tagged(self, found: ir.TaggedUnion) -> Expression:
        members = [self._expression(one) for _, one in found.members]
        return either([*members, Name("Unknown")] if self.reading else members)

    def definition(self, name: str) -> Expression:
        """What the alias of a named type stands for."""
        made = self._expression(self.api.types[name].type)
        return either([made, self.widened[name]]) if name in self.widened else made

    def is_object(self, found: ir.Type) -> bool:
        """Whether a type is an object with known fields."""
        return isinstance(self.api.resolve(found), ir.ObjectType)

    def _objects(self, found: ir.Union) -> list[ir.Type]:
        return [one for one in found.members if self.is_object(one)]

    # converters

    def converter(self, found: ir.Type) -> str | None:
        """The source of a converter, None where JSON is already what the expression says."""
        if isinstance(found, ir.Ref):
            return self._named_converter(found)
        if isinstance(found, ir.Nullable):
            return self.converter(found.inner)
        if isinstance(found, ir.ListType):
            return wrapped("list_of", self.converter(found.item))
        if isinstance(found, ir.MapType):
            return wrapped("map_of", self.converter(found.value))
        if isinstance(found, ir.Union):
            return self._union_converter(found)
        return None

    def _named_converter(self, found: ir.Ref) -> str | None:
        target = self.api.types[found.name].type
        if isinstance(target, ir.ObjectType):
            return f"obj({self.class_names[found.name]})"
        if self.needs_function(found.name):
            return self.function(found.name)
        if found.name not in self.alias_converters:
            self.alias_converters[found.name] = None  # while it is read: an alias may contain itself
            self.alias_converters[found.name] = self.converter(target)
        return self.alias_converters[found.name]

    def needs_function(self, name: str) -> bool:
        """Whether a named union has a converter function of its own."""
        target = self.api.types[name].type
        return isinstance(target, ir.TaggedUnion) or (
            isinstance(target, ir.Union) and len(self._objects(target)) > 1
        )

    def function(self, name: str) -> Identifier:
        """The name of a union's converter function, such as `to_content_block`."""
        if name not in self.converter_names:
            self.converter_names[name] = self.names.snake(f"to {self.class_names[name]}")
        return self.converter_names[name]

    def _union_converter(self, found: ir.Union) -> str | None:
        made = [self.converter(one) for one in found.members if not isinstance(one, ir.MapType)]
        distinct = list(dict.fromkeys(one for one in made if one is not None))
        lists = [one for one in distinct if one.startswith("list_of(")]
        if len(lists) > 1:
            distinct = [one for one in distinct if one not in lists[1:]]
        if not distinct:
            return None
        return distinct[0] if len(distinct) == 1 else f"either({', '.join(distinct)})"


def is_name(made: Expression) -> bool:
    """Whether the expression is one name, or one name or None."""
    members = made.members if isinstance(made, Either) else (made,)
    others = [one for one in members if one != NONE]
    return len(others) == 1 and isinstance(others[0], Name)


def wrapped(function: str, inner: str | None) -> str | None:
    """A converter around another, None around none."""
    return None if inner is None else f"{function}({inner})"


def scalar_expression(found: ir.Type) -> Expression:
    """The expression of a type without parts."""
    if isinstance(found, ir.Primitive):
        return _PRIMITIVES[found.kind]
    if isinstance(found, ir.LiteralType):
        return _literals([found.value])
    if isinstance(found, ir.EnumType):
        return either([_literals(found.values), *_open(found)])
    return ANY


def _open(found: ir.EnumType) -> list[Expression]:
    """Other values of the same kind are legal too (R-014)."""
    kinds = dict.fromkeys(_kind_of(value) for value in found.values)
    return [_PRIMITIVES[kind] for kind in kinds]


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"


def _literals(values: Iterable[object]) -> Expression:
    allowed = [value for value in values if not isinstance(value, float)]
    if not allowed:
        return Name("float")
    return Subscript("Literal", tuple(Name(literal(value)) for value in allowed))
