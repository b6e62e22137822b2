"""A client without opinions: http.client for whole answers, a socket for bytes."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

KEYS = {"authorization": "Bearer key", "x-api-key": "key", "anthropic-version": "2023-06-01"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[str]:
        return [event for event in self.body.decode().split("\n\n") if event]

    @property
    def chunks(self) -> list[Any]:
        """The JSON of every data line, without `[DONE]`."""
        lines = [line[6:] for event in self.events for line in event.split("\n") if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]


def fetch(
    url: str, body: Any = None, headers: dict[str, str] | None = None, method: str | None = None
) -> Answer:
    """One request on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(
            method or ("GET" if data is None else "POST"), target, data, KEYS if headers is None else headers
        )
        response = connection.getresponse()
        return Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        )
    finally:
        connection.close()


def received(port: int, data: bytes) -> tuple[bytes, str]:
    """All bytes until the server ends the connection, and how it did: "closed" or "reset"."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        got = bytearray()
        try:
            while piece := connection.recv(65536):
                got += piece
        except ConnectionResetError:
            return bytes(got), "reset"
        return bytes(got), "closed"
