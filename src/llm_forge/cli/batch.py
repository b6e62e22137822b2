"""`llm-forge batch ...`: what the commands do."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Unpack

from ..core.errors import ConfigError
from ..unified import jobs
from ..unified.jobs import Job, Progress, RunOptions, State, Status
from ..unified.jobs.asking import limits_of
from ..unified.jobs.options import WorkerEngine
from .failure import Failure, failing

INCOMPLETE = 3  # exit code of a job that ended with failed or cancelled items


def run_batch(
    path: Path,
    model: str,
    inputs: Path | None,
    *,
    quiet: bool,
    as_json: bool,
    shared_limits: str | None = None,
    ray_workers: int | None = None,
    **options: Unpack[RunOptions],
) -> None:
    """Run a job and show how far it is; Failure with code 3 if an item has no answer.

    With `ray_workers` so many workers of a Ray cluster run it.
    """
    with failing(), _shown(quiet=quiet or as_json) as show:
        if ray_workers is not None:
            options["engine"] = _ray_engine(ray_workers)
        if shared_limits is not None:
            _share_limits(shared_limits, model, options)
        options["on_progress"] = show
        job = jobs.run(path, model, inputs, **options)
    status = job.status()
    _print_status(status, as_json=as_json)
    if status.counts[State.DONE] != status.total:
        lacking = (status.total or 0) - status.counts[State.DONE]
        raise Failure(f"{lacking} of {status.total} items have no answer; the output says why", INCOMPLETE)


def _share_limits(url: str, model: str, options: RunOptions) -> None:
    """Put the declared limits where all processes that name the same place keep them."""
    from ..integrations.redis import RedisRateLimiter

    limits = limits_of(options.pop("requests_per_minute", None), options.pop("tokens_per_minute", None))
    if not limits:
        raise ConfigError("--shared-limits needs --requests-per-minute or --tokens-per-minute")
    limiter = RedisRateLimiter(
        url, model, limits, concurrency=options.get("concurrency"), adaptive_concurrency=True
    )
    options["options"] = {"rate_limiter": limiter}


def _ray_engine(workers: int) -> WorkerEngine:
    from ..integrations.ray import RayEngine

    return RayEngine(workers)


def resume_batch(
    path: Path, *, quiet: bool, as_json: bool, shared_limits: str | None = None, **options: Unpack[RunOptions]
) -> None:
    """`run_batch` with the job's own model and parameters."""
    with failing():
        begun = Job(path).begun
    options["engine"], options["parameters"] = begun.engine, begun.parameters
    run_batch(path, begun.model, None, quiet=quiet, as_json=as_json, shared_limits=shared_limits, **options)


def show_status(path: Path, *, as_json: bool) -> None:
    """Print where a job is."""
    with failing():
        _print_status(Job(path).status(), as_json=as_json)


def cancel_batch(path: Path, *, as_json: bool) -> None:
    """Cancel a job and print where it is."""
    with failing():
        _print_status(Job(path).cancel(), as_json=as_json)


def export_batch(path: Path, out: Path) -> None:
    """Write a job's outcomes."""
    with failing():
        Job(path).export(out)


def report_batch(path: Path, out: Path) -> None:
    """Write a job's report."""
    with failing():
        Job(path).report(out)


def _print_status(status: Status, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**asdict(status), "finished": status.is_finished}))
        return
    total = "?" if status.total is None else status.total
    states = ", ".join(f"{count} {state}" for state, count in status.counts.items() if count)
    print(f"{status.model}: {status.ended} of {total} ended ({states or 'no items'})")
    if status.cost is not None:
        print(f"cost: ${status.cost:.4f}")
    if status.interrupted:
        print(f"interrupted, perhaps paid for twice: {_some(status.interrupted)}")
    if status.cancelled:
        print("cancelled")


def _some(ids: tuple[str, ...], most: int = 20) -> str:
    more = len(ids) - most
    return " ".join(ids[:most]) + (f" and {more} more" if more > 0 else "")


@contextlib.contextmanager
def _shown(*, quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A function that shows progress on standard error: a bar on a terminal, else nothing."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns: list[Any] = [BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[facts]}")]
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None, facts="")

        def show(progress: Progress) -> None:
            ended = progress.done + progress.failed
            bar.update(task, total=progress.total, completed=ended, facts=facts_of(progress))

        yield show


def facts_of(progress: Progress) -> str:
    """Rate, errors, cost and time left, as far as they are known."""
    known = [
        None if progress.per_second is None else f"{progress.per_second:.1f}/s",
        f"{progress.failed} failed",
        None if progress.cost is None else f"${progress.cost:.4f}",
        None if progress.seconds_left is None else f"{_clock(progress.seconds_left)} left",
    ]
    return "  ".join(fact for fact in known if fact)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
