"""How Rust source is put together, as rustfmt has it with the settings of `rustfmt.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from .text import Quoted

MAX_WIDTH = 110
INDENT = "    "
# Where rustfmt counts in its own way: lists of imports, and results below arguments on lines of their own.
_USE_WIDTH = MAX_WIDTH - 2
_RESULT_WIDTH, _LONGEST_RESULT = MAX_WIDTH - 6, MAX_WIDTH + 2
Value: TypeAlias = "str | Literal"


class Literal:
    """A value with parts: a structure, a list or a tuple.

    On one line where that fits, else each part on a line of its own.
    """

    def __init__(self, start: str, parts: Sequence[tuple[str, Value]], end: str) -> None:
        self._start = start
        self._parts = parts
        self._end = end

    def within(self, before: str, after: str) -> Literal:
        """The value between other text."""
        return Literal(f"{before}{self._start}", self._parts, f"{self._end}{after}")

    def _only(self) -> Literal | None:
        """The one structure of a list, which rustfmt opens and closes together with the list."""
        only = self._parts[0][1] if len(self._parts) == 1 and self._start.endswith("[") else None
        return only if isinstance(only, Literal) else None

    def flat(self) -> str:
        """All on one line."""
        inner = ", ".join(
            _keyed(key, value if isinstance(value, str) else value.flat()) for key, value in self._parts
        )
        if not inner:
            return f"{self._start}{self._end}"
        pad = " " if self._start.endswith("{") else ""
        return f"{self._start}{pad}{inner}{pad}{self._end}"

    def lines(self, before: str, after: str, indent: str) -> list[str]:
        """The lines of a statement or a part: `before` the value, the value, `after` it."""
        flat = f"{indent}{before}{self.flat()}{after}"
        if len(flat) <= MAX_WIDTH:
            return [flat]
        only = self._only()
        if only is not None:
            return only.lines(f"{before}{self._start}", f"{self._end}{after}", indent)
        inner = indent + INDENT
        found = [f"{indent}{before}{self._start}"]
        for key, value in self._parts:
            if key == "..":
                found.append(f"{inner}..{value}")
            elif isinstance(value, str):
                found.append(f"{inner}{_keyed(key, value)},")
            else:
                found += value.lines(_keyed(key, ""), ",", inner)
        return [*found, f"{indent}{self._end}{after}"]


def _keyed(key: str, value: str) -> str:
    if key == "..":
        return f"..{value}"
    return f"{key}: {value}" if key else value


def structure(name: str, pairs: Iterable[tuple[str, Value | None]], rest: str = "") -> Literal:
    """A structure of the pairs that have a value; `rest` is where the other fields come from."""
    found = [(key, value) for key, value in pairs if value]
    return Literal(f"{name} {{", [*found, *([("..", rest)] if rest else [])], "}")


def updated(name: str, pairs: Sequence[tuple[str, Value | None]], rest: str) -> Literal:
    """A structure whose fields without a value come from `rest`, which is not named in vain."""
    return structure(name, pairs, "" if all(value for _, value in pairs) else rest)


def listed(values: Iterable[Value]) -> Literal:
    """A list that lives as long as the program."""
    return Literal("&[", [("", value) for value in values], "]")


def texts(values: Iterable[str]) -> Literal | None:
    """A list of texts, None for an empty one."""
    made = [Quoted(one) for one in values]
    return listed(made) if made else None


def pairs(values: Iterable[tuple[str, str]]) -> Literal | None:
    """A list of pairs of texts, None for an empty one."""
    made = [Literal("(", [("", Quoted(one)), ("", Quoted(other))], ")") for one, other in values]
    return listed(made) if made else None


def some(value: Value | None) -> Value | None:
    """An optional value, None for one that is not there."""
    if isinstance(value, Literal):
        return value.within("Some(", ")")
    return f"Some({value})" if value else None


def statement(before: str, value: Literal, indent: str = "") -> list[str]:
    """A value that a name has: on a line of its own where only that lets it stay on one."""
    alone = f"{indent}{INDENT}{value.flat()};"
    if len(f"{indent}{before} {value.flat()};") > MAX_WIDTH and len(alone) <= MAX_WIDTH:
        return [f"{indent}{before}", alone]
    return value.lines(f"{before} ", ";", indent)


def typed(before: str, type_: str, after: str, indent: str) -> list[str]:
    """A type after a colon or an equals sign, on the next line where it does not fit."""
    flat = f"{indent}{before} {type_}{after}"
    if len(flat) <= MAX_WIDTH:
        return [flat]
    return [f"{indent}{before}", f"{indent}{INDENT}{type_}{after}"]


def function(head: str, arguments: Sequence[str], result: str, indent: str) -> list[str]:
    """The head of a function up to its brace: on one line where that fits, else an argument a line."""
    tail = f" -> {result}" if result else ""
    flat = f"{indent}{head}({', '.join(arguments)}){tail} {{"
    if len(flat) <= MAX_WIDTH:
        return [flat]
    lines = [f"{indent}{head}(", *(f"{indent}{INDENT}{one}," for one in arguments)]
    last = f"{indent}){tail}"
    if len(last) <= _RESULT_WIDTH:
        return [*lines, f"{last} {{"]
    if len(last) <= _LONGEST_RESULT:
        return [*lines, last, f"{indent}{{"]
    return [*lines, *_broken(f"{indent}) -> ", result, " {", indent)]


def _broken(before: str, type_: str, after: str, indent: str) -> list[str]:
    """A type with an argument a line."""
    flat = f"{before}{type_}{after}"
    outer, _, rest = type_.partition("<")
    if len(flat) <= MAX_WIDTH or not rest:
        return [flat]
    inner = f"{indent}{INDENT}"
    lines = [line for one in _parted(rest[:-1]) for line in _broken(inner, one, ",", inner)]
    return [f"{before}{outer}<", *lines, f"{indent}>{after}"]


def _parted(arguments: str) -> list[str]:
    """The arguments of a generic type."""
    found, depth = [""], 0
    for one in arguments:
        depth += {"<": 1, ">": -1}.get(one, 0)
        if one == "," and not depth:
            found.append("")
        else:
            found[-1] += one
    return [one.strip() for one in found]


def used(module: str, names: Iterable[str], *, public: bool = False) -> list[str]:
    """`use` of names of a module, as many to a line as fit."""
    start = f"{'pub ' if public else ''}use {module}"
    ordered = sorted(names, key=_rank)
    if ordered in ([], ["self"]):
        return [f"{start};"] if ordered else []
    if len(ordered) == 1:
        return [f"{start}::{ordered[0]};"]
    flat = f"{start}::{{{', '.join(ordered)}}};"
    if len(flat) <= _USE_WIDTH:
        return [flat]
    lines = [INDENT]
    for name in ordered:
        if len(lines[-1]) + len(name) + (name != ordered[-1]) >= MAX_WIDTH:
            lines.append(INDENT)
        lines[-1] += f"{name}, "
    return [f"{start}::{{", *(line.rstrip() for line in lines), "};"]


def _rank(name: str) -> tuple[bool, bool, bool, str]:
    """rustfmt has `self` first, then names that begin small, then types, then names in capitals."""
    capitals = all(one.isupper() or one.isdigit() or one == "_" for one in name)
    return (name != "self", not name[0].islower(), capitals, name)
