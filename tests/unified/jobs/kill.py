"""BA-03: a job is killed with SIGKILL at random points, and run again until it is done.

`python -m tests.unified.jobs.kill` measures 200 points of a job of 2,000 items, three times: a process alone,
three workers, and three workers that share the server's limit through Redis; `make kill-test`.

The simulator counts, for each item, the answers that it made and would bill. An item may be answered once
more for each kill that found its request under way, which the job file says, and never otherwise.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from llm_forge.simulator import Simulator
from llm_forge.simulator.ledger import Entry
from llm_forge.unified import jobs
from llm_forge.unified.jobs import State
from llm_forge.unified.jobs.store import Store
from tests.integrations.redis_server import SERVER, redis_server
from tests.proof.record import record
from tests.proof.report import write

ITEMS, KILLS = 2000, 200
CONCURRENCY = 8
FAULTS: Sequence[dict[str, Any]] = (
    {"probability": 0.1, "status": 500},
    {"probability": 0.11, "status": 429, "retry_after": 0.01},
    {"probability": 0.12, "drop": "reset"},
)
PROGRAM = """
import json, sys
from llm_forge.unified import jobs
given = json.loads(sys.argv[1])
if shared := given.pop("shared", None):
    from llm_forge import Limit
    from llm_forge.integrations.redis import RedisRateLimiter
    limit = Limit("requests", shared["per_minute"], 60)
    given["options"]["rate_limiter"] = RedisRateLimiter(shared["url"], "kill", [limit])
