"""A limiter driven in virtual time, as the runtime drives it: claims when due, wakes the head on changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from llm_forge.core.limiter import Cost, Decision, Granted, Limiter, Refused, Reservation, Ticket, Wait
from llm_forge.core.rate_headers import Observed

ONE = Cost()
Result = Literal["done", "unsent", "throttled", "cancelled"]


class Run:
    """Calls are named by numbers; `sent` is when each was let through, `refused` what stopped it."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.now = 0.0
        self.sent: dict[int, float] = {}
        self.refused: dict[int, Refused] = {}
        self.open: dict[int, Reservation] = {}
        self.granted: Callable[[int], None] = lambda _: None
        self._waiting: dict[Ticket, tuple[float, int]] = {}

    def submit(self, *calls: int, cost: Cost = ONE, left: float | None = None) -> None:
        for call in calls:
            self._take(call, self.limiter.reserve(cost, self.now, left=left))

    def advance(self, to: float) -> None:
        while True:
            due = min(self._waiting.items(), key=lambda item: item[1], default=None)
            if due is None or due[1][0] > to:
                break
            self.now = max(self.now, due[1][0])
            self._claim(due[0])
        self.now = to

    def settle(self, call: int, used: Cost | None = None, result: Result = "done") -> None:
        self.limiter.settle(self.open.pop(call), self.now, used=used, result=result)
        self._wake()

    def cancel(self, call: int) -> None:
        ticket = next(ticket for ticket, (_, waiting) in self._waiting.items() if waiting == call)
        del self._waiting[ticket]
        self.limiter.cancel(ticket, self.now)
        self._wake()

    def pause(self, until: float) -> None:
        self.limiter.pause(until, self.now)

    def learn(self, *observed: Observed) -> None:
        self.limiter.learn(observed, self.now)
        self._wake()

    @property
    def waiting(self) -> Sequence[int]:
        return [call for _, call in self._waiting.values()]

    def _claim(self, ticket: Ticket) -> None:
        _, call = self._waiting.pop(ticket)
        self._take(call, self.limiter.claim(ticket, self.now))

    def _take(self, call: int, decision: Decision) -> None:
        if isinstance(decision, Wait):
            assert decision.until > self.now, "a wait that is over at once would spin"
            self._waiting[decision.ticket] = (decision.until, call)
            return
        if isinstance(decision, Granted):
            self.sent[call] = self.now
            self.open[call] = decision.reservation
            self.granted(call)
        else:
            self.refused[call] = decision
        self._wake()

    def _wake(self) -> None:
        head = self.limiter.head()
        if head in self._waiting:
            self._claim(head)
