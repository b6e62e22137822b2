"""Go names for wire names: exported ones in PascalCase with Go's initialisms, others in camelCase."""

from __future__ import annotations

from ...spec.words import words
from .text import KEYWORDS, Identifier

_INITIALISMS = frozenset(
    {
        "api", "ascii", "cpu", "css", "dns", "html", "http",
        "https", "id", "ip", "json", "jsonl", "qps", "ram",
        "sla", "sql", "ssh", "tcp", "tls", "ttl", "udp",
        "ui", "uid", "uri", "url", "utf8", "uuid", "vm", "xml",
    }
)  # fmt: skip
# What the bodies of generated methods name, and what every file imports or may name.
_KEPT = KEYWORDS | frozenset(
    {
        "s", "c", "ctx", "body", "params", "options",
        "context", "forge", "json", "any", "append", "bool", "byte",
        "cap", "clear", "close", "comparable", "complex",
        "copy", "delete", "error", "false", "float64", "int",
        "int64", "iota", "len", "make", "max", "min", "new", "nil", "panic", "print", "println", "real",
        "recover", "rune", "string", "true", "uint64",
    }
)  # fmt: skip
PACKAGE_SCOPE = frozenset({"Client", "NewClient"})
STRUCT_SCOPE = frozenset({"Extra", "MarshalJSON", "UnmarshalJSON"})
# Methods of the runtime's client, which generated ones embed.
CLIENT_SCOPE = frozenset(
    {
        "BaseURL", "Call", "Circuit", "Circuits", "Client", "Close", "Download", "DownloadURL", "GoString",
        "HealthCheck", "HookFailures", "Lines", "LinesURL", "MissingFields", "OpenConnections", "Pages",
        "RateLimitStatus", "RateLimiter", "Sources", "Stream", "String", "WithOptions",
    }
)  # fmt: skip


class Names:
    """Hands out each name once, within one scope."""

    def __init__(self, kept: frozenset[str] = frozenset()) -> None:
        self._taken = set(kept)

    def exported(self, wire: str) -> Identifier:
        """A name for a type, field, method or constant."""
        name = pascal(wire)
        return self._take(name if name[:1].isalpha() else f"X{name}")

    def local(self, wire: str) -> Identifier:
        """A name for an argument."""
        first, *rest = words(wire) or ["value"]
        name = first.lower() + pascal(" ".join(rest))
        if not name[0].isalpha():
            name = f"n{name}"
        return self._take(f"{name}Arg" if name in _KEPT else name)

    def _take(self, name: str) -> Identifier:
        found, count = name, 2
        while found in self._taken:
            found, count = f"{name}{count}", count + 1
        self._taken.add(found)
        return Identifier(found)


def pascal(wire: str) -> str:
    """The words of a wire name in PascalCase; words keep capitals they have."""
    return "".join(
        one.upper() if one.lower() in _INITIALISMS else one[0].upper() + one[1:] for one in words(wire)
    )


def package_name(text: str) -> str:
    """A package name: lower-case letters and digits, beginning with a letter."""
    name = "".join(one for one in text.lower() if one.isascii() and one.isalnum())
    name = name if name[:1].isalpha() else f"api{name}"
    return f"{name}api" if name in KEYWORDS or name in ("main", "forge", "context", "json") else name
