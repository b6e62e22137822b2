"""Bodies of requests against what the simulator knows of an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .problems import Failure, Problem

_ESSENTIAL = {
    "anthropic": (("model", str, "string"), ("messages", list, "list"), ("max_tokens", int, "integer")),
    "openai": (("model", str, "string"), ("messages", list, "list")),
    "groq": (("model", str, "string"), ("messages", list, "list")),
    "mistral": (("model", str, "string"), ("messages", list, "list")),
}


class Validator:
    """Checks the bodies of one provider's operations."""

    def __init__(self, provider: str) -> None:
        self._provider = provider

    def check(self, operation: str, body: Mapping[str, Any]) -> None:
        """Failure "invalid" with all problems, if there are any."""
        problems = tuple(self._problems(body)) if operation.endswith(".create") else ()
        if problems:
            raise Failure("invalid", problems=problems)

    def _problems(self, body: Mapping[str, Any]) -> list[Problem]:
        found: list[Problem] = []
        for name, kind, word in _ESSENTIAL[self._provider]:
            value = body.get(name)
            if name not in body:
                found.append(Problem("missing", (name,), word, dict(body)))
            elif not isinstance(value, kind) or isinstance(value, bool):
                found.append(Problem("type", (name,), word, value))
            elif isinstance(value, list) and not value:
                found.append(Problem("too-short", (name,), 1, 0))
        return found
