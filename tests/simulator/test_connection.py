"""A connection whose client reads all, leaves early, or shares the server with others."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
import time
from queue import Queue

import pytest

from llm_forge.simulator import Simulator
from llm_forge.simulator.server import ClientClosedError, Exchange, Server

from .ask import body
from .wire import KEYS, fetch

RESET = struct.pack("ii", 1, 0)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def received_and_reset(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.recv(1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def asked(sim: Simulator) -> socket.socket:
    """A socket on which a long stream was asked for and has begun."""
    data = json.dumps(body("groq", "Write 20000 words about bees", stream=True, max_tokens=20_000)).encode()
    lines = ["POST /groq/openai/v1/chat/completions HTTP/1.1", "host: h", f"content-length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in KEYS.items()]
    client = socket.create_connection(("127.0.0.1", sim.server.port), timeout=10)
    client.sendall("\r\n".join([*lines, "", ""]).encode() + data)
    assert client.recv(10)
    return client


def test_the_time_at_which_a_client_left_is_always_known() -> None:
    left: Queue[float | None] = Queue()

    async def application(exchange: Exchange) -> None:
        try:
            while True:
                await exchange.send(b"x")
        except ClientClosedError:
            left.put(exchange.connection.peer_closed_at)
            raise

    with Server(application) as server:
        for _ in range(20):
            received_and_reset(server.port)
        assert None not in [left.get(timeout=5) for _ in range(20)]


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
def test_a_client_that_leaves_a_stream_without_pauses_is_seen(
    reset: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with Simulator() as sim, caplog.at_level(logging.WARNING, "asyncio"):
        client = asked(sim)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()
        assert sim.ledger.wait_ended()
        entry = sim.ledger.entries[0]
    assert (entry.outcome, entry.status) == ("client-closed", 200)
    assert caplog.messages == []


def test_a_long_reply_leaves_room_for_other_connections() -> None:
    answered = asyncio.Event()

    async def application(exchange: Exchange) -> None:
        if exchange.request.path == "/short":
            answered.set()
        patience = time.monotonic() + 5
        while not answered.is_set() and time.monotonic() < patience:
            await exchange.send(b"")
        await exchange.send(ANSWER)

    with Server(application) as server, socket.create_connection(("127.0.0.1", server.port)) as long:
        long.sendall(b"GET /long HTTP/1.1\r\nHost: h\r\n\r\n")
        begun = time.monotonic()
        assert fetch(f"{server.url}/short").body == b"ok"
        assert time.monotonic() - begun < 5
        assert long.recv(100) == ANSWER
