"""Single parts of ours: `python -m benchmarks.speed.parts NAME` prints microseconds of CPU."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .server import CHAT, chat_events

COUNT = 20_000


@dataclass(frozen=True)
class Part:
    """What is measured, and the function that returns microseconds for one of it."""

    title: str
    run: Callable[[], float]


def _timed(work: Callable[[], Any], count: int) -> float:
    work()
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1e6 / count


def _decode_in(size: int, count: int) -> float:
    from llm_forge.core.sse import SseDecoder

    data = b"".join(chat_events(count))

    def work() -> None:
        decoder = SseDecoder()
        for at in range(0, len(data), size):
            decoder.feed(data[at : at + size])

    return _timed(work, count)


def sse_reads() -> float:
    return _decode_in(65536, COUNT)


def sse_bytes() -> float:
    return _decode_in(1, 1000)


def views() -> float:
    from llm_forge.clients.openai.models import ChatCompletion

    def work() -> None:
        for _ in range(COUNT):
            _ = ChatCompletion(CHAT).choices[0].message.content

    return _timed(work, COUNT)


def accumulate() -> float:
    from llm_forge.core.accumulate.chat import ChatAccumulator

    chunk = json.loads(chat_events(1)[0][6:])

    def work() -> None:
        accumulator = ChatAccumulator()
        for _ in range(COUNT):
            accumulator.add("message", chunk)

    return _timed(work, COUNT)


PARTS = {
    "sse_reads": Part("server-sent events decoded in reads of 64 KiB, each event", sse_reads),
    "sse_bytes": Part("the same in reads of one byte, each event", sse_bytes),
    "views": Part("a typed view made of an answer and read three deep", views),
    "accumulate": Part("a chunk added to the accumulated answer", accumulate),
}

if __name__ == "__main__":
    print(PARTS[sys.argv[1]].run())
