"""What a user holds while a stream runs, for threads and for asyncio.

A stream opens when it is entered or first used, and is read once (R-140). Leaving it in any way, also
by breaking out of the loop or dropping it, closes its connection at once (R-150).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from ..core.errors import ForgeError, StreamError
from ..core.gaps import Gaps
from ..core.stream import Completion, Decoded
from .consume import Callbacks, Progress, TextFile, refuse_awaitable
from .context import Call
from .finalise import finalise
from .io import run_now
from .late import asyncio
from .opening import open_call
from .pump import Pump

E = TypeVar("E")
R = TypeVar("R")
T = TypeVar("T")


class _Handle(Generic[E, R]):
    """What both kinds of stream share: the facts."""

    def __init__(self, start: Callable[[], Call]) -> None:
        self._start = start
        self._pump: Pump | None = None
        self._whole: tuple[R] | None = None
        self._reading = False
        self._closed = False

    def _opened(self) -> Pump:
        if self._pump is None:
            raise StreamError("The stream has not begun; enter it or iterate over it first")
        return self._pump

    @property
    def completion(self) -> Completion | None:
        """ "explicit" or "inferred" once the stream has ended well, else None (R-143)."""
        return self._pump.reader.completion if self._pump is not None else None

    @property
    def partial(self) -> R:
        """The message accumulated so far; unfinished parts carry `complete: false`."""
        pump = self._opened()
        partial: R = pump.result_of(pump.message.partial())
        return partial

    @property
    def synthesised(self) -> bool:
        """Whether the server sent one whole answer instead of a stream (R-134)."""
        return self._pump is not None and self._pump.synthesised

    @property
    def request_id(self) -> str | None:
        """The provider's id of this exchange."""
        return self._pump.call.request_id if self._pump is not None else None

    @property
    def first_event_after(self) -> float | None:
        """Seconds from the call's start to its first event (R-149)."""
        return self._pump.first_event_after if self._pump is not None else None

    @property
    def first_content_after(self) -> float | None:
        """Seconds from the call's start to its first content (R-149)."""
        return self._pump.first_content_after if self._pump is not None else None

    @property
    def gaps(self) -> Gaps:
        """The waits for the server between one event and the next so far (R-149)."""
        return self._pump.gaps.copy() if self._pump is not None else Gaps()

    def tool_input(self, index: int = 0) -> Any:
        """The best reading of a tool call's input so far; never raises, never ahead of the bytes (R-178)."""
        return self._opened().message.tool_input(index)

    def _begin_reading(self) -> None:
        if self._reading:
            raise StreamError("A stream can be read once; use stream.result() for the accumulated message")
        self._reading = True

    def _result(self) -> R:
        pump = self._opened()
        if self._whole is None:
            self._whole = (pump.complete_result(),)
        return self._whole[0]

    def _left_early(self, pump: Pump) -> StreamError:
        failure = pump.reader.failure
        reason = f"failed: {failure.message}" if failure is not None else "was left before its end"
        return StreamError(f"There is no result: the stream {reason}", partial=self.partial)

    def _text_of(self, event: Decoded) -> str:
        text: str = self._opened().message.text_of(event.name, event.data)
        return text

    def _with_partial(self, error: ForgeError) -> ForgeError:
        """An error of a consumer, with what had arrived when it stopped reading (R-146)."""
        return (
            error if self._pump is None or error.partial is not None else error.enrich(partial=self.partial)
        )


class Stream(_Handle[E, R]):
    """A stream of typed events: iterate over it, or take `texts()`, or only `result()`.

    Errors while reading carry `partial`, the message so far (R-146).
    """

    _source: Iterator[Decoded] | None = None

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[E]:
        for event in self._events():
            yield self._opened().typed(event)

    def texts(self) -> Iterator[str]:
        """The text of the answer, piece by piece."""
        for event in self._events():
            if text := self._text_of(event):
                yield text

    def raw_events(self) -> Iterator[Decoded]:
        """The events as they came: name, decoded JSON, id."""
        return self._events()

    def for_each(
        self,
        on_event: Callable[[E], Any] | None = None,
        *,
        on_text: Callable[[str], Any] | None = None,
        on_progress: Callable[[Progress], Any] | None = None,
    ) -> R:
        """The whole message, with callbacks for each event on the way.

        An exception of a callback ends the stream, and is raised after its connection is closed (R-152).
        """
        callbacks = Callbacks(on_event, on_text, on_progress)
        try:
            for event in self._events():
                for returned in callbacks.call(self._opened(), event):
                    refuse_awaitable(returned)
        finally:
            self.close()
        return self.result()

    def to_file(self, path: str | os.PathLike[str], *, keep_partial: bool = False) -> R:
        """The whole message, with its text written to a file, which appears whole or not at all (R-153).

        A file that is there is replaced; a new one has mode 0600. If the stream or the disk fails, the file
        is left as it was; `keep_partial` leaves the text that arrived beside it, in `<name>.partial`. The
        disk's failure is StreamError with the OSError as its cause.
        """
        file = TextFile(path, keep_partial=keep_partial)
        try:
            for text in self.texts():
                file.write(text)
            result = self.result()
            file.commit()
        except ForgeError as error:
            self.close()
            raise self._with_partial(error) from error.__cause__
        finally:
            self.close()
            file.discard()
        return result

    def result(self) -> R:
        """The whole message, of the type that create() returns; reads what is left of the stream."""
        pump = self._open()
        if not pump.finished:
            if self._closed:
                raise self._left_early(pump)
            for _ in self._remaining():
                pass
        return self._result()

    def close(self) -> None:
        """Close the connection; safe in every state."""
        if not self._closed:
            self._closed = True
            if self._pump is not None:
                run_now(self._pump.end(None))

    def __del__(self) -> None:
        if not self._closed:
            finalise(self.close)

    def _open(self) -> Pump:
        if self._pump is None:
            if self._closed:
                raise StreamError("The stream was closed before it began")
            self._pump = run_now(open_call(self._start()))
        return self._pump

    def _events(self) -> Iterator[Decoded]:
        self._begin_reading()
        return self._remaining()

    def _remaining(self) -> Iterator[Decoded]:
        pump = self._open()
        try:
            yield from self._wrapped(pump) if pump.wraps else self._arriving(pump)
        finally:
            finalise(self.close)  # a suspended generator is closed by whoever collects it

    def _wrapped(self, pump: Pump) -> Iterator[Decoded]:
        if self._source is None:
            self._source = pump.shown(self._arriving(pump))
        return self._source

    def _arriving(self, pump: Pump) -> Iterator[Decoded]:
        ready = pump.reader.ready
        while True:
            while ready and not self._closed:
                yield ready.popleft()
            if self._closed or not run_now(pump.more()):
                return


