"""A Redis of a test's own, on a socket in a folder."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = shutil.which("redis-server")


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """The URL of a server that answers; it ends with the block."""
    socket = folder / "redis.sock"
    command = [str(SERVER), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        address = f"unix://{socket}"
        until = time.monotonic() + 20
        while not _answers(address):
            assert time.monotonic() < until, "redis-server does not start"
        try:
            yield address
        finally:
            server.terminate()


def _answers(url: str) -> bool:
    import redis

    client = redis.Redis.from_url(url)
    try:
        return bool(client.ping())
    except redis.exceptions.ConnectionError:
        return False
    finally:
        client.close()
