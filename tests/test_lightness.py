"""What importing, making and using a client costs, counted: a limit that is passed names what has grown.

The limits are a little above what was counted when they were set. Raise one only for a reason that is worth
it to every user; lower it where work has been taken away.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from llm_forge import OpenAI
from llm_forge.core.headers import Headers
from llm_forge.runtime.transports.protocol import HttpRequest, Timers
from tests.counting import calls_of

# Modules beyond those of the bare interpreter, and how many of them may be ours.
IMPORTED = {
    "import llm_forge": (45, 4),
    "from llm_forge import OpenAI; OpenAI(api_key='k')": (130, 53),
    "from llm_forge import AsyncOpenAI; AsyncOpenAI(api_key='k')": (130, 53),
}
# What a client that is only made has no use for.
UNUSED = {"asyncio", "ssl", "pycurl", "httpx2", "msgspec", "json", "hashlib", "subprocess", "email", "http"}
CALLS_A_REQUEST = 345
CALLS_AN_EVENT = 55

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
ANSWER = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []}


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


class Played:
    """A transport that answers every request with the same bytes."""

    def __init__(self, kind: str, body: bytes) -> None:
        self.kind = kind
        self.body = body

    def open(self, request: HttpRequest, timers: Timers) -> Exchange:
        return Exchange(self.kind, self.body)

    def close(self) -> None:
        pass


class Exchange:
    status = 200

    def __init__(self, kind: str, body: bytes) -> None:
        self.headers = Headers([("content-type", kind)])
        self.left = [body]

    def read(self, timeout: float | None) -> bytes:
        return self.left.pop() if self.left else b""

    def close(self) -> None:
        pass


def played(kind: str, body: bytes) -> OpenAI:
    return OpenAI(api_key="k", transport=Played(kind, body))


def calls_of_a_request() -> int:
    with played("application/json", json.dumps(ANSWER).encode()) as client:
        client.chat.completions.create(**ASK)  # imports and first uses
        return calls_of(lambda: client.chat.completions.create(**ASK)).total()


def calls_of_a_stream(events: int) -> int:
    delta = {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
    chunk = {**ANSWER, "object": "chat.completion.chunk", "choices": [delta]}
    last = {**chunk, "choices": [{**delta, "delta": {}, "finish_reason": "stop"}]}
    lines = [*([json.dumps(chunk)] * events), json.dumps(last), "[DONE]"]
    body = "".join(f"data: {line}\n\n" for line in lines).encode()
    with played("text/event-stream", body) as client:

        def drain() -> None:
            with client.chat.completions.stream(**ASK) as stream:
                assert sum(1 for _ in stream) == events + 1

        drain()
        return calls_of(drain).total()


@pytest.mark.parametrize("statement", IMPORTED)
def test_importing_and_making_a_client_loads_few_modules(statement: str) -> None:
    most, most_of_ours = IMPORTED[statement]
    added = modules_after(statement) - modules_after("pass")
    ours = {name for name in added if name.startswith("llm_forge")}
    assert len(ours) <= most_of_ours, sorted(ours)
    assert len(added) <= most, sorted(added - ours)


@pytest.mark.parametrize("statement", IMPORTED)
def test_a_client_that_is_only_made_loads_nothing_that_only_calls_use(statement: str) -> None:
    assert modules_after(statement) & UNUSED == set()


def test_a_request_takes_few_function_calls() -> None:
    assert calls_of_a_request() <= CALLS_A_REQUEST


def test_an_event_of_a_stream_takes_few_function_calls() -> None:
    few, many = calls_of_a_stream(100), calls_of_a_stream(300)
    assert (many - few) / 200 <= CALLS_AN_EVENT


def test_counting_twice_gives_the_same() -> None:
    assert calls_of_a_request() == calls_of_a_request()
