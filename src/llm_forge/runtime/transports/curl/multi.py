"""A libcurl multi handle that somebody else waits for: it says what to wait for, and is told what came."""

from __future__ import annotations

import time
from typing import Generic, TypeVar

import pycurl

from . import inherited
from .handle import Handle, Sockets

H = TypeVar("H", bound=Handle)


class Multi(Generic[H]):
    """Drives handles when told to. Subclasses wait, for the sockets of `watch` and the time `due`."""

    def __init__(self) -> None:
        self.running: dict[pycurl.Curl, H] = {}
        self.idle: Sockets = {}
        self.due: float | None = None
        self.foreign = False
        self._timers: list[int] = []
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_NOTHING)  # in HTTP/2 too, a connection for each
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self.watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._timers.append)
        inherited.note(self)

    def watch(self, events: int, fd: int, *_: object) -> None:
        """Wait for these events (pycurl.POLL_*) of a socket from now on."""
        raise NotImplementedError

    def start(self, handle: H) -> None:
        """Let libcurl begin with a prepared handle, or begin again."""
        self.drop(handle)
        self.running[handle.easy] = handle
        handle.added = True
        self._multi.add_handle(handle.easy)
        self.act(pycurl.SOCKET_TIMEOUT, 0)

    def drop(self, handle: H) -> None:
        """Take a handle out; one that is not done ends here, with its connection."""
        if handle.added and not self.foreign:
            if handle.done and handle.fault is None:
                handle.note_idle()
            self.running.pop(handle.easy, None)
            try:  # noqa: SIM105 - free where nothing is raised, which is always but once
                self._multi.remove_handle(handle.easy)
            except pycurl.error:
                pass  # a Ctrl-C came between a step and the note of it
            handle.added = False
            self.arm()

    def act(self, fd: int, events: int) -> None:
        """Tell libcurl what happened at a socket, or that its time has come."""
        if fd == pycurl.SOCKET_TIMEOUT:
            self.due = None
        _, left = self._multi.socket_action(fd, events)
        if left < len(self.running):
            self._collect()
        self.arm()

    def arm(self) -> None:
        """Take over libcurl's latest wish for a timer."""
        if self._timers:
            wait = self._timers[-1]
            self._timers.clear()
            self.due = None if wait < 0 else time.monotonic() + wait / 1000

    def close(self) -> None:
        """End every connection."""
        if not self.foreign:
            for handle in tuple(self.running.values()):
                self.drop(handle)
            self._multi.close()

    def keep_for_ever(self) -> None:
        """In a forked child: nobody may ever touch, or clean up, what the parent uses."""
        self.foreign = True
        for one in (self._multi, *self.running):
            inherited.keep(one)

    def _collect(self) -> None:
        queued = 1
        while queued:
            queued, good, bad = self._multi.info_read()
            for easy in good:
                self.running.pop(easy).end(None)
            for easy, code, words in bad:
                self.running.pop(easy).end((code, words))
