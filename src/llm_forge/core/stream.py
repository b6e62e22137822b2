"""From a stream's bytes to its events and its end, without any I/O.

Rules of this file:
- Events decoded before a failure are delivered before the failure is raised.
- A stream ends explicitly, by inference, or not at all (R-143, R-144); nothing else is an end.
- What follows the terminal event is ignored (R-142).
- At most `MAX_READY` events are decoded ahead of the consumer; the rest of a chunk waits as bytes (R-151).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from .accumulate import Accumulator, accumulator
from .codec import JsonError, decode
from .error_body import ERROR_EVENTS
from .errors import (
    ApiError,
    ForgeError,
    ResponseTooLargeError,
    StreamDecodeError,
    StreamInterruptedError,
    StreamProtocolError,
)
from .framing import FrameDecoder, JsonLineDecoder, RawEvent
from .profile import StreamRule
from .sse import SseDecoder

Completion = Literal["explicit", "inferred"]
MAX_READY = 256
_SHOWN = 2000
_PINGS = frozenset({"ping", "keepalive"})


@dataclass(slots=True)  # not frozen: one is made for every event
class Decoded:
    """One event: the name the wire gave it ("message" where none), its JSON, and its id ("" for none).

    `application` is False for pings (R-051).
    """

    name: str
    data: Any
    application: bool
    id: str = ""


class StreamReader:
    """Feed it bytes; take events from `ready`, then look at `failure` and `completion`.

    `error_of` makes the typed error of an event that reports one; `redact` cleans the text of an event that
    is not JSON.
    """

    def __init__(
        self,
        rule: StreamRule[Any],
        error_of: Callable[[Any], ApiError | None],
        redact: Callable[[str], str] = str,
    ) -> None:
        self.accumulator = accumulator_of(rule)
        self._is_open = rule.is_open
        self.ready: deque[Decoded] = deque()
        self.failure: ForgeError | None = None
        self.completion: Completion | None = None
        self.events_seen = 0
        self.application_events = 0
        self._decoder: FrameDecoder = JsonLineDecoder() if rule.ndjson else SseDecoder()
        self._waiting: deque[RawEvent] = deque()
        self._body_failure: ForgeError | None = None
        self._error_of = error_of
        self._redact = redact

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be read."""
        return self.completion is not None or self.failure is not None

    @property
    def last_event_id(self) -> str | None:
        """The id of the last event that carried one."""
        return self._decoder.last_event_id or None

    @property
    def decode_errors(self) -> int:
        """How many events or lines were not valid UTF-8 (R-127)."""
        return self._decoder.decode_errors

    def feed(self, chunk: bytes) -> None:
        """Decode what this chunk completes, as far as `ready` has room; `refill` decodes the rest."""
        try:
            events = self._decoder.feed(chunk)
        except ResponseTooLargeError as error:
            self._body_failure = error
            events = []
        if self._waiting or len(events) > MAX_READY or self._body_failure is not None:
            self._waiting.extend(events)
            self.refill()
            return
        for event in events:
            self._take(event)
            if self.completion is not None or self.failure is not None:
                return

    def refill(self) -> bool:
        """Decode events that wait; whether that changed anything."""
        if self.ended:
            return False
        before, waiting = self.events_seen, self._waiting
        for _ in range(min(MAX_READY - len(self.ready), len(waiting))):
            self._take(waiting.popleft())
            if self.completion is not None or self.failure is not None:
                return True
        if not waiting and self._body_failure is not None:
            self.failure = self._body_failure
        return self.ended or self.events_seen > before

    def finish(self, *, strict: bool = False) -> None:
        """The body ended cleanly: decide how the stream ended; `strict` refuses inference (R-145)."""
        while not self.ended and self._waiting:
            self._take(self._waiting.popleft())
        if self.ended:
            return
        try:
            rest = self._decoder.finish()
        except ResponseTooLargeError as error:
            self.failure = error
            return
        cut = rest is not None and not self.accumulator.is_terminal(rest.event, rest.data)
        if rest is not None and not cut:
            self._take(rest)
        if self.ended:
            return
        verdict = None if cut and self._is_open else self.accumulator.ending()
        if verdict is None or (strict and verdict == "inferred"):
            self.failure = StreamInterruptedError(self._cut_short(verdict))
        else:
            self.completion = verdict

    def accept(self, name: str, data: Any, event_id: str = "") -> None:
        """Take an event that is decoded already; None is the sentinel (R-134)."""
        if may_be_error(name, data):
            self.failure = self._reported(name, data)
            if self.failure is not None:
                return
        made = self.accumulator
        try:
            made.add(name, data)
        except StreamProtocolError as error:
            self.failure = error
            return
        if data is not None:
            application = not _is_ping(name, data)
            self.ready.append(Decoded(name, data, application, event_id))
            self.application_events += application
        if made.terminal:
            self._conclude()

    def _take(self, event: RawEvent) -> None:
        self.events_seen += 1
        try:
            data = decode(event.raw)
        except JsonError as error:
            self._take_other(event, error)
            return
        if data is None:  # to the accumulators None is the sentinel, which `null` must never pass for
            self.failure = StreamProtocolError(f"Event {self.events_seen} of the stream is null")
        else:
            self.accept(event.event, data, event.id)

    def _take_other(self, event: RawEvent, error: JsonError) -> None:
        """An event whose bytes are not JSON: the sentinel, JSON that is not valid UTF-8, or a failure."""
        text = event.data
        if self.accumulator.is_sentinel(text):
            self.accept(event.event, None, event.id)
            return
        try:
            data = decode(text.encode())
        except JsonError:
            self.failure = StreamDecodeError(
                f"Event {self.events_seen} of the stream is not valid JSON: {error}",
                body=self._redact(text)[:_SHOWN],
            )
        else:
            self.accept(event.event, data, event.id)

    def _reported(self, name: str, data: Any) -> ForgeError | None:
        """The failure that an event reports, None for a harmless one."""
        failure = self._error_of(data)
        if failure is None and name == "error":
            return StreamProtocolError("The stream reported an error that says nothing more")
        return failure

    def _conclude(self) -> None:
        verdict = self.accumulator.ending()
        if verdict is None:
            self.failure = StreamInterruptedError(
                "The stream declared its end while a tool call was still incomplete; see error.partial"
            )
        else:
            self.completion = verdict

    def _cut_short(self, verdict: Completion | None) -> str:
        if verdict == "inferred":
            return "The stream ended without its terminal event, which strict_completion requires"
        return (
            f"The stream was cut short after {self.events_seen} events, before its terminal event; "
            "what arrived is in error.partial"
        )


def accumulator_of(rule: StreamRule[Any]) -> Accumulator:
    """A new accumulator for one stream of this rule."""
    return accumulator(rule.family, rule.terminal, rule.type_field)


def _is_ping(name: str, data: Any) -> bool:
    kind = data.get("type") if type(data) is dict else None
    return name in _PINGS or (type(kind) is str and kind in _PINGS)


def may_be_error(name: str, data: Any) -> bool:
    """Whether an event, or a whole 2xx body, is worth reading as an error: by its name, type or fields."""
    if type(data) is not dict:
        return name == "error"
    if name in ERROR_EVENTS or data.get("error") or data.get("object") == "error":
        return True
    kind = data.get("type")
    return type(kind) is str and kind in ERROR_EVENTS