jobs.run(given.pop("job"), "openai/gpt-4o-mini", given.pop("inputs"), **given)
"""


class Billing(Simulator):
    """A simulator that knows which prompts it has answered, and how many requests came."""

    def __init__(self, seed: int, per_minute: float | None = None) -> None:
        limits = None if per_minute is None else {"openai": {"requests": per_minute}}
        super().__init__(seed, faults=list(FAULTS), pacing=0.001, limits=limits)
        self.answered: Counter[str] = Counter()
        self.came = 0
        self._news = threading.Condition()
        service: Any = self._services["openai"]
        reply = service.reply

        def counted(turn: Any, entry: Entry) -> Any:
            made = reply(turn, entry)
            with self._news:
                self.came += 1
                if entry.status == 200:
                    self.answered[json.loads(turn.request.body)["messages"][0]["content"]] += 1
                self._news.notify_all()
            return made

        service.reply = counted

    def wait_until_came(self, count: int, process: subprocess.Popen[bytes]) -> None:
        """Wait for so many requests, or the end of the process that sends them."""
        with self._news:
            while self.came < count and process.poll() is None:
                self._news.wait(0.05)


@dataclass(frozen=True)
class Figures:
    """What the kills did: `killed` runs of `runs`; answers `paid_twice`, and the most at one kill."""

    items: int
    runs: int
    killed: int
    requests: int
    lost: int
    doubled_in_output: int
    paid_twice: int
    sent_again_without_reason: int
    most_in_flight_at_a_kill: int


def measure(folder: Path, items: int, kills: int, seed: int) -> Figures:
    """Kill a job so often at seeded points, then let it end."""
    chance = Random(seed)
    out, path = folder / "out.jsonl", folder / "job.db"
    in_flight: Counter[str] = Counter()
    runs = killed = most = 0
    with Billing(seed) as simulator:
        command, prompts = _prepared(folder, items, simulator)
        step = max(1, int(items * 1.4 / (kills + 1)))
        while True:
            runs += 1
            with subprocess.Popen(command) as process:
                if killed < kills:
                    _kill(process, simulator, chance, step)
                code = process.wait()
            if code == 0:
                break
            assert code == -9, f"the job failed with exit code {code}"
            killed += 1
            under_way = _under_way(path)
            most = max(most, len(under_way))
            in_flight.update(under_way)
        return _figures(out, prompts, simulator, in_flight, runs, killed, most)


@dataclass(frozen=True)
class Shared:
    """What kills of single workers did: answers `paid_twice`, and those that no lost lease explains.

    `violations` are the requests that the server refused because its own limit was used up.
    """

    items: int
    workers: int
    killed: int
    requests: int
    lost: int
    doubled_in_output: int
    paid_twice: int
    sent_again_without_reason: int
    violations: int


PER_MINUTE = 3000.0


def measure_workers(
    folder: Path,
    items: int,
    kills: int,
    seed: int,
    workers: int = 3,
    lease: float = 2.0,
    redis: str | None = None,
) -> Shared:
    """Let workers share a job; kill one of them at a time, and start another in its place.

    With the URL of a Redis they share the limit that the server has.
    """
    chance = Random(seed)
    more = {} if redis is None else {"shared": {"url": redis, "per_minute": PER_MINUTE}}
    with Billing(seed, None if redis is None else PER_MINUTE) as simulator:
        command, prompts = _prepared(folder, items, simulator, lease=lease, **more)
        running = [subprocess.Popen(command) for _ in range(workers)]
        step = max(1, int(items * 1.4 / (kills + 1)))
        killed = 0
        for _ in range(kills):
            chosen = chance.randrange(workers)
            _kill(running[chosen], simulator, chance, step)
            if running[chosen].wait() == -9:
                killed += 1
                running[chosen] = subprocess.Popen(command)
        codes = [process.wait() for process in running]
        assert set(codes) == {0}, f"workers ended with {codes}"
    with closing(Store(folder / "job.db")) as store:
        rows = store._db.execute("SELECT id, lost FROM items").fetchall()
    allowed = Counter({f"Say item-{name}.": lost for name, lost in rows})
    found = _figures(folder / "out.jsonl", prompts, simulator, allowed, 0, 0, 0)
    return Shared(
        items,
        workers,
        killed,
        found.requests,
        found.lost,
        found.doubled_in_output,
        found.paid_twice,
        found.sent_again_without_reason,
        sum(one.status == 429 and not one.fault for one in simulator.ledger.entries),
    )


def _prepared(folder: Path, items: int, simulator: Billing, **more: Any) -> tuple[list[str], list[str]]:
    """The command that runs the job, and its prompts, which lie in a file."""
    prompts = [f"Say item-{number}." for number in range(items)]
    inputs = folder / "in.jsonl"
    inputs.write_text("".join(f"{json.dumps(prompt)}\n" for prompt in prompts), "utf-8")
    given = {
        "job": str(folder / "job.db"),
        "inputs": str(inputs),
        "out": str(folder / "out.jsonl"),
        "concurrency": CONCURRENCY,
        "passes": 8,
        "options": {"api_key": "any", "base_url": simulator.base_urls["openai"], "max_backoff": 0.02},
        **more,
    }
    return [sys.executable, "-c", PROGRAM, json.dumps(given)], prompts


def _kill(process: subprocess.Popen[bytes], simulator: Billing, chance: Random, step: int) -> None:
    """Kill it after some requests and some milliseconds; one time in ten while it starts."""
    if chance.random() < 0.1:
        wait = chance.uniform(0, 0.6)
    else:
        simulator.wait_until_came(simulator.came + chance.randint(1, 2 * step - 1), process)
        wait = chance.uniform(0, 0.01)
    try:
        process.wait(wait)
    except subprocess.TimeoutExpired:
        process.kill()


def _under_way(path: Path) -> list[str]:
    """The prompts whose requests may have been under way, as the job file has it."""
    if not path.exists():
        return []
    return [f"Say item-{one.id}." for one in jobs.Job(path) if one.state is State.SENT]


def _figures(
    out: Path,
    prompts: list[str],
    simulator: Billing,
    in_flight: Counter[str],
    runs: int,
    killed: int,
    most: int,
) -> Figures:
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    texts = {line["id"]: line["text"] for line in lines if line.get("reply")}
    whole = sum(f"item-{number}" in (texts.get(str(number)) or "") for number in range(len(prompts)))
    again = {prompt: count - 1 for prompt, count in simulator.answered.items() if count > 1}
    return Figures(
        items=len(prompts),
        runs=runs,
        killed=killed,
        requests=simulator.came,
        lost=len(prompts) - whole,
        doubled_in_output=len(lines) - len({line["id"] for line in lines}),
        paid_twice=sum(again.values()),
        sent_again_without_reason=sum(max(0, count - in_flight[prompt]) for prompt, count in again.items()),
        most_in_flight_at_a_kill=most,
    )


def measured(folder: Path) -> Iterator[tuple[str, Figures | Shared]]:
    """What is measured, each in a folder of its own."""
    alone, workers, limited = (folder / name for name in ("alone", "workers", "limited"))
    for place in (alone, workers, limited):
        place.mkdir()
    yield "a process alone", measure(alone, ITEMS, KILLS, seed=1)
    yield "3 processes that share the job", measure_workers(workers, ITEMS, KILLS, seed=1)
    if SERVER is not None:
        with redis_server(limited) as url:
            found = measure_workers(limited, ITEMS, KILLS, seed=1, redis=url)
        yield "3 processes that share the job, and the server's limit through Redis", found


def main() -> int:
    """Measure, print, and record in docs/proof."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, figures in measured(Path(folder)):
            found[name] = asdict(figures)
            print(name, json.dumps(found[name], indent=2), flush=True)
    record("kills", {"concurrency": CONCURRENCY, "per_minute": PER_MINUTE, "runs": found})
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
