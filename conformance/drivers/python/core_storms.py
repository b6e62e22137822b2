"""Many threads against one breaker or limiter, and many waits drawn from the real source of chance."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from llm_forge.core.breaker import BreakerSettings
from llm_forge.core.deadline import Deadline
from llm_forge.core.errors import CircuitOpenError, RateLimitWaitError
from llm_forge.core.limiter import Cost, Limit, Limiter
from llm_forge.core.retry import Failure, Retry, RetryPolicy
from llm_forge.runtime.circuit import Circuit
from llm_forge.runtime.clock import Clock
from llm_forge.runtime.gate import Gate
from llm_forge.runtime.io import SyncIo, run_now

_TICK = 1e-4  # seconds that pass with every look at the clock


class TickingClock(Clock):
    """Virtual time that moves on with every look at it, in whatever thread."""

    def __init__(self, tick: float = _TICK) -> None:
        self._tick = tick
        self._ticks = 0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds, a tick later each time."""
        with self._lock:
            self._ticks += 1
            return self._ticks * self._tick


def _in_threads(count: int, work: Callable[[random.Random], None]) -> None:
    threads = [
        threading.Thread(target=work, args=(random.Random(seed),))  # noqa: S311 - seeded on purpose
        for seed in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class BreakerStorm:
    """Threads that pass one circuit with random outcomes, and a tally."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._each = told["each"]
        self._tally = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._probes = self._most_probes = 0
        self._changes: list[tuple[str, str]] = []
        settings = BreakerSettings(**told["settings"])
        self._circuit = Circuit("storm", settings, self._changed, TickingClock(told["tick"]).now)

    def run(self, threads: int) -> dict[str, Any]:
        """What happened in all threads together."""
        _in_threads(threads, self._work)
        entered = Counter([after for _, after in self._changes] + ["closed"])
        left = Counter([before for before, _ in self._changes] + [self._circuit.state])
        return {
            "most_probes": self._most_probes,
            "attempts": self._counts["admitted"] + self._counts["rejected"],
            "admitted_some": self._counts["admitted"] > 0,
            "rejected_some": self._counts["rejected"] > 0,
            "chained": entered == left,
        }

    def _work(self, dice: random.Random) -> None:
        for _ in range(self._each):
            try:
                permit = self._circuit.admit()
            except CircuitOpenError:
                self._count("rejected")
                continue
            self._count("admitted", permit.probe)
            outcome: Any = dice.choices(["success", "failure", "neutral"], [5, 4, 1])[0]
            # Before the permit goes back, or the next probe would be counted while this one still is.
            self._count("ended", -permit.probe)
            self._circuit.record(permit, outcome, dice.random())

    def _count(self, what: str, probes: int = 0) -> None:
        with self._tally:
            self._counts[what] += 1
            self._probes += probes
            self._most_probes = max(self._most_probes, self._probes)

    def _changed(self, _name: str, /, **facts: Any) -> None:
        self._changes.append((facts["before"], facts["after"]))


def breaker_storm(told: dict[str, Any]) -> dict[str, Any]:
    """Threads against one breaker."""
    return BreakerStorm(told).run(told["threads"])


def limiter_storm(told: dict[str, Any]) -> dict[str, Any]:
    """Threads against one limiter that lets nobody wait; what they took, and the balance when it is full."""
    limit = Limit(**told["limit"])
    limiter, clock, tally = Limiter([limit]), TickingClock(told["tick"]), threading.Lock()
    gate, io, counts = Gate(limiter, threading.Lock()), SyncIo(None, clock), Counter[str]()  # type: ignore[arg-type]

    def work(dice: random.Random) -> None:
        for _ in range(told["acquisitions"] // told["threads"]):
            taken = _one(gate, io, dice)
            with tally:
                counts.update(tries=1, taken=taken)

    _in_threads(told["threads"], work)
    now = clock.now()
    return {
        "tries": counts["tries"],
        "within_limit_and_burst": counts["taken"] <= limit.capacity + limit.rate * now,
        "all_that_was_there": counts["taken"] >= limit.rate * now - 1,
        "balance_when_full": limiter.snapshot(now + limit.capacity / limit.rate)[0].remaining,
    }


def _one(gate: Gate, io: SyncIo, dice: random.Random) -> int:
    """Units that one try took for good."""
    try:
        reservation, _ = run_now(gate.enter(io, Cost(), Deadline(None), max_wait=0.0))
    except RateLimitWaitError:
        return 0
    unsent = dice.random() < 0.1
    gate.leave(reservation, io.now(), used=None, result="unsent" if unsent else "done")
    return 0 if unsent else 1


def backoff(told: dict[str, Any]) -> dict[str, Any]:
    """Waits before one attempt with real chance: how far their distribution is from the uniform one."""
    policy, dice, count = RetryPolicy(), random.Random(told["seed"]), told["count"]  # noqa: S311 - seeded
    plans = [
        policy.decide(told["attempt"], Failure("lost"), left=None, chance=dice.random(), jitter=dice.random())
        for _ in range(count)
    ]
    waits = sorted(plan.after / told["most"] for plan in plans if isinstance(plan, Retry))
    distances = [max(abs(wait - i / count), abs(wait - (i + 1) / count)) for i, wait in enumerate(waits)]
    return {"count": len(waits), "distance": max(distances), "within": 0 <= waits[0] <= waits[-1] <= 1}
