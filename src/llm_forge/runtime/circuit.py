"""A circuit breaker with its lock and its listeners; also what a user sees and switches by hand (R-090).

The breaker decides and holds no lock; this room guards it with one of its own, which is never held across
a wait or a call of the user's hooks (R-059).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from ..core.breaker import Breaker, BreakerSettings, Outcome, Permit, Rejected, State, Transition
from ..core.errors import CircuitOpenError
from .events import EventName


class Emit(Protocol):
    """Tells the hooks of a call, or those of nobody's call, what happened."""

    def __call__(self, name: EventName, /, **facts: Any) -> None:
        """Tell one event."""
        ...


class Circuit:
    """The circuit of one origin and operation group, or of one model of the group.

    `state` is closed, open, half-open, forced-open or disabled. Safe to use from many threads.
    """

    def __init__(
        self, name: str, settings: BreakerSettings, emit: Emit, now: Callable[[], float], provider: str = ""
    ) -> None:
        self.name = name
        self._breaker = Breaker(settings)
        self._lock = threading.Lock()
        self._emit = emit
        self._now = now
        self._provider = provider

    @property
    def state(self) -> State:
        """The state now; an open circuit whose time is over turns half-open with the next call."""
        return self._breaker.state

    def force_open(self) -> None:
        """Refuse every call until `reset`."""
        self._switch(self._breaker.force_open)

    def disable(self) -> None:
        """Let every call through and count nothing until `reset`."""
        self._switch(self._breaker.disable)

    def reset(self) -> None:
        """Start anew, closed and without history."""
        self._switch(self._breaker.reset)

    def admit(self, emit: Emit | None = None) -> Permit:
        """Leave to send one attempt; CircuitOpenError with `retry_after` where it is open (R-094)."""
        with self._lock:
            answer = self._breaker.admit(self._now())
            changes = self._breaker.take_transitions()
        self._tell(changes, emit)
        if isinstance(answer, Rejected):
            raise CircuitOpenError(
                f"{self._provider or self.name} failed too often; the circuit stays open for another "
                f"{answer.retry_after:.1f} s",
                retry_after=answer.retry_after,
            )
        return answer

    def record(
        self,
        permit: Permit,
        outcome: Outcome,
        chance: float,
        *,
        response_time: float | None = None,
        emit: Emit | None = None,
    ) -> None:
        """How an admitted attempt ended, once per permit; see `Breaker.record`."""
        with self._lock:
            self._breaker.record(permit, outcome, self._now(), chance, response_time=response_time)
            changes = self._breaker.take_transitions()
        self._tell(changes, emit)

    def _switch(self, switch: Callable[[float], None]) -> None:
        with self._lock:
            switch(self._now())
            changes = self._breaker.take_transitions()
        self._tell(changes, None)

    def _tell(self, changes: list[Transition], emit: Emit | None) -> None:
        """Outside the lock: a hook may take its time, or use the client itself (R-059)."""
        for change in changes:
            (emit or self._emit)("breaker", before=change.before, after=change.after, circuit=self.name)

    def __repr__(self) -> str:
        return f"<Circuit {self.name!r}: {self.state}>"
