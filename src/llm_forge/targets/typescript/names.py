"""TypeScript names for wire names.

Fields keep their names on the wire. Methods, resources and path arguments are in camel case, types in Pascal
case. Names never collide: the second of two equal ones gets a number.
"""

from __future__ import annotations

import re

from ...spec.words import pascal, snake, words
from .text import RESERVED, Identifier

_CAMEL = re.compile(r"[a-z][A-Za-z0-9]*\Z")
_PASCAL = re.compile(r"[A-Z][A-Za-z0-9]*\Z")
_FIELD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")

# What `runtime.Client` has itself, so that no resource can hide it.
CLIENT_NAMES = frozenset(
    {
        "baseURL", "call", "circuit", "circuits", "close", "constructor", "download", "downloadUrl",
        "healthCheck", "hookFailures", "lines", "missingFields", "paged", "profile", "rateLimitStatus",
        "settings", "shared", "stream", "streamEvents", "withOptions",
    }
)  # fmt: skip
METHOD_NAMES = frozenset({"client", "constructor", "toString"})
ARGUMENT_NAMES = frozenset({"body", "models", "options", "params", "runtime", "shapes", "undefined"})
# Types that generated code names without a module before them.
TYPE_NAMES = frozenset(
    {
        "ApiPromise", "Array", "Boolean", "Client", "ClientOptions", "Download", "FileInput", "Lines",
        "Number", "Object", "Paging", "Promise", "Record", "RequestOptions", "Resource", "Shape",
        "Stream", "String", "Symbol", "Unknown",
    }
)  # fmt: skip


class Names:
    """Hands out each name once, within one scope; `kept` are taken already."""

    def __init__(self, kept: frozenset[str] = frozenset()) -> None:
        self._taken = set(kept)

    def camel(self, wire: str) -> Identifier:
        """A name for a method, an argument or a resource."""
        name = wire if _CAMEL.match(wire) else camel(wire)
        if not name[:1].isalpha():
            name = f"n{name}" if name else "field"
        return self._take(f"{name}_" if name in RESERVED else name)

    def member(self, wire: str) -> Identifier:
        """A name for a method or a property, where reserved words are as good as any other."""
        name = wire if _CAMEL.match(wire) else camel(wire)
        if not name[:1].isalpha():
            name = f"n{name}" if name else "field"
        return self._take(name, word=True)

    def pascal(self, wire: str, otherwise: str = "") -> Identifier:
        """A name for a class or a type; where there is one already, `otherwise` at its end is tried first."""
        name = wire if _PASCAL.match(wire) else pascal(wire)
        name = name if name[:1].isalpha() else f"Type{name}"
        return self._take(f"{name}{otherwise}" if name in self._taken else name)

    def field(self, wire: str) -> str:
        """A name for a field of parameters: as on the wire, with a number if there is one of that name."""
        return self._free(wire)

    def _take(self, name: str, *, word: bool = False) -> Identifier:
        found = self._free(name)
        return Member(found) if word else Identifier(found)

    def _free(self, name: str) -> str:
        found, count = name, 2
        while found in self._taken:
            found, count = f"{name.rstrip('_')}{count}", count + 1
        self._taken.add(found)
        return found


class Member(Identifier):
    """The name of a method or property: what stands after a dot."""

    __slots__ = ()

    def __new__(cls, name: str) -> Member:
        """Check `name`, which may be a reserved word."""
        return str.__new__(cls, Identifier(f"_{name}")[1:])


def camel(text: str) -> str:
    """A name in camelCase; a word in capitals at its beginning is in small letters."""
    found = words(text)
    return "".join([found[0].lower(), *(word[0].upper() + word[1:] for word in found[1:])]) if found else ""


def file_name(name: str) -> str:
    """The name of a module for a type or resource in Pascal or camel case: `fineTuning` is fine-tuning."""
    return "-".join(word.lower() for word in words(name)) or "module"


def snake_key(wire: str) -> str:
    """A wire name as a key of parameters: `anthropic-version` is anthropic_version."""
    return wire if _FIELD.match(wire) else snake(wire) or wire


def constant(name: str) -> Identifier:
    """The upper-case name of a method: `createRun` is CREATE_RUN."""
    return Identifier("_".join(word.upper() for word in words(name)))
