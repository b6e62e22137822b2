"""Plays a corpus trace against llm_forge.core's limiter, in virtual time, as the runtime would."""

from __future__ import annotations

import heapq
import itertools
from typing import Any

from llm_forge.core.headers import Headers
from llm_forge.core.limiter import Cost, Decision, Granted, Limit, Limiter, Refused, Reservation, Ticket, Wait
from llm_forge.core.profile import LimitHeaders
from llm_forge.core.rate_headers import observe

_WALL = 1_800_000_000.0


class LimiterTrace:
    """Steps, waits that are over and calls that end, in the order of their time."""

    def __init__(self, trace: dict[str, Any]) -> None:
        limits = [Limit(**limit) for limit in trace.get("limits", [])]
        names = ("mode", "max_wait", "concurrency", "oversize", "adaptive", "throttle")
        given = {name: trace[name] for name in names if name in trace}
        self.limiter = Limiter(limits, **given)
        self.calls: dict[str, dict[str, Any]] = {}
        self._rules = tuple(LimitHeaders(**rule) for rule in trace.get("rules", []))
        self._chance = trace.get("chance", 1.0)
        self._steps = trace["steps"]
        self._waiting: dict[Ticket, str] = {}
        self._told: dict[str, dict[str, Any]] = {}
        self._queue: list[tuple[float, int, str, Any]] = []
        self._order = itertools.count()

    def play(self) -> dict[str, dict[str, Any]]:
        """Run to the end; what became of each call."""
        for step in self._steps:
            self._push(step["at"], step["do"], step)
        while self._queue:
            now, _, what, about = heapq.heappop(self._queue)
            getattr(self, f"_{what}")(now, about)
        return self.calls

    def _push(self, at: float, what: str, about: Any) -> None:
        heapq.heappush(self._queue, (at, next(self._order), what, about))

    def _call(self, now: float, step: dict[str, Any]) -> None:
        for number in range(step.get("times", 1)):
            name = step["as"] if "times" not in step else f"{step['as']}{number + 1}"
            self._told[name] = step
            cost = Cost(**step.get("cost", {}))
            decision = self.limiter.reserve(cost, now, left=step.get("left"), chance=self._chance)
            self._take(now, name, decision)

    def _take(self, now: float, name: str, decision: Decision) -> None:
        if isinstance(decision, Wait):
            self._waiting[decision.ticket] = name
            if decision.until != float("inf"):
                self._push(decision.until, "due", decision.ticket)
        elif isinstance(decision, Refused):
            self.calls[name] = {"refused": decision.kind, "wait": decision.wait}
        elif isinstance(decision, Granted):
            self.calls[name] = {"admitted": now}
            self._push(now + self._told[name].get("lasts", 0.0), "end", (name, decision.reservation))
            self._wake(now)

    def _due(self, now: float, ticket: Ticket) -> None:
        name = self._waiting.pop(ticket, None)
        if name is not None:
            self._take(now, name, self.limiter.claim(ticket, now, left=self._left(now, name)))

    def _left(self, now: float, name: str) -> float | None:
        step = self._told[name]
        return None if step.get("left") is None else step["at"] + step["left"] - now

    def _end(self, now: float, ended: tuple[str, Reservation]) -> None:
        step = self._told[ended[0]]
        used = Cost(**step["used"]) if "used" in step else None
        self.limiter.settle(ended[1], now, used=used, result=step.get("result", "done"))
        self._wake(now)

    def _cancel(self, now: float, step: dict[str, Any]) -> None:
        ticket = next((one for one, name in self._waiting.items() if name == step["call"]), None)
        if ticket is not None:
            del self._waiting[ticket]
            self.calls[step["call"]] = {"cancelled": True}
            self.limiter.cancel(ticket, now)
            self._wake(now)

    def _response(self, now: float, step: dict[str, Any]) -> None:
        headers = Headers([(name, text) for name, text in step["headers"]])
        self.limiter.learn(observe(headers, self._rules, now, _WALL + now), now)
        self._wake(now)

    def _pause(self, now: float, step: dict[str, Any]) -> None:
        self.limiter.pause(step["until"], now)

    def _wake(self, now: float) -> None:
        """Something was given back: who is first in line asks again."""
        head = self.limiter.head()
        if head is not None and head in self._waiting:
            self._due(now, head)


def limiter(trace: Any) -> dict[str, Any]:
    """A trace of calls and responses to the times at which the calls were admitted."""
    return {"calls": LimiterTrace(trace).play()}
