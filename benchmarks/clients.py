"""What the clients cost beside the vendors' own packages: import time, CPU per request, CPU per event.

A server in another process answers; `time.process_time()` of this process is what counts, threads
included. `burst` events arrive together, as from a fast model or behind a proxy; `paced` ones one by one.
All rows come from one run; ratios are to the vendor's package of the same API. Not a timed test.
Run: `make bench`, or `python benchmarks/clients.py --requests 500 --events 5000`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import multiprocessing
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

PAUSE = 0.0002
TEXT = " a few words of an answer" * 30
ASK = {"model": "m", "messages": [{"role": "user", "content": "hello " * 100}]}
USAGE = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": TEXT, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": USAGE,
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": TEXT}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 20},
}


def chat_event(content: str | None, finish: str | None = None) -> bytes:
    delta = {"content": content} if content is not None else {}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**chunk, "choices": [choice]}).encode() + b"\n\n"


def block_event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def chat_events(count: int) -> list[bytes]:
    return [*(chat_event(" word") for _ in range(count)), chat_event(None, "stop"), b"data: [DONE]\n\n"]


def block_events(count: int) -> list[bytes]:
    start = {**MESSAGE, "content": [], "stop_reason": None}
    delta = block_event("content_block_delta", index=0, delta={"type": "text_delta", "text": " word"})
    return [
        block_event("message_start", message=start),
        block_event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(delta for _ in range(count)),
        block_event("content_block_stop", index=0),
        block_event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 20}),
        block_event("message_stop"),
    ]


def serve(ready: Connection, count: int) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    ready.send(listener.getsockname()[1])
    streams = {"chat": chat_events(count), "messages": block_events(count)}
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=answer, args=(sock, streams), daemon=True).start()


def answer(sock: socket.socket, streams: dict[str, list[bytes]]) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with contextlib.suppress(OSError, ValueError):
        while request := read_request(sock):
            family = "messages" if b"/messages" in request.partition(b"\r\n")[0] else "chat"
            paced = b"/paced/" in request.partition(b"\r\n")[0]
            if b'"stream":true' in request.replace(b" ", b""):
                write_events(sock, streams[family], paced=paced)
            else:
                write_whole(sock, MESSAGE if family == "messages" else CHAT)


def read_request(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(fields[b"content-length"])
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def write_whole(sock: socket.socket, value: Any) -> None:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    sock.sendall(head.encode() + body)


def write_events(sock: socket.socket, events: list[bytes], *, paced: bool) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for event in events:
        sock.sendall(b"%x\r\n%b\r\n" % (len(event), event))
        if paced:
            time.sleep(PAUSE)
    sock.sendall(b"0\r\n\r\n")


@contextlib.contextmanager
def server(count: int) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, count), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


@dataclass(frozen=True)
class Contestant:
    """A client of one API: how to make it, ask it and stream from it."""

    name: str
    api: str
    make: Callable[[str], Any]
    create: Callable[[Any], Any]
    stream: Callable[[Any], int]


def count_chat(client: Any) -> int:
    return sum(1 for _ in client.chat.completions.stream(**ASK))


def count_chat_vendor(client: Any) -> int:
    return sum(1 for _ in client.chat.completions.create(stream=True, **ASK))


def count_blocks(client: Any) -> int:
    return sum(1 for _ in client.messages.stream(max_tokens=9, **ASK))


def count_blocks_vendor(client: Any) -> int:
    return sum(1 for _ in client.messages.create(max_tokens=9, stream=True, **ASK))


def ours(name: str, transport: str) -> Callable[[str], Any]:
    module = importlib.import_module("llm_forge")
    return lambda url: getattr(module, name)(api_key="k", base_url=url, transport=transport)


def vendor(package: str, name: str) -> Callable[[str], Any]:
    return lambda url: getattr(importlib.import_module(package), name)(
        api_key="k", base_url=url, max_retries=0
    )


def contestants() -> Iterator[Contestant]:
    def chat(client: Any) -> Any:
        return client.chat.completions.create(**ASK).choices[0].message.content

    def blocks(client: Any) -> Any:
        return client.messages.create(max_tokens=9, **ASK).content[0].text

    yield Contestant("openai package", "chat", vendor("openai", "OpenAI"), chat, count_chat_vendor)
    for transport in ("httpx2", "curl"):
        yield Contestant(f"llm_forge {transport}", "chat", ours("OpenAI", transport), chat, count_chat)
    yield Contestant(
        "anthropic package", "messages", vendor("anthropic", "Anthropic"), blocks, count_blocks_vendor
    )
    for transport in ("httpx2", "curl"):
        yield Contestant(
            f"llm_forge {transport}", "messages", ours("Anthropic", transport), blocks, count_blocks
        )


def cpu_us(work: Callable[[], Any]) -> float:
    begin = time.process_time()
    work()
    return (time.process_time() - begin) * 1e6


def measure(one: Contestant, base: str, requests: int, count: int) -> tuple[float, float, float]:
    client, paced = one.make(base + "/burst/v1"), one.make(base + "/paced/v1")
    one.create(client)
    one.stream(client)
    request = cpu_us(lambda: [one.create(client) for _ in range(requests)]) / requests
    burst = cpu_us(lambda: one.stream(client)) / count
    slow = cpu_us(lambda: one.stream(paced)) / count
    return request, burst, slow


def import_ms(module: str) -> float:
    """The median of five cold imports in fresh interpreters, bytecode cached."""
    code = f"import time; t = time.perf_counter(); {module}; print((time.perf_counter() - t) * 1e3)"
    runs = sorted(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5))
    return runs[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--events", type=int, default=3000)
    options = parser.parse_args()
    print(f"{'CPU microseconds':<32}{'request':>12}{'burst event':>18}{'paced event':>18}")
    with server(options.events) as base:
        baseline: dict[str, tuple[float, float, float]] = {}
        for one in contestants():
            figures = measure(one, base, options.requests, options.events)
            first = baseline.setdefault(one.api, figures)
            cells = "".join(f"{f:>10.1f} ({f / g:4.2f})" for f, g in zip(figures, first, strict=True))
            print(f"{one.name + ' (' + one.api + ')':<32}{cells}")
    print(f"\n{'import':<32}{'milliseconds':>12}")
    for statement in (
        "import llm_forge",
        "from llm_forge import OpenAI",
        "from llm_forge import Anthropic",
        "import openai",
        "import anthropic",
    ):
        print(f"{statement:<32}{import_ms(statement):>12.0f}")


if __name__ == "__main__":
    main()
