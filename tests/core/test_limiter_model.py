from __future__ import annotations

import itertools
import random
import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llm_forge.core.limiter import Cost, Granted, Limit, Limiter
from llm_forge.core.rate_headers import Observed

from .limiter_run import Run

CONCURRENCY = 5
CLOSE = 1e-3  # units: what a deficit within the limiter's noise of a microsecond can amount to
costs = st.builds(Cost, input=st.integers(0, 20), output=st.integers(0, 20))
LIMITS = [Limit("requests", 2.0, 1, burst=8.0), Limit("tokens", 10.0, 1, burst=40.0)]
WINDOWS = [Limit("requests", 6, 4), Limit("tokens", 60, 4)]


class BucketOracle:
    """A balance written down at every change, and refilled by the time between two changes."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.balance, self.at = limit.capacity, 0.0

    def change(self, amount: float, now: float) -> None:
        self.balance = min(self.now(now) + amount, self.limit.capacity)
        self.at = now

    def now(self, now: float) -> float:
        return min(self.balance + (now - self.at) * self.limit.rate, self.limit.capacity)


class WindowOracle:
    """Every charge with its time; what is given back belongs to the charge, an excess counts anew."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.charges: dict[int, tuple[float, float]] = {}
        self.excess: list[tuple[float, float]] = []

    def used(self, now: float) -> float:
        every = [*self.charges.values(), *self.excess]
        return sum(amount for at, amount in every if at + self.limit.period > now)

    def correct(self, call: int, change: float, now: float) -> None:
        at, amount = self.charges[call]
        if change > 0:
            self.excess.append((now, change))
        else:
            self.charges[call] = (at, amount + change)


class ReportOracle:
    """The latest word of the server on its window, and the calls that went out since."""

    def __init__(self) -> None:
        self.remaining, self.resets_at = 0.0, -1.0
        self.since: set[int] = set()

    def learn(self, remaining: float, resets_at: float, now: float) -> None:
        known = now < self.resets_at
        if not known or remaining <= self.remaining:
            self.resets_at = min(self.resets_at, resets_at) if known else resets_at
            self.remaining, self.since = remaining, set()

    def allows(self, now: float) -> bool:
        return now >= self.resets_at or len(self.since) + 1 <= self.remaining


