"""`llm-forge batch ...`: the commands, which load what they need when they run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

batch_app = typer.Typer(help="Run many prompts as a durable job.", no_args_is_help=True)


class Engine(StrEnum):
    """What works a job off."""

    LOCAL = "local"
    PROVIDER = "provider"
    RAY = "ray"


class Again(StrEnum):
    """Which ended items are sent again."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    ALL = "all"


JobFile = Annotated[Path, typer.Option("--job", help="The job's file.")]
OutFile = Annotated[
    Path | None, typer.Option("--out", help="File for the outcomes in input order: .jsonl or .parquet.")
]
Concurrency = Annotated[int, typer.Option("--concurrency", min=1, help="The most calls in flight.")]
Requests = Annotated[float | None, typer.Option("--requests-per-minute", help="A limit beside the server's.")]
Tokens = Annotated[float | None, typer.Option("--tokens-per-minute", help="A limit beside the server's.")]
SharedLimits = Annotated[
    str | None,
    typer.Option("--shared-limits", metavar="URL", help="redis://... where all processes keep these limits."),
]
Passes = Annotated[
    int,
    typer.Option("--passes", min=1, help="How often an item may go whose failure time may cure."),
]
Lease = Annotated[
    float | None,
    typer.Option("--lease", help="Share the job; seconds until others take over from a dead process."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
JobArgument = Annotated[Path, typer.Argument(help="The job's file.")]


@batch_app.command("run")
def run_command(
    inputs: Annotated[Path, typer.Argument(metavar="INPUT", help="Prompts: .jsonl, .csv, .parquet or .txt.")],
    model: Annotated[str, typer.Option("--model", "-m", help="provider/model.")],
    job: JobFile,
    out: OutFile = None,
    engine: Annotated[Engine, typer.Option("--engine", help="What works the job off.")] = Engine.LOCAL,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Workers of the engine ray.")] = 2,
    concurrency: Concurrency = 8,
    requests_per_minute: Requests = None,
    tokens_per_minute: Tokens = None,
    shared_limits: SharedLimits = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="The longest answer.")] = None,
    passes: Passes = 3,
    lease: Lease = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Cancel the rest if an item fails.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Ask for streams, to see first tokens.")] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run a job, or run on with one that was interrupted.

    A finished job sends nothing. An input line is a prompt, {"prompt": ...} or {"messages": [...]}, with an
    "id" if you like. Exit code 0: every item has an answer; 3: some failed or were cancelled.
    """
    from .batch import run_batch

    run_batch(
        job,
        model,
        inputs,
        engine="provider" if engine is Engine.PROVIDER else "local",
        ray_workers=workers if engine is Engine.RAY else None,
        quiet=quiet,
        as_json=as_json,
        shared_limits=shared_limits,
        out=out,
        concurrency=concurrency,
        passes=passes,
        lease=lease,
        fail_fast=fail_fast,
        stream=stream,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        parameters={} if max_tokens is None else {"max_tokens": max_tokens},
    )


@batch_app.command("resume")
def resume_command(
    job: JobArgument,
    out: OutFile = None,
    concurrency: Concurrency = 8,
    requests_per_minute: Requests = None,
    tokens_per_minute: Tokens = None,
    shared_limits: SharedLimits = None,
    passes: Passes = 3,
    lease: Lease = None,
    again: Annotated[
        Again | None, typer.Option("--again", help="Send ended items again: failed, cancelled or all.")
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run on with a job that has taken over all of its inputs.

    It keeps its own model and parameters.
    """
    from .batch import resume_batch

    resume_batch(
        job,
        quiet=quiet,
        as_json=as_json,
        shared_limits=shared_limits,
        out=out,
        concurrency=concurrency,
        passes=passes,
        lease=lease,
        again=None if again is None else again.value,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
    )


@batch_app.command("status")
def status_command(job: JobArgument, as_json: AsJson = False) -> None:
    """Show where a job is, also while it runs."""
    from .batch import show_status

    show_status(job, as_json=as_json)


@batch_app.command("cancel")
def cancel_command(job: JobArgument, as_json: AsJson = False) -> None:
    """Cancel what has not ended.

    A run under way lets its calls end first.
    """
    from .batch import cancel_batch

    cancel_batch(job, as_json=as_json)


@batch_app.command("export")
def export_command(
    job: JobArgument,
    out: Annotated[Path, typer.Option("--out", help="File to write: .jsonl or .parquet.")],
) -> None:
    """Write all outcomes in input order; also while the job runs.

    The file appears whole or not at all.
    """
    from .batch import export_batch

    export_batch(job, out)


@batch_app.command("report")
def report_command(
    job: JobArgument,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")],
) -> None:
    """Write an HTML page of figures.

    It shows latencies, first tokens, tokens, cost, errors and retries.
    """
    from .batch import report_batch

    report_batch(job, out)
