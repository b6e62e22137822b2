"""The blocking transport: each exchange has a lane, and with it a connection, for itself."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from functools import partial

from ....core.errors import ClientClosedError, ConnectionLostError
from ...abort import abortable
from ...finalise import finalise
from ..limits import DEFAULT_NETWORK
from ..protocol import HttpRequest, Network, Timers
from ..slots import Slot, Slots
from .faults import cause, fault_in_body
from .handle import Head
from .lane import Lane
from .setup import Setup


class CurlExchange:
    """An open response of `CurlTransport`."""

    def __init__(self, head: Head, pool: LanePool, lane: Lane, slot: Slot) -> None:
        self.status, self.headers = head
        self._pool = pool
        self._lane = lane
        self._slot = slot
        self._ended = False
        self._clean = False
        self._reading = False

    def read(self, timeout: float | None) -> bytes:
        """What has arrived, b"" at the end; after a TimeoutError one may read on."""
        if not self._readable():
            return b""
        handle = self._lane.handle
        if not handle.chunks and not handle.done:
            self._wait(timeout)
        if handle.chunks:
            return handle.take()
        if handle.fault is not None:
            error = fault_in_body(handle.fault)
            self._end(reusable=False)
            raise error from cause(handle.fault)
        self._end(reusable=True)
        return b""

    def close(self) -> None:
        """End the exchange; from another thread, also the read under way."""
        if self._reading:
            self._lane.interrupt(self._slot)
        else:
            self._end(reusable=False)

    def __del__(self) -> None:
        if not getattr(self, "_ended", True):
            finalise(partial(self._end, reusable=False))

    def _readable(self) -> bool:
        """False after the clean end; ConnectionLostError if the rest cannot come any more."""
        if self._lane.foreign:
            raise ConnectionLostError("The response belongs to the process that was forked.", phase="body")
        if self._ended and not self._clean:
            raise ConnectionLostError("The response was closed before its end.", phase="body")
        return not self._ended

    def _wait(self, timeout: float | None) -> None:
        """Wait until bytes or the end have come; TimeoutError."""
        until = None if timeout is None else time.monotonic() + timeout
        lane, handle = self._lane, self._lane.handle
        self._reading = True
        try:
            while not handle.chunks and not handle.done and not lane.interrupted:
                if not lane.turn(until):
                    raise TimeoutError
        except BaseException as error:
            lane.interrupted |= not isinstance(error, Exception)
            raise
        finally:
            self._reading = False
        if lane.interrupted:
            self._end(reusable=False)
            raise ConnectionLostError("The response was closed while it was read.", phase="body")

    def _end(self, *, reusable: bool) -> None:
        if not self._ended and not self._lane.foreign:
            self._ended, self._clean = True, reusable
            self._pool.give_back(self._lane, self._slot, reusable=reusable)


class LanePool:
    """Slots and lanes of one process: per origin, the lane used last comes first (R-037)."""

    def __init__(self, setup: Setup) -> None:
        self.slots = Slots(setup.limits)
        self._setup = setup
        self._lock = threading.Lock()
        self._idle: dict[str, deque[Lane]] = {}
        self._cold: list[Lane] = []  # without a connection, but with the authorities already read
        self._busy: set[Lane] = set()
        self._closed = False

    def take(self, slot: Slot) -> Lane:
        """A lane for an exchange; ClientClosedError."""
        with self._lock:
            if self._closed:
                raise ClientClosedError("The client is closed.")
            idle = self._idle.get(slot.origin)
            expired = self._expired_locked(idle) if idle else ()
            lane = idle.pop() if idle else self._cold.pop() if self._cold else Lane(self._setup)
            self._busy.add(lane)
            lane.user = slot
        for old in expired:
            old.close()
        return lane

    def give_back(self, lane: Lane, slot: Slot, *, reusable: bool) -> None:
        """End the lane's exchange; with `reusable` its connection is kept for the next one."""
        try:
            lane.finish()
            self._keep_or_close(lane, slot, reusable=reusable)
        finally:
            self._busy.discard(lane)
            self.slots.release(slot)

    def _keep_or_close(self, lane: Lane, slot: Slot, *, reusable: bool) -> None:
        limits = self._setup.limits
        with self._lock:
            idle = self._idle.setdefault(slot.origin, deque())
            expired = self._expired_locked(idle)
            kept = not self._closed and not lane.interrupted
            if kept and reusable and len(idle) < limits.idle:
                lane.idle_since = time.monotonic()
                idle.append(lane)
            # An HTTP/2 connection outlives a request that was given up: it ends with its lane.
            elif kept and not reusable and not self._setup.network.http2 and len(self._cold) < limits.idle:
                self._cold.append(lane)
            else:
                expired.append(lane)
        for old in expired:
            old.close()

    def close(self) -> None:
        """End idle lanes, and the waits of those in use."""
        with self._lock:
            self._closed = True
            idle = [lane for lanes in self._idle.values() for lane in lanes] + self._cold
            self._idle, self._cold = {}, []
            busy = tuple(self._busy)
        for lane in idle:
            lane.close()
        for lane in busy:
            lane.interrupt(lane.user)

    def _expired_locked(self, idle: deque[Lane]) -> list[Lane]:
        oldest = time.monotonic() - self._setup.limits.idle_seconds
        expired = []
        while idle and idle[0].idle_since <= oldest:
            expired.append(idle.popleft())
        return expired


class CurlTransport:
    """Opens exchanges on the calling thread; used from many threads at once."""

    def __init__(self, network: Network = DEFAULT_NETWORK) -> None:
        self._setup = Setup(network)
        self._pool = LanePool(self._setup)
        self._pid = os.getpid()
        self._closed = False

    def open(self, request: HttpRequest, timers: Timers) -> CurlExchange:
        """The response once its headers arrived; raises as the timers of `Timers` say."""
        pool = self._own_pool()
        slot = pool.slots.acquire(request.url, timers.pool)
        try:
            lane = pool.take(slot)
        except BaseException:
            pool.slots.release(slot)
            raise
        try:
            with abortable(partial(lane.interrupt, slot)):
                head = _receive_head(lane, request, timers)
        except BaseException as error:
            lane.interrupted |= not isinstance(error, Exception)  # a Ctrl-C may leave it between two states
            pool.give_back(lane, slot, reusable=False)
            raise
        return CurlExchange(head, pool, lane, slot)

    def active(self) -> int:
        """Exchanges open now (R-045)."""
        return self._pool.slots.active()

    def close(self) -> None:
        """End all connections, also under a read of another thread."""
        self._own_pool().close()

    def _own_pool(self) -> LanePool:
        if self._pid != os.getpid():  # in a forked child: the parent's locks and counts are not ours either
            self._pid, self._pool = os.getpid(), LanePool(self._setup)
        return self._pool


def _receive_head(lane: Lane, request: HttpRequest, timers: Timers) -> Head:
    until = None if timers.response is None else time.monotonic() + timers.response
    handle = lane.handle
    handle.prepare(request, timers.connect)
    lane.start(handle)
    while (head := handle.head()) is None:
        if handle.raised is not None:
            raise handle.raised
        if lane.interrupted:
            raise ClientClosedError("The client was closed while the request was under way.")
        if handle.done:
            handle.start_over_or_raise(timers)
            lane.start(handle)
        elif not lane.turn(until):
            raise handle.late(timers)
    return head
