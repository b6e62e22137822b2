"""The local engine: `concurrency` slots, each with one call at a time.

Rules of this file:
- A slot writes its last outcome and the next item's `sent` in one transaction, and only then sends.
- An outcome is reported after it is durable (R-182).
- A pass goes once through all pending items; what comes back to pending waits for the next pass.
- A stop (an error that no item can overcome, a cancellation from outside) lets calls under way end.
  `fail_fast` does not: it cancels them (R-181).
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...core.errors import BatchError, ForgeError
from ...runtime.clock import Clock
from ..connection import Exchange
from .asking import Asker
from .committing import Committer, Offload
from .importing import Importer
from .items import Answer, Item, Outcome, described
from .progress import Listeners, Progress
from .states import State
from .store import Change, Ended, Returned, Sent
from .tasks import all_of
from .verdicts import Fail, Hold, Later, Stop, judge

WAIT_FOR_OTHERS = 1.0  # seconds


class RunStore(Protocol):
    """What a run wants of the job file; `Store` has it, and so has one that is elsewhere."""

    def get(self, name: str) -> str | None: ...  # noqa: D102 - Store says what they do
    def claim(self, count: int, after: int, now: float, until: float) -> list[Item]: ...  # noqa: D102
    def apply(self, changes: Iterable[Change]) -> list[int]: ...  # noqa: D102
    def extend(self, until: float) -> None: ...  # noqa: D102
    def let_go(self) -> None: ...  # noqa: D102
    def cancel(self, *states: State) -> int: ...  # noqa: D102
    def has_open(self) -> bool: ...  # noqa: D102
    def counts(self) -> dict[State, int]: ...  # noqa: D102
    def total(self) -> int | None: ...  # noqa: D102
    def cost(self) -> float | None: ...  # noqa: D102


@dataclass
class Run:
    """One run of a job by the local engine; `importer` is None where all inputs have been taken over.

    `lease` is in seconds where other processes work on the job too: it is prolonged all the time, and lapses
    when this process dies. None where there are no others.
    """

    store: RunStore
    importer: Importer | None
    asker: Asker
    offload: Offload
    concurrency: int
    passes: int
    fail_fast: bool = False
    lease: float | None = None
    on_outcome: Callable[[Outcome], Any] | None = None
    on_progress: Callable[[Progress], Any] | None = None
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self._committer = Committer(self.store, self.offload)
        self._listeners = Listeners(self.store.counts(), self.store.cost(), self.store.total(), self)
        self._exchanges: dict[int, Exchange] = {}  # those of outcomes that are not yet durable
        self._ready: deque[Item] = deque()
        self._refilling = asyncio.Lock()
        self._position = -1
        self._claimed = 0
        self._error: BaseException | None = None
        self._stopped = False

    async def finish(self) -> None:
        """Run until every item has ended, the run is stopped or the job cancelled; raises what stopped it."""
        heartbeat = None if self.lease is None else asyncio.create_task(self._prolong(self.lease))
        try:
            while not self._stopped and await self._pass():
                pass
        finally:
            if heartbeat is not None:
                heartbeat.cancel()
            await self._committer.idle()
            await self.offload(self.store.let_go)
        if self._error is not None:
            raise self._error

    async def _pass(self) -> bool:
        """One pass; whether another is to follow."""
        self._position, self._claimed = -1, 0
        try:
            await all_of(self._slot() for _ in range(self.concurrency))
        except _FailFastError:
            await self._committer.idle()
            await self.offload(self.store.cancel)
            return False
        if self._stopped or not await self.offload(self.store.has_open):
            return False
        if not self._claimed:  # other workers have what is left, for as long as they hold their leases
            await self.clock.asleep(WAIT_FOR_OTHERS)
        return True

    async def _slot(self) -> None:
        last: Change | None = None
        while (item := await self._next()) is not None:
            if await self._write(last, item):
                last = await self._call(item)
            else:
                last = None
        await self._write(last, None)

    async def _next(self) -> Item | None:
        async with self._refilling:
            if not self._ready and not self._stopped:
                await self._refill()
        if self._stopped or not self._ready:
            return None
        return self._ready.popleft()

    async def _refill(self) -> None:
        try:
            items = await self.offload(self._claim)
        except Exception as error:  # noqa: BLE001 - the caller's iterator may raise anything; `finish` raises it
            self._stop(error)
            return
        self._claimed += len(items)
        self._ready.extend(items)

    def _claim(self) -> list[Item]:
        """The next items of this pass; an iterator is read on where the store has no more."""
        if self.store.get("cancelled"):
            self._stopped = True
            return []
        items = self._claim_stored()
        if not items and self._read_on():
            items = self._claim_stored()
            self._listeners.total = self.store.total()
        if items:
            self._position = items[-1].index
        return items

    def _read_on(self) -> bool:
        importer = self.importer
        return importer is not None and not importer.is_complete and importer.more(self.concurrency) > 0

    def _claim_stored(self) -> list[Item]:
        now = self.clock.wall()
        until = math.inf if self.lease is None else now + self.lease
        return self.store.claim(self.concurrency, self._position, now, until)

    async def _prolong(self, lease: float) -> None:
        """Show the other processes that this one lives."""
        while True:
            await self.clock.asleep(lease / 3)
            await self.offload(self.store.extend, self.clock.wall() + lease)

    async def _write(self, last: Change | None, following: Item | None) -> bool:
        """Make the last item's end and the next one's sending durable; whether the next may be sent."""
        changes: list[Change] = [] if last is None else [last]
        if following is not None:
            changes.append(Sent(following.index))
        if not changes:
            return False
        late = await self._committer.write(*changes)
        if isinstance(last, Ended):
            exchange = self._exchanges.pop(last.index)
            if last.index not in late:
                self._report(last, exchange)
        return following is not None and following.index not in late

    def _report(self, ended: Ended, exchange: Exchange) -> None:
        exchange.tell_item(**ended.outcome.facts())
        self._listeners.tell(ended.outcome)
        if self.fail_fast and ended.answer.state is State.FAILED:
            raise _FailFastError

    async def _call(self, item: Item) -> Change:
        """Ask until the client sends: what becomes of the item."""
        while True:
            began = self.clock.now()
            try:
                with Exchange() as exchange:
                    answer = await self.asker.ask(item)
            except ForgeError as error:
                match judge(error, item.turn, self.passes):
                    case Hold(seconds) if not self._stopped:
                        await self.clock.asleep(seconds)
                        continue
                    case Hold():
                        return Returned(item.index, counted=False)
                    case Stop():
                        self._stop(error)
                        return Returned(item.index, counted=False)
                    case Later():
                        return Returned(item.index)
                    case Fail():
                        answer = Answer(error=described(error), attempts=len(error.attempts) or None)
            self._exchanges[item.index] = exchange
            return Ended(item, dataclasses.replace(answer, latency=self.clock.now() - began))

    def _stop(self, error: BaseException) -> None:
        self._stopped = True
        self._error = self._error or error


class _FailFastError(BatchError):
    """An item failed, and the job was told to end with it."""
