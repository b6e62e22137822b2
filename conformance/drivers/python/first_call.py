"""The first call of a process: it imports and builds what all later ones find there.

An HTTP library loads its networking and its certificates when it is first used. That takes longer than many a
scenario, whose clock would count it.
"""

from __future__ import annotations

import asyncio
import socket
import threading

import llm_forge

_ANSWER = b'{"object": "list", "data": []}'
_REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_ANSWER)


def warm_up(mode: str, transport: str) -> None:
    """Make one call in this mode over this transport to a server that answers once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_once, args=(server,), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        if mode == "async":
            asyncio.run(_call_async(url, transport))
        else:
            with llm_forge.OpenAI(api_key="none", base_url=url, transport=transport) as client:
                client.models.list()


async def _call_async(url: str, transport: str) -> None:
    async with llm_forge.AsyncOpenAI(api_key="none", base_url=url, transport=transport) as client:
        await client.models.list()


def _answer_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(_REPLY + _ANSWER)
