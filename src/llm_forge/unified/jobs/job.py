"""A job as its user has it: run it, run it again, look at it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from ...core.errors import ConfigError, JournalError
from ..model import LanguageModel
from .asking import Asker, NamedModel, asking
from .committing import Offload, disk_thread
from .importing import Importer
from .items import Outcome, canonical
from .lock import JobLock
from .options import Engine, RunOptions, RunSettings
from .output import write_outcomes, write_whole
from .provider.engine import BatchRun
from .provider.part_store import OWNER, PartStore
from .provider.services import service_of
from .report import Facts, page
from .slots import Run
from .sources import Source, is_repeatable
from .states import State
from .store import Store

Place = str | PathLike[str]
_IMPORT_SECONDS = 3600.0  # that another process may take to take the inputs over


@dataclass(frozen=True, slots=True)
class Status:
    """Where a job is: its model, how many items are in each state, and what it used so far.

    `total` is None while an iterator has not been read to its end. `interrupted` are the ids of items with a
    call that was under way when a process died: it may have been paid for twice. `cost` is in US dollars over
    the answers whose price is known, None if none is.
    """

    model: str
    total: int | None
    counts: Mapping[State, int]
    interrupted: tuple[str, ...]
    cost: float | None
    cancelled: bool

    @property
    def is_finished(self) -> bool:
        """Whether every item has ended."""
        return self.total is not None and self.ended == self.total

    @property
    def ended(self) -> int:
        """How many items have ended."""
        return sum(self.counts[state] for state in (State.DONE, State.FAILED, State.CANCELLED))


@dataclass(frozen=True, slots=True)
class Begun:
    """What a job was begun with."""

    engine: Engine
    model: str
    parameters: Mapping[str, Any]


class Job:
    """The job in a file, to look at: it may be read while a run is under way.

    Iterating gives all items in their order, each with its outcome if it has one. BatchError if there is no
    job, JournalError if the file is damaged.
    """

    def __init__(self, path: Place) -> None:
        self.path = Path(path)
        with self._store():
            pass

    def __iter__(self) -> Iterator[Outcome]:
        with self._store() as store:
            yield from store.outcomes()

    @property
    def begun(self) -> Begun:
        """The model and the parameters of the job."""
        with self._store() as store:
            engine: Any = store.get("engine") or "local"
            return Begun(engine, store.get("model") or "", json.loads(store.get("parameters") or "{}"))

    def status(self) -> Status:
        """Where the job is."""
        with self._store() as store:
            return Status(
                model=store.get("model") or "",
                total=store.total(),
                counts=store.counts(),
                interrupted=tuple(store.interrupted()),
                cost=store.cost(),
                cancelled=store.get("cancelled") is not None,
            )

    def export(self, out: Place) -> Path:
        """Write all items to a file, .parquet or JSON Lines, whole or not at all; its path."""
        path = Path(out)
        write_outcomes(iter(self), path)
        return path

    def report(self, out: Place) -> Path:
        """Write a page on latencies, first tokens, tokens, cost, errors and retries; its path.

        One HTML file that needs nothing else; it has the first error message of each kind, and no answers.
        """
        status = self.status()
        text = page(status.model, Facts.of(self), status.interrupted)
        write_whole(Path(out), [text.encode("utf-8", "replace")])
        return Path(out)

    def cancel(self) -> Status:
        """Cancel what has not ended; a run under way lets its calls end first (R-181).

        Batches of a provider are cancelled by the run under way, or by the next.
        """
        with self._store() as store:
            store.put(cancelled="1")
            if store.get("engine") != "local":
                return self.status()
            with contextlib.suppress(JournalError), contextlib.closing(JobLock(self.path)):
                store.cancel()
        return self.status()

    @contextlib.contextmanager
    def _store(self) -> Iterator[Store]:
        with contextlib.closing(Store(self.path, must_exist=True)) as store:
            yield store

    def __repr__(self) -> str:
        return f"Job({str(self.path)!r})"


async def arun(
    job: Place, llm: str | LanguageModel | Asker, inputs: Source | None = None, **options: Unpack[RunOptions]
) -> Job:
    """Run the job in a file, or run on with one that was interrupted, until every item has its outcome.

    `llm` is a model's name or handle. `inputs` are a path (.jsonl, .csv, .parquet, .txt) or an iterable of
    prompts, lists of messages or mappings; a job that has taken them all over needs none. A finished job
    sends nothing.

    Raises JournalError for a damaged file, for other inputs or another model than the job's, and while
    another process runs it; BatchError for a bad input or a disk that refuses; and an error that no item can
    overcome, such as AuthenticationError or QuotaExceededError, after which the job can be run on.
    """
    settings = RunSettings(**options)
    path = Path(job)
    async with asking(llm, settings) as asker, disk_thread(settings.offload) as offload:
        shared = settings.lease is not None
        with (
            contextlib.closing(JobLock(path, shared=shared)),
            contextlib.closing(_opened(path, asker, settings)) as store,
        ):
            await _finish(store, inputs, asker, settings, offload)
            if store.get("cancelled"):
                store.cancel(*[State.PENDING] if shared else [])  # others may have calls under way
    found = Job(path)
    if settings.out is not None:
        found.export(settings.out)
    return found


def run(
    job: Place, llm: str | LanguageModel | Asker, inputs: Source | None = None, **options: Unpack[RunOptions]
) -> Job:
    """`arun`, for programs without an event loop; the same parameters and errors."""
    return asyncio.run(arun(job, llm, inputs, **options))


async def _finish(
    store: Store, inputs: Source | None, asker: Asker, settings: RunSettings, offload: Offload
) -> None:
    importer = _imported(store, inputs, settings)
    if isinstance(settings.engine, str):
        await _run_of(store, importer, asker, settings, offload).finish()
    else:
        await settings.engine.finish(store.path, _named(asker).given, settings)


def _run_of(
    store: Store, importer: Importer, asker: Asker, settings: RunSettings, offload: Offload
) -> Run | BatchRun:
    if isinstance(store, PartStore):
        return _provider_run(store, importer, asker, settings, offload)
    return Run(
        store=store,
        importer=importer,
        asker=asker,
        offload=offload,
        concurrency=settings.concurrency,
        passes=settings.passes,
        fail_fast=settings.fail_fast,
        lease=settings.lease,
        on_outcome=settings.on_outcome,
        on_progress=settings.on_progress,
        clock=settings.clock,
    )


def _imported(store: Store, inputs: Source | None, settings: RunSettings) -> Importer:
    if settings.lease is None:
        return Importer(store, inputs)
    if inputs is not None and not is_repeatable(inputs):
        raise ConfigError("Processes that share a job need inputs that each can read: a path or a list")
    place = store.path.with_name(f"{store.path.name}.import")
    with contextlib.closing(JobLock(place, wait=_IMPORT_SECONDS)):  # one takes them over, the others compare
        return Importer(store, inputs)


def _provider_run(
    store: PartStore, importer: Importer, asker: Asker, settings: RunSettings, offload: Offload
) -> BatchRun:
    asker = _named(asker)
    while importer.more(1000):
        pass
    return BatchRun(
        store=store,
        service=service_of(asker.client.profile.name, asker.client),
        body=asker.request,
        read=asker.read,
        offload=offload,
        chance=random.random,
        tell=asker.tell,
        on_outcome=settings.on_outcome,
        on_progress=settings.on_progress,
        clock=settings.clock,
    )


def _named(asker: Asker) -> NamedModel:
    if not isinstance(asker, NamedModel):
        raise ConfigError("This engine needs the model by its name, such as openai/gpt-4o-mini")
    return asker


def _opened(path: Path, asker: Asker, settings: RunSettings) -> Store:
    """The job's file, checked, and without what a process that is gone left under way."""
    is_local = settings.kind == "local"
    store = Store(path, owner=uuid.uuid4().hex) if is_local else PartStore(path, owner=OWNER)
    try:
        store.verify()
        if settings.lease is None:
            store.recover()
        _bind(store, engine=settings.kind, model=asker.name, parameters=canonical(dict(settings.parameters)))
        if settings.again is not None:
            store.reopen(*_AGAIN[settings.again])
    except BaseException:
        store.close()
        raise
    return store


_AGAIN = {
    "failed": (State.FAILED,),
    "cancelled": (State.CANCELLED,),
    "all": (State.FAILED, State.CANCELLED),
}


def _bind(store: Store, **facts: str) -> None:
    """A job stays with the model and the parameters that it began with."""
    for name, value in facts.items():
        known = store.get(name)
        if known is not None and known != value:
            raise JournalError(
                f"{store.path} was begun with {name} {known}, not {value}; use another job file"
            )
    store.put(**facts)
