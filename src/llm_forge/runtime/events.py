"""What happens inside calls, told to whoever wants to know (R-230).

A sink is a function of one `Event`. A sink that raises never changes a call; it is counted (R-234).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

log = logging.getLogger("llm_forge")
log.addHandler(logging.NullHandler())

EventName = Literal[
    "call-start",
    "call-end",
    "attempt-start",
    "attempt-end",
    "retry",
    "limiter-wait",
    "breaker",
    "stream-first-content",
    "stream-end",
    "stream-interrupted",
    "budget-exhausted",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `facts` holds plain values, never content or secrets."""

    name: EventName
    call_id: str
    attempt: int
    facts: Mapping[str, Any] = field(default_factory=dict)


class Sink:
    """Hands events to the user's function, if there is one."""

    def __init__(self, function: Callable[[Event], None] | None = None) -> None:
        self.function = function
        self.failures = 0

    def emit(self, name: EventName, call_id: str, attempt: int = 0, /, **facts: Any) -> None:
        """Tell the sink; costs next to nothing where there is none (R-235)."""
        if self.function is None:
            return
        try:
            self.function(Event(name, call_id, attempt, facts))
        except Exception:  # noqa: BLE001 - a sink may raise anything and must not change the call
            self.failures += 1
