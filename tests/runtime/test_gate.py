"""Waiting at the limiter, with real threads and real tasks: nobody is forgotten."""

from __future__ import annotations

import asyncio
import threading

import pytest

from llm_forge.core.deadline import Deadline
from llm_forge.core.errors import DeadlineExceededError
from llm_forge.core.limiter import Cost, Limit, Limiter
from llm_forge.runtime.clock import Clock
from llm_forge.runtime.gate import Gate
from llm_forge.runtime.io import AsyncIo, SyncIo, run_now

NEVER = Deadline(None)


def gate(**options: object) -> Gate:
    return Gate(Limiter(**options), threading.Lock())  # type: ignore[arg-type]


@pytest.mark.requirement("R-119")
def test_threads_that_wait_for_each_other_all_get_through() -> None:
    one = gate(concurrency=2)
    io = SyncIo(None, Clock())  # type: ignore[arg-type]
    inside, most, done = 0, 0, 0
    count = threading.Lock()

    def work() -> None:
        nonlocal inside, most, done
        for _ in range(100):
            reservation, _ = run_now(one.enter(io, Cost(), NEVER))
            with count:
                inside += 1
                most = max(most, inside)
            with count:
                inside -= 1
                done += 1
            one.leave(reservation, io.now(), used=None, result="done")

    threads = [threading.Thread(target=work, daemon=True) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert done == 1600
    assert most <= 2


@pytest.mark.requirement("R-111")
def test_tasks_are_served_first_in_first_out_and_a_cancelled_one_leaves_no_hole() -> None:
    async def play() -> list[int]:
        one = gate(concurrency=1)
        io = AsyncIo(None, Clock())  # type: ignore[arg-type]
        served: list[int] = []
        go = asyncio.Event()

        async def visit(number: int) -> None:
            reservation, _ = await one.enter(io, Cost(), NEVER)
            served.append(number)
            await go.wait()
            one.leave(reservation, io.now(), used=None, result="done")

        tasks = []
        for number in range(6):
            tasks.append(asyncio.create_task(visit(number)))
            await asyncio.sleep(0)
        tasks[3].cancel()
        go.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        return served

    assert asyncio.run(play()) == [0, 1, 2, 4, 5]


@pytest.mark.requirement("R-054")
def test_waiting_for_another_calls_end_stops_at_the_deadline() -> None:
    one = gate(concurrency=1)
    io = SyncIo(None, Clock())  # type: ignore[arg-type]
    run_now(one.enter(io, Cost(), NEVER))
    with pytest.raises(DeadlineExceededError) as caught:
        run_now(one.enter(io, Cost(), Deadline.after(0.03, io.now())))
    assert caught.value.phase == "limiter"


@pytest.mark.requirement("R-107")
def test_a_real_wait_takes_its_time() -> None:
    one = gate(limits=[Limit("requests", 50, 1, burst=1)])
    io = SyncIo(None, Clock())  # type: ignore[arg-type]
    waits = [run_now(one.enter(io, Cost(), NEVER))[1] for _ in range(3)]
    assert waits[0] == 0.0
    assert all(0.015 < wait < 0.2 for wait in waits[1:])
