"""`make bench-overhead`: what the resilience stack costs where nothing fails.

CPU of a unary call of the whole client, against the same request through the bare transport with its answer
decoded. Both run in turns in one process against a server in another, so that the machine's moods meet both.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.speed.contestants import ASK
from benchmarks.speed.server import serving
from tests.proof.record import record
from tests.proof.report import write

from llm_forge import OpenAI
from llm_forge.core.codec import decode, encode
from llm_forge.runtime.transports import NAMES, HttpRequest, Timers, resolve_transport

ROUNDS, CALLS = 40, 50
HEADERS = (
    ("authorization", "Bearer k"),
    ("content-type", "application/json"),
    ("accept", "application/json"),
)


def bare(name: str, url: str) -> Callable[[], Any]:
    """A call without a client: encode, send, read, decode."""
    transport = resolve_transport(name)

    def call() -> Any:
        exchange = transport.open(
            HttpRequest("POST", f"{url}/chat/completions", HEADERS, encode(ASK)), Timers()
        )
        pieces = []
        while piece := exchange.read(60.0):
            pieces.append(piece)
        exchange.close()
        return decode(b"".join(pieces))["choices"][0]["message"]["content"]

    return call


def whole(name: str, url: str) -> Callable[[], Any]:
    """A call of the client."""
    client = OpenAI(api_key="k", base_url=url, transport=name)
    return lambda: client.chat.completions.create(**ASK).choices[0].message.content


def microseconds(call: Callable[[], Any]) -> float:
    before = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - before) / CALLS * 1e6


def measure(name: str, url: str) -> dict[str, Any]:
    calls = bare(name, url), whole(name, url)
    rounds = [[microseconds(call) for call in calls] for _ in range(ROUNDS)][ROUNDS // 4 :]
    ratios = [client / alone for alone, client in rounds]
    alone, client = (median(column) for column in zip(*rounds, strict=True))
    return {"transport": name, "bare_us": alone, "client_us": client, "ratio": median(ratios)}


def main() -> None:
    with serving() as url:
        rows = [measure(name, url) for name in NAMES]
    for row in rows:
        cost = f"bare {row['bare_us']:.0f} µs, client {row['client_us']:.0f} µs"
        print(f"{row['transport']:8} {cost}, x{row['ratio']:.2f}")
    record("overhead", {"rows": rows})
    print(write())


if __name__ == "__main__":
    main()
