"""The ground truth of what happened: attempts, bytes, tokens billed, requests.

Tokens are billed when an answer was made, whether or not the client stayed to read it; a request that
was refused or replaced by a fault bills nothing. All methods may be called from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Entry:
    """One request: what it asked for and what became of it. Times are seconds of `time.monotonic`."""

    number: int
    provider: str
    operation: str
    method: str
    path: str
    model: str
    connection: int
    arrived_at: float
    request_bytes: int
    status: int = 0
    request_id: str = ""
    stream: bool = False
    fault: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    response_bytes: int = 0
    outcome: str = "open"
    ended_at: float | None = None


@dataclass(slots=True)
class Totals:
    """Sums over the entries of one provider and operation."""

    requests: int = 0
    succeeded: int = 0
    refused: int = 0
    faults: int = 0
    abandoned: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    request_bytes: int = 0
    response_bytes: int = 0


@dataclass(slots=True)
class Ledger:
    """Every request since the start or the last `clear`."""

    open_connections: Callable[[], int] = lambda: 0
    _entries: list[Entry] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The requests in order of arrival."""
        with self._changed:
            return tuple(self._entries)

    def attempts(self, provider: str | None = None, operation: str | None = None) -> int:
        """How many requests arrived, of a provider and an operation if they are given."""
        return len(self.select(provider, operation))

    def select(self, provider: str | None = None, operation: str | None = None) -> tuple[Entry, ...]:
        """The entries of a provider and an operation."""
        return tuple(
            entry
            for entry in self.entries
            if provider in {None, entry.provider} and operation in {None, entry.operation}
        )

    def totals(self, provider: str | None = None, operation: str | None = None) -> Totals:
        """Sums over the entries of a provider and an operation."""
        totals = Totals()
        for entry in self.select(provider, operation):
            _add(totals, entry)
        return totals

    def to_dict(self) -> dict[str, Any]:
        """The whole ledger as JSON values: totals by provider and operation, then the entries."""
        keys = sorted({(entry.provider, entry.operation) for entry in self.entries})
        return {
            "open_connections": self.open_connections(),
            "totals": {
                f"{provider} {operation}": asdict(self.totals(provider, operation))
                for provider, operation in keys
            },
            "requests": [asdict(entry) for entry in self.entries],
        }

    def clear(self) -> None:
        """Forget everything; requests still open are no longer listed."""
        with self._changed:
            self._entries.clear()

    def wait(self, condition: Callable[[Ledger], object], seconds: float = 5.0) -> bool:
        """Wait until the ledger satisfies a condition; False if it does not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(condition(self)), seconds)

    def wait_ended(self, seconds: float = 5.0) -> bool:
        """Wait until no request is open."""
        return self.wait(lambda ledger: all(entry.outcome != "open" for entry in ledger.entries), seconds)

    def add(self, entry: Entry) -> Entry:
        """Write a request down; for the simulator."""
        with self._changed:
            self._entries.append(entry)
            self._changed.notify_all()
        return entry

    def update(self, entry: Entry, **changes: Any) -> None:
        """Change an entry and tell whoever waits; for the simulator."""
        with self._changed:
            for name, value in changes.items():
                setattr(entry, name, value)
            self._changed.notify_all()


def _add(totals: Totals, entry: Entry) -> None:
    totals.requests += 1
    totals.succeeded += 200 <= entry.status < 300 and entry.outcome == "complete" and not entry.fault
    totals.refused += entry.status >= 400 and not entry.fault
    totals.faults += bool(entry.fault)
    totals.abandoned += entry.outcome == "client-closed"
    totals.input_tokens += entry.input_tokens
    totals.output_tokens += entry.output_tokens
    totals.request_bytes += entry.request_bytes
    totals.response_bytes += entry.response_bytes
