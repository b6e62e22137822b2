"""An HTTP/1.1 server in a background thread, for one process or one test.

Rules:
- It listens on 127.0.0.1 only; port 0 takes a free one.
- `stop` ends every connection, task and the thread before it returns; starting again is a new Server.
- A listener can refuse connections for a while: its port stays ours, bound but not listening.
- Records are written in the server's thread and may be read from any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from .connection import Application, ClientClosedError, Connection, Exchange, Request

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine, Iterable
    from types import TracebackType
    from typing import Self

__all__ = ["Application", "ClientClosedError", "Exchange", "Listener", "Request", "Server"]

T = TypeVar("T")
HOST = "127.0.0.1"


class Listener:
    """A port of a server. `url` is its origin; `refuse` and `accept` close and open it."""

    def __init__(self, server: Server, port: int, *, accepting: bool) -> None:
        self._server = server
        self._socket = _bound_socket(port)
        self._listening = False
        self._accepting = accepting
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """The origin, without a slash at its end."""
        return f"{self._server.scheme}://{HOST}:{self.port}"

    def refuse(self, seconds: float | None = None) -> None:
        """Refuse new connections, for so many seconds or until `accept`; open ones are untouched."""
        self._server.run(self.refuse_now(seconds))

    def accept(self, after: float | None = None) -> None:
        """Take connections again, at once or after so many seconds unless the server stops first."""
        self._server.run(self.accept_now() if after is None else self._accept_later(after))

    async def accept_now(self) -> None:
        """`accept`, from inside the server's event loop."""
        if not self._listening:
            self._socket.listen(1024)
            asyncio.get_running_loop().add_reader(self._socket, self._server.take_connection, self._socket)
            self._listening = True

    async def refuse_now(self, seconds: float | None = None) -> None:
        """`refuse`, from inside the server's event loop."""
        if self._listening:
            self.stop()
            self._socket = _bound_socket(self.port)
        if seconds is not None:
            self._server.later(seconds, self.accept_now())

    async def _accept_later(self, seconds: float) -> None:
        self._server.later(seconds, self.accept_now())

    async def start(self) -> None:
        """Open the port if it is meant to be open."""
        if self._accepting:
            await self.accept_now()

    def stop(self) -> None:
        """Close the port; in the event loop, or when it does not run."""
        if self._listening:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._listening = False
        self._socket.close()


class Server:
    """A running server: `with Server(application) as server: ... server.url`.

    `application` is called in the server's event loop for every request. `tls` makes every listener
    speak TLS. OSError if the port is taken.
    """

    def __init__(self, application: Application, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.scheme = "https" if tls else "http"
        self._application = application
        self._tls = tls
        self._loop = asyncio.SelectorEventLoop()  # the one that has add_reader on every system
        self._thread: threading.Thread | None = None
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._accepted = 0
        try:
            self._listeners = [Listener(self, port, accepting=True)]
        except OSError:
            self._loop.close()
            raise

    @property
    def url(self) -> str:
        """The origin of the first listener, without a slash at its end."""
        return self._listeners[0].url

    @property
    def port(self) -> int:
        """The port of the first listener."""
        return self._listeners[0].port

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._connections)

    @property
    def accepted_connections(self) -> int:
        """How many connections were ever accepted."""
        return self._accepted

    def start(self) -> Self:
        """Listen, and return once a client can connect."""
        self._thread = threading.Thread(target=self._loop.run_forever, name="llm-forge-server", daemon=True)
        self._thread.start()
        self.run(self._listeners[0].start())
        return self

    def stop(self) -> None:
        """End every connection and the thread; doing it twice does no harm."""
        if self._thread is not None:
            self.run(self._stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._thread = None
        elif not self._loop.is_closed():
            self._listeners[0].stop()
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def listen(self, *, accepting: bool = True) -> Listener:
        """Another port of this server: another origin, or one that refuses connections at first."""
        listener = Listener(self, 0, accepting=accepting)
        self._listeners.append(listener)
        self.run(listener.start())
        return listener

    def drop_connections(self) -> None:
        """Close every open connection now, idle ones too."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine that runs in the server's event loop. RuntimeError if it is stopped."""
        if self._thread is None:
            work.close()
            raise RuntimeError("the server is not running")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def later(self, seconds: float, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine after so many seconds, unless the server stops first; from inside the loop."""
        task = self._loop.create_task(_delayed(seconds, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def take_connection(self, listening: socket.socket) -> None:
        """Accept one waiting connection, if it is still there; for listeners."""
        try:
            accepted, _ = listening.accept()
        except OSError:
            return
        accepted.setblocking(False)
        task = self._loop.create_task(
            self._loop.connect_accepted_socket(self._connection, accepted, ssl=self._tls)
        )
        self._tasks.add(task)
        task.add_done_callback(partial(self._taken, accepted))

    def _taken(self, accepted: socket.socket, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception():
            accepted.close()

    def _connection(self) -> Connection:
        self._accepted += 1
        return Connection(self._application, self._accepted, self._connections)

    def _abort_all(self) -> None:
        for connection in tuple(self._connections):
            connection.transport.abort()

    async def _stop(self) -> None:
        for listener in self._listeners:
            listener.stop()
        await self._cancel(self._tasks)
        connections = tuple(self._connections)
        await self._cancel(one.task for one in connections if one.task is not None)
        for connection in connections:
            connection.transport.abort()
            await connection.closed()

    @staticmethod
    async def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
        cancelled = tuple(tasks)
        for task in cancelled:
            task.cancel()
        await asyncio.gather(*cancelled, return_exceptions=True)


def _bound_socket(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound


async def _delayed(seconds: float, work: Coroutine[Any, Any, None]) -> None:
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        with contextlib.suppress(RuntimeError):
            work.close()
        raise
    await work
