"""The open stream: bytes in, events out, with every timer of R-051 and every end of R-143.

Rules of this file:
- Until the first application event a failure is the attempt's, and may be retried (R-080).
- Idle counts time without bytes, stall time without events; both stand still while the consumer is
  the cause (R-151).
- Every error carries what arrived (R-146).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from enum import Enum, auto
from typing import Any

from ..core.accumulate.protocol import Accumulator
from ..core.error_body import stream_error
from ..core.errors import (
    AttemptTimeoutError,
    ClientClosedError,
    ConnectionLostError,
    DeadlineExceededError,
    ForgeError,
    ProtocolError,
    ResponseTooLargeError,
    StreamIdleError,
    StreamInterruptedError,
    StreamStallError,
)
from ..core.gaps import Gaps
from ..core.headers import Headers
from ..core.profile import StreamRule
from ..core.stream import Decoded, StreamReader, accumulator_of
from ..core.synthesise import Events, synthesise
from .answer import lacking
from .body import DEFAULT_LIMITS, Decoder
from .context import Call, outcome_name
from .lease import Lease, usage_cost
from .log import log

DRAIN_SECONDS = 0.1
GAPS_KEPT = 10_000


class Timer(Enum):
    """What may end the wait for the next bytes (R-051, R-052)."""

    FIRST_EVENT = auto()
    IDLE = auto()
    STALL = auto()
    DEADLINE = auto()


class Pump:
    """One stream from its first byte to its end; made by `opening`."""

    def __init__(self, call: Call, lease: Lease, rule: StreamRule[Any], began: float) -> None:
        self.call = call
        self.rule = rule
        self.synthesised = False
        self.first_event_after: float | None = None
        self.first_content_after: float | None = None
        self.gaps = Gaps()
        self.reader = StreamReader(rule, self._error_of, self._redact)
        self.wraps: tuple[Callable[[Any], Any], ...] = ()
        self.wrapped_to_the_end = False
        self._waits: list[float] = []
        self._shown: Accumulator | None = None
        self.began = began
        self._lease = lease
        self._stalled = 0.0
        self.handed_over = False
        self.exchange: Any = None
        self.decoder = Decoder(Headers(), DEFAULT_LIMITS.stream_bytes)

    # -- beginning ----------------------------------------------------------------------------------

    def attach(self, exchange: Any) -> None:
        """Take over the exchange of a 2xx answer."""
        self.exchange = exchange
        self.decoder = Decoder(exchange.headers, DEFAULT_LIMITS.stream_bytes)

    async def begin(self) -> None:
        """Read up to the first application event or the end; raises what failed before that."""
        while not self.reader.application_events and not self.reader.ended:
            await self._read()
        if self.reader.failure is not None and not self.reader.application_events:
            raise self.with_partial(self.reader.failure)

    def take_whole(self, value: Any) -> Pump:
        """Give this value, which middleware answered with, as the events of a stream."""
        events = synthesise(self.rule.family, value) if isinstance(value, dict) else None
        if events is None:
            raise TypeError("middleware answered a stream call with what is no result of its operation")
        self.reader = StreamReader(self.rule, self._error_of, self._redact)
        self.take_events(events)
        return self

    def take_events(self, events: Events) -> None:
        """Give these events, which stood in one whole answer."""
        self.synthesised = True
        for name, data in events:
            self.reader.accept(name, data)
            self._note_arrivals()

    # -- running -----------------------------------------------------------------------------------

    async def more(self) -> bool:
        """Read until an event is ready; False at the stream's end. Raises the stream's failure."""
        try:
            while not self.reader.ready and not self.reader.ended:
                if not self.reader.refill():
                    await self._read()
            if self.reader.ready:
                return True
            if self.reader.failure is not None:
                raise self.with_partial(self.reader.failure)
        except BaseException as error:
            await self.end(error)
            raise
        await self._finish()
        return False

    async def _read(self) -> None:
        """One read from the socket, decoded; timers and endings become errors in `reader.failure`."""
        began = self.call.io.now()
        limit, timer = self._limit(began)
        try:
            chunk = await self.call.io.read(self.exchange, limit)
        except TimeoutError as error:
            raise self.with_partial(self._late(timer)) from error
        except (ConnectionLostError, ProtocolError) as error:
            raise self.with_partial(self.broken()) from error
        finally:
            self._stalled += self.call.io.now() - began
        self._feed(chunk)

    def _feed(self, chunk: bytes) -> None:
        seen = self.reader.application_events
        if chunk:
            self.reader.feed(self._decoded(chunk))
        else:
            self._body_ended()
        if arrived := self.reader.application_events - seen:
            self._note_gap(arrived, first=not seen)
            self._note_arrivals()

    def _decoded(self, chunk: bytes) -> bytes:
        try:
            return self.decoder.feed(chunk)
        except (ProtocolError, ResponseTooLargeError) as error:
            raise self.with_partial(error) from error.__cause__

    def _body_ended(self) -> None:
        try:
            self.decoder.finish()
        except ProtocolError as error:
            lost = StreamInterruptedError("The stream's content encoding ended early")
            raise self.with_partial(lost) from error
        self.reader.finish(strict=self.call.settings.strict_completion)

    def _limit(self, now: float) -> tuple[float | None, Timer]:
        """How long the next read may take, and the timer that would then have fired."""
        settings = self.call.settings
        if not self.reader.application_events:
            limit, timer = self.began + settings.first_event_timeout - now, Timer.FIRST_EVENT
        else:
            limit, timer = settings.idle_timeout, Timer.IDLE
            if (stall := settings.stall_timeout - self._stalled) < limit:
                limit, timer = stall, Timer.STALL
        deadline = self.call.deadline.left(now)
        if deadline is not None and deadline < limit:
            limit, timer = deadline, Timer.DEADLINE
        return max(limit, 0.0), timer

    def _late(self, timer: Timer) -> ForgeError:
        settings = self.call.settings
        match timer:
            case Timer.FIRST_EVENT:
                return AttemptTimeoutError("No event of the stream arrived in time", phase="response")
            case Timer.IDLE:
                return StreamIdleError(f"The stream sent nothing for {settings.idle_timeout:g} s")
            case Timer.STALL:
                return StreamStallError(f"The stream sent no event for {settings.stall_timeout:g} s")
            case Timer.DEADLINE:
                return DeadlineExceededError("The call's deadline passed during the stream", phase="stream")

    def _note_arrivals(self) -> None:
        if self.first_event_after is None:
            self.first_event_after = self.call.io.now() - self.call.started
            self._lease.probe_succeeded()
        if self.first_content_after is None and self._has_content():
            self.first_content_after = self.call.io.now() - self.call.started
            self.call.emit("stream-first-content", after=self.first_content_after)

    def _note_gap(self, events: int, *, first: bool) -> None:
        """Remember how long the server took for these events after the one before; for hooks one by one."""
        if first:
            self.gaps.note(0.0, events - 1)
        else:
            self.gaps.note(self._stalled, events)
            if self.call.shared.hooks and len(self._waits) < GAPS_KEPT:
                self._waits.append(self._stalled)
        self._stalled = 0.0

    def _has_content(self) -> bool:
        content = self.reader.accumulator.is_content
        return any(content(event.data) for event in self.reader.ready)

    # -- ending ------------------------------------------------------------------------------------

    async def _finish(self) -> None:
        """The stream ended well: settle, and give the server a moment so that the connection is kept."""
        completion = self.reader.completion
        self._settle(None)
        gaps = {"mean_gap": self.gaps.mean, "longest_gap": self.gaps.longest}
        self.call.emit("stream-end", completion=completion, events=self.reader.events_seen, **gaps)
        if completion == "inferred":
            self._warn_inferred()
        try:
            await self._drain()
        finally:
            await self._lease.close()
            self._release("ok")

    async def _drain(self) -> None:
        ends = self.call.io.now() + DRAIN_SECONDS
        try:
            while not self.synthesised and (left := ends - self.call.io.now()) > 0:
                if not await self.call.io.read(self.exchange, left):
                    return
        except (TimeoutError, ForgeError):
            return  # the stream is complete; whatever follows it cannot matter

    async def end(self, error: BaseException | None) -> None:
        """Stop here: settle with what is known and abort the connection. Idempotent."""
        if isinstance(error, ForgeError):
            self.call.emit("stream-interrupted", error=error.kind)
        self._settle(error if error is not None else GeneratorExit())
        try:
            await self._lease.close()
        finally:
            self._release("left" if error is None else outcome_name(error))

    def abandon(self) -> None:
        """The handle was dropped without being closed: give back what needs no waiting.

        The exchange is dropped too; transports abort an exchange that nobody holds.
        """
        self._settle(GeneratorExit())
        self._lease.exchange = None
        self.exchange = None
        self._release("left")

    def _settle(self, error: BaseException | None) -> None:
        self._lease.end(
            error, usage_cost({"usage": self.reader.accumulator.usage()}) if self.handed_over else None
        )

    def _release(self, outcome: str) -> None:
        if self.handed_over:
            self.handed_over = False
            told = bool(self.call.shared.hooks)
            self.call.finish(
                outcome,
                self.message.partial() if told else None,
                gaps=tuple(self._waits),
                completion=self.reader.completion,
            )

    def _warn_inferred(self) -> None:
        shared = self.call.shared
        if not shared.inferred_warned:
            shared.inferred_warned = True
            log.warning(
                "%s ended a stream without its terminal event; completion was inferred", shared.profile.name
            )

    # -- errors ------------------------------------------------------------------------------------

    def _error_of(self, data: Any) -> Any:
        return stream_error(
            data,
            profile=self.call.shared.profile,
            redactor=self.call.redactor,
            request_id=self.call.request_id,
        )

    def _redact(self, text: str) -> str:
        return self.call.redactor.text(text)

    def with_partial(self, error: ForgeError) -> ForgeError:
        """The error with what arrived, and once the stream was handed over with the facts of the call."""
        error.enrich(
            partial=self.result_of(self.reader.accumulator.partial()),
            events_seen=self.reader.events_seen,
            last_event_id=self.reader.last_event_id,
        )
        if not self.handed_over:
            return error
        if self.call.shared.closed and isinstance(error, StreamInterruptedError):
            error = ClientClosedError(
                "The client was closed while this stream was read", partial=error.partial
            )
        self.call.fail_last(error)
        return self.call.enrich(error)

    def broken(self) -> StreamInterruptedError:
        """The error of a connection that was lost in the stream."""
        return StreamInterruptedError(
            f"The connection broke after {self.reader.events_seen} events; error.partial is what arrived"
        )

    @property
    def message(self) -> Accumulator:
        """What the consumer's events add up to: with middleware that wraps them, those that came out."""
        return self._shown or self.reader.accumulator

    def shown(self, events: Iterator[Decoded]) -> Iterator[Decoded]:
        """The events as the consumer gets them, through every wrap."""
        for event in self._wrapped(events):
            self.message.add(event.name, event.data)
            yield event
        self._all_shown()

    async def shown_async(self, events: AsyncIterator[Decoded]) -> AsyncGenerator[Decoded, None]:
        """`shown` for asyncio."""
        async for event in self._wrapped(events):
            self.message.add(event.name, event.data)
            yield event
        self._all_shown()

    def _wrapped(self, events: Any) -> Any:
        self._shown = accumulator_of(self.rule)
        for wrap in self.wraps:
            events = wrap(events)
        return events

    def _all_shown(self) -> None:
        if self.reader.completion == "explicit":
            self.message.add("message", None)  # a sentinel is no event that anybody wraps
        self.wrapped_to_the_end = self.reader.completion is not None

    @property
    def finished(self) -> bool:
        """Whether the consumer has got all of a stream that ended well."""
        if self.wraps:
            return self.wrapped_to_the_end
        return self.reader.completion is not None and not self.reader.ready

    def result_of(self, data: Any) -> Any:
        """The operation's typed result from accumulated JSON, or the typed events (`StreamRule.collects`)."""
        if self.rule.collects:
            return [self.rule.event(event) for event in data]
        return self.call.operation.result(data)

    def complete_result(self) -> Any:
        """The typed result of a stream that ended well; InvalidResponseError where `strict` refuses it."""
        result = self.result_of(self.message.result())
        error = lacking(self.call, result)
        if error is not None:
            raise self.with_partial(error)
        return result

    def typed(self, event: Decoded) -> Any:
        """The typed form of an event."""
        return self.rule.event(event.data)
