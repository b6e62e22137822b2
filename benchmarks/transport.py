"""CPU time of the client per unary request and per streamed event, by transport.

The server runs in another process and writes one event per `send` with TCP_NODELAY: `paced` with a short
pause, so that each event arrives alone, as tokens do; `burst` without one. Measured is
`time.process_time()` of this process, threads included. Run: `python benchmarks/transport.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import aiohttp

from llm_forge.runtime.transports import HttpRequest, Timers, resolve_async_transport, resolve_transport

ANSWER = b'{"id":"m1","content":[{"type":"text","text":"' + b"a" * 800 + b'"}],"usage":{"output_tokens":7}}'
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":" word"}}]}\n\n'
PAUSE = 0.0002
HEADERS = (("accept", "application/json"), ("user-agent", "bench"), ("content-type", "application/json"))
BODY = b'{"model":"m","messages":[{"role":"user","content":"hello"}]}'
TIMERS = Timers()


@dataclass(frozen=True)
class Figure:
    name: str
    request_us: float
    paced_us: float
    burst_us: float


def serve(ready: Connection, events: int) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    ready.send(listener.getsockname()[1])
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=answer, args=(sock, events), daemon=True).start()


def answer(sock: socket.socket, events: int) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(ANSWER)}\r\n\r\n".encode()
    with contextlib.suppress(OSError):
        while request := read_request(sock):
            if request.startswith(b"POST /stream"):
                write_events(sock, events, PAUSE)
            elif request.startswith(b"POST /burst"):
                write_events(sock, events, 0.0)
            else:
                sock.sendall(head + ANSWER)


def read_request(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data or not data.endswith(BODY):
        part = sock.recv(65536)
        if not part:
            return b""
        data += part
    return data


def write_events(sock: socket.socket, events: int, pause: float) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    chunk = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
    for _ in range(events):
        sock.sendall(chunk)
        if pause:
            time.sleep(pause)
    sock.sendall(b"0\r\n\r\n")


@contextlib.contextmanager
def server(events: int) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, events), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def request(url: str) -> HttpRequest:
    return HttpRequest("POST", url, HEADERS, BODY)


def measure_sync(name: str, base: str, requests: int, events: int) -> Figure:
    transport = resolve_transport(name)

    def drain(path: str) -> None:
        exchange = transport.open(request(base + path), TIMERS)
        while exchange.read(60.0):
            pass

    def timed(path: str, times: int) -> float:
        begin = time.process_time()
        for _ in range(times):
            drain(path)
        return (time.process_time() - begin) * 1e6

    drain("/unary")
    figure = Figure(
        f"{name} sync",
        timed("/unary", requests) / requests,
        timed("/stream", 1) / events,
        timed("/burst", 1) / events,
    )
    transport.close()
    return figure


async def measure_async(
    name: str, drain: Callable[[str], Awaitable[None]], requests: int, events: int
) -> Figure:
    async def timed(path: str, times: int) -> float:
        begin = time.process_time()
        for _ in range(times):
            await drain(path)
        return (time.process_time() - begin) * 1e6

    await drain("/unary")
    unary = await timed("/unary", requests) / requests
    return Figure(
        f"{name} async", unary, await timed("/stream", 1) / events, await timed("/burst", 1) / events
    )


async def ours(name: str, base: str, requests: int, events: int) -> Figure:
    transport = resolve_async_transport(name)

    async def drain(path: str) -> None:
        exchange = await transport.open(request(base + path), TIMERS)
        while await exchange.read(60.0):
            pass

    try:
        return await measure_async(name, drain, requests, events)
    finally:
        await transport.close()


async def theirs(base: str, requests: int, events: int) -> Figure:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60.0)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:

        async def drain(path: str) -> None:
            async with session.post(base + path, data=BODY, headers=dict(HEADERS)) as response:
                async for _ in response.content.iter_any():
                    pass

        return await measure_async("aiohttp", drain, requests, events)


def figures(base: str, requests: int, events: int) -> Iterator[Figure]:
    for name in ("curl", "httpx2"):
        yield measure_sync(name, base, requests, events)
    runs: tuple[Any, ...] = (
        lambda: ours("curl", base, requests, events),
        lambda: ours("httpx2", base, requests, events),
        lambda: theirs(base, requests, events),
    )
    for run in runs:
        yield asyncio.run(run())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--events", type=int, default=2000)
    options = parser.parse_args()
    with server(options.events) as base:
        rows = list(figures(base, options.requests, options.events))
    columns = ("request_us", "paced_us", "burst_us")
    least = {column: min(getattr(row, column) for row in rows) for column in columns}
    print(f"{'CPU microseconds':<18}" + "".join(f"{column:>12}{'ratio':>7}" for column in columns))
    for row in rows:
        cells = (
            f"{getattr(row, column):>12.0f}{getattr(row, column) / least[column]:>7.1f}" for column in columns
        )
        print(f"{row.name:<18}" + "".join(cells))


if __name__ == "__main__":
    main()
