"""Waiting at the limiter, with real threads and real tasks: nobody is forgotten."""

from __future__ import annotations

import asyncio
import random
import threading

import pytest

from llm_forge.core.deadline import Deadline
from llm_forge.core.errors import DeadlineExceededError
from llm_forge.core.limiter import Cost, Limit, Limiter
from llm_forge.runtime.clock import Clock
from llm_forge.runtime.gate import Gate
from llm_forge.runtime.io import AsyncIo, Io, SyncIo, run_now

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


@pytest.mark.requirement("R-122")
def test_rl_21_thirty_two_threads_and_two_event_loops_share_one_gate_exactly() -> None:
    """Everybody waits in turn; at the end all that was taken for good is missing, and nothing else."""
    one = gate(
        limits=[Limit("requests", 1e6, 1, burst=1e6), Limit("input", 1, 1e9, burst=1e9)], concurrency=7
    )
    clock = Clock()
    inside, most, taken = 0, 0, 0
    tally = threading.Lock()

    async def visits(io: Io, times: int, chance: random.Random) -> None:
        nonlocal inside, most, taken
        for _ in range(times):
            reservation, _ = await one.enter(io, Cost(input=10), NEVER)
            used = chance.choice([None, 3, 30])
            with tally:
                inside += 1
                most = max(most, inside)
                taken += 10 if used is None else used
            with tally:
                inside -= 1
            one.leave(reservation, io.now(), used=None if used is None else Cost(input=used), result="done")

    def in_a_thread(seed: int) -> None:
        run_now(visits(SyncIo(None, clock), 80, random.Random(seed)))  # type: ignore[arg-type]

    async def in_tasks(seed: int) -> None:
        io = AsyncIo(None, clock)  # type: ignore[arg-type]
        await asyncio.gather(*(visits(io, 8, random.Random(seed + n)) for n in range(10)))

    threads = [threading.Thread(target=in_a_thread, args=(seed,), daemon=True) for seed in range(32)]
    loops = [threading.Thread(target=lambda n=n: asyncio.run(in_tasks(n)), daemon=True) for n in (1000, 2000)]
    for thread in [*threads, *loops]:
        thread.start()
    for thread in [*threads, *loops]:
        thread.join(60)
        assert not thread.is_alive(), "somebody waits for ever"
    assert most <= 7
    remaining = one.snapshot(clock.now())[1].remaining
    assert remaining == pytest.approx(1e9 - taken, abs=0.01)
