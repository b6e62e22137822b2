"""Circuits of a client: by group and model, by hand, and under many threads."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from llm_forge.core.breaker import BreakerSettings, Permit
from llm_forge.core.errors import CircuitOpenError, ForgeError, ServerError
from llm_forge.runtime.circuit import Circuit
from llm_forge.runtime.events import Event
from llm_forge.runtime.scripted import Answer
from tests.runtime.kit import CHAT, GET, Acme, call, client, failed, ok

TWO = BreakerSettings(min_outcomes=2, jitter=0)


def fail(acme: Acme, model: str = "m", times: int = 2) -> None:
    for _ in range(times):
        with pytest.raises(ServerError):
            acme.call(CHAT, body={"model": model, "messages": []}, options={})


@pytest.mark.requirement("R-090")
def test_a_circuit_opened_by_hand_stays_open_until_it_is_reset() -> None:
    events: list[Event] = []
    acme = client(ok(), on_event=events.append)
    circuit = acme.circuit("chat")
    circuit.force_open()
    acme.world.clock += 1e6
    with pytest.raises(CircuitOpenError) as caught:
        call(acme)
    assert caught.value.retry_after == 30.0
    assert circuit.state == "forced-open"
    circuit.reset()
    assert call(acme).id == "x"
    changes = [event.facts for event in events if event.name == "breaker"]
    assert changes == [
        {"before": "closed", "after": "forced-open", "circuit": "chat"},
        {"before": "forced-open", "after": "closed", "circuit": "chat"},
    ]


@pytest.mark.requirement("R-090")
def test_a_disabled_circuit_lets_everything_through() -> None:
    acme = client(*(failed(500) for _ in range(30)), max_attempts=1)
    acme.circuit("chat").disable()
    fail(acme, times=30)
    assert acme.circuits()["chat"].state == "disabled"


@pytest.mark.requirement("R-090")
def test_each_group_has_a_circuit_and_copies_share_them() -> None:
    acme = client(failed(500), failed(500), ok(), max_attempts=1, breaker=TWO)
    copy = acme.with_options(timeout=5)
    fail(copy)
    with pytest.raises(CircuitOpenError):
        call(acme)
    call(acme, GET)
    assert {name: circuit.state for name, circuit in acme.circuits().items()} == {
        "chat": "open",
        "models": "closed",
    }
    assert repr(acme.circuit("chat")) == "<Circuit 'chat': open>"


@pytest.mark.requirement("R-090")
def test_circuits_per_model_are_apart_where_that_is_asked_for() -> None:
    breaker = BreakerSettings(min_outcomes=2, per_model=True)
    acme = client(failed(500), failed(500), ok(), max_attempts=1, breaker=breaker)
    fail(acme, "big")
    assert call(acme).id == "x"
    assert acme.circuit("chat", "big").state == "open"
    assert set(acme.circuits()) == {"chat/big", "chat/m"}


@pytest.mark.requirement("R-075")
@pytest.mark.requirement("R-090")
def test_another_origin_has_a_circuit_a_budget_and_limits_of_its_own() -> None:
    acme = client(
        failed(429, retry_after="30"), failed(500), ok(), ok(), max_attempts=1, breaker=TWO, concurrency=1
    )
    there = replace(GET, group="chat")
    for _ in range(2):
        with pytest.raises(ForgeError):
            acme.call(there, url="https://files.test/result", options={"max_limit_wait": 60.0})
    assert acme.world.sleeps == [30.0]
    assert call(acme).id == "x"
    assert acme.world.sleeps == [30.0]
    states = {name: circuit.state for name, circuit in acme.circuits().items()}
    assert states == {"chat at https://files.test:443": "closed", "chat": "closed"}
    assert set(acme.rate_limit_status()) == {"https://files.test:443", "m"}
    acme._shared.budget_of("https://files.test:443").spend(500)
    assert acme._shared.budget_of().tokens == 500


@pytest.mark.requirement("R-102")
def test_answers_that_are_slow_to_begin_open_the_circuit_where_that_is_asked_for() -> None:
    slow = Answer(body=[b'{"id": "slow"}'], delay=3.0)
    breaker = BreakerSettings(min_outcomes=4, slow_call_seconds=2.0, slow_call_ratio=0.5)
    acme = client(ok(), ok(), slow, slow, breaker=breaker)
    for _ in range(4):
        call(acme)
    assert acme.circuit("chat").state == "open"

    patient = client(ok(), ok(), slow, slow, breaker=BreakerSettings(min_outcomes=4))
    for _ in range(4):
        call(patient)
    assert patient.circuit("chat").state == "closed"


@pytest.mark.requirement("R-102")
def test_a_body_that_takes_long_is_no_slow_call() -> None:
    dripping = Answer(body=[b'{"id": ', 3.0, b'"slow"}'])
    breaker = BreakerSettings(min_outcomes=2, slow_call_seconds=2.0, slow_call_ratio=0.5)
    acme = client(dripping, dripping, breaker=breaker)
    for _ in range(2):
        call(acme)
    assert acme.circuit("chat").state == "closed"


@pytest.mark.requirement("R-094")
def test_an_open_circuit_refuses_before_limiter_key_and_network() -> None:
    asked: list[str] = []
    acme = client(api_key=lambda: asked.append("key") or "k", concurrency=1)  # type: ignore[func-returns-value]
    acme.circuit("chat").force_open()
    for _ in range(3):
        with pytest.raises(CircuitOpenError):
            call(acme)
    assert asked == []
    assert acme.world.requests == []
    assert acme.rate_limit_status() == {"m": []}


@pytest.mark.requirement("R-100")
def test_cb_17_eight_threads_of_ten_thousand_outcomes_keep_one_probe_and_tell_every_transition() -> None:
    storm = Storm()
    threads = [threading.Thread(target=storm.work, args=(seed, 10_000)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storm.most_probes == 1
    assert storm.admitted + storm.rejected == 80_000
    assert storm.admitted > 0
    assert storm.rejected > 0
    # One event for each transition: every state is left as often as it was entered.
    assert len(storm.changes) == storm.circuit._breaker._generation
    entered = Counter(after for _, after in storm.changes)
    left = Counter(before for before, _ in storm.changes)
    assert entered + Counter(["closed"]) == left + Counter([storm.circuit.state])


class Storm:
    """One circuit, a clock that every attempt moves on, and a tally."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.admitted = self.rejected = self.probes = self.most_probes = 0
        self._clock = 0.0
        self._tally = threading.Lock()
        settings = BreakerSettings(window=1.0, min_outcomes=5, open_seconds=0.01, open_max=0.02)
        self.circuit = Circuit("storm", settings, self._emit, self._now)

    def work(self, seed: int, times: int) -> None:
        dice = random.Random(seed)
        for _ in range(times):
            try:
                permit = self.circuit.admit()
            except CircuitOpenError:
                with self._tally:
                    self.rejected += 1
                continue
            self._begin(permit)
            outcome = dice.choices(["success", "failure", "neutral"], [5, 4, 1])[0]
            self._end(permit)
            self.circuit.record(permit, outcome, dice.random())  # type: ignore[arg-type]

    def _emit(self, _name: str, /, **facts: Any) -> None:
        self.changes.append((facts["before"], facts["after"]))

    def _now(self) -> float:
        with self._tally:
            self._clock += 1e-3
            return self._clock

    def _begin(self, permit: Permit) -> None:
        with self._tally:
            self.admitted += 1
            self.probes += permit.probe
            self.most_probes = max(self.most_probes, self.probes)

    def _end(self, permit: Permit) -> None:
        # Before the permit goes back, or the next probe could be counted while this one still is.
        with self._tally:
            self.probes -= permit.probe
