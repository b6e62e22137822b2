"""What one attempt holds while it runs: a breaker permit, a limiter reservation, an exchange.

A lease ends exactly once, on every path (R-045, R-057): return, error, cancellation, a dropped stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core.breaker import Breaker, Outcome, Permit, Rejected, Transition
from ..core.classify import breaker_outcome, limiter_result
from ..core.deadline import Deadline
from ..core.errors import CircuitOpenError
from ..core.limiter import Cost, Reservation
from .gate import Gate
from .io import Io
from .shared import Shared


class Lease:
    """Made by `acquire`; `end` gives everything back."""

    def __init__(
        self, shared: Shared, io: Io, breaker: Breaker, gate: Gate, emit: Callable[..., None]
    ) -> None:
        self._shared = shared
        self._emit = emit
        self._io = io
        self._breaker = breaker
        self._gate = gate
        self._permit: Permit | None = None
        self._reservation: Reservation | None = None
        self._ended = False
        self.sent = False
        self.exchange: Any = None

    def admit(self) -> None:
        """Pass the breaker; CircuitOpenError with `retry_after` where it is open (R-094)."""
        now = self._io.now()
        with self._shared.lock:
            answer = self._breaker.admit(now)
            changes = self._breaker.take_transitions()
        self._tell(changes)
        if isinstance(answer, Rejected):
            raise CircuitOpenError(
                f"{self._shared.profile.name} failed too often; the circuit stays open for another "
                f"{answer.retry_after:.1f} s",
                retry_after=answer.retry_after,
            )
        self._permit = answer

    async def reserve(self, cost: Cost, deadline: Deadline) -> float:
        """Pass the limiter; the seconds waited."""
        self._reservation, waited = await self._gate.enter(self._io, cost, deadline)
        return waited

    def readmit(self) -> None:
        """Ask the breaker again after a long wait; the old permit is given back unused."""
        self._record("neutral")
        self.admit()

    def probe_succeeded(self) -> None:
        """A half-open probe that is a stream succeeds at its first application event (R-099)."""
        if self._permit is not None and self._permit.probe:
            self._record("success")

    def end(self, error: BaseException | None, used: Cost | None = None) -> None:
        """Report to breaker and limiter; the exchange is closed by `close`."""
        if self._ended:
            return
        self._ended = True
        self._record(breaker_outcome(error))
        if self._reservation is not None:
            self._gate.leave(
                self._reservation,
                self._io.now(),
                used=used,
                result=limiter_result(error, sent=self.sent),
            )

    async def close(self) -> None:
        """Return or abort the connection."""
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            await self._io.close(exchange)

    def _record(self, outcome: Outcome) -> None:
        permit, self._permit = self._permit, None
        if permit is None:
            return
        with self._shared.lock:
            self._breaker.record(permit, outcome, self._io.now(), self._io.random())
            changes = self._breaker.take_transitions()
        self._tell(changes)

    def _tell(self, changes: list[Transition]) -> None:
        """Outside the lock: a hook may take its time, or use the client itself (R-059)."""
        for change in changes:
            self._emit("breaker", before=change.before, after=change.after)


_INPUT_NAMES = ("input_tokens", "prompt_tokens")
_OUTPUT_NAMES = ("output_tokens", "completion_tokens")


def usage_cost(value: Any) -> Cost | None:
    """The tokens a result reports, None if it reports none (R-108)."""
    usage = value.get("usage") if isinstance(value, Mapping) else None
    if not isinstance(usage, Mapping):
        return None
    given, made = _first_number(usage, _INPUT_NAMES), _first_number(usage, _OUTPUT_NAMES)
    return None if given is None and made is None else Cost(input=given or 0.0, output=made or 0.0)


def _first_number(usage: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    for name in names:
        value = usage.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    return None
