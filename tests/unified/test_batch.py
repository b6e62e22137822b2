"""Many prompts at once: bounded, in order or not, and one failure harms no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from llm_forge import BatchResult, ConfigError, Event, ServerError
from llm_forge.simulator import Fault, Simulator
from llm_forge.unified.batch import abatch, batch

from .kit import model


class Counter:
    """Answers prompts, and counts how many are under way at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, prompt: object) -> object:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        with self._lock:
            self.now -= 1
        return prompt


def numbers(count: int, read: list[int]) -> Iterator[str]:
    for number in range(count):
        read.append(number)
        yield str(number)


@pytest.mark.requirement("R-180")
def test_a_batch_reads_only_so_far_ahead() -> None:
    read: list[int] = []
    counter = Counter()
    results = batch(counter, numbers(100, read), concurrency=3, ordered=True, fail_fast=False)  # type: ignore[arg-type]
    taken = 0
    for result in results:
        taken += 1
        assert result.index == taken - 1
        assert len(read) <= taken + 6
    assert (taken, len(read)) == (100, 100)
    assert counter.most <= 3


@pytest.mark.requirement("R-180")
def test_an_async_batch_reads_only_so_far_ahead_and_runs_only_so_many() -> None:
    read: list[int] = []
    under_way: list[int] = []
    most = 0

    async def ask(prompt: object) -> object:
        nonlocal most
        under_way.append(1)
        most = max(most, len(under_way))
        await asyncio.sleep(0)
        under_way.pop()
        return prompt

    async def prompts() -> AsyncIterator[str]:
        for one in numbers(50, read):
            yield one

    async def run() -> int:
        taken = 0
        async for result in abatch(ask, prompts(), concurrency=4, ordered=True, fail_fast=False):  # type: ignore[arg-type]
            assert result.index == taken
            taken += 1
            assert len(read) <= taken + 8
        return taken

    assert asyncio.run(run()) == 50
    assert most <= 4


@pytest.mark.requirement("R-181")
@pytest.mark.parametrize("ordered", [True, False])
def test_every_prompt_ends_in_a_reply_or_an_error_and_one_failure_harms_no_other(
    simulator: Simulator, ordered: bool
) -> None:
    simulator.faults.add(Fault(provider="openai", status=500, nth=3))
    with model(simulator, "openai", max_attempts=1) as llm:
        results = list(llm.batch([f"say: {n}" for n in range(6)], concurrency=2, ordered=ordered))
    indexes = [one.index for one in results]
    assert (indexes if ordered else sorted(indexes)) == list(range(6))
    (failed,) = [one for one in results if one.error]
    texts = {one.index: one.reply.text for one in results if one.reply}
    assert texts == {n: str(n) for n in range(6) if n != failed.index}
    with pytest.raises(ServerError):
        failed.unwrap()


@pytest.mark.requirement("R-181")
def test_a_batch_that_fails_fast_raises_the_first_error(simulator: Simulator) -> None:
    simulator.faults.add(Fault(provider="openai", status=500))
    with model(simulator, "openai", max_attempts=1) as llm:
        with pytest.raises(ServerError):
            list(llm.batch(["a", "b", "c"], fail_fast=True))

        async def run() -> list[BatchResult]:
            async with llm:
                return [one async for one in llm.abatch(["a", "b"], fail_fast=True)]

        with pytest.raises(ServerError):
            asyncio.run(run())


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True])
def test_a_concurrency_that_is_none_is_refused(simulator: Simulator, wrong: object) -> None:
    with model(simulator, "openai") as llm, pytest.raises(ConfigError, match="concurrency"):
        list(llm.batch(["a"], concurrency=wrong))  # type: ignore[arg-type]


def test_leaving_a_batch_early_leaves_nothing_running(simulator: Simulator) -> None:
    before = threading.active_count()
    with model(simulator, "openai") as llm:
        results = llm.batch(f"say: {n}" for n in range(1000))
        assert next(results).reply
        results.close()
    assert threading.active_count() == before


@pytest.mark.requirement("R-230")
@pytest.mark.parametrize("is_async", [False, True], ids=["threads", "asyncio"])
def test_hooks_are_told_of_each_item_with_its_call(simulator: Simulator, is_async: bool) -> None:
    events: list[Event] = []
    simulator.inject(Fault(status=400, nth=2))
    with model(simulator, "openai", on_event=events.append) as llm:
        prompts = ["one", "two", "three"]
        if is_async:
            asyncio.run(_all(llm.abatch(prompts, concurrency=1)))
        else:
            list(llm.batch(prompts, concurrency=1))
    items = [event for event in events if event.name == "batch-item"]
    assert [dict(event.facts) for event in items] == [
        {"outcome": "ok", "index": 0, "attempts": 1},
        {"outcome": "BadRequestError", "index": 1, "attempts": 1},
        {"outcome": "ok", "index": 2, "attempts": 1},
    ]
    assert [event.call_id for event in items] == [e.call_id for e in events if e.name == "call-end"]
    assert [event.attempt for event in items] == [1, 1, 1]


async def _all(results: AsyncIterator[BatchResult]) -> list[BatchResult]:
    return [one async for one in results]
