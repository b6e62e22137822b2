from __future__ import annotations

import itertools
import random
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llm_forge.core.limiter import Cost, Granted, Limit, Limiter
from llm_forge.core.rate_headers import Observed

from .limiter_run import Run

BURST, RATE, CONCURRENCY = 8.0, 2.0, 5
TOKEN_BURST, TOKEN_RATE = 40.0, 10.0
costs = st.builds(Cost, input=st.integers(0, 20), output=st.integers(0, 20))
LIMITS = [Limit("requests", RATE, 1, burst=BURST), Limit("tokens", TOKEN_RATE, 1, burst=TOKEN_BURST)]


class LimiterModel(RuleBasedStateMachine):
    """Any order of calls, ends, cancellations, pauses and reports, against plain sums kept beside."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(Limiter(LIMITS, max_wait=1e9, concurrency=CONCURRENCY))
        self.numbers = itertools.count()
        self.costs: dict[int, Cost] = {}
        self.given_back = {"requests": 0.0, "tokens": 0.0}

    @rule(cost=costs)
    def submit(self, cost: Cost) -> None:
        call = next(self.numbers)
        self.costs[call] = cost
        self.run.submit(call, cost=cost)

    @rule(seconds=st.sampled_from([0.0, 0.25, 1.0, 7.0]))
    def pass_time(self, seconds: float) -> None:
        self.run.advance(self.run.now + seconds)

    @precondition(lambda self: self.run.open)
    @rule(
        place=st.integers(0, 99),
        used=st.none() | costs,
        result=st.sampled_from(["done", "unsent", "throttled"]),
    )
    def settle(self, place: int, used: Cost | None, result: Any) -> None:
        call = sorted(self.run.open)[place % len(self.run.open)]
        if result != "done":
            self.given_back["tokens"] += self.costs[call].tokens
        elif used is not None:
            self.given_back["tokens"] += self.costs[call].tokens - used.tokens
        self.given_back["requests"] += result == "unsent"
        self.run.settle(call, used, result)

    @precondition(lambda self: self.run.waiting)
    @rule(place=st.integers(0, 99))
    def cancel(self, place: int) -> None:
        self.run.cancel(self.run.waiting[place % len(self.run.waiting)])

    @rule(seconds=st.sampled_from([0.5, 3.0]))
    def pause(self, seconds: float) -> None:
        self.run.pause(self.run.now + seconds)

    @rule(remaining=st.integers(0, 5), seconds=st.sampled_from([0.5, 4.0]))
    def learn(self, remaining: int, seconds: float) -> None:
        self.run.learn(Observed("r", "requests", 5, remaining, self.run.now + seconds, "window"))

    @invariant()
    def calls_go_in_the_order_they_came(self) -> None:
        assert list(self.run.sent) == sorted(self.run.sent)

    @invariant()
    def no_bucket_gives_more_than_its_burst_and_refill(self) -> None:
        now = self.run.now
        for unit, burst, rate in (("requests", BURST, RATE), ("tokens", TOKEN_BURST, TOKEN_RATE)):
            taken = sum(self.costs[call].of(unit) for call in self.run.sent) - self.given_back[unit]  # type: ignore[arg-type]
            # What was overdrawn by usage is a debt that only ended calls can cause.
            state = next(s for s in self.run.limiter.snapshot(now) if s.unit == unit and s.source == "local")
            assert state.remaining is not None
            assert state.remaining <= burst + 1e-6
            assert taken + state.remaining <= burst + rate * now + 1e-3

    @invariant()
    def concurrency_is_kept(self) -> None:
        assert len(self.run.open) <= CONCURRENCY

    def teardown(self) -> None:
        for _ in range(1000):
            if not self.run.waiting:
                break
            for call in list(self.run.open):
                self.run.settle(call, None, "unsent")
            self.run.advance(self.run.now + 10.0)
        assert not self.run.waiting, "somebody waits for ever"


TestLimiterModel = pytest.mark.requirement("R-111")(LimiterModel.TestCase)
TestLimiterModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)

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
