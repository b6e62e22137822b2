"""The states of a job's item, and which may follow which: a table, nothing else.

    pending ─► leased ─► sent ─► done | failed
       ▲         │         │
       └─────────┴─────────┘  back to pending: the lease lapsed, the process died, or a later pass tries again

- `sent` is durable before the request leaves, so that after a crash it names exactly the calls that may
  have been paid for without an answer (R-184).
- Any item that has not ended may be cancelled; `failed` and `cancelled` go back to pending when the user
  asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where an item is."""

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_OPEN = frozenset({State.PENDING, State.LEASED, State.SENT})
FINAL = frozenset(State) - _OPEN
_BEFORE: Mapping[State, frozenset[State]] = {
    State.PENDING: frozenset({State.LEASED, State.SENT, State.FAILED, State.CANCELLED}),
    State.LEASED: frozenset({State.PENDING}),
    State.SENT: frozenset({State.LEASED}),
    State.DONE: frozenset({State.SENT}),
    State.FAILED: frozenset({State.SENT}),
    State.CANCELLED: _OPEN,
}


def before(state: State) -> frozenset[State]:
    """The states from which an item may come to this one."""
    return _BEFORE[state]
