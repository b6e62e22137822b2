"""Python names for wire names.

A wire name that is a good Python name already stays as it is. Names never collide: the second of two
equal ones gets a number. A word that Python or our own classes keep gets a trailing underscore.
"""

from __future__ import annotations

import builtins
import keyword
import re

from ...spec.words import pascal, snake
from .text import Identifier

_SNAKE = re.compile(r"[a-z][a-z0-9_]*\Z")
_PASCAL = re.compile(r"[A-Z][A-Za-z0-9]*\Z")

# What `core.views.View` has itself, and what the bodies of generated classes call or annotate with.
VIEW_NAMES = frozenset({"get", "keys", "to_dict", "to_json", "field", "obj", "list_of", "map_of", "union"})
# What `runtime.pages` adds to the views that are pages of a list.
PAGE_NAMES = frozenset({"next_page", "has_next_page", "pages"})
MODEL_SCOPE = VIEW_NAMES | {"shaped", "either", "str", "int", "float", "bool", "list", "dict"}
# Attributes of the runtime's clients, and modules and types that a method's annotations name.
CLIENT_NAMES = frozenset(
    {
        "call",
        "stream",
        "download",
        "download_url",
        "lines",
        "paged",
        "close",
        "with_options",
        "profile",
        "base_url",
        "sources",
        "rate_limit_status",
        "circuit",
        "circuits",
        "hook_failures",
        "missing_fields",
        "health_check",
    }
)
METHOD_SCOPE = frozenset({"models", "params", "str", "int", "float", "bool"})
CALL_OPTIONS = frozenset(
    {
        "timeout", "max_attempts", "attempt_timeout", "first_event_timeout", "idle_timeout",
        "stall_timeout", "max_server_wait", "max_limit_wait", "max_backoff", "backoff_factor",
        "respect_retry_after", "hedge_after", "strict", "strict_completion",
        "idempotency_key", "extra_headers", "extra_query", "extra_body", "call_metadata", "trace_parent",
    }
)  # fmt: skip
ARGUMENT_SCOPE = CALL_OPTIONS | {"self", "options", "models", "params"}
TYPE_SCOPE = frozenset(
    {
        "Any", "AsyncClient", "AsyncDownload", "AsyncLines", "AsyncPageOf", "AsyncPaging", "Download",
        "FileInput", "Lines", "PageOf", "AsyncResource", "AsyncStream", "CallOptions", "Literal", "Mapping",
        "NotRequired", "Omit", "Operation", "Sequence", "Stream", "SyncClient", "SyncResource",
        "TypeAlias", "TypedDict", "Unknown", "Unpack", "View",
    }
)  # fmt: skip
_KEPT = frozenset(keyword.kwlist) | {"None", "True", "False"}
_TYPE_KEPT = TYPE_SCOPE | _KEPT | {name for name in dir(builtins) if name[0].isupper()}


class Names:
    """Hands out each name once, within one scope."""

    def __init__(self, kept: frozenset[str] = frozenset()) -> None:
        self._kept = kept
        self._taken: set[str] = set()

    def snake(self, wire: str) -> Identifier:
        """A name for an attribute, argument, method or module."""
        name = wire if _SNAKE.match(wire) else snake(wire)
        if not name or not name[0].isalpha():
            name = f"n{name}" if name else "field"
        if name in self._kept or name in _KEPT:
            name += "_"
        return self._take(name, "_")

    def pascal(self, wire: str) -> Identifier:
        """A name for a class or type alias."""
        name = wire if _PASCAL.match(wire) else pascal(wire)
        if not name or not name[0].isalpha():
            name = f"Type{name}"
        return self._take(f"{name}2" if name in self._kept or name in _TYPE_KEPT else name, "")

    def _take(self, name: str, joint: str) -> Identifier:
        found, count = name, 2
        while found in self._taken:
            found, count = f"{name.rstrip('_')}{joint}{count}", count + 1
        self._taken.add(found)
        return Identifier(found)


def constant(name: str) -> Identifier:
    """An upper-case name for a method path: `chat.completions.create` is CHAT_COMPLETIONS_CREATE."""
    return Identifier(re.sub(r"[^A-Za-z0-9]+", "_", name).upper())
