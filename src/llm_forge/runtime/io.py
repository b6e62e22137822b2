"""Everything the call loop needs from the world, in three worlds: threads, asyncio, and a script.

The loop is written once as coroutines over `Io`. `AsyncIo` suspends. `SyncIo`'s methods are
coroutines that never suspend, so `run_now` can step the loop to its end in place; it works inside
a running event loop too. `ScriptedIo` (module `scripted`) is the unit-test kit.
"""

from __future__ import annotations

import contextvars
import inspect
import random
import threading
import time
from collections.abc import Callable, Coroutine
from functools import cached_property
from typing import Any, Protocol, TypeVar, cast

from ..core.errors import ConfigError
from .abort import abortable, check_abort
from .clock import Clock
from .late import asyncio
from .race import Final, Run, race_tasks, race_threads
from .transports import default_async_transport, default_transport
from .transports.limits import DEFAULT_NETWORK
from .transports.protocol import (
    AsyncExchange,
    AsyncTransport,
    Exchange,
    HttpRequest,
    Network,
    Timers,
    Transport,
)

T = TypeVar("T")
Proceed = Callable[[Any], Coroutine[Any, Any, Any]]


class Signal(Protocol):
    """Wakes one waiter; may be set from any thread."""

    def set(self) -> None:
        """Wake the waiter."""
        ...

    async def wait(self, seconds: float | None) -> None:
        """Wait until it is set or the time is over."""
        ...


class Job(Protocol):
    """Work that goes on beside the call that began it."""

    def alive(self) -> bool:
        """Whether it may still end by itself: not after a fork, nor in a loop that was closed."""
        ...

    def stop(self) -> None:
        """End it if that is possible from outside; what waits for the network ends with the transport."""
        ...


class Io(Protocol):
    """Clock, chance and network of one client; every waiting method is a coroutine."""

    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch."""
        ...

    def random(self) -> float:
        """A uniform number in [0, 1]."""
        ...

    def signal(self) -> Signal:
        """A signal to wait for."""
        ...

    def owner(self) -> int:
        """Who runs now: the thread, or on asyncio the task."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def ask(self, source: Callable[[], Any]) -> Any:
        """Call a user's function, sync or, on asyncio, async."""
        ...

    async def around(self, step: Callable[..., Any], context: Any, request: Any, proceed: Proceed) -> Any:
        """Call a user's middleware, sync or, on asyncio, async; a cancelled call stays cancelled (R-058)."""
        ...

    async def offload(self, source: Callable[[], Any]) -> Any:
        """Call a function that blocks, outside the event loop if there is one."""
        ...

    async def race(self, first: Run[T], second: Callable[[], Run[T] | None], after: float, final: Final) -> T:
        """The result of the first to succeed of two runs, the second `after` seconds later; see `race`."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None], ended: Callable[[], None]) -> Job:
        """Run work beside the caller, which may be cancelled without it; `ended` is called in any case."""
        ...

    async def open(self, request: HttpRequest, timers: Timers) -> Any:
        """Send a request; the exchange once its headers have arrived."""
        ...

    async def read(self, exchange: Any, timeout: float | None) -> bytes:
        """The next raw body bytes, b"" at the end; TimeoutError."""
        ...

    async def close(self, exchange: Any) -> None:
        """Return or abort the exchange's connection."""
        ...


