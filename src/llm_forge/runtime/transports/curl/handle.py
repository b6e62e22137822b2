"""One libcurl easy handle, and what it has received of the present response."""

from __future__ import annotations

from collections.abc import Callable

import pycurl

from ....core.errors import AttemptTimeoutError, ForgeError
from ....core.headers import Headers
from ..limits import checked_headers
from ..protocol import BodySource, HttpRequest, Timers
from .faults import Fault, cause, fault_before_headers
from .poll import readable, shut
from .request import Read, Reader, set_request
from .setup import Setup

BLANK = (b"\r\n", b"\n")
SWITCHING = 101
REFUSE = 1  # CURL_SOCKOPT_ERROR: libcurl gives the socket up
OK = 0
NO_RESPONSE: Fault = (pycurl.E_GOT_NOTHING, "no final response")

Head = tuple[int, Headers]
Sockets = dict[tuple[object, ...], int]  # of idle connections, by both addresses


class Handle:
    """Kept and used again for many requests; not in use by two at once.

    `lines` and `chunks` are what arrived and nobody took yet. `done` says that libcurl is through,
    `fault` why it failed, `raised` what a callback raised. `idle` belongs to the multi handle.
    """

    def __init__(self, setup: Setup, idle: Sockets) -> None:
        self.lines: list[bytes] = []
        self.chunks: list[bytes] = []
        self.added = False
        self.done = False
        self.fault: Fault | None = None
        self.raised: BaseException | None = None
        self._idle = idle
        self._place: tuple[object, ...] = ()
        self._stale = False
        self._dead = False
        self._refused = False
        self._new = False
        self._sent = False
        self._connect: float | None = -1.0
        self.easy = pycurl.Curl()
        setup.apply(self.easy)
        self.easy.setopt(pycurl.PREREQFUNCTION, self._before_sending)
        self.easy.setopt(pycurl.SOCKOPTFUNCTION, self._new_socket)
        on_line, on_chunk = self.receivers()
        self.easy.setopt(pycurl.HEADERFUNCTION, on_line)
        self.easy.setopt(pycurl.WRITEFUNCTION, on_chunk)

    def receivers(self) -> tuple[Callable[[bytes], object], Callable[[bytes], object]]:
        """What libcurl calls with a line of the head and with a piece of the body."""
        return self.lines.append, self.chunks.append

    def reader(self, body: BodySource) -> Read:
        """What libcurl reads a body in pieces with."""
        return Reader(body, self.keep)

    def prepare(self, request: HttpRequest, connect: float | None) -> None:
        """Make ready for a request; `connect` is the seconds it may take to get a connection."""
        self.lines.clear()
        self.chunks.clear()
        self._begin()
        set_request(self.easy, request, self.reader)
        if connect != self._connect:
            self._connect = connect
            # 0 would mean libcurl's default of 300 s.
            limit = 2**31 - 1 if connect is None else max(1, round(connect * 1000))
            self.easy.setopt(pycurl.CONNECTTIMEOUT_MS, limit)

    def keep(self, error: BaseException) -> None:
        """Keep what a callback raised, for whoever drives the handle."""
        self.raised = error

    def take(self) -> bytes:
        """The body's bytes that have arrived; some must have."""
        data = self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)
        self.chunks.clear()
        return data

    def end(self, fault: Fault | None) -> None:
        """libcurl is through with the request."""
        self.done = True
        self.fault = fault

    def start_over_or_raise(self, timers: Timers) -> None:
        """After the end before a head: ready to start again if nothing was sent, else the error."""
        if self._dead:
            self._begin()
            return
        fault = self.fault or NO_RESPONSE
        raise fault_before_headers(fault, stale=self._stale, timers=timers) from cause(fault)

    def late(self, timers: Timers) -> AttemptTimeoutError:
        """The error of a head that did not come in time."""
        phase = "response" if self._sent else "connect"
        return AttemptTimeoutError(f"No response headers within {timers.response} s.", phase=phase)

    def head(self) -> Head | None:
        """Status and headers once the final head is complete; ResponseTooLargeError, ProtocolError."""
        try:
            return self._final_head()
        except ForgeError:
            self._refused = True
            raise

    def _final_head(self) -> Head | None:
        start = 0
        for index, line in enumerate(self.lines):
            if line in BLANK:
                status = int(self.lines[start].split(None, 2)[1])
                if status >= 200 or status == SWITCHING:
                    return status, _headers(self.lines[start + 1 : index])
                start = index + 1
        return None

    def _begin(self) -> None:
        self.done = self._stale = self._dead = self._new = self._sent = self._refused = False
        self.fault = self.raised = None

    def note_idle(self) -> None:
        """After a clean end: remember the socket of the connection that libcurl keeps.

        One whose answer was refused is shut: libcurl finds it dead, and nothing more is read from it.
        """
        fd = self.easy.getinfo(pycurl.ACTIVESOCKET)
        if fd < 0:
            return
        self._idle[self._place] = fd
        if self._refused:
            shut(fd)

    def _before_sending(self, *place: object) -> int:
        """Refuse an idle connection whose server did not stay silent: it is gone, or out of step.

        libcurl looks by itself only if the connection was idle for a second and more.
        """
        self._place = place
        fd = self._idle.pop(place, None)
        if fd is not None and not self._new and readable(fd):
            self._dead = True
            return int(pycurl.PREREQFUNC_ABORT)
        self._sent = True
        return OK

    def _new_socket(self, *_: object) -> int:
        """Refuse a connection that is to repeat the request: libcurl found the one in use dead (R-038)."""
        self._new = True
        self._stale = self._sent
        return REFUSE if self._sent else OK


def _headers(lines: list[bytes]) -> Headers:
    """Text where the bytes are UTF-8, else latin-1, so that no byte is lost (R-047)."""
    try:
        texts = b"".join(lines).decode("utf-8").split("\n")[: len(lines)]
    except UnicodeDecodeError:
        texts = [_text(line) for line in lines]
    parts = [text.partition(":") for text in texts]
    return checked_headers([(name, value.strip()) for name, _, value in parts])


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
