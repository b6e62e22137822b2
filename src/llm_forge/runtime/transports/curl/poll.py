"""Waiting for the few sockets of one exchange, on platforms with and without poll."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from typing import Protocol

import pycurl

EVENTS = {
    pycurl.POLL_IN: getattr(select, "POLLIN", 1),
    pycurl.POLL_OUT: getattr(select, "POLLOUT", 4),
    pycurl.POLL_INOUT: getattr(select, "POLLIN", 1) | getattr(select, "POLLOUT", 4),
}
_READABLE = ~EVENTS[pycurl.POLL_OUT]  # errors and hang-ups are found by reading
_WRITABLE = EVENTS[pycurl.POLL_OUT]


def seen(events: int) -> int:
    """What libcurl is told about events of a poll."""
    return (pycurl.CSELECT_IN if events & _READABLE else 0) | (
        pycurl.CSELECT_OUT if events & _WRITABLE else 0
    )


class Poll(Protocol):
    """The part of `select.poll` in use here."""

    def register(self, fd: int, eventmask: int, /) -> None: ...

    def unregister(self, fd: int, /) -> None: ...

    def poll(self, timeout: float | None, /) -> list[tuple[int, int]]: ...


class SelectPoll:
    """`select.poll` by `select.select`, for Windows."""

    def __init__(self) -> None:
        self._wanted: dict[int, int] = {}

    def register(self, fd: int, eventmask: int, /) -> None:
        self._wanted[fd] = eventmask

    def unregister(self, fd: int, /) -> None:
        del self._wanted[fd]

    def poll(self, timeout: float | None, /) -> list[tuple[int, int]]:
        readers = [fd for fd, events in self._wanted.items() if events & EVENTS[pycurl.POLL_IN]]
        writers = [fd for fd, events in self._wanted.items() if events & _WRITABLE]
        seconds = None if timeout is None else timeout / 1000
        readable, writable, failed = select.select(readers, writers, writers, seconds)
        found = dict.fromkeys(readable, EVENTS[pycurl.POLL_IN])
        for fd in {*writable, *failed}:
            found[fd] = found.get(fd, 0) | _WRITABLE
        return list(found.items())


def readable(fd: int) -> bool:
    """Whether there is something to read now, be it the end."""
    poll = new_poll()
    poll.register(fd, EVENTS[pycurl.POLL_IN])
    return bool(poll.poll(0))


def shut(fd: int) -> None:
    """End the connection of a socket that somebody else will close."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as same:
        same.shutdown(socket.SHUT_RDWR)


def new_poll() -> Poll:
    """The platform's poll."""
    return select.poll() if hasattr(select, "poll") else SelectPoll()
