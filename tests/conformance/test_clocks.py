"""The Python driver's virtual clocks: sleeps take no time, and wake in the order of virtual time."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from llm_forge.conformance.runner import conformance_root

TOLERANCE = 1e-6


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(conformance_root() / "drivers" / "python"))
    yield importlib.import_module("clocks")
    sys.modules.pop("clocks", None)


def test_a_sleep_moves_the_clock_and_takes_no_time(clocks: Any) -> None:
    slept: list[float] = []
    clock = clocks.ThreadClock(None, 1000.0, slept.append)
    clock.begin()
    began = time.monotonic()
    clock.sleep(3600.0)
    assert clock.now() == 3600.0
    assert clock.wall() == 4600.0
    assert slept == [3600.0]
    assert time.monotonic() - began < 1.0


def test_threads_wake_in_the_order_of_virtual_time(clocks: Any) -> None:
    clock = clocks.ThreadClock(None, 0.0, lambda seconds: None)
    woken: list[tuple[float, float]] = []

    def work(seconds: float) -> None:
        clock.sleep(seconds)
        woken.append((seconds, clock.now()))
        clock.sleep(10.0)
        woken.append((seconds + 10, clock.now()))
        clock.end()

    threads = [threading.Thread(target=work, args=(seconds,)) for seconds in (3.0, 1.0, 2.0)]
    for _ in threads:
        clock.begin()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5.0)
    assert woken == [(at, at) for at in (1.0, 2.0, 3.0, 11.0, 12.0, 13.0)]


def test_an_event_wakes_a_thread_before_its_time(clocks: Any) -> None:
    clock = clocks.ThreadClock(None, 0.0, lambda seconds: None)
    event = threading.Event()
    ended: list[float] = []

    def wait() -> None:
        clock.wait(event, 100.0)
        ended.append(clock.now())
        clock.end()

    for _ in range(2):
        clock.begin()
    thread = threading.Thread(target=wait)
    thread.start()
    clock.sleep(5.0)
    event.set()
    clock.end()
    thread.join(5.0)
    assert ended == [5.0]


def test_tasks_wake_in_the_order_of_virtual_time(clocks: Any) -> None:
    async def main() -> list[float]:
        clock = clocks.LoopClock(None, 0.0, lambda seconds: None)
        woken: list[float] = []

        async def work(seconds: float) -> None:
            await clock.asleep(seconds)
            woken.append(clock.now())
            clock.end()

        for _ in range(3):
            clock.begin()
        await asyncio.gather(*(work(seconds) for seconds in (300.0, 100.0, 200.0)))
        return woken

    assert asyncio.run(main()) == [100.0, 200.0, 300.0]


def test_an_event_wakes_a_task_before_its_time(clocks: Any) -> None:
    async def main() -> float:
        clock = clocks.LoopClock(None, 0.0, lambda seconds: None)
        event = asyncio.Event()

        async def set_later() -> None:
            await clock.asleep(5.0)
            event.set()
            clock.end()

        clock.begin()
        clock.begin()
        await asyncio.gather(clock.await_event(event, 100.0), set_later())
        return float(clock.now())

    assert asyncio.run(main()) == 5.0


def test_a_watched_moment_comes_before_later_wake_ups(clocks: Any) -> None:
    async def main() -> tuple[float, bool]:
        clock = clocks.LoopClock(None, 0.0, lambda seconds: None)
        clock.begin()
        task = asyncio.ensure_future(clock.asleep(10.0))
        take_back = clock.watch(2.0, task.cancel, hold=True)
        await asyncio.gather(task, return_exceptions=True)
        take_back()
        return clock.now(), task.cancelled()

    assert asyncio.run(main()) == (2.0, True)


def test_a_flowing_clock_scales_the_timers_of_sockets(clocks: Any) -> None:
    clock = clocks.ThreadClock(0.01, 0.0, lambda seconds: None)
    assert clock.real(60.0) == pytest.approx(0.6, abs=TOLERANCE)
    assert clock.real(None) is None
    before = clock.now()
    time.sleep(0.01)
    assert clock.now() - before >= 0.9
