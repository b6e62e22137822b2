"""What a user holds while an answer arrives: pieces, progress, and the whole reply at the end.

Rules of this file:
- Of a chain, the next model is asked only while nothing has been handed out; after that a failure is the
  caller's, with the reply so far as `error.partial` (R-080, R-146).
- What has arrived is handed out before the error that ended the stream is raised.
- A callback that raises ends the stream; its connection is closed first (R-152).
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from ..core.errors import ForgeError, StreamError
from ..runtime.consume import TextFile, refuse_awaitable
from ..runtime.stream import uninterrupted
from .connection import Exchange
from .reply import Piece, Reply
from .route import Chain


@dataclass(frozen=True, slots=True)
class StreamProgress:
    """How far a stream has come.

    `chars` counts characters of text and thought, `tokens` is None until the provider tells; `elapsed` is in
    seconds since the call began, `rate` in characters a second.
    """

    chars: int
    tokens: int | None
    elapsed: float
    rate: float


@dataclass(frozen=True, slots=True)
class Watch:
    """What a caller wants to be told, and how coarsely: `buffer` characters of text make a piece."""

    on_chunk: Callable[[Piece], Any] | None = None
    on_progress: Callable[[StreamProgress], Any] | None = None
    buffer: int = 0

    @property
    def is_silent(self) -> bool:
        """Whether nobody is told anything."""
        return self.on_chunk is None and self.on_progress is None


class _Handle:
    """What both kinds of stream share: everything but the reading."""

    def __init__(self, chain: Chain, watch: Watch, now: Callable[[], float]) -> None:
        self._chain = chain
        self._watch = watch
        self._now = now
        self._began = now()
        self._ready: deque[Piece] = deque()
        self._kept = ""  # text that waits until there is enough for a piece
        self._stream: Any = None
        self._handed_out = False
        self._chars = 0
        self._reply: Reply | None = None
        self._failure: ForgeError | None = None
        self._closed = False

    @property
    def partial(self) -> Reply:
        """The reply so far."""
        if self._reply is not None:
            return self._reply
        if self._stream is None:
            raise StreamError("The stream has not begun; iterate over it first")
        return self._read(self._stream.partial)

    @property
    def completion(self) -> str | None:
        """ "explicit" or "inferred" once the stream has ended well, else None (R-143)."""
        return None if self._stream is None else self._stream.completion

    @property
    def first_content_after(self) -> float | None:
        """Seconds from the call's start to its first content (R-149)."""
        return None if self._stream is None else self._stream.first_content_after

    @property
    def _over(self) -> bool:
        return self._closed or self._reply is not None or self._failure is not None

    def _opened(self, stream: Any) -> Any:
        self._stream = stream
        self._exchange = Exchange()
        self._reader = self._chain.step.route.dialect.pieces()
        return stream.raw_events()

    def _take(self, data: Any) -> None:
        piece = self._reader.read(data)
        if not piece:
            return
        self._handed_out = True
        if not self._watch.buffer:
            self._ready.append(piece)
            return
        if not piece.thinking and not piece.tool_calls:
            self._kept += piece.text
            if len(self._kept) >= self._watch.buffer:
                self._flush()
            return
        self._flush()
        self._ready.append(piece)

    def _flush(self) -> None:
        if self._kept:
            self._ready.append(Piece(self._kept))
            self._kept = ""

    def _finish(self, view: Any) -> None:
        self._flush()
        self._reply = self._read(view)

    def _read(self, view: Any) -> Reply:
        return self._chain.step.reply(view, self._chain.ask, self._exchange, self._chain.tried)

    def _fail(self, error: ForgeError) -> None:
        """Go on with the next model, or keep the error until all that came was handed out."""
        if not self._handed_out and self._chain.goes_on(error):
            self._stream = None
            return
        self._chain.final(error)
        self._flush()
        if error.partial is not None and not isinstance(error.partial, Reply):
            error.enrich(partial=self._read(error.partial))
        self._failure = error

    def _told(self, piece: Piece) -> Sequence[Any]:
        """Call the callbacks; what they returned."""
        if self._watch.is_silent:
            return ()
        self._chars += len(piece.text) + len(piece.thinking)
        returned = [] if self._watch.on_chunk is None else [self._watch.on_chunk(piece)]
        if self._watch.on_progress is not None:
            returned.append(self._watch.on_progress(self._progress()))
        return returned

    def _ended(self) -> Any:
        """Tell the progress once more at the end, when the tokens are known."""
        if self._watch.on_progress is None or self._reply is None or self._closed:
            return None
        self._closed = True
        return self._watch.on_progress(self._progress())

    def _progress(self) -> StreamProgress:
        elapsed = self._now() - self._began
        rate = self._chars / elapsed if elapsed > 0 else 0.0
        return StreamProgress(self._chars, self._tokens(), elapsed, rate)

    def _tokens(self) -> int | None:
        usage = None if self._reply is None else self._reply.usage
        return None if usage is None else usage.output

    def _result(self) -> Reply:
        if self._reply is None:
            raise StreamError(
                "There is no reply: the stream was left before its end", partial=self._partial()
            )
        return self._reply

    def _partial(self) -> Reply | None:
        return None if self._stream is None else self.partial