def run_now(step: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return its result."""
    try:
        step.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    step.close()
    raise RuntimeError("a synchronous call tried to suspend; an async callable was given to a sync client")


def around_now(step: Callable[..., Any], context: Any, request: Any, proceed: Proceed) -> Any:
    """Call a blocking step; a Ctrl-C that came through `proceed` comes out, whatever the step makes of it."""
    stopped: list[BaseException] = []

    def onward(changed: Any) -> Any:
        try:
            return run_now(proceed(changed))
        except BaseException as error:
            if not isinstance(error, Exception):
                stopped.append(error)
            raise

    try:
        return step(context, request, onward)
    finally:
        if stopped:
            raise stopped[0]


def _real_timers(clock: Clock, timers: Timers) -> Timers:
    return Timers(
        connect=clock.real(timers.connect),
        pool=clock.real(timers.pool),
        response=clock.real(timers.response),
    )


class _World:
    """Clock, chance and the making of a transport, the same in both worlds."""

    def __init__(self, clock: Clock, chance: Callable[[], float], network: Network) -> None:
        self.clock = clock
        self.now = time.monotonic if type(clock) is Clock else clock.now
        self.wall = clock.wall
        self.random = chance
        self._network = network
        self._making = threading.Lock()

    def _made(self, make: Callable[[Network], Any]) -> Any:
        """A new transport, or the one that another thread has just made."""
        with self._making:
            found = vars(self)
            if "transport" not in found:
                found["transport"] = make(self._network)
            return found["transport"]


class ThreadSignal:
    """A signal that a thread waits for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = threading.Event()

    def set(self) -> None:
        """Wake the waiting thread."""
        self._event.set()

    async def wait(self, seconds: float | None) -> None:
        with abortable(self._event.set):
            self._clock.wait(self._event, seconds)


class ThreadJob:
    """Work in a thread of its own, which does not keep the interpreter alive."""

    def __init__(self, clock: Clock, work: Coroutine[Any, Any, None], ended: Callable[[], None]) -> None:
        def run() -> None:
            try:
                context.run(run_now, work)
            finally:
                ended()
                clock.end()

        context = contextvars.copy_context()
        self._thread = threading.Thread(target=run, name="llm-forge", daemon=True)
        clock.begin()
        try:
            self._thread.start()
        except BaseException:
            clock.end()
            work.close()
            raise

    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Nothing: the thread waits for the network and ends with its transport."""


class SyncIo(_World):
    """The world of threads."""

    def __init__(
        self,
        transport: Transport | None,
        clock: Clock,
        chance: Callable[[], float] = random.random,
        network: Network = DEFAULT_NETWORK,
    ) -> None:
        super().__init__(clock, chance, network)
        if transport is not None:
            self.transport = transport

    @cached_property
    def transport(self) -> Transport:
        """The transport given, else the default one, made for the first request."""
        return cast("Transport", self._made(default_transport))

    def end(self) -> None:
        """Close the transport, if there ever was a request for it."""
        if "transport" in vars(self):
            self.transport.close()

    def owner(self) -> int:
        return threading.get_ident()

    def signal(self) -> ThreadSignal:
        return ThreadSignal(self.clock)

    async def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    async def ask(self, source: Callable[[], Any]) -> Any:
        answer = source()
        if inspect.iscoroutine(answer):
            answer.close()
            raise ConfigError("An async function was given to a blocking client; make it a plain one")
        return answer

    async def around(self, step: Callable[..., Any], context: Any, request: Any, proceed: Proceed) -> Any:
        return around_now(step, context, request, proceed)

    async def offload(self, source: Callable[[], Any]) -> Any:
        return source()

    def spawn(self, work: Coroutine[Any, Any, None], ended: Callable[[], None]) -> ThreadJob:
        return ThreadJob(self.clock, work, ended)

    async def race(self, first: Run[T], second: Callable[[], Run[T] | None], after: float, final: Final) -> T:
        return race_threads(self.clock, run_now, first, second, after, final)

    async def open(self, request: HttpRequest, timers: Timers) -> Exchange:
        check_abort()
        return self.transport.open(request, _real_timers(self.clock, timers))

    async def read(self, exchange: Exchange, timeout: float | None) -> bytes:
        with abortable(exchange.close):
            return exchange.read(self.clock.real(timeout))

    async def close(self, exchange: Exchange) -> None:
        exchange.close()


class LoopSignal:
    """A signal that a task waits for; may be set from another thread or loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def set(self) -> None:
        """Wake the waiter in its own loop; a loop that is gone has no waiter."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float | None) -> None:
        await self._clock.await_event(self._event, seconds)


class TaskJob:
    """Work in a task of its own."""

    def __init__(self, clock: Clock, work: Coroutine[Any, Any, None], ended: Callable[[], None]) -> None:
        def over(_: asyncio.Task[None]) -> None:
            ended()
            clock.end()

        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(work)
        clock.begin()
        self._task.add_done_callback(over)  # a task that is cancelled before its first step runs nothing

    def alive(self) -> bool:
        return not self._task.done() and not self._loop.is_closed()

    def stop(self) -> None:
        """Cancel the task, in its own loop."""
        if self.alive():
            self._loop.call_soon_threadsafe(self._task.cancel)


class AsyncIo(_World):
    """The world of asyncio."""

    def __init__(
        self,
        transport: AsyncTransport | None,
        clock: Clock,
        chance: Callable[[], float] = random.random,
        network: Network = DEFAULT_NETWORK,
    ) -> None:
        super().__init__(clock, chance, network)
        if transport is not None:
            self.transport = transport

    @cached_property
    def transport(self) -> AsyncTransport:
        """The transport given, else the default one, made for the first request."""
        return cast("AsyncTransport", self._made(default_async_transport))

    async def end(self) -> None:
        """Close the transport, if there ever was a request for it."""
        if "transport" in vars(self):
            await self.transport.close()

    def owner(self) -> int:
        return id(asyncio.current_task())

    def signal(self) -> LoopSignal:
        return LoopSignal(self.clock)

    async def sleep(self, seconds: float) -> None:
        await self.clock.asleep(seconds)

    async def ask(self, source: Callable[[], Any]) -> Any:
        answer = source()
        return await answer if inspect.isawaitable(answer) else answer

    async def around(self, step: Callable[..., Any], context: Any, request: Any, proceed: Proceed) -> Any:
        task = asyncio.current_task()
        before = task.cancelling() if task is not None else 0
        try:
            answer = step(context, request, proceed)
            return await answer if inspect.isawaitable(answer) else answer
        finally:
            if task is not None and task.cancelling() > before:
                raise asyncio.CancelledError  # whatever the step made of it

    async def offload(self, source: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(source)

    def spawn(self, work: Coroutine[Any, Any, None], ended: Callable[[], None]) -> TaskJob:
        return TaskJob(self.clock, work, ended)

    async def race(self, first: Run[T], second: Callable[[], Run[T] | None], after: float, final: Final) -> T:
        return await race_tasks(self.clock, first, second, after, final)

    async def open(self, request: HttpRequest, timers: Timers) -> AsyncExchange:
        return await self.transport.open(request, _real_timers(self.clock, timers))

    async def read(self, exchange: AsyncExchange, timeout: float | None) -> bytes:
        return await exchange.read(self.clock.real(timeout))

    async def close(self, exchange: AsyncExchange) -> None:
        await exchange.close()
