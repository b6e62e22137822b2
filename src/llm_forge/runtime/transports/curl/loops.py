"""The asyncio transport: one multi handle per event loop, on the loop's own readers and timers.

- At most HIGH_WATER bytes of an exchange are buffered; then libcurl stops reading its socket until the
  reader took some (R-151).
- An exchange's connection is its own while it is open; idle ones are libcurl's to keep.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import pycurl

from ....core.errors import ClientClosedError, ConnectionLostError
from ...finalise import finalise
from ..limits import DEFAULT_NETWORK
from ..protocol import AsyncExchange, BodySource, HttpRequest, Network, Timers
from ..slots import Slot, Slots
from . import inherited
from .faults import cause, fault_in_body
from .handle import BLANK, Handle, Head, Sockets
from .multi import Multi
from .request import Read
from .setup import Setup

if TYPE_CHECKING:
    from ..httpx2 import Httpx2AsyncTransport

HIGH_WATER: Final = 256 * 1024
CLOCK_STEP: Final = 0.001  # loops fire a timer up to their clock's resolution too early


class LoopHandle(Handle):
    """A handle that wakes the task which waits for it."""

    def __init__(self, setup: Setup, idle: Sockets) -> None:
        super().__init__(setup, idle)
        self.closing = False
        self._waiter: asyncio.Future[bool] | None = None
        self._buffered = 0
        self._paused = False
        self._feed: Feed | None = None

    def receivers(self) -> tuple[Callable[[bytes], object], Callable[[bytes], object]]:
        return self._on_line, self._on_chunk

    def prepare(self, request: HttpRequest, connect: float | None) -> None:
        self.closing = self._paused = False
        self._buffered = 0
        super().prepare(request, connect)

    def reader(self, body: BodySource) -> Read:
        self._feed = Feed(self, body)
        return self._feed.read

    def take(self) -> bytes:
        self._buffered = 0
        data = super().take()
        if self._paused and not self.done:
            self._paused = False
            self.easy.pause(pycurl.PAUSE_CONT)
        return data

    def end(self, fault: tuple[int, str] | None) -> None:
        super().end(fault)
        self.wake()

    def keep(self, error: BaseException) -> None:
        super().keep(error)
        self.wake()

    def wake(self) -> None:
        """Let the waiting task look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(True)

    async def news(self, loop: asyncio.AbstractEventLoop, until: float | None) -> bool:
        """Wait for anything to happen; False if that time of the loop's clock came first."""
        self._waiter = waiter = loop.create_future()
        timer = None if until is None else loop.call_at(until, _expire, waiter)
        try:
            happened: bool = await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()
        return happened

    def stop_feeding(self) -> None:
        """The rest of a body in pieces is not wanted any more."""
        if self._feed is not None:
            self._feed.stop()
            self._feed = None

    def _on_line(self, line: bytes) -> None:
        self.lines.append(line)
        if line in BLANK:
            self.wake()

    def _on_chunk(self, chunk: bytes) -> None:
        self.chunks.append(chunk)
        self._buffered += len(chunk)
        if self._buffered > HIGH_WATER and not self._paused:
            self._paused = True
            self.easy.pause(pycurl.PAUSE_RECV)
        self.wake()


def _expire(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)


class Feed:
    """Brings a body's pieces from an asynchronous iterator to libcurl, one at a time."""

    def __init__(self, handle: LoopHandle, body: BodySource) -> None:
        self._handle = handle
        self._left: memoryview | None = None
        self._ended = False
        self._wanted = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run(body))

    def read(self, size: int) -> bytes | int:
        """The next bytes, b"" at the end; libcurl pauses while there are none."""
        if self._left:
            piece, self._left = bytes(self._left[:size]), self._left[size:]
            return piece
        if self._ended:
            return b""
        self._wanted.set()
        return int(pycurl.READFUNC_ABORT if self._handle.raised else pycurl.READFUNC_PAUSE)

    def stop(self) -> None:
        """Iterate no further."""
        self._task.cancel()

    async def _run(self, body: BodySource) -> None:
        try:
            async for piece in body:
                await self._wanted.wait()
                self._offer(memoryview(piece))
            await self._wanted.wait()
            self._ended = True
            self._offer(memoryview(b""))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - raised where the exchange is opened
            self._handle.keep(error)

    def _offer(self, piece: memoryview) -> None:
        self._left = piece
        if piece or self._ended:
            self._wanted.clear()
            self._handle.easy.pause(pycurl.PAUSE_CONT)


