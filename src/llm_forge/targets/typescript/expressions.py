"""Type expressions as small trees, so that the names in them can be imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Name:
    """A type by its name; `own` are those that the SDK declares, not the language or the runtime."""

    name: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Array:
    """`readonly item[]`."""

    item: Expression


@dataclass(frozen=True, slots=True)
class Dictionary:
    """An object with any keys."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Either:
    """`a | b | c`."""

    members: tuple[Expression, ...]


Expression: TypeAlias = Name | Array | Dictionary | Either

UNKNOWN = Name("unknown")
NULL = Name("null")
STRING = Name("string")
NUMBER = Name("number")
BOOLEAN = Name("boolean")
OPEN = {STRING: Name("(string & {})"), NUMBER: Name("(number & {})")}


def members_of(made: Expression) -> tuple[Expression, ...]:
    """The members of a union; a type that is none is its only one."""
    return made.members if isinstance(made, Either) else (made,)


def either(members: Sequence[Expression]) -> Expression:
    """A union without duplicates, null last; `unknown` swallows everything."""
    found = list(dict.fromkeys(one for member in members for one in members_of(member)))
    if UNKNOWN in found or not found:
        return UNKNOWN
    ordered = [one for one in found if one != NULL] + [NULL] * (NULL in found)
    return ordered[0] if len(ordered) == 1 else Either(tuple(ordered))


def show(made: Expression) -> str:
    """The expression on one line."""
    if isinstance(made, Name):
        return made.name
    if isinstance(made, Array):
        inner = show(made.item)
        return f"readonly ({inner})[]" if isinstance(made.item, (Either, Array)) else f"readonly {inner}[]"
    if isinstance(made, Dictionary):
        return f"{{ readonly [key: string]: {show(made.value)} }}"
    return " | ".join(show(one) for one in made.members)


def names_in(made: Expression) -> Iterator[Name]:
    """Every name in the expression, in order."""
    if isinstance(made, Name):
        yield made
    elif isinstance(made, Array):
        yield from names_in(made.item)
    elif isinstance(made, Dictionary):
        yield from names_in(made.value)
    else:
        for member in made.members:
            yield from names_in(member)
