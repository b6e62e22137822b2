"""How much of its declared limits a job uses, by the ledger of the server; in virtual time.

The simulator decides as it does behind a socket (its buckets, bodies, headers and ledger); only the socket is
missing, so that a quarter of an hour passes in a minute. `make pace` measures 10,000 items.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from llm_forge.runtime.scripted import Answer
from llm_forge.runtime.transports import HttpRequest
from llm_forge.simulator import Request, Simulator
from llm_forge.simulator.script import Send
from llm_forge.unified.jobs import State
from tests.whole_system.network import Server
from tests.whole_system.virtual_time import EPOCH

from .world import Watched, prompts, run_job


@dataclass(frozen=True)
class Pace:
    """`used` is the share of the limit's rate, `violations` the requests that the server refused."""

    items: int
    done: int
    unit: str
    limit: float
    minutes: float
    used: float
    violations: int


def measure(folder: Path, items: int, limits: Mapping[str, float], unit: str, seed: int = 5) -> Pace:
    """Run a job with limits per minute that are the server's, too."""
    now = 0.0
    simulator = Simulator(seed, limits={"openai": limits}, clock=lambda: EPOCH + now)
    chance, connection = Random(seed), itertools.count()
    service = simulator._services["openai"]

    def server(request: HttpRequest, at: float) -> Answer:
        nonlocal now
        now = at
        assert isinstance(request.body, bytes)
        target = request.url.partition("/v1")[2]
        arrived = Request("POST", target, request.headers, request.body, at, next(connection))
        turn = service.turn(arrived, f"/v1{target}")
        entry = simulator.ledger.add(service.entry(turn))
        sent = b"".join(step.data for step in service.reply(turn, entry).steps() if isinstance(step, Send))
        return answer(sent, chance.uniform(0.2, 1.5))

    found = _job(folder, items, limits, server)
    taken = simulator.ledger.entries
    minutes = (taken[-1].arrived_at - taken[0].arrived_at) / 60
    amount = len(taken) if unit == "requests" else sum(one.input_tokens + one.output_tokens for one in taken)
    refused = sum(one.status == 429 for one in taken)
    return Pace(items, found, unit, limits[unit], minutes, amount / minutes / limits[unit], refused)


def _job(folder: Path, items: int, limits: Mapping[str, float], server: Server) -> int:
    job = run_job(
        folder / "job.db",
        Watched(server),
        prompts(items),
        concurrency=32,
        requests_per_minute=limits["requests"],
        tokens_per_minute=limits["tokens"],
        parameters={"max_tokens": 40},
        options={"base_url": "https://simulated.example/v1"},
    )
    return job.status().counts[State.DONE]


def answer(sent: bytes, delay: float) -> Answer:
    """A response that was written for a socket."""
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Answer(int(first.split()[1]), pairs, [body], delay)


REQUESTS = {"requests": 600.0, "tokens": 1_000_000.0}
TOKENS = {"requests": 100_000.0, "tokens": 12_000.0}


def main() -> int:
    """Measure 10,000 items with either limit."""
    for unit, limits in (("requests", REQUESTS), ("tokens", TOKENS)):
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(asdict(measure(Path(folder), 10_000, limits, unit))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
