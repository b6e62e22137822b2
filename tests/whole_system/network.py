"""A network in virtual time: a transport whose server is a function, for any number of concurrent calls.

The client above it is the real one, with its real call loop; only sockets are missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableSequence
from typing import TypeAlias

from llm_forge.core.errors import AttemptTimeoutError
from llm_forge.core.headers import Headers
from llm_forge.runtime.scripted import Answer, Piece
from llm_forge.runtime.transports import HttpRequest, Timers

Server: TypeAlias = Callable[[HttpRequest, float], Answer | Exception]


class Exchange:
    """An answer being read; it counts as open until it is closed."""

    def __init__(self, network: Network, answer: Answer) -> None:
        self.status = answer.status
        self.headers = Headers(answer.headers)
        self._pieces = list[Piece](answer.body)
        self._network = network
        self._closed = False

    async def read(self, timeout: float | None) -> bytes:
        """The next piece, after its pauses."""
        while self._pieces:
            piece = self._pieces.pop(0)
            if isinstance(piece, bytes):
                return piece
            if isinstance(piece, BaseException):
                raise piece
            async with asyncio.timeout(timeout):
                await asyncio.sleep(piece)
        return b""

    async def close(self) -> None:
        """Give the connection back, once."""
        if not self._closed:
            self._closed = True
            self._network.open_now -= 1


class Network:
    """`server` is asked for each request with its virtual time of arrival; an exception it returns is raised.

    `arrivals` are those times; `open_now` counts exchanges that nobody has closed.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.arrivals: MutableSequence[float] = []
        self.open_now = 0

    async def open(self, request: HttpRequest, timers: Timers) -> Exchange:
        """Send, wait for the head, and return it."""
        now = asyncio.get_running_loop().time()
        self.arrivals.append(now)
        answer = self._server(request, now)
        if isinstance(answer, Exception):
            raise answer
        try:
            async with asyncio.timeout(timers.response):
                await asyncio.sleep(answer.delay)
        except TimeoutError as error:
            raise AttemptTimeoutError("No response headers in time", phase="response") from error
        self.open_now += 1
        return Exchange(self, answer)

    async def close(self) -> None:
        """Nothing is kept open."""
