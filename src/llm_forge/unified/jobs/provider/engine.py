"""The provider engine: a job's items as batches of the provider, each a durable part (R-186 to R-190).

Rules of this file:
- What a step is about to do is durable before it is done, so that it can be continued anywhere.
- A submission whose outcome is unknown is searched for before anything is submitted again.
- Losing the network, while polling or fetching, ends nothing: the next poll comes later.
- A result file is fetched whole before a line of it counts, and kept beside the job until all of it does.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ....core.errors import (
    BatchError,
    CircuitOpenError,
    DeadlineExceededError,
    ForgeError,
    InvalidResponseError,
    ServerError,
    TransportError,
)
from ....runtime.clock import Clock
from ....runtime.files import AtomicFile
from ..committing import Offload
from ..items import Answer, Item, Outcome, canonical
from ..progress import Listeners, Progress
from ..store import Ended
from ..tasks import all_of
from .matching import Kind, Matching, Result
from .part_store import PartStore
from .parts import ENDINGS, Part, PartState, custom_id, split
from .polling import next_poll
from .services import BatchService

_CHUNK = 500
_MOST_SUBMISSIONS = 5
_MOST_FETCHES = 20
_LEFT_BY: Mapping[PartState, Kind] = {PartState.CANCELLED: "cancelled", PartState.EXPIRED: "expired"}
_STANDING = {
    "errored": "The provider gives no reason",
    "expired": "The provider's time for the batch ended before this item's turn",
    "cancelled": "The batch was cancelled before this item's turn",
    "missing": "The provider's results have no line for this item",
}


@dataclass
class BatchRun:
    """One run of a job by a provider's batch API.

    `body` is the request of an item, `read` the answer in a provider's response; `tell` is told of each
    outcome with the id that the item had at the provider.
    """

    store: PartStore
    service: BatchService
    body: Callable[[Item], dict[str, Any]]
    read: Callable[[dict[str, Any]], Answer]
    offload: Offload
    chance: Callable[[], float]
    tell: Callable[[Outcome, str], None] | None = None
    on_outcome: Callable[[Outcome], Any] | None = None
    on_progress: Callable[[Progress], Any] | None = None
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self._listeners = Listeners(self.store.counts(), self.store.cost(), self.store.total(), self)

    async def finish(self) -> None:
        """Run until every part has ended; raises what a user must put right."""
        await self.offload(self._prepare)
        parts: list[Part] = await self.offload(self.store.parts)
        await all_of(self._end(part) for part in parts if part.state not in ENDINGS)

    async def _end(self, part: Part) -> None:
        fresh = part.state is PartState.PREPARED
        while part.state not in ENDINGS:
            match part.state:
                case PartState.PREPARED:
                    part = await self._begin(part)
                case PartState.SUBMITTED:
                    part = await self._submitted(part, fresh=fresh)
                case PartState.POLLING:
                    part = await self._polled(part)
                case _:
                    part = await self._collected(part)

    def _prepare(self) -> None:
        """Divide what is pending and in no part yet among new ones."""
        items = list(self.store.undivided())
        if not items:
            return
        place = len(self.store.parts())
        sizes = (len(self._line("0" * 12, item)) for item in items)
        begin = 0
        for number, size in enumerate(split(sizes, self.service.most_items, self.service.most_bytes), place):
            chosen = [item.index for item in items[begin : begin + size]]
            self.store.add_part(Part(number, secrets.token_hex(6), size), chosen)
            begin += size

    def _line(self, tag: str, item: Item) -> bytes:
        line = self.service.line(custom_id(tag, item.index), self.body(item))
        return canonical(line).encode() + b"\n"

    async def _begin(self, part: Part) -> Part:
        if await self._is_cancelled():
            return await self._save(replace(part, state=PartState.CANCELLED))
        sent = replace(part, state=PartState.SUBMITTED, submitted_at=self.clock.wall())
        await self.offload(self.store.send_part, sent)
        return sent

    async def _submitted(self, part: Part, *, fresh: bool) -> Part:
        """Find the batch, or hand it over, until its id is known."""
        lines = self._place(part, "requests")
        await self.offload(self._write_lines, part, lines)
        submissions = polls = 0
        found = None
        while found is None:
            try:
                searched = None if fresh else await self.service.find(part)
                if searched is not None and (searched.provider_id or searched.perhaps):
                    found = searched.provider_id
                else:
                    submissions += 1
                    found = await self.service.submit(part, lines)
            except ForgeError as error:
                if not _may_pass(error) or submissions >= _MOST_SUBMISSIONS:
                    raise
            fresh = False
            if found is None:
                await self.clock.asleep(next_poll(polls, self.chance()))
                polls += 1
        part = await self._save(replace(part, state=PartState.POLLING, provider_id=found))
        await self.offload(lines.unlink, True)
        return part

    async def _polled(self, part: Part) -> Part:
        """Ask how far it is until it has ended."""
        polls, wait, asked = 0, None, False
        assert part.provider_id is not None  # noqa: S101 - journaled with the state
        while True:
            await self.clock.asleep(next_poll(polls, self.chance(), wait))
            polls, wait = polls + 1, None
            try:
                if not asked and await self._is_cancelled():
                    await self.service.cancel(part.provider_id)
                    asked = True
                poll = await self.service.poll(part.provider_id)
            except ForgeError as error:
                if not _may_pass(error):
                    raise
                wait = error.retry_after
                continue
            if poll.ending is not None:
                known = {"sources": poll.sources, "expires_at": poll.expires_at}
                return await self._save(
                    replace(part, state=PartState.COLLECTING, ending=poll.ending, **known)  # type: ignore[arg-type]
                )

    async def _collected(self, part: Part) -> Part:
        """Fetch all results, then give every item its own."""
        files = [self._place(part, f"results-{place}") for place in range(len(part.sources))]
        for source, path in zip(part.sources, files, strict=True):
            await self._fetched(source, path)
        matching = Matching(part.tag, await self.offload(self.store.items_of, part.number))
        for chunk in _chunks(self._results(files, matching)):
            await self._record(part, chunk)
        assert part.ending is not None  # noqa: S101 - journaled with the state
        standing = _LEFT_BY.get(part.ending, "missing")
        left = ((index, Result(custom_id(part.tag, index), standing)) for index in matching.missing())
        for chunk in _chunks(left):
            await self._record(part, chunk)
        ended = await self._save(replace(part, state=part.ending, doubled=matching.doubled))
        for path in files:
            await self.offload(path.unlink, True)
        return ended

    async def _fetched(self, source: str, path: Path) -> None:
        for fetches in range(_MOST_FETCHES):
            try:
                await self.service.fetch(source, path)
                return
            except ForgeError as error:
                if not _may_pass(error) or fetches + 1 == _MOST_FETCHES:
                    raise
                await self.clock.asleep(next_poll(fetches, self.chance(), error.retry_after))

    def _results(self, files: list[Path], matching: Matching) -> Iterator[tuple[int, Result]]:
        for path in files:
            with path.open(encoding="utf-8") as lines:
                for line in lines:
                    result = self.service.read(json.loads(line)) if line.strip() else None
                    index = None if result is None else matching.add(result)
                    if index is not None and result is not None:
                        yield index, result

    async def _record(self, part: Part, results: list[tuple[int, Result]]) -> None:
        if await self._is_cancelled():  # then these items are cancelled with all that is left of the job
            results = [one for one in results if one[1].kind != "cancelled"]
        ended = [await self._ended(index, result) for index, result in results]
        late = set(await self.offload(self.store.apply, ended))
        for one in ended:
            if one.index not in late:
                if self.tell is not None:
                    self.tell(one.outcome, custom_id(part.tag, one.index))
                self._listeners.tell(one.outcome)

    async def _ended(self, index: int, result: Result) -> Ended:
        item: Item = await self.offload(self.store.item, index)
        if result.kind == "succeeded":
            return Ended(item, self.read(dict(result.body)))
        error = {"kind": "ApiError", "message": _STANDING[result.kind], **result.error}
        if result.kind != "errored":
            error["kind"] = result.kind.capitalize()
        return Ended(item, Answer(error=error))

    async def _save(self, part: Part) -> Part:
        await self.offload(self.store.save_part, part)
        return part

    async def _is_cancelled(self) -> bool:
        return await self.offload(self.store.get, "cancelled") is not None

    def _place(self, part: Part, what: str) -> Path:
        return self.store.path.with_name(f"{self.store.path.name}.part{part.number}.{what}.jsonl")

    def _write_lines(self, part: Part, path: Path) -> None:
        file = AtomicFile(path)
        try:
            for index in self.store.items_of(part.number):
                file.write(self._line(part.tag, self.store.item(index)))
            file.commit()
        except OSError as error:
            raise BatchError(f"{path} cannot be written: {error.strerror}") from error
        finally:
            file.discard()


def _may_pass(error: ForgeError) -> bool:
    """Whether it says nothing about the batch: the network, the server, or a wait."""
    passing = (CircuitOpenError, DeadlineExceededError, InvalidResponseError, ServerError, TransportError)
    return error.retryable or isinstance(error, passing)


def _chunks(results: Iterable[tuple[int, Result]]) -> Iterator[list[tuple[int, Result]]]:
    chunk: list[tuple[int, Result]] = []
    for one in results:
        chunk.append(one)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
