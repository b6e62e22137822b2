"""Who gets a connection slot, and what is known of the connection behind it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from llm_forge.core.errors import PoolTimeoutError
from llm_forge.runtime.transports.protocol import PoolLimits
from llm_forge.runtime.transports.slots import Slots

URL = "https://a.example/x?key=sk-secret"


@pytest.mark.requirement("R-037")
def test_slots_are_counted_per_origin() -> None:
    slots = Slots(PoolLimits(connections=1))
    slots.acquire(URL, 0)
    slots.acquire("https://b.example/x", 0)
    slots.acquire("http://a.example/x", 0)
    with pytest.raises(PoolTimeoutError) as caught:
        slots.acquire("https://a.example/other", 0)
    assert "sk-secret" not in str(caught.value)
    assert slots.active() == 3


def test_a_slot_is_released_once() -> None:
    slots = Slots(PoolLimits(connections=1))
    slot = slots.acquire(URL, 0)
    slots.release(slot)
    slots.release(slot)
    assert slots.active() == 0


@pytest.mark.requirement("R-043")
def test_a_thread_hands_its_slot_to_a_waiting_task() -> None:
    slots = Slots(PoolLimits(connections=1))
    held = slots.acquire(URL, 0)

    async def wait() -> None:
        threading.Timer(0.02, slots.release, (held,)).start()
        slots.release(await slots.acquire_async(URL, 1.0))

    asyncio.run(wait())
    assert slots.active() == 0


def test_the_longest_waiter_is_served_first() -> None:
    slots = Slots(PoolLimits(connections=1))
    held = slots.acquire(URL, 0)
    order: list[int] = []

    async def wait(number: int) -> None:
        slot = await slots.acquire_async(URL, 1.0)
        order.append(number)
        slots.release(slot)

    async def main() -> None:
        waiting = [asyncio.create_task(wait(number)) for number in range(3)]
        await asyncio.sleep(0)
        slots.release(held)
        await asyncio.gather(*waiting)

    asyncio.run(main())
    assert order == [0, 1, 2]


def test_a_waiter_of_a_closed_event_loop_does_not_keep_the_slot() -> None:
    slots = Slots(PoolLimits(connections=1))
    held = slots.acquire(URL, 0)
    loop = asyncio.new_event_loop()
    task = loop.create_task(slots.acquire_async(URL, None))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    slots.release(held)
    assert slots.active() == 0
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # the loop was closed on purpose
