"""Streams that nobody closed, found by the garbage collector in the middle of anything."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import pytest

from llm_forge.runtime.finalise import finalise
from tests.runtime.kit import DONE, client, delta, sse
from tests.runtime.test_stream import stream


@pytest.fixture
def no_collections() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def wait_until(condition: threading.Event) -> bool:
    return condition.wait(5)


@pytest.mark.requirement("R-045")
def test_work_is_done_in_place_outside_a_collection() -> None:
    done: list[int] = []
    finalise(lambda: done.append(threading.get_ident()))
    assert done == [threading.get_ident()]


@pytest.mark.requirement("R-045")
def test_work_inside_a_collection_waits_for_locks_on_another_thread(no_collections: None) -> None:
    lock, done = threading.Lock(), threading.Event()

    class Left:
        def __del__(self) -> None:
            finalise(self.give_back)

        def give_back(self) -> None:
            with lock:
                done.set()

    left = Left()
    left.itself = left  # type: ignore[attr-defined]
    del left
    with lock:
        gc.collect()  # would wait for itself for ever if the work were done in place
        assert not done.is_set()
    assert wait_until(done)


@pytest.mark.requirement("R-045")
def test_a_stream_in_a_reference_cycle_is_closed_though_the_clients_lock_is_held(
    no_collections: None,
) -> None:
    acme = client(sse(delta("Hel"), delta("lo"), DONE))
    opened = stream(acme)
    events = iter(opened)
    next(events)
    cycle: dict[str, object] = {"stream": opened, "events": events}
    cycle["itself"] = cycle
    del opened, events, cycle
    with acme._shared.lock:
        gc.collect()
    for _ in range(500):
        if acme.world.exchanges[0].closed and not acme._shared.running:
            return
        time.sleep(0.01)
    pytest.fail("the abandoned stream was never closed")