class LimiterRules:
    """Any order of calls, ends, cancellations, pauses and reports; machines keep the books of the limits."""

    limiter: Limiter

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(self.limiter)
        self.run.granted = self.granted
        self.numbers = itertools.count()
        self.costs: dict[int, Cost] = {}
        self.gone: set[int] = set()
        self.paused_until = 0.0
        self.report = ReportOracle()

    def charged(self, call: int) -> None:
        """A call was let out; check that it could be, and write it down."""
        raise NotImplementedError

    def settled(self, call: int, change: Cost) -> None:
        """A call used so much more than was reserved."""
        raise NotImplementedError

    def granted(self, call: int) -> None:
        now = self.run.now
        assert now >= self.paused_until - 1e-6, "sent during a pause"
        assert self.report.allows(now), "sent beyond what the server said was left"
        assert len(self.run.open) <= CONCURRENCY
        earlier = set(range(call)) - set(self.run.sent) - set(self.run.refused) - self.gone
        assert not earlier, f"{earlier} were overtaken"
        if now < self.report.resets_at:
            self.report.since.add(call)
        self.charged(call)

    @rule(cost=costs, left=st.sampled_from([None, None, 0.0, 3.0]))
    def submit(self, cost: Cost, left: float | None) -> None:
        call = next(self.numbers)
        self.costs[call] = cost
        self.run.submit(call, cost=cost, left=left)
        if call in self.run.refused:
            assert left is not None
            assert self.run.refused[call].wait > left

    @rule(seconds=st.sampled_from([0.0, 0.25, 1.0, 7.0]))
    def pass_time(self, seconds: float) -> None:
        self.run.advance(self.run.now + seconds)

    @precondition(lambda self: self.run.open)
    @rule(
        place=st.integers(0, 99),
        used=st.none() | costs,
        result=st.sampled_from(["done", "unsent", "throttled", "cancelled"]),
    )
    def settle(self, place: int, used: Cost | None, result: Any) -> None:
        call = sorted(self.run.open)[place % len(self.run.open)]
        cost = self.costs[call]
        self.report.since.discard(call)
        if result in ("unsent", "throttled"):
            self.settled(call, Cost(-1 if result == "unsent" else 0, -cost.input, -cost.output))
        else:
            self.settled(call, Cost(0) if used is None else replace(used - cost, requests=0))
        self.run.settle(call, used, result)

    @precondition(lambda self: self.run.waiting)
    @rule(place=st.integers(0, 99))
    def cancel(self, place: int) -> None:
        call = self.run.waiting[place % len(self.run.waiting)]
        self.gone.add(call)
        self.run.cancel(call)

    @rule(seconds=st.sampled_from([0.5, 3.0]))
    def pause(self, seconds: float) -> None:
        self.paused_until = max(self.paused_until, self.run.now + seconds)
        self.run.pause(self.run.now + seconds)

    @rule(remaining=st.integers(0, 5), seconds=st.sampled_from([0.5, 4.0]))
    def learn(self, remaining: int, seconds: float) -> None:
        now = self.run.now
        self.report.learn(remaining, now + seconds, now)
        self.run.learn(Observed("r", "requests", 5, remaining, now + seconds, "window"))

    @invariant()
    def calls_go_in_the_order_they_came(self) -> None:
        assert list(self.run.sent) == sorted(self.run.sent)

    @invariant()
    def every_call_is_somewhere_and_only_once(self) -> None:
        places = [set(self.run.sent), set(self.run.refused), set(self.run.waiting), self.gone]
        assert set().union(*places) == set(self.costs)
        assert sum(map(len, places)) == len(self.costs)

    def teardown(self) -> None:
        for _ in range(1000):
            if not self.run.waiting:
                break
            for call in list(self.run.open):
                self.settled(call, Cost(-1, -self.costs[call].input, -self.costs[call].output))
                self.report.since.discard(call)
                self.run.settle(call, None, "unsent")
            self.run.advance(self.run.now + 10.0)
        assert not self.run.waiting, "somebody waits for ever"


class BucketModel(LimiterRules, RuleBasedStateMachine):
    """The limiter over token buckets: every balance is exact after every step."""

    def __init__(self) -> None:
        self.limiter = Limiter(LIMITS, max_wait=1e9, concurrency=CONCURRENCY)
        self.books = [BucketOracle(limit) for limit in LIMITS]
        super().__init__()

    def charged(self, call: int) -> None:
        for book in self.books:
            amount = self.costs[call].of(book.limit.unit)
            assert amount == 0 or book.now(self.run.now) >= amount - CLOSE
            book.change(-amount, self.run.now)

    def settled(self, call: int, change: Cost) -> None:
        del call
        for book in self.books:
            book.change(-change.of(book.limit.unit), self.run.now)

    @invariant()
    def balances_are_exact(self) -> None:
        now = self.run.now
        for book, state in zip(self.books, self.run.limiter.snapshot(now), strict=False):
            assert state.remaining == pytest.approx(book.now(now), abs=1e-6)


class WindowModel(LimiterRules, RuleBasedStateMachine):
    """The limiter over sliding windows: none holds more than its limit, whoever gives back or overdraws."""

    def __init__(self) -> None:
        self.limiter = Limiter(WINDOWS, mode="sliding", max_wait=1e9, concurrency=CONCURRENCY)
        self.books = [WindowOracle(limit) for limit in WINDOWS]
        super().__init__()

    def charged(self, call: int) -> None:
        now = self.run.now
        for book in self.books:
            amount = self.costs[call].of(book.limit.unit)
            assert amount == 0 or book.used(now) + amount <= book.limit.amount + CLOSE
            book.charges[call] = (now, amount)

    def settled(self, call: int, change: Cost) -> None:
        for book in self.books:
            book.correct(call, change.of(book.limit.unit), self.run.now)

    @invariant()
    def no_balance_promises_more_than_the_window_has_left(self) -> None:
        now = self.run.now
        for book, state in zip(self.books, self.run.limiter.snapshot(now), strict=False):
            assert state.remaining is not None
            assert state.remaining <= book.limit.amount - book.used(now) + 1e-6


