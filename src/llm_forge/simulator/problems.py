"""What is wrong with a request, before a provider words it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
ProblemKind: TypeAlias = Literal[
    "missing", "type", "too-small", "too-large", "too-short", "too-long", "value"
]
FailureKind: TypeAlias = Literal[
    "no-key",
    "bad-key",
    "no-version",
    "route",
    "method",
    "not-json",
    "invalid",
    "model",
    "call-id",
    "missing",
    "state",
    "size",
    "rate",
    "status",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a body: where, of what kind, what was expected (a type or a limit), what was found."""

    kind: ProblemKind
    path: Path
    expected: Any = None
    found: Any = None

    @property
    def dotted(self) -> str:
        """`messages.0.role`."""
        return ".".join(str(part) for part in self.path)

    @property
    def bracketed(self) -> str:
        """`messages[0].role`."""
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return text.removeprefix(".")


@dataclass(eq=False)
class Failure(Exception):  # noqa: N818 - the answer to a request, not an error of the simulator
    """A request that is refused. `subject` is the key, path, method, model or thing it is about.

    "missing" is a thing of a kind (`unit`) that there is not, "state" one that does not allow this now.

    `problems` says what is invalid; `retry_after` (seconds, None if waiting never helps), `unit`,
    `limit`, `used` and `requested` belong to "rate"; `status` to "status", a fault asked for.
    """

    kind: FailureKind
    subject: str = ""
    problems: tuple[Problem, ...] = ()
    retry_after: float | None = None
    unit: str = ""
    limit: float = 0
    used: float = 0
    requested: float = 0
    status: int = 500