class Engine(Multi[LoopHandle]):
    """The multi handle of one event loop; all its methods are called from that loop."""

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self._setup = setup
        self._free: list[LoopHandle] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._watching: dict[int, int] = {}
        self.closed = False

    def take_handle(self) -> LoopHandle:
        """A handle for an exchange."""
        return self._free.pop() if self._free else LoopHandle(self._setup, self.idle)

    def start(self, handle: LoopHandle) -> None:
        super().start(handle)
        self._bound_idle()

    def _bound_idle(self) -> None:
        """libcurl's limit is for all connections, idle or not, and it looks at it when one becomes idle."""
        if len(self.idle) > 2 * self._setup.limits.connections:
            self.idle.clear()  # connections that libcurl let go are among them
        self._multi.setopt(pycurl.M_MAXCONNECTS, len(self.running) + self._setup.limits.idle)

    def give_back(self, handle: LoopHandle) -> None:
        """End the handle's exchange: with its connection, unless it is done."""
        if self.closed or self.foreign:
            return
        handle.stop_feeding()
        self.drop(handle)
        self._bound_idle()
        if len(self._free) < self._setup.limits.idle:
            self._free.append(handle)
        else:
            handle.easy.close()

    def watch(self, events: int, fd: int, *_: object) -> None:
        loop = asyncio.get_running_loop()
        before = self._watching.get(fd, 0)
        wanted = 0 if events == pycurl.POLL_REMOVE else events
        if wanted:
            self._watching[fd] = wanted
        else:
            self._watching.pop(fd, None)
        if (before ^ wanted) & pycurl.POLL_IN:
            if wanted & pycurl.POLL_IN:
                loop.add_reader(fd, self.act, fd, pycurl.CSELECT_IN)
            else:
                loop.remove_reader(fd)
        if (before ^ wanted) & pycurl.POLL_OUT:
            if wanted & pycurl.POLL_OUT:
                loop.add_writer(fd, self.act, fd, pycurl.CSELECT_OUT)
            else:
                loop.remove_writer(fd)

    def arm(self) -> None:
        """Set the loop's timer, unless one is set that comes early enough; it looks what is due then."""
        super().arm()
        if self.due is None or (self._timer is not None and self._timer_due <= self.due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = self.due
        left = max(0.0, self.due - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(left, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self.due is not None and self.due <= time.monotonic() + CLOCK_STEP:
            self.act(pycurl.SOCKET_TIMEOUT, 0)
        else:
            self.arm()

    def close(self) -> None:
        """End every connection; those who wait for one are told."""
        if self.closed or self.foreign:
            return
        self.closed = True
        waiting = tuple(self.running.values())
        super().close()
        if self._timer is not None:
            self._timer.cancel()
        for handle in waiting:
            handle.closing = True
            handle.stop_feeding()
            handle.wake()

    def keep_for_ever(self) -> None:
        super().keep_for_ever()
        for handle in self._free:
            inherited.keep(handle.easy)


class CurlAsyncExchange:
    """An open response of `CurlAsyncTransport`."""

    def __init__(
        self,
        head: Head,
        engine: Engine,
        handle: LoopHandle,
        release: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.status, self.headers = head
        self._engine = engine
        self._handle = handle
        self._release = release
        self._loop = loop
        self._ended = False
        self._clean = False
        self._reading = False

    async def read(self, timeout: float | None) -> bytes:
        """What has arrived, b"" at the end; after a TimeoutError one may read on."""
        if not self._readable():
            return b""
        handle = self._handle
        if not handle.chunks and not handle.done:
            await self._wait(timeout)
        if handle.chunks:
            return handle.take()
        if handle.fault is not None:
            error = fault_in_body(handle.fault)
            self._end(reusable=False)
            raise error from cause(handle.fault)
        self._end(reusable=True)
        return b""

    async def close(self) -> None:
        """End the exchange; a read under way in another task ends with ConnectionLostError."""
        if self._reading:
            self._handle.closing = True
            self._handle.wake()
        else:
            self._end(reusable=False)

    def __del__(self) -> None:
        if hasattr(self, "_reading") and not self._ended and not self._engine.foreign:
            finalise(self._forget)

    def _readable(self) -> bool:
        """False after the clean end; ConnectionLostError if the rest cannot come any more."""
        if self._engine.foreign:
            raise ConnectionLostError("The response belongs to the process that was forked.", phase="body")
        if self._ended and not self._clean:
            raise ConnectionLostError("The response was closed before its end.", phase="body")
        return not self._ended

    async def _wait(self, timeout: float | None) -> None:
        """Wait until bytes or the end have come; TimeoutError."""
        handle, loop = self._handle, self._loop
        until = None if timeout is None else loop.time() + timeout
        self._reading = True
        try:
            while not handle.chunks and not handle.done and not handle.closing:
                if not await handle.news(loop, until):
                    raise TimeoutError
        finally:
            self._reading = False
        if handle.closing:
            self._end(reusable=False)
            raise ConnectionLostError("The response was closed while it was read.", phase="body")

    def _end(self, *, reusable: bool) -> None:
        if not self._ended and not self._engine.foreign:
            self._ended, self._clean = True, reusable
            self._engine.give_back(self._handle)
            self._release()

    def _forget(self) -> None:
        """Nobody holds the exchange any more; libcurl may only be told in its own loop."""
        self._release()
        with contextlib.suppress(RuntimeError):  # the loop is closed, and its sockets with it
            self._loop.call_soon_threadsafe(self._engine.give_back, self._handle)


class CurlAsyncTransport:
    """Opens exchanges on asyncio; works from any number of event loops (R-043).

    Loops that cannot watch sockets, such as Windows' proactor, are served by httpx2.
    """

    def __init__(self, network: Network = DEFAULT_NETWORK) -> None:
        self._setup = Setup(network)
        self._start_over()
        self._elsewhere: Httpx2AsyncTransport | None = None

    def _start_over(self) -> None:
        """Begin, or begin again in a forked child: nothing of the parent's is ours (R-044)."""
        self._pid = os.getpid()
        self._slots = Slots(self._setup.limits)
        self._lock = threading.Lock()
        self._closed = False
        self._engines: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Engine]
        self._engines = weakref.WeakKeyDictionary()

    async def open(self, request: HttpRequest, timers: Timers) -> AsyncExchange:
        """The response once its headers arrived; raises as the timers of `Timers` say."""
        loop = asyncio.get_running_loop()
        if not _watches_sockets(loop):
            return await self._httpx2().open(request, timers)
        self._check()
        slot = await self._slots.acquire_async(request.url, timers.pool)
        try:
            engine = self._engine(loop)
            handle = engine.take_handle()
            try:
                head = await _receive_head(engine, handle, request, timers)
            except BaseException:
                engine.give_back(handle)
                raise
        except BaseException:
            self._slots.release(slot)
            raise
        return CurlAsyncExchange(head, engine, handle, _Release(self._slots, slot), loop)

    def active(self) -> int:
        """Exchanges open now (R-045)."""
        return self._slots.active() + (self._elsewhere.active() if self._elsewhere else 0)

    async def close(self) -> None:
        """End all connections of this event loop, and soon those of other running ones."""
        if self._pid != os.getpid():
            self._start_over()
        with self._lock:
            self._closed = True
            engines = tuple(self._engines.items())
        for loop, engine in engines:
            if loop is asyncio.get_running_loop():
                engine.close()
            elif loop.is_running():
                loop.call_soon_threadsafe(engine.close)
        if self._elsewhere is not None:
            await self._elsewhere.close()

    def _check(self) -> None:
        if self._pid != os.getpid():
            self._start_over()
        if self._closed:
            raise ClientClosedError("The client is closed.")

    def _engine(self, loop: asyncio.AbstractEventLoop) -> Engine:
        with self._lock:
            if self._closed:
                raise ClientClosedError("The client is closed.")
            engine = self._engines.get(loop)
            if engine is None:
                engine = self._engines[loop] = Engine(self._setup)
            return engine

    def _httpx2(self) -> Httpx2AsyncTransport:
        from ..httpx2 import Httpx2AsyncTransport

        if self._elsewhere is None:
            self._elsewhere = Httpx2AsyncTransport(self._setup.network)
        return self._elsewhere


class _Release:
    """Gives one slot back."""

    __slots__ = ("_slot", "_slots")

    def __init__(self, slots: Slots, slot: Slot) -> None:
        self._slots = slots
        self._slot = slot

    def __call__(self) -> None:
        self._slots.release(self._slot)


def _watches_sockets(loop: asyncio.AbstractEventLoop) -> bool:
    proactor = getattr(asyncio, "ProactorEventLoop", None)
    return proactor is None or not isinstance(loop, proactor)


async def _receive_head(engine: Engine, handle: LoopHandle, request: HttpRequest, timers: Timers) -> Head:
    loop = asyncio.get_running_loop()
    until = None if timers.response is None else loop.time() + timers.response
    handle.prepare(request, timers.connect)
    engine.start(handle)
    while (head := handle.head()) is None:
        if handle.raised is not None:
            raise handle.raised
        if handle.closing:
            raise ClientClosedError("The client was closed while the request was under way.")
        if handle.done:
            handle.start_over_or_raise(timers)
            engine.start(handle)
        elif not await handle.news(loop, until):
            raise handle.late(timers)
    return head