def proves(machine: type[RuleBasedStateMachine], *requirements: str) -> Any:
    """The machine as a test of these requirements."""
    case = machine.TestCase
    case.settings = settings(max_examples=100, stateful_step_count=50, deadline=None, derandomize=True)
    for requirement in requirements:
        case = pytest.mark.requirement(requirement)(case)
    return case


TestBuckets = proves(BucketModel, "R-106", "R-108", "R-109", "R-111", "R-115", "R-116", "R-117", "R-119")
TestWindows = proves(WindowModel, "R-107", "R-109", "R-111")

arrivals = st.lists(
    st.tuples(st.sampled_from([0.0, 0.01, 0.3, 1.0, 4.9]), st.integers(1, 5)), min_size=1, max_size=40
)


@pytest.mark.requirement("R-107")
@settings(max_examples=100, deadline=None, derandomize=True)
@given(arrivals)
def test_in_no_interval_of_a_period_does_a_window_admit_more_than_its_limit(
    calls: list[tuple[float, int]],
) -> None:
    run = Run(Limiter([Limit("input", 10, 5)], mode="sliding", max_wait=1e9))
    size = {}
    for number, (pause, amount) in enumerate(calls):
        run.advance(run.now + pause)
        size[number] = amount
        run.submit(number, cost=Cost(input=amount))
    run.advance(run.now + 1000.0)
    assert len(run.sent) == len(calls)
    for start in run.sent.values():
        assert sum(size[call] for call, at in run.sent.items() if start <= at < start + 5) <= 10


@pytest.mark.requirement("R-107")
@settings(max_examples=100, deadline=None, derandomize=True)
@given(arrivals)
def test_in_no_interval_does_a_bucket_admit_more_than_burst_and_refill(
    calls: list[tuple[float, int]],
) -> None:
    run = Run(Limiter([Limit("input", 2, 1, burst=6)], max_wait=1e9))
    size = {}
    for number, (pause, amount) in enumerate(calls):
        run.advance(run.now + pause)
        size[number] = amount
        run.submit(number, cost=Cost(input=amount))
    run.advance(run.now + 1000.0)
    times = sorted(run.sent.values())
    for start, end in itertools.combinations_with_replacement(times, 2):
        admitted = sum(size[call] for call, at in run.sent.items() if start <= at <= end)
        assert admitted <= 6 + 2 * (end - start) + 1e-3


@pytest.mark.requirement("R-122")
def test_rl_21_thirty_two_threads_admit_no_more_than_limit_and_burst_and_balances_are_exact() -> None:
    limiter = Limiter([Limit("requests", 1000, 1, burst=500)], max_wait=0.0)
    lock, clock, admitted, returned = threading.Lock(), [0.0], [0], [0]

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(100_000 // 32):
            with lock:
                clock[0] += 1e-5
                decision = limiter.reserve(Cost(), clock[0])
            if not isinstance(decision, Granted):
                continue
            unsent = dice.random() < 0.1
            with lock:
                admitted[0] += 1
                returned[0] += unsent
                limiter.settle(
                    decision.reservation, clock[0], used=None, result="unsent" if unsent else "done"
                )

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = admitted[0] - returned[0]
    assert 1000 * clock[0] - 1 <= taken <= 500 + 1000 * clock[0]
    full = limiter.snapshot(clock[0] + 1.0)[0]
    assert full.remaining == 500.0
