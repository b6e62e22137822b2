"""`python -m tests.fuzz`: batch after batch of every job on all processors, until the minutes are over.

`--seed` is the seed of the first round; each round takes the next. To go on where a run ended, give the
seed it names at its end; to repeat a violation, give its seed and `--only` its job, with `--minutes 0`.
Any longer run is recorded in docs/proof, in place of the last one of the same jobs, or added to it where
it goes on. Ends with 1 on a violation.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from tests.proof.record import record, recorded
from tests.proof.report import write

from .jobs import Job, jobs


@dataclass(frozen=True)
class Batch:
    """One batch as it ended: `violation` is the traceback of what was raised, "" for none."""

    job: str
    seed: int
    done: int
    violation: str = ""


def run(name: str, seed: int) -> Batch:
    """One batch of a job, in whatever process."""
    job = jobs()[name]
    try:
        return Batch(name, seed, job.run(seed, job.amount))
    except Exception:  # noqa: BLE001 - whatever is raised is the violation that we look for
        return Batch(name, seed, 0, traceback.format_exc(limit=-6))


def main() -> int:
    """Run until the time is over; the table says how much was done."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="part of a job's name")
    options = parser.parse_args()
    chosen = [job for name, job in jobs().items() if (options.only or "") in name]
    if not chosen:
        parser.error(f"no job is named {options.only}; there are {', '.join(jobs())}")
    batches = _until(time.monotonic() + options.minutes * 60, chosen, options.seed)
    print(_table(chosen, batches))
    following = max(batch.seed for batch in batches) + 1
    print(f"seeds {options.seed} to {following - 1}; go on with --seed {following}")
    if options.minutes:
        _record(chosen, batches, options.minutes)
    return 1 if any(batch.violation for batch in batches) else 0


def _until(end: float, chosen: list[Job], seed: int) -> list[Batch]:
    """Whole rounds, so that every job has its share; at least one."""
    rounds = ((number, job.name) for number in itertools.count(seed) for job in chosen)
    processes = os.cpu_count() or 1
    ended: list[Batch] = []
    with ProcessPoolExecutor(processes) as pool:
        running: set[Future[Batch]] = set()
        for number, name in _while(rounds, end, len(chosen)):
            running.add(pool.submit(run, name, number))
            if len(running) > processes:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                ended += [_told(future.result()) for future in done]
        ended += [_told(future.result()) for future in running]
    return ended


def _while(rounds: Iterator[tuple[int, str]], end: float, size: int) -> Iterator[tuple[int, str]]:
    for place, batch in enumerate(rounds):
        if place and place % size == 0 and time.monotonic() > end:
            return
        yield batch


def _told(batch: Batch) -> Batch:
    print(f"seed {batch.seed}  {batch.job}: {batch.done:,}", flush=True)
    if batch.violation:
        print(f"VIOLATION; repeat with --minutes 0 --seed {batch.seed} --only {batch.job!r}", flush=True)
        print(batch.violation, file=sys.stderr, flush=True)
    return batch


def _table(chosen: list[Job], batches: list[Batch]) -> str:
    lines = [f"{'job':24}{'unit':9}{'batches':>8}{'done':>14}{'violations':>12}"]
    for job in chosen:
        own = [batch for batch in batches if batch.job == job.name]
        bad = sum(bool(batch.violation) for batch in own)
        lines.append(f"{job.name:24}{job.unit:9}{len(own):>8}{sum(b.done for b in own):>14,}{bad:>12}")
    lines += [f"{'all':24}{unit:17}{done:>14,}" for unit, done in _totals(chosen, batches).items()]
    return "\n".join(lines)


def _totals(chosen: list[Job], batches: list[Batch]) -> Counter[str]:
    units = {job.name: job.unit for job in chosen}
    totals: Counter[str] = Counter()
    for batch in batches:
        totals[units[batch.job]] += batch.done
    return totals


def _record(chosen: list[Job], batches: list[Batch], minutes: float) -> None:
    """Keep what was done of each job in place of its last run; other jobs keep theirs."""
    known = (recorded("fuzz") or {"jobs": {}})["jobs"]
    for job in chosen:
        done = _facts(job, [one for one in batches if one.job == job.name], minutes)
        known[job.name] = _gone_on(known[job.name], done) if job.name in known else done
    record("fuzz", {"jobs": {name: known[name] for name in jobs() if name in known}})
    write()


def _gone_on(before: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
    """What was done, with what the run did before that this one went on with."""
    if before["seeds"][1] + 1 != done["seeds"][0]:
        return done
    summed = {name: before[name] + done[name] for name in ("done", "violations", "minutes")}
    return done | summed | {"seeds": [before["seeds"][0], done["seeds"][1]]}


def _facts(job: Job, batches: list[Batch], minutes: float) -> dict[str, Any]:
    seeds = [batch.seed for batch in batches]
    return {
        "unit": job.unit,
        "done": sum(batch.done for batch in batches),
        "violations": sum(bool(batch.violation) for batch in batches),
        "seeds": [min(seeds), max(seeds)],
        "minutes": minutes,
        "processors": os.cpu_count(),
    }


if __name__ == "__main__":
    sys.exit(main())