class ReplyStream(_Handle):
    """An answer as it arrives: iterate over its pieces, then take `reply()`.

    Use it as a context manager, or close it, if you may leave it before its end.
    """

    _events: Any = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Piece:
        while not self._ready:
            if self._failure is not None and not self._closed:
                self._closed = True
                raise self._failure
            if self._over:
                refuse_awaitable(self._ended())
                raise StopIteration
            self._advance()
        piece = self._ready.popleft()
        try:
            for returned in self._told(piece):
                refuse_awaitable(returned)
        except BaseException:
            self.close()
            raise
        return piece

    def reply(self) -> Reply:
        """The whole reply; reads what is left of the stream."""
        for _ in self:
            pass
        return self._result()

    def to_file(self, path: str | os.PathLike[str], *, keep_partial: bool = False) -> Reply:
        """The whole reply, with its text written to a file, which appears whole or not at all (R-153).

        `keep_partial` leaves the text of a stream that failed in `<name>.partial`.
        """
        file = TextFile(path, keep_partial=keep_partial)
        try:
            for piece in self:
                file.write(piece.text)
            reply = self._result()
            file.commit()
        finally:
            self.close()
            file.discard()
        return reply

    def close(self) -> None:
        """Close the connection; safe in every state."""
        self._closed = True
        self._ready.clear()
        if self._stream is not None:
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _advance(self) -> None:
        try:
            if self._stream is None:
                self._events = self._opened(self._chain.step.route.stream(self._chain.request()))
            if self._handed_out:
                event = next(self._events, None)
            else:
                with self._exchange:  # all attempts come before the first piece
                    event = next(self._events, None)
            if event is None:
                self._finish(self._stream.result())
            else:
                self._take(event.data)
        except ForgeError as error:
            if self._stream is not None:
                self._stream.close()
            self._fail(error)


class AsyncReplyStream(_Handle):
    """`ReplyStream` for asyncio; callbacks may be async."""

    _events: Any = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Piece:
        while not self._ready:
            if self._failure is not None and not self._closed:
                self._closed = True
                raise self._failure
            if self._over:
                if inspect.isawaitable(told := self._ended()):
                    await told
                raise StopAsyncIteration
            await self._advance()
        piece = self._ready.popleft()
        try:
            for returned in self._told(piece):
                if inspect.isawaitable(returned):
                    await returned
        except BaseException:
            await self.aclose()
            raise
        return piece

    async def reply(self) -> Reply:
        """The whole reply; reads what is left of the stream."""
        async for _ in self:
            pass
        return self._result()

    async def to_file(self, path: str | os.PathLike[str], *, keep_partial: bool = False) -> Reply:
        """`ReplyStream.to_file` for asyncio."""
        file = await asyncio.to_thread(TextFile, path, keep_partial=keep_partial)
        try:
            async for piece in self:
                file.write(piece.text)  # to a buffer, and from there to the page cache
            reply = self._result()
            await uninterrupted(file.commit)
        finally:
            await self.aclose()
            file.discard()
        return reply

    async def aclose(self) -> None:
        """Close the connection; safe in every state."""
        self._closed = True
        self._ready.clear()
        if self._stream is not None:
            await self._stream.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _advance(self) -> None:
        try:
            if self._stream is None:
                self._events = self._opened(self._chain.step.route.astream(self._chain.request()))
            if self._handed_out:
                event = await anext(self._events, None)
            else:
                with self._exchange:
                    event = await anext(self._events, None)
            if event is None:
                self._finish(await self._stream.result())
            else:
                self._take(event.data)
        except ForgeError as error:
            if self._stream is not None:
                await self._stream.close()
            self._fail(error)
