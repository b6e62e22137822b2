"""Type aliases in an order in which each can be evaluated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ...spec import ir
from ..text import first_sentence
from .expressions import ANY, Either, Expression, Name, names_in
from .text import Identifier, Prose
from .types import Side
from .view import Alias


def ordered_aliases(side: Side) -> tuple[Alias, ...]:
    """All aliases of a side; what an alias names inside brackets may come later, in quotes."""
    found: dict[str, Alias] = {}
    for name, class_name in side.class_names.items():
        definition = side.api.types[name]
        if not isinstance(definition.type, ir.ObjectType):
            doc = Prose(first_sentence(definition.description, 400))
            found[class_name] = Alias(class_name, side.definition(name), doc)
    order = _Order(side.module, {**side.aliases, **found})
    for name in sorted(order.found):
        order.place(name, frozenset())
    return tuple(order.done.values())


@dataclass(slots=True)
class _Order:
    module: str
    found: dict[str, Alias]
    done: dict[str, Alias] = field(default_factory=dict)

    def place(self, name: str, above: frozenset[str]) -> None:
        """Place one alias after those it names, except where they name it in turn."""
        if name in self.done or name in above:
            return
        alias = self.found[name]
        direct = self._local(_members(alias.type))
        above |= {name}
        for one in direct:
            self.place(one, above)
        for one in self._local(names_in(alias.type)):
            if one not in self.done and not self._closure(one) & above:
                self.place(one, above)
        undefined = {one for one in direct if one not in self.done}
        made = ANY if undefined else alias.type
        later = frozenset(one for one in self._local(names_in(made)) if one not in self.done)
        self.done[name] = Alias(Identifier(name), made, alias.doc, later)

    def _local(self, names: Iterable[Name]) -> list[str]:
        """Aliases of this module among names, sorted."""
        return sorted({n.name for n in names if n.module == self.module and n.name in self.found})

    def _closure(self, name: str) -> frozenset[str]:
        """Aliases that must be defined before this one, itself included."""
        reached: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one not in reached:
                reached.add(one)
                waiting.extend(self._local(_members(self.found[one].type)))
        return frozenset(reached)


def _members(made: Expression) -> list[Name]:
    members = made.members if isinstance(made, Either) else (made,)
    return [one for one in members if isinstance(one, Name)]
