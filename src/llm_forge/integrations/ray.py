"""Jobs whose workers run on the machines of a Ray cluster.

    jobs.run("answers.db", "openai/gpt-4o-mini", "prompts.jsonl", engine=RayEngine(workers=8))

Ray launches the workers, and launches one again that died; all else is as with processes that share a job
(`unified.jobs.remote`). The job file stays on the machine of the caller, with an actor that is its keeper.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from ..core.errors import BatchError, ConfigError, ForgeError
from ..unified.jobs.options import RunSettings
from ..unified.jobs.progress import Listeners
from ..unified.jobs.remote import Keeper, share_of, work

_RELAUNCHES = 20  # of one worker whose process or machine dies
_NEWS_EVERY = 0.2  # seconds
_LEAVING = 10.0  # seconds in which workers give back what they have leased


class RayEngine:
    """An engine of jobs with so many `workers` [2], each with the job's `concurrency`.

    Limits of the job are divided among them; a `RedisRateLimiter` is shared. `task_options` are Ray's for
    each worker, such as `num_cpus` [1] or `runtime_env`. A cluster that the caller is connected to is used,
    else that of RAY_ADDRESS, else one is started on this machine for as long as the run lasts. `options` of
    the client, keys among them, travel to the workers; what is not given is looked up where they run.

    ConfigError without the package `ray` (extra `ray`). BatchError where Ray itself fails: run the job again.
    """

    def __init__(self, workers: int = 2, **task_options: Any) -> None:
        if not isinstance(workers, int) or workers < 1:
            raise ConfigError(f"workers must be a whole number of at least 1, not {workers!r}")
        self._workers = workers
        self._options = {"num_cpus": 1, "scheduling_strategy": "SPREAD", **task_options}

    async def finish(self, path: Path, llm: str, settings: RunSettings) -> None:
        """Run the job at `path` until every item has ended; raises what stopped a worker."""
        ray = _imported()
        with _connected(ray):
            keeper = _keeper(ray, path)
            try:
                launch = ray.remote(_work).options(max_retries=_RELAUNCHES, **self._options).remote
                share = share_of(settings, self._workers)
                workers = [launch(keeper, llm, share) for _ in range(self._workers)]
                await _Watch(ray, keeper, workers, settings).until_done()
            finally:
                ray.kill(keeper)


class _Watch:
    """Waits for workers, and passes on what they report."""

    def __init__(self, ray: Any, keeper: Any, workers: list[Any], settings: RunSettings) -> None:
        self._ray = ray
        self._keeper = keeper
        self._workers = workers
        self._settings = settings
        self._error: BaseException | None = None

    async def until_done(self) -> None:
        running = {asyncio.wrap_future(worker.future()) for worker in self._workers}
        try:
            listeners = await self._listeners()
            while running:
                ended, running = await asyncio.wait(running, timeout=_NEWS_EVERY)
                for one in ended:
                    await self._note(one.exception())
                for outcome in await self._ask("news"):
                    listeners.tell(outcome)
        except self._ray.exceptions.RayError as error:
            self._error = self._error or error
        finally:
            await self._leave(running)
        if self._error is not None:
            raise _own(self._error)

    async def _note(self, error: BaseException | None) -> None:
        """One worker's error stops all: their calls under way end first."""
        if error is not None:
            self._error = self._error or error
            await self._ask("stop")

    async def _listeners(self) -> Listeners:
        counts, cost, total = [await self._ask("answer", "", fact) for fact in ("counts", "cost", "total")]
        return Listeners(counts, cost, total, self._settings)

    async def _leave(self, running: set[asyncio.Future[Any]]) -> None:
        """Interrupt workers that a cancellation from outside has left at work."""
        if running:
            for worker in self._workers:
                self._ray.cancel(worker)
            await asyncio.wait(running, timeout=_LEAVING)

    async def _ask(self, method: str, *arguments: Any) -> Any:
        return await asyncio.wrap_future(getattr(self._keeper, method).remote(*arguments).future())


def _work(keeper: Any, llm: str, settings: RunSettings) -> None:
    """What a worker does; each launch is another owner, whose predecessor's leases lapse."""
    asyncio.run(work(llm, settings, _asking(_imported(), keeper, uuid.uuid4().hex)))


def _asking(ray: Any, keeper: Any, owner: str) -> Callable[..., Any]:
    def ask(question: str, *arguments: Any) -> Any:
        try:
            return ray.get(keeper.answer.remote(owner, question, *arguments))
        except ray.exceptions.RayError as error:
            raise _own(error) from error

    return ask


def _keeper(ray: Any, path: Path) -> Any:
    """The keeper of the job file, on this machine, where the file is."""
    strategies = import_module("ray.util.scheduling_strategies")
    here = strategies.NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(Keeper).options(num_cpus=0, scheduling_strategy=here).remote(str(path.resolve()))


def _own(error: BaseException) -> BaseException:
    """The error that was raised elsewhere, or what became of Ray."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, ForgeError):
        return cause
    return BatchError(f"Ray: {error}; run the job again, nothing is lost")


@contextlib.contextmanager
def _connected(ray: Any) -> Iterator[None]:
    if ray.is_initialized():
        yield
        return
    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        ray.shutdown()


def _imported() -> Any:
    try:
        return import_module("ray")
    except ImportError as error:
        raise ConfigError("RayEngine needs the package ray: pip install 'llm-forge[ray]'") from error
