"""The interfaces and aliases of all types, and the module that each belongs in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from ...spec import ir
from ..homes import homes
from ..mirrors import mirrors
from .expressions import STRING, Expression, Name, names_in
from .methods import documented
from .text import Identifier, Key, Prose
from .types import Types, closed
from .view import Alias, Declaration, Field, Interface, Method


class DeclarationPlan:
    """Plans the declarations of the named types, of those requested and those answered."""

    def __init__(self, types: Types, requested: Collection[str], answered: Collection[str]) -> None:
        self.api = types.api
        self.types = types
        self.requested = frozenset(requested)
        self.answered = frozenset(answered)
        self.tags = _tags(types.api, types.type_names)
        named = frozenset(types.type_names)
        self.mirrors = mirrors(types.api, sorted(self.requested & named), self.answered & named)

    def declarations(self) -> list[Declaration]:
        """All of them, by name; making them makes the aliases, which come with them."""
        found = [self._declaration(name) for name in self.types.type_names]
        aliases = [Alias(name, Prose(""), made) for name, made in self.types.aliases.items()]
        return sorted([*found, *aliases], key=lambda one: one.name)

    def _declaration(self, name: str) -> Declaration:
        definition = self.api.types[name]
        doc = Prose("\n\n".join(definition.description.strip().split("\n\n")[:3]))
        made = self.types.type_names[name]
        if isinstance(definition.type, ir.ObjectType):
            return self._interface(name, made, doc, definition.type)
        return Alias(made, doc, self.types.definition(name, self.mirrors.get(name, ())))

    def _interface(self, name: str, made: Identifier, doc: Prose, found: ir.ObjectType) -> Interface:
        told = self.tags.get(name, {})
        fields = tuple(self._field(made, one, name, told.get(one.name)) for one in found.properties)
        is_open = found.extra is not None or not fields
        return Interface(made, doc, fields, is_open, readonly=name in self.answered)

    def _field(self, owner: str, one: ir.Property, name: str, tags: list[str] | None) -> Field:
        made = self.types.expression(one.type, f"{owner}_{one.name}")
        if name not in self.requested and made == Name("FileInput"):
            made = STRING
        tag = self._tag(one.type, made, tags)
        return Field(Key(one.name), tag, self._is_required(name, one), Prose(documented(one)))

    def _tag(self, found: ir.Type, made: Expression, tags: list[str] | None) -> Expression:
        """A tag has no other values than those that its union tells members apart by."""
        flat = self.api.resolve(found)
        is_text = isinstance(flat, (ir.EnumType, ir.Primitive)) and flat.kind == "string"
        return closed(tags) if tags and is_text else made

    def _is_required(self, name: str, one: ir.Property) -> bool:
        """Whether it has to be there both ways, where the type travels both ways."""
        hidden = (one.read_only and name in self.requested) or (one.write_only and name in self.answered)
        return one.required and not hidden


def _tags(api: ir.Api, wanted: Iterable[str]) -> Mapping[str, Mapping[str, list[str]]]:
    """By object, then by field: the values that tagged unions tell it apart by."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in wanted:
        one = api.types[name].type
        if isinstance(one, ir.TaggedUnion):
            for value, member in one.members:
                if isinstance(member, ir.Ref):
                    found[member.name][one.tag].append(value)
    return found


def places(declarations: Iterable[Declaration], methods: Mapping[str, Iterable[Method]]) -> dict[str, str]:
    """The module of each declaration, by name; `methods` are those of each service's module."""
    needs: dict[str, Collection[str]] = {one.name: frozenset(names_of(one)) for one in declarations}
    roots = {service: [name for one in found for name in named_by(one)] for service, found in methods.items()}
    return homes(needs, roots)


def names_of(one: Declaration) -> Iterator[str]:
    """The names of the types that a declaration mentions."""
    found = [part.type for part in one.fields] if isinstance(one, Interface) else [one.type]
    return (name.name for made in found for name in names_in(made) if name.own)


def named_by(method: Method) -> Iterator[str]:
    """The names of the types that a method mentions."""
    for made in expressions_of(method):
        yield from (name.name for name in names_in(made) if name.own)
    if method.params is not None:
        yield method.params.name


def expressions_of(method: Method) -> Iterator[Expression]:
    """The types in a method's signatures."""
    yield from (one.type for one in method.path)
    yield method.result
    if method.body is not None:
        yield method.body.type
    if method.item is not None:
        yield method.item
    if method.streaming is not None:
        yield from (method.streaming.event, method.streaming.result)
