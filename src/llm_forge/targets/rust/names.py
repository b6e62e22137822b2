"""Rust names for wire names: types and variants in UpperCamelCase, the rest in snake_case."""

from __future__ import annotations

import re

from ...spec.words import words
from .text import KEYWORDS, Identifier

# What generated code names of the language, of its crates and of the runtime.
TYPE_SCOPE = frozenset(
    {
        "BTreeMap", "Box", "Clone", "Debug", "Default", "Deserialize", "Err", "From", "Into",
        "None", "Object", "Ok", "Option", "PartialEq", "Result", "Self", "Serialize", "Some",
        "String", "Upload", "Value", "Vec",
    }
)  # fmt: skip
FIELD_SCOPE = frozenset({"extra"})
VARIANT_SCOPE = frozenset({"Other"})
# Methods that a structure has, and those that would be taken for the operator of that name.
SETTER_SCOPE = frozenset(
    {
        "new", "clone", "add", "sub", "mul", "div", "rem", "shl", "shr", "bitand", "bitor", "bitxor", "neg",
        "not", "eq", "cmp", "hash", "deref", "drop", "next",
    }
)  # fmt: skip
# What a client has beside the services and operations of its description.
CLIENT_SCOPE = frozenset(
    {
        "builder", "circuit_states", "clone", "close", "from_env", "health_check", "new", "rate_limit_status",
        "runtime", "with_options",
    }
)  # fmt: skip
SERVICE_SCOPE = frozenset({"new", "clone"})
ARGUMENT_SCOPE = frozenset({"arguments", "body", "options", "params", "types", "operations"})
MODULE_SCOPE = frozenset({"common", "mod", "lib", "core", "std", "alloc", "test"})

LONGEST = 64
_KEPT_WORDS = 2
_PART = re.compile(r"[A-Z]?[a-z]*[0-9]*")


class Names:
    """Hands out each name once, within one scope."""

    def __init__(self, kept: frozenset[str] = frozenset()) -> None:
        self._taken = set(kept)

    def camel(self, wire: str, otherwise: str = "N") -> Identifier:
        """A name for a type or variant; `otherwise` is put before one that begins with a digit."""
        name = shortened(pascal(wire))
        return self._take(name if name[:1].isalpha() else f"{otherwise}{name}", "")

    def snake(self, wire: str) -> Identifier:
        """A name for a field, a method, an argument or a module."""
        name = snake(wire)
        return self._take(name if name[:1].isalpha() else f"n{name}", "_")

    def method(self, wire: str) -> Identifier:
        """A name for the method of an operation, without words in its middle where it would be very long."""
        return self.snake(_shortened(snake(wire)))

    def module(self, wire: str) -> Identifier:
        """A name for a module, which is a file too: never a keyword, and never too long."""
        name = _shortened(snake(wire))[:LONGEST].rstrip("_")
        name = name if name[:1].isalpha() else f"n{name}"
        return self._take(f"{name}_api" if name in KEYWORDS else name, "_")

    def shouting(self, wire: str) -> Identifier:
        """A name for a static."""
        name = _shortened(snake(wire)).upper()
        return self._take(name if name[:1].isalpha() else f"N{name}", "_")

    def _take(self, name: str, between: str) -> Identifier:
        found, count = name, 2
        while found in self._taken:
            found, count = f"{name}{between}{count}", count + 1
        self._taken.add(found)
        return Identifier.of(found)


def shortened(name: str) -> str:
    """A name in UpperCamelCase of at most `LONGEST` characters: without words in its middle."""
    parts = _PART.findall(name)
    while len(parts) > _KEPT_WORDS and sum(map(len, parts)) > LONGEST:
        del parts[_KEPT_WORDS]
    return "".join(parts)


def _shortened(name: str) -> str:
    parts = name.split("_")
    while len(parts) > _KEPT_WORDS and len("_".join(parts)) > LONGEST:
        del parts[_KEPT_WORDS]
    return "_".join(parts)


def pascal(wire: str) -> str:
    """The words of a wire name in UpperCamelCase, words in capitals too (`HttpUrl`)."""
    return "".join(one.capitalize() if one.isupper() else one[0].upper() + one[1:] for one in words(wire))


def snake(wire: str) -> str:
    """The words of a wire name in snake_case; digits stay with a single letter before them (`v1`)."""
    joined = "_".join(one.lower() for one in words(wire))
    return re.sub(r"(?<![a-z0-9])([a-z])_([0-9])", r"\1\2", joined)


def crate_name(text: str) -> str:
    """A name for a crate: lower-case letters, digits and hyphens, beginning with a letter."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    name = name if name[:1].isalpha() else f"api-{name}".rstrip("-")
    return (
        f"{name}-api" if name in KEYWORDS or name in ("core", "std", "alloc", "test", "proc-macro") else name
    )
