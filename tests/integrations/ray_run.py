"""Jobs of the local engine and of two Ray workers, side by side; a program, for Ray has threads of its own.

    python -m tests.integrations.ray_run FOLDER [same | kill | refused]

Prints what was found as JSON. Ray and the simulator listen on 127.0.0.1 only, and end with the program.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import ray

from llm_forge import AuthenticationError
from llm_forge.integrations.ray import RayEngine
from llm_forge.runtime.events import Event
from llm_forge.simulator import Simulator
from llm_forge.unified import jobs
from llm_forge.unified.jobs import Outcome, State

ITEMS = 60
MODEL = "openai/gpt-4o-mini"
FACTS = ("id", "index", "text", "usage", "cost", "error")


class Marks:
    """Leaves a file for each process that makes calls, and lists those."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def __call__(self, event: Event) -> None:
        (self.folder / str(os.getpid())).touch()

    def processes(self) -> list[int]:
        return [int(path.name) for path in self.folder.iterdir()]


class Killer:
    """Kills a worker once some items have ended."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.seen = 0

    def __call__(self, outcome: Outcome) -> None:
        self.seen += 1
        if self.seen == 10:
            os.kill(self.marks.processes()[0], signal.SIGKILL)


def lines(path: Path) -> list[dict[str, Any]]:
    """The output without what is another at each call."""
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [{name: line.get(name) for name in FACTS} for line in found]


def run(folder: Path, name: str, url: str, **options: Any) -> jobs.Job:
    prompts = [f"Say item-{number}." for number in range(ITEMS)]
    client = {"api_key": "any", "base_url": url, "max_backoff": 0.02, **options.pop("client", {})}
    out = folder / f"{name}.jsonl"
    return jobs.run(folder / f"{name}.db", MODEL, prompts, out=out, concurrency=2, options=client, **options)


def same(folder: Path, url: str) -> dict[str, Any]:
    marks, outcomes, progress = Marks(folder / "marks"), [], []
    run(folder, "local", url)
    run(
        folder,
        "ray",
        url,
        engine=RayEngine(workers=2),
        client={"on_event": marks},
        on_outcome=outcomes.append,
        on_progress=progress.append,
        requests_per_minute=60_000,
    )
    return {
        "same": lines(folder / "local.jsonl") == lines(folder / "ray.jsonl"),
        "processes": len({*marks.processes()} - {os.getpid()}),
        "told": sorted(one.index for one in outcomes) == list(range(ITEMS)),
        "progress": (progress[-1].done, progress[-1].total),
    }


def kill(folder: Path, url: str) -> dict[str, Any]:
    marks = Marks(folder / "marks")
    engine = RayEngine(workers=2)
    killer = Killer(marks)
    job = run(folder, "ray", url, engine=engine, client={"on_event": marks}, on_outcome=killer, lease=2.0)
    texts = [line["text"] or "" for line in lines(folder / "ray.jsonl")]
    return {
        "processes": len(marks.processes()),
        "lost": sum(f"item-{number}" not in text for number, text in enumerate(texts)),
        "told": killer.seen,
        "interrupted": len(job.status().interrupted),
    }


def refused(folder: Path, url: str) -> dict[str, Any]:
    try:
        run(folder, "ray", url, engine=RayEngine(workers=2))
    except AuthenticationError as error:
        counts = jobs.Job(folder / "ray.db").status().counts
        return {"raised": error.kind, "failed": counts[State.FAILED], "under way": counts[State.SENT]}
    return {"raised": None}


def main(folder: Path, what: str) -> int:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    faults = [{"status": 401, "nth": 5}] if what == "refused" else [{"probability": 0.3, "status": 500}]
    with Simulator(1, faults=faults, pacing=0.02) as simulator:
        found = {"same": same, "kill": kill, "refused": refused}[what](folder, simulator.base_urls["openai"])
        print(json.dumps({**found, "attempts": simulator.ledger.attempts()}))
    ray.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
