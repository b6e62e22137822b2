"""Pool accounting as a model: whatever callers do, slots are neither lost nor given twice (R-037, R-045)."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from llm_forge.core.errors import PoolTimeoutError
from llm_forge.runtime.transports.protocol import PoolLimits
from llm_forge.runtime.transports.slots import Slot, Slots

LIMIT = 2
ORIGINS = ("https://a.example/x", "https://b.example/y")


class Pool(RuleBasedStateMachine):
    """Tasks that take, wait for, give back (once or twice) and give up slots, in any order."""

    held = Bundle("held")
    waiting = Bundle("waiting")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.slots = Slots(PoolLimits(connections=LIMIT))
        self.open = dict.fromkeys(ORIGINS, 0)
        self.queues: dict[str, list[asyncio.Task[Slot]]] = {origin: [] for origin in ORIGINS}
        self.origin_of: dict[int, str] = {}

    def teardown(self) -> None:
        for queue in self.queues.values():
            for task in queue:
                task.cancel()
        self.settle()
        self.loop.close()

    def settle(self) -> None:
        """Give every woken task its turn; slots of those that got one are counted as open."""
        for _ in range(4):
            self.loop.run_until_complete(asyncio.sleep(0))

    @rule(target=held, origin=st.sampled_from(ORIGINS))
    def take(self, origin: str) -> tuple[str, Slot | None]:
        if self.open[origin] == LIMIT or self.queues[origin]:
            with pytest.raises(PoolTimeoutError):
                self.slots.acquire(origin, 0)
            return origin, None
        self.open[origin] += 1
        return origin, self.slots.acquire(origin, 0)

    @rule(target=waiting, origin=st.sampled_from(ORIGINS))
    def wait(self, origin: str) -> tuple[str, asyncio.Task[Slot]]:
        task = self.loop.create_task(self.slots.acquire_async(origin, None))
        self.settle()
        if self.open[origin] < LIMIT and not self.queues[origin]:
            self.open[origin] += 1
            assert task.done()
        else:
            self.queues[origin].append(task)
            assert not task.done()
        return origin, task

    @rule(one=consumes(held), twice=st.booleans())
    def give_back(self, one: tuple[str, Slot | None], twice: bool) -> None:
        origin, slot = one
        if slot is not None:
            self.release(origin, slot, twice=twice)

    @rule(one=consumes(waiting), twice=st.booleans())
    def give_back_or_give_up(self, one: tuple[str, asyncio.Task[Slot]], twice: bool) -> None:
        origin, task = one
        if task.cancelled():  # by the rule below
            return
        if task.done():
            self.release(origin, task.result(), twice=twice)
            return
        self.queues[origin].remove(task)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            self.loop.run_until_complete(task)

    @precondition(lambda self: any(self.queues.values()))
    @rule(one=consumes(held), data=st.data())
    def give_back_while_the_first_waiter_gives_up(
        self, one: tuple[str, Slot | None], data: st.DataObject
    ) -> None:
        origin, slot = one
        if slot is None or not self.queues[origin]:
            self.give_back(one, twice=False)
            return
        first = self.queues[origin][0]
        steps = [lambda: self.slots.release(slot), first.cancel]
        for step in steps if data.draw(st.booleans()) else reversed(steps):
            step()
        self.open[origin] -= 1
        self.queues[origin].remove(first)
        self.serve(origin)

    def release(self, origin: str, slot: Slot, *, twice: bool) -> None:
        self.slots.release(slot)
        if twice:
            self.slots.release(slot)
        self.open[origin] -= 1
        self.serve(origin)

    def serve(self, origin: str) -> None:
        """A freed slot went to the longest waiter."""
        self.settle()
        if self.queues[origin] and self.open[origin] < LIMIT:
            assert self.queues[origin].pop(0).done()
            self.open[origin] += 1

    @invariant()
    def every_slot_is_accounted_for(self) -> None:
        assert self.slots.active() == sum(self.open.values())
        assert all(count <= LIMIT for count in self.open.values())


@pytest.mark.requirement("R-037", "R-045")
class TestPool(Pool.TestCase):  # type: ignore[misc, name-defined]  # made by hypothesis
    pass


TestPool.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
