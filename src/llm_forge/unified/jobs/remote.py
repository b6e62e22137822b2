"""A job whose workers are on other machines: its file stays here with a keeper, and they ask that for items.

Rules of this file:
- Workers do what a process does that shares a job: they lease items, prolong their leases while they live,
  and send nothing before the keeper has it on the disk (R-184).
- Leases are durations, measured by the keeper's clock: those of other machines may differ.
- A worker that cannot reach the keeper has no item, and ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...runtime.clock import Clock
from .asking import asking
from .committing import disk_thread
from .items import Item, Outcome
from .lock import JobLock
from .options import RunSettings
from .slots import Run
from .states import State
from .store import Change, Ended, Store


class Keeper:
    """Answers for the job file at `path`; one thread at a time.

    Outcomes that became durable wait for `news`.
    """

    def __init__(self, path: str | Path, clock: Clock | None = None) -> None:
        self._path = Path(path)
        self._clock = clock or Clock()
        self._lock = JobLock(self._path, shared=True)
        self._stores: dict[str, Store] = {}
        self._news: list[Outcome] = []
        self._stopped = False

    def answer(self, owner: str, question: str, *arguments: Any) -> Any:
        """What the store says to a worker's question; raises what the store raises."""
        store = self._store_of(owner)
        match question, arguments:
            case "claim", (count, after, seconds):
                now = self._clock.wall()
                return [] if self._stopped else store.claim(count, after, now, now + seconds)
            case "extend", (seconds,):
                return store.extend(self._clock.wall() + seconds)
            case "has_open", _:
                return not self._stopped and store.has_open()
            case "apply", (changes,):
                return self._applied(store, changes)
        return getattr(store, question)(*arguments)

    def news(self) -> list[Outcome]:
        """The outcomes since the last time."""
        news, self._news = self._news, []
        return news

    def stop(self) -> None:
        """Give out no more items: workers end when their calls have ended."""
        self._stopped = True

    def close(self) -> None:
        """Close the file, and let others run the job alone."""
        for store in self._stores.values():
            store.close()
        self._lock.close()

    def _store_of(self, owner: str) -> Store:
        if owner not in self._stores:
            self._stores[owner] = Store(self._path, owner=owner, must_exist=True)
        return self._stores[owner]

    def _applied(self, store: Store, changes: list[Change]) -> list[int]:
        late = store.apply(changes)
        self._news += [one.outcome for one in changes if isinstance(one, Ended) and one.index not in late]
        return late


class KeptStore:
    """A worker's store: `ask(question, *arguments)` is the keeper's answer."""

    def __init__(self, ask: Callable[..., Any], clock: Clock | None = None) -> None:
        self._ask = ask
        self._clock = clock or Clock()

    def get(self, name: str) -> str | None:
        """A fact of the job."""
        fact: str | None = self._ask("get", name)
        return fact

    def claim(self, count: int, after: int, now: float, until: float) -> list[Item]:
        """Lease the next pending items behind position `after`."""
        items: list[Item] = self._ask("claim", count, after, until - now)
        return items

    def extend(self, until: float) -> None:
        """Prolong this worker's leases."""
        self._ask("extend", until - self._clock.wall())

    def apply(self, changes: Iterable[Change]) -> list[int]:
        """Make changes durable; the items whose change came too late to count."""
        late: list[int] = self._ask("apply", list(changes))
        return late

    def let_go(self) -> None:
        """Give back what this worker leased and did not send."""
        self._ask("let_go")

    def cancel(self, *states: State) -> int:
        """Cancel the items in these states."""
        count: int = self._ask("cancel", *states)
        return count

    def has_open(self) -> bool:
        """Whether there may be more to do."""
        found: bool = self._ask("has_open")
        return found

    def counts(self) -> dict[State, int]:
        """How many items are in each state."""
        counts: dict[State, int] = self._ask("counts")
        return counts

    def total(self) -> int | None:
        """How many items there are."""
        total: int | None = self._ask("total")
        return total

    def cost(self) -> float | None:
        """The sum of the costs that are known."""
        cost: float | None = self._ask("cost")
        return cost


def share_of(settings: RunSettings, workers: int) -> RunSettings:
    """The settings of each of so many workers: the declared limits are divided among them."""
    requests, tokens = settings.requests_per_minute, settings.tokens_per_minute
    return replace(
        settings,
        engine="local",
        out=None,
        again=None,
        on_outcome=None,
        on_progress=None,
        requests_per_minute=None if requests is None else requests / workers,
        tokens_per_minute=None if tokens is None else tokens / workers,
    )


async def work(llm: str, settings: RunSettings, ask: Callable[..., Any]) -> None:
    """Work on a job until nothing is open; raises what stopped the run."""
    async with asking(llm, settings) as asker, disk_thread(settings.offload) as offload:
        run = Run(
            store=KeptStore(ask, settings.clock),
            importer=None,
            asker=asker,
            offload=offload,
            concurrency=settings.concurrency,
            passes=settings.passes,
            lease=settings.lease,
            clock=settings.clock,
        )
        await run.finish()
