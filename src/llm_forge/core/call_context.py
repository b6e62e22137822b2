"""What is known of a call from its start: handed to middleware, hooks and errors (R-050)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, TypeAlias

Plain: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class CallContext:
    """One call, or one attempt of it; immutable, with no content and no credential in it.

    `call_id` is 128 random bits in hexadecimal, the same for all attempts. `attempt` counts from 1 and is
    0 before the first. `started` and `deadline` are seconds of the client's monotonic clock, `deadline`
    None for no limit. `origin` is where requests go: scheme, host and port. `trace_parent` and `metadata`
    are what the caller gave with the call (`call_metadata`).
    """

    call_id: str
    provider: str
    operation: str
    model: str | None = None
    stream: bool = False
    attempt: int = 0
    started: float = 0.0
    deadline: float | None = None
    origin: str = ""
    trace_parent: str | None = None
    metadata: Mapping[str, Plain] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    def __reduce__(self) -> tuple[Any, ...]:
        """A read-only view cannot be pickled; errors that carry a context can (R-217)."""
        values = [getattr(self, one.name) for one in fields(self)[:-1]]
        return CallContext, (*values, dict(self.metadata))
