"""Bodies that are read while they are sent, over every transport."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_forge import AsyncOpenAI, OpenAI, Upload

SIZE = 48 * 1024 * 1024
HEADERS = b"content-type: application/json\r\ncontent-length: 10\r\nconnection: close\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\n" + HEADERS + b'{"id":"f"}'
TRANSPORTS = ["curl", "httpx2"]


class Sink:
    """A server that counts the bytes of one request at a time, keeps none, and answers each."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.received: list[int] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        if b"expect: 100-continue" in head.lower():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        end = b"\r\n0\r\n\r\n" if b"chunked" in head.lower() else None
        wanted = 0 if end else int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        count, tail, buffer = 0, b"", bytearray(256 * 1024)
        while (tail != end) if end else count < wanted:
            size = connection.recv_into(buffer)
            if not size:
                return
            count += size
            tail = (tail + bytes(buffer[max(0, size - 7) : size]))[-7:]
        self.received.append(count)
        connection.sendall(ANSWER)


@pytest.fixture
def sink() -> Iterator[Sink]:
    running = Sink()
    yield running
    running.close()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "large.bin"
    with path.open("wb") as file:
        file.truncate(SIZE)
    return path


def contents(path: Path) -> Iterator[Any]:
    piece = bytes(64 * 1024)
    yield path
    with path.open("rb") as file:
        yield file
    yield Upload((piece for _ in range(SIZE // len(piece))), "large.bin")


@pytest.mark.requirement("R-046")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_blocking_client_never_holds_a_large_upload(transport: str, sink: Sink, large: Path) -> None:
    with OpenAI(api_key="k", base_url=sink.url, transport=transport) as client:
        client.files.create(file=b"warm", purpose="batch")
        tracemalloc.start()
        try:
            for content in contents(large):
                assert client.files.create(file=content, purpose="batch", timeout=60).id == "f"
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert all(size > SIZE for size in sink.received[1:])
    assert peak < 8 * 1024 * 1024


@pytest.mark.requirement("R-046")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_asyncio_client_never_holds_a_large_upload(transport: str, sink: Sink, large: Path) -> None:
    async def main() -> int:
        async with AsyncOpenAI(api_key="k", base_url=sink.url, transport=transport) as client:
            await client.files.create(file=b"warm", purpose="batch")
            tracemalloc.start()
            try:
                for content in contents(large):
                    assert (await client.files.create(file=content, purpose="batch", timeout=60)).id == "f"
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    assert asyncio.run(main()) < 8 * 1024 * 1024
    assert all(size > SIZE for size in sink.received[1:])


def failing() -> Iterator[bytes]:
    yield b"abc"
    raise ValueError("the caller's own")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_the_callers_iterator_raises_reaches_him_unchanged(transport: str, sink: Sink) -> None:
    with OpenAI(api_key="k", base_url=sink.url, transport=transport) as client:
        with pytest.raises(ValueError, match="the caller's own"):
            client.files.create(file=Upload(failing(), "x"), purpose="batch")
        assert client.files.create(file=b"x", purpose="batch").id == "f"

    async def main() -> None:
        async with AsyncOpenAI(api_key="k", base_url=sink.url, transport=transport) as client:
            with pytest.raises(ValueError, match="the caller's own"):
                await client.files.create(file=Upload(failing(), "x"), purpose="batch")
            assert (await client.files.create(file=b"x", purpose="batch")).id == "f"

    asyncio.run(main())
