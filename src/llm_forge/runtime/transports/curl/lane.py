"""A multi handle with at most one connection, waited for by the thread that uses it."""

from __future__ import annotations

import threading
import time

import pycurl

from ..slots import Slot
from . import inherited
from .handle import Handle
from .multi import Multi
from .poll import EVENTS, new_poll, seen, shut
from .setup import Setup

LONGEST_WAIT = 0.25  # seconds; a wait is looked at again, for the rare case that nothing could end it


class Lane(Multi[Handle]):
    """Used by one exchange at a time, that of the slot `user`; `interrupt` may come from any thread.

    `idle_since` is the monotonic time at which it was given back with an open connection.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self._multi.setopt(pycurl.M_MAXCONNECTS, 1)
        self.handle = Handle(setup, self.idle)
        self.user: Slot | None = None
        self.idle_since = 0.0
        self.interrupted = False
        self._poll = new_poll()
        self._fds: set[int] = set()
        self._lock = threading.Lock()  # held while libcurl works, so that nobody shuts a socket it closes

    def watch(self, events: int, fd: int, *_: object) -> None:
        if events == pycurl.POLL_REMOVE:
            if fd in self._fds:
                self._fds.remove(fd)
                self._poll.unregister(fd)
        else:
            self._poll.register(fd, EVENTS.get(events, 0))
            self._fds.add(fd)

    def act(self, fd: int, events: int) -> None:
        with self._lock:
            super().act(fd, events)

    def drop(self, handle: Handle) -> None:
        with self._lock:
            super().drop(handle)

    def finish(self) -> None:
        """End the exchange: with its connection, unless it is done."""
        with self._lock:
            self.user = None
            super().drop(self.handle)

    def turn(self, until: float | None) -> bool:
        """Wait for the network, at most until then, and let libcurl work; False if the time is over."""
        now = time.monotonic()
        if self.due is None or self.due > now:
            for fd, events in self._poll.poll(self._patience(until, now) * 1000):
                self.act(fd, seen(events))
            now = time.monotonic()
        if self.due is not None and self.due <= now:
            self.act(pycurl.SOCKET_TIMEOUT, 0)
        return until is None or now < until or bool(self.handle.chunks) or self.handle.done

    def interrupt(self, user: Slot | None) -> None:
        """End the exchange of this user, and the wait of its thread."""
        with self._lock:
            if user is None or user is not self.user:
                return  # it ended by itself, and the lane may be somebody else's by now
            self.interrupted = True
            for fd in self._fds:
                shut(fd)

    def keep_for_ever(self) -> None:
        super().keep_for_ever()
        inherited.keep(self.handle.easy)

    def _patience(self, until: float | None, now: float) -> float:
        end = now + LONGEST_WAIT
        if until is not None:
            end = min(end, until)
        if self.due is not None:
            end = min(end, self.due)
        return max(0.0, end - now)
