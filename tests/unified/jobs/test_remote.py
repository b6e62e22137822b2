"""Workers that have the job file only through its keeper, in virtual time."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llm_forge import JournalError
from llm_forge.unified.jobs import State
from llm_forge.unified.jobs.items import Answer
from llm_forge.unified.jobs.lock import JobLock
from llm_forge.unified.jobs.options import RunSettings
from llm_forge.unified.jobs.remote import Keeper, KeptStore, share_of, work
from llm_forge.unified.jobs.store import Ended, Sent, Store
from llm_forge.unified.jobs.tasks import all_of
from tests.whole_system.virtual_time import LoopClock

from .test_store import items
from .world import Watched, healthy, prompts, run_job


def travelling(keeper: Keeper, owner: str) -> Callable[..., Any]:
    """Questions and answers as another machine has them: pickled."""

    def ask(question: str, *arguments: Any) -> Any:
        sent = pickle.loads(pickle.dumps((question, *arguments)))  # noqa: S301 - made here
        return pickle.loads(pickle.dumps(keeper.answer(owner, *sent)))  # noqa: S301 - made here

    return ask


class Tasks:
    """An engine whose workers are tasks with a network each."""

    def __init__(self, *networks: Watched) -> None:
        self.networks = networks
        self.told: list[int] = []

    async def finish(self, path: Path, llm: str, settings: RunSettings) -> None:
        share = share_of(settings, len(self.networks))
        with closing(Keeper(path, LoopClock())) as keeper:
            await all_of(
                work(llm, through(share, network), travelling(keeper, f"worker {number}"))
                for number, network in enumerate(self.networks)
            )
            self.told = [one.index for one in keeper.news()]


def through(settings: RunSettings, network: Watched) -> RunSettings:
    return replace(settings, options={**settings.options, "transport": network})


class Wall(LoopClock):
    """A clock that is set by hand, and wrong beside others."""

    def __init__(self, instant: float) -> None:
        super().__init__()
        self.instant = instant

    def wall(self) -> float:
        return self.instant


@pytest.mark.requirement("R-180", "R-181", "R-184")
def test_workers_share_the_items_and_each_is_asked_for_once(tmp_path: Path) -> None:
    networks = [Watched(healthy(seed)) for seed in range(3)]
    engine = Tasks(*networks)
    job = run_job(tmp_path / "a.db", networks[0], prompts(300), engine=engine, concurrency=4, passes=8)
    assert job.status().counts[State.DONE] == 300
    assert all(sum(network.asked(f'{prompt}"') for network in networks) == 1 for prompt in prompts(300))
    assert sorted(engine.told) == list(range(300))
    assert all(len(network.bodies) > 60 for network in networks), "each has its part"
    assert max(network.most for network in networks) <= 4
    assert job.status().interrupted == ()
    local = Watched(healthy())
    run_job(tmp_path / "a.db", local, None)
    assert local.bodies == [], "the local engine takes it for finished"


def test_the_leases_of_a_worker_that_is_gone_lapse_by_the_keepers_clock(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "a.db")) as store:
        store.append(items(2))
    clock = Wall(1000.0)
    with closing(Keeper(tmp_path / "a.db", clock)) as keeper:
        early, late = Wall(0.0), Wall(9e9)  # clocks of workers, both wrong
        one = KeptStore(travelling(keeper, "one"), early)
        two = KeptStore(travelling(keeper, "two"), late)
        (item,) = one.claim(1, -1, early.wall(), early.wall() + 60)
        assert one.apply([Sent(item.index)]) == []
        clock.instant += 50
        one.extend(early.wall() + 60)
        clock.instant += 50
        assert [other.index for other in two.claim(8, -1, late.wall(), late.wall() + 60)] == [1]
        clock.instant += 11
        assert two.claim(8, -1, late.wall(), late.wall() + 60) == [replace(item)]
        assert one.apply([Ended(item, Answer(text="too late"))]) == [0]
        assert keeper.news() == []
        two.apply([Sent(0)])
        two.apply([Ended(item, Answer(text="in time"))])
        assert [(outcome.index, outcome.text) for outcome in keeper.news()] == [(0, "in time")]
        assert keeper.news() == []


def test_a_stopped_keeper_gives_out_nothing_and_what_was_leased_goes_back(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "a.db")) as store:
        store.append(items(3))
    with closing(Keeper(tmp_path / "a.db")) as keeper:
        worker = KeptStore(travelling(keeper, "one"))
        assert len(worker.claim(2, -1, 0.0, 60.0)) == 2
        keeper.stop()
        assert (worker.claim(2, -1, 0.0, 60.0), worker.has_open()) == ([], False)
        worker.let_go()
        assert worker.counts()[State.PENDING] == 3
        with pytest.raises(JournalError, match="Another process"):
            JobLock(tmp_path / "a.db")
    JobLock(tmp_path / "a.db").close()


def test_declared_limits_are_divided_among_workers() -> None:
    share = share_of(RunSettings(requests_per_minute=600, tokens_per_minute=9000, lease=5, out="x"), 3)
    assert (share.requests_per_minute, share.tokens_per_minute, share.lease, share.out) == (
        200,
        3000,
        5,
        None,
    )
    assert share_of(RunSettings(), 3).requests_per_minute is None
