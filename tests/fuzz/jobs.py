"""Everything that is fuzzed, by name: what is counted, how much of it in one batch, and how to run one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import descriptions, machines, splits, streams, texts
from .stories import FAMILIES


@dataclass(frozen=True)
class Job:
    """`run` takes a seed and a number, does at least so much, and says how much; a violation is raised."""

    name: str
    unit: str
    run: Callable[[int, int], int]
    amount: int
    """How much is a batch: some seconds of work."""


def jobs() -> dict[str, Job]:
    """All jobs; stateful models join by being written, stream families by having stories."""
    return {job.name: job for job in (*_decoders(), *_models())}


def _decoders() -> list[Job]:
    families = [Job(f"streams {family}", "streams", streams.check(family), 20_000) for family in FAMILIES]
    return [
        Job("event stream", "splits", splits.check, 400_000),
        *families,
        Job("headers, errors, JSON", "texts", texts.check, 20_000),
        Job("descriptions", "documents", descriptions.check, 1_200),
    ]


def _models() -> list[Job]:
    return [
        Job(machine.__name__, "steps", machines.check(machine), 60_000) for machine in machines.machines()
    ]
