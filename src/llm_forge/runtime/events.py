"""What happens inside calls, told to whoever wants to know (R-230).

A hook is a function of one `Event`, called in place: it should be quick, because the call waits for it.
`BackgroundHook` takes a slow one out of the call's way. A hook that raises never changes a call; it is
counted (R-234).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.call_context import CallContext

EventName = Literal[
    "call-start",
    "call-end",
    "attempt-start",
    "attempt-end",
    "retry",
    "limiter-wait",
    "breaker",
    "token-refresh",
    "stream-first-content",
    "stream-end",
    "stream-interrupted",
    "batch-item",
    "budget-exhausted",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `facts` holds plain values, never content or secrets."""

    name: EventName
    context: CallContext
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def call_id(self) -> str:
        """The call it belongs to."""
        return self.context.call_id

    @property
    def attempt(self) -> int:
        """The attempt it belongs to, 0 before the first."""
        return self.context.attempt


Hook = Callable[[Event], object]


Reader = Callable[[CallContext, Literal["request", "response"], str], object]


class Hooks:
    """Hands events to the user's functions, in their order; false where there are none (R-235).

    `readers` are given bodies; there are none unless somebody asked for content (R-231).
    """

    def __init__(self, functions: Sequence[Hook] = (), readers: Sequence[Reader] = ()) -> None:
        self._functions = tuple(functions)
        self.readers = tuple(readers)
        self._lock = threading.Lock()
        self.failures = 0

    def __bool__(self) -> bool:
        return bool(self._functions or self.readers)

    def tell(self, event: Event) -> None:
        """Call every hook; what one raises keeps it from nobody else."""
        for function in self._functions:
            self._call(function, event)

    def tell_content(self, context: CallContext, kind: Literal["request", "response"], text: str) -> None:
        """Call every reader with a body."""
        for reader in self.readers:
            self._call(reader, context, kind, text)

    def _call(self, function: Callable[..., object], *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception:  # noqa: BLE001 - a hook may raise anything and must not change the call
            with self._lock:
                self.failures += 1