class AsyncStream(_Handle[E, R]):
    """`Stream` for asyncio."""

    _source: AsyncGenerator[Decoded, None] | None = None

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[E]:
        self._begin_reading()
        return _AsyncReading(self, lambda event: self._opened().typed(event))

    def texts(self) -> AsyncIterator[str]:
        """The text of the answer, piece by piece."""
        self._begin_reading()
        return _AsyncReading(self, self._text_of)

    def raw_events(self) -> AsyncIterator[Decoded]:
        """The events as they came: name, decoded JSON, id."""
        self._begin_reading()
        return _AsyncReading(self, lambda event: event)

    async def for_each(
        self,
        on_event: Callable[[E], Any] | None = None,
        *,
        on_text: Callable[[str], Any] | None = None,
        on_progress: Callable[[Progress], Any] | None = None,
    ) -> R:
        """The whole message, with callbacks for each event on the way, sync or async.

        An exception of a callback ends the stream, and is raised after its connection is closed (R-152).
        """
        callbacks = Callbacks(on_event, on_text, on_progress)
        self._begin_reading()
        try:
            while (event := await self._next_event()) is not None:
                for returned in callbacks.call(self._opened(), event):
                    if inspect.isawaitable(returned):
                        await returned
        finally:
            await self.close()
        return await self.result()

    async def to_file(self, path: str | os.PathLike[str], *, keep_partial: bool = False) -> R:
        """`Stream.to_file` for asyncio; the disk is waited for in a thread."""
        file = await asyncio.to_thread(TextFile, path, keep_partial=keep_partial)
        try:
            self._begin_reading()
            while (event := await self._next_event()) is not None:
                file.write(self._text_of(event))  # to a buffer, and from there to the page cache
            result = await self.result()
            await uninterrupted(file.commit)
        except ForgeError as error:
            await self.close()
            raise self._with_partial(error) from error.__cause__
        finally:
            await self.close()
            file.discard()
        return result

    async def result(self) -> R:
        """The whole message, of the type that create() returns; reads what is left of the stream."""
        pump = await self._open()
        if not pump.finished:
            if self._closed:
                raise self._left_early(pump)
            while await self._next_event() is not None:
                pass
        return self._result()

    async def close(self) -> None:
        """Close the connection; safe in every state."""
        if not self._closed:
            self._closed = True
            if self._source is not None:
                await self._source.aclose()
            if self._pump is not None:
                await self._pump.end(None)

    def _abandon(self) -> None:
        """Let go without waiting: what dropping the stream, or breaking out of its loop, does."""
        if not self._closed:
            self._closed = True
            if self._pump is not None:
                self._pump.abandon()

    def __del__(self) -> None:
        if not self._closed:
            finalise(self._abandon)

    async def _next_event(self) -> Decoded | None:
        """The next event as it was decoded, None at the end; for readers of this stream."""
        pump = await self._open() if not self._closed else self._opened()
        if not pump.wraps:
            return await self._next_arrived(pump)
        if self._source is None:
            self._source = pump.shown_async(self._arriving(pump))
        return await anext(self._source, None)

    async def _arriving(self, pump: Pump) -> AsyncIterator[Decoded]:
        while (event := await self._next_arrived(pump)) is not None:
            yield event

    async def _next_arrived(self, pump: Pump) -> Decoded | None:
        if self._closed:
            return None
        if not pump.reader.ready:
            self._closed = True  # unless there is more; an error has closed it too
            self._closed = not await pump.more()
        return None if self._closed else pump.reader.ready.popleft()

    async def _open(self) -> Pump:
        if self._pump is None:
            if self._closed:
                raise StreamError("The stream was closed before it began")
            self._pump = await open_call(self._start())
        return self._pump


async def uninterrupted(work: Callable[[], None]) -> None:
    """Do blocking work in a thread; a cancellation takes effect only when it is done."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


class _AsyncReading(Generic[T]):
    """One consumption of a stream. Dropping it closes the connection: no loop has to finalise it."""

    def __init__(self, stream: AsyncStream[Any, Any], shape: Callable[[Decoded], T]) -> None:
        self._stream = stream
        self._shape = shape

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while (event := await self._stream._next_event()) is not None:
            if (item := self._shape(event)) != "":
                return item
        raise StopAsyncIteration

    def __del__(self) -> None:
        if not self._stream._closed:
            finalise(self._stream._abandon)
