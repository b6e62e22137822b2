"""A byte-exact server on 127.0.0.1: each connection runs a script against a plain socket.

It shares no HTTP code with what it judges: the script says which bytes leave, when, and how the
connection ends. `Loopback` counts connections and re-raises what went wrong inside a script.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Received:
    """One request as it came over the wire."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def names(self) -> set[str]:
        return {name for name, _ in self.headers}

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Peer:
    """The server's end of one connection, the only argument of a script."""

    sock: socket.socket
    number: int
    requests: list[Received] = field(default_factory=list)
    left: bytes = b""

    def request(self) -> Received | None:
        """Read one request, None when the client closed instead."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        line, *rest = head.decode("latin-1").split("\r\n")
        pairs = [(n.lower(), v.strip()) for n, _, v in (item.partition(":") for item in rest if item)]
        length = int(dict(pairs).get("content-length", "0"))
        received = Received(line, pairs, self._exactly(length))
        self.requests.append(received)
        return received

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def answer(self, body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> None:
        """A whole keep-alive answer with Content-Length."""
        self.send(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body)

    def chunk(self, data: bytes) -> None:
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def start_chunked(self) -> None:
        self.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def closed_by_client(self, within: float) -> float | None:
        """Seconds until the client's FIN or RST, None if it did not come within the time."""
        begin = time.monotonic()
        self.sock.settimeout(within)
        with contextlib.suppress(ConnectionError):
            try:
                while self.sock.recv(65536):
                    pass
            except TimeoutError:
                return None
        return time.monotonic() - begin

    def _until(self, mark: bytes) -> bytes | None:
        while mark not in self.left:
            data = self._receive()
            if not data:
                return None
            self.left += data
        head, self.left = self.left.split(mark, 1)
        return head

    def _exactly(self, count: int) -> bytes:
        while len(self.left) < count:
            data = self._receive()
            if not data:
                break
            self.left += data
        body, self.left = self.left[:count], self.left[count:]
        return body

    def _receive(self) -> bytes:
        try:
            return self.sock.recv(65536)
        except ConnectionError:
            return b""


Script = Callable[[Peer], None]


def answer_all(peer: Peer) -> None:
    """Answer every request on the connection with `{}`."""
    while peer.request():
        peer.answer()


class Loopback:
    """Listens on a free port of 127.0.0.1 and runs `scripts[n]` (the last one again) per connection."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.scripts = scripts or (answer_all,)
        self.peers: list[Peer] = []
        self.errors: list[BaseException] = []
        self._tls = tls
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def url(self, path: str = "/x") -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def requests(self) -> list[Received]:
        return [request for peer in self.peers for request in peer.requests]

    def __enter__(self) -> Loopback:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self.errors:
            raise self.errors[0]

    def close(self) -> None:
        """Stop listening, end every connection, wait for the scripts."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(2)
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(2)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
            peer = Peer(sock, len(self.peers))
            self.peers.append(peer)
            self.scripts[min(peer.number, len(self.scripts) - 1)](peer)
        except OSError:
            pass  # the client went away: the tests look at what they expected instead
        except BaseException as error:  # noqa: BLE001 - a failed assertion in a script must reach the test
            self.errors.append(error)
        finally:
            sock.close()
