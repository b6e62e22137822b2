"""The text of one method: what it takes, what it returns, and the call that it makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from . import layout
from .expressions import show
from .names import ARGUMENT_NAMES, Names
from .text import Identifier, Key, Quoted, is_plain
from .view import Method, Taken

Absent = Literal["", "?", " = {}"]
"""What is printed of parameters that may be absent: nothing, that they may, or their default."""


@dataclass(frozen=True)
class CallText:
    """A method that `returns` what the client's method `verb` gives."""

    method: Method
    returns: str
    verb: str

    def lines(self, name: str) -> list[str]:
        """The whole method."""
        return [*self.signature(name, "", " {"), *self.body(), "  }"]

    def signature(self, name: str, switch: str, end: str, absent: Absent = " = {}") -> list[str]:
        """The head of the method; `switch` is joined to the type of `params`."""
        parameters = layout.Group(f"{name}(", tuple(self._parameters(switch, absent)), ")")
        found = layout.lines("", parameters, f": {self.returns}{end}", "  ")
        if len(found[-1]) <= layout.WIDTH:
            return found
        return [*layout.broken("", parameters, ":", "  ")[:-1], *self._broken_result(end)]

    def _broken_result(self, end: str) -> list[str]:
        """A result that is too long for the line of the closing bracket."""
        members = self.returns.split(" | ")
        if len(members) > 1:
            return layout.union("):", members, end, "  ")
        name, _, rest = self.returns.removesuffix(">").partition("<")
        *others, last = rest.split(", ")
        return [f"  ): {name}<", *(f"    {one}," for one in others), f"    {last}", f"  >{end}"]

    def _parameters(self, switch: str, absent: Absent) -> Iterator[str]:
        method = self.method
        yield from (f"{one.name}: {show(one.type)}" for one in method.path)
        needs_params = method.params is not None and not method.params.optional
        if method.body is not None:
            mark = "?" if method.body.optional and not needs_params else ""
            nothing = " | undefined" if method.body.optional and needs_params else ""
            yield f"body{mark}: {show(method.body.type)}{nothing}"
        if method.params is not None:
            mark, default = ("?", "") if absent == "?" else ("", absent)
            typed = f"{method.params.name}{switch}"
            yield f"params: {typed}" if needs_params else f"params{mark}: {typed}{default}"
        yield "options?: RequestOptions"

    def body(self) -> list[str]:
        """The statements: fields of query, headers and cookies are taken apart from those of the body."""
        taken = []
        if self._is_apart:
            rest = ["...body"] if self.method.sends_fields else []
            pattern = [_pair(key, name) for key, name in self._locals.items()]
            taken = layout.lines("const ", layout.Group("{", (*pattern, *rest), "}"), " = params;", "    ")
        arguments = (self.method.constant, self._parts(), "options")
        call = layout.Group(f"this.client.{self.verb}(", arguments, ")")
        return [*taken, *layout.lines("return ", call, ";", "    ")]

    def forwarded(self, name: str) -> list[str]:
        """The statement that leaves all to another method, two levels deeper than the class."""
        arguments = (*(one.name for one in self.method.path), "params", "options")
        return layout.lines("return ", layout.Group(f"this.{name}(", arguments, ")"), ";", "      ")

    @property
    def _taken(self) -> Mapping[str, tuple[Taken, ...]]:
        return self.method.params.places if self.method.params is not None else {}

    @property
    def _is_apart(self) -> bool:
        """Whether the fields of the parameters go to several places, or have other names there."""
        renamed = any(one.key != one.wire for taken in self._taken.values() for one in taken)
        return renamed or (bool(self._taken) and len(self._taken) + self.method.sends_fields > 1)

    @cached_property
    def _locals(self) -> Mapping[str, Identifier]:
        """The variable for each field that is taken apart."""
        names = Names(ARGUMENT_NAMES | {str(one.name) for one in self.method.path})
        return {one.key: names.camel(one.key) for taken in self._taken.values() for one in taken}

    def _parts(self) -> layout.Group:
        method = self.method
        found: dict[str, layout.Node | None] = {}
        if method.path:
            found["path"] = _object({one.wire: one.name for one in method.path})
        for place in ("query", "headers", "cookies"):
            found[place] = self._place(place)
        if method.body is not None or (method.sends_fields and self._is_apart):
            found["body"] = "body"
        elif method.sends_fields:
            found["body"] = "params"
        items = (_item(name, value) for name, value in found.items() if value is not None)
        return layout.Group("{", tuple(items), "}")

    def _place(self, place: str) -> layout.Node | None:
        """What goes into the query, the headers or the cookies; the path itself may fix some of the query."""
        fixed = dict(self.method.operation.query) if place == "query" else {}
        taken = self._taken.get(place, ())
        if not taken and not fixed:
            return None
        constant = [_pair(name, Quoted(value)) for name, value in fixed.items()]
        if self._is_apart or not taken:
            given = [_pair(one.wire, self._locals[one.key]) for one in taken]
        else:
            given = ["...params"]
        return layout.Group("{", (*constant, *given), "}")


def _object(pairs: Mapping[str, str]) -> layout.Group:
    return layout.Group("{", tuple(_pair(name, value) for name, value in pairs.items()), "}")


def _pair(name: str, value: str) -> str:
    """`name: value`, or the name alone where they are the same."""
    return name if name == value and is_plain(name) else f"{Key(name)}: {value}"


def _item(name: str, value: layout.Node) -> layout.Node:
    return name if value == name else layout.labelled(name, value)
