from __future__ import annotations

import asyncio

import pytest

from .figures import (
    LIMIT,
    VICIOUS_TIMEOUT,
    event_log,
    outage,
    restart,
    retryable_faults,
    vicious_faults,
)
from .virtual_time import EverybodyWaits, run


@pytest.mark.requirement("R-060", "R-061", "R-070", "R-075")
@pytest.mark.parametrize(("attempts", "succeeded", "requests"), [(3, 0.97, 1.42), (8, 0.999, 1.46)])
def test_sy_01_retries_cure_what_they_can_at_little_cost(
    attempts: int, succeeded: float, requests: float
) -> None:
    found = retryable_faults(attempts)
    assert found.calls == 10_000
    assert found.succeeded >= succeeded
    assert found.requests <= requests * found.calls
    assert found.requests == found.calls + found.retries, "something else repeats requests"
    assert found.budget_exhausted == 0


@pytest.mark.requirement("R-093", "R-094", "R-095", "R-096")
@pytest.mark.parametrize(("begins", "window"), [(0, 30.0), (60, 3.0)])
def test_sy_02_a_dead_server_is_left_alone_and_found_again(begins: int, window: float) -> None:
    """With the window of 30 s an outage in mid-traffic is noticed later: docs/adr/0005."""
    found = outage(begins, window, seconds=180)
    assert found.seen <= 0.05
    assert found.recovered_after <= 40


@pytest.mark.requirement("R-066", "R-117")
def test_sy_04_clients_that_restart_together_come_back_when_the_server_says() -> None:
    found = restart(fair=True)
    assert found.succeeded == found.clients
    assert found.most <= 2 * LIMIT


def test_sy_05_the_same_seed_gives_the_same_events_at_the_same_times() -> None:
    first, second = event_log(11), event_log(11)
    assert first.events == second.events
    assert len(first.events) > 2000
    assert event_log(12).events != first.events


@pytest.mark.requirement("R-045", "R-052", "R-144", "R-216")
def test_sy_07_every_call_ends_once_with_a_result_or_a_typed_error_whatever_the_server_does() -> None:
    found = vicious_faults(5_000)
    assert found.calls == 5_000
    assert found.longest <= VICIOUS_TIMEOUT + 0.05
    assert {
        "StreamInterruptedError",
        "InvalidResponseError",
        "AttemptTimeoutError",
        "StreamIdleError",
    } <= set(found.outcomes)
    assert 0.5 < found.succeeded < 1


def test_the_virtual_loop_finds_out_who_waits_for_ever() -> None:
    async def hang() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(EverybodyWaits):
        run(hang())


def test_virtual_hours_pass_in_no_time_and_in_order() -> None:
    seen = []

    async def sleeper(seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((seconds, asyncio.get_running_loop().time()))

    async def both() -> None:
        await asyncio.gather(sleeper(7200.0), sleeper(3600.0))

    run(both())
    assert seen == [(3600.0, 3600.0), (7200.0, 7200.0)]
