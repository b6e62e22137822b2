"""What one attempt holds while it runs: a breaker permit, a limiter reservation, an exchange.

A lease ends exactly once, on every path (R-045, R-057): return, error, cancellation, a dropped stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.breaker import Outcome, Permit
from ..core.classify import breaker_outcome, limiter_result, server_health
from ..core.deadline import Deadline
from ..core.limiter import Cost, Reservation
from .circuit import Circuit, Emit
from .gate import Gate
from .io import Io


class Lease:
    """Made by `acquire`; `end` gives everything back."""

    def __init__(self, io: Io, circuit: Circuit, gate: Gate, emit: Emit) -> None:
        self._emit = emit
        self._io = io
        self._circuit = circuit
        self.gate = gate
        self._permit: Permit | None = None
        self._reservation: Reservation | None = None
        self._ended = False
        self._sent_at = 0.0
        self._response_time: float | None = None
        self.sent = False
        self.exchange: Any = None

    def admit(self) -> None:
        """Pass the breaker; CircuitOpenError with `retry_after` where it is open (R-094)."""
        self._permit = self._circuit.admit(self._emit)

    async def reserve(self, cost: Cost, deadline: Deadline, max_wait: float | None = None) -> float:
        """Pass the limiter; the seconds waited."""
        self._reservation, waited = await self.gate.enter(self._io, cost, deadline, max_wait)
        return waited

    def begin_sending(self) -> None:
        """From now on the server may have work with it."""
        self.sent = True
        self._sent_at = self._io.now()

    def headers_arrived(self) -> None:
        """The response began; how long that took is what the slow-call rule counts (R-102)."""
        self._response_time = self._io.now() - self._sent_at

    def readmit(self) -> None:
        """Ask the breaker again after a long wait; the old permit is given back unused."""
        self._record("neutral")
        self.admit()

    def probe_succeeded(self) -> None:
        """A half-open probe that is a stream succeeds at its first application event (R-099)."""
        if self.sent and self._permit is not None and self._permit.probe:
            self._record("success")

    def end(self, error: BaseException | None, used: Cost | None = None) -> None:
        """Report to breaker and limiter; the exchange is closed by `close`."""
        if self._ended:
            return
        self._ended = True
        self._record(breaker_outcome(error) if self.sent or error is not None else "neutral")
        if self._reservation is not None:
            self.gate.leave(
                self._reservation,
                self._io.now(),
                used=used,
                result=limiter_result(error, sent=self.sent),
                health=server_health(error),
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
        self._circuit.record(
            permit,
            outcome,
            self._io.random(),
            response_time=self._response_time,
            emit=self._emit,
        )


_OBJECTS = (dict, Mapping)  # asking for a dict first is ten times faster than asking an abstract class
_INPUT_NAMES = ("input_tokens", "prompt_tokens")
_OUTPUT_NAMES = ("output_tokens", "completion_tokens")


def usage_cost(value: Any) -> Cost | None:
    """The tokens a result reports, None if it reports none (R-108)."""
    usage = value.get("usage") if isinstance(value, _OBJECTS) else None
    if not isinstance(usage, _OBJECTS):
        return None
    given, made = _first_number(usage, _INPUT_NAMES), _first_number(usage, _OUTPUT_NAMES)
    return None if given is None and made is None else Cost(input=given or 0.0, output=made or 0.0)


def _first_number(usage: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    for name in names:
        value = usage.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    return None
