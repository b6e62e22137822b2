"""A port that neither accepts nor refuses: who connects waits for ever."""

from __future__ import annotations

import contextlib
import socket

_FILLERS = 4


class BlackHole:
    """A listener whose queue is full, so that the system drops every further connection request."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self._fillers = [self._fill() for _ in range(_FILLERS)]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Free the port."""
        for one in (*self._fillers, self._listener):
            one.close()

    def _fill(self) -> socket.socket:
        filler = socket.socket()
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect(self._listener.getsockname())
        return filler
