"""From a stream's bytes to its events and its end, without any I/O.

Rules of this file:
- Events decoded before a failure are delivered before the failure is raised.
- A stream ends explicitly, by inference, or not at all (R-143, R-144); nothing else is an end.
- What follows the terminal event is ignored (R-142).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from .accumulate import accumulator
from .codec import JsonError, decode
from .errors import (
    ApiError,
    ForgeError,
    ResponseTooLargeError,
    StreamDecodeError,
    StreamInterruptedError,
    StreamProtocolError,
)
from .profile import Family
from .sse import SseDecoder, SseEvent

Completion = Literal["explicit", "inferred"]


@dataclass(frozen=True, slots=True)
class Decoded:
    """One event: the name the wire gave it and its JSON; `application` is False for pings (R-051)."""

    name: str
    data: Any
    application: bool


class StreamReader:
    """Feed it bytes; take events from `ready`, then look at `failure` and `completion`."""

    def __init__(self, family: Family, error_of: Callable[[Any], ApiError | None]) -> None:
        self.accumulator = accumulator(family)
        self.ready: deque[Decoded] = deque()
        self.failure: ForgeError | None = None
        self.completion: Completion | None = None
        self.events_seen = 0
        self.application_events = 0
        self._decoder = SseDecoder()
        self._error_of = error_of

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be read."""
        return self.completion is not None or self.failure is not None

    @property
    def last_event_id(self) -> str | None:
        """The id of the last event that carried one."""
        return self._decoder.last_event_id or None

    def feed(self, chunk: bytes) -> None:
        """Decode what this chunk completes."""
        try:
            events = self._decoder.feed(chunk)
        except ResponseTooLargeError as error:
            self.failure = error
            return
        for event in events:
            self._take(event)
            if self.ended:
                return

    def finish(self, *, strict: bool = False) -> None:
        """The body ended cleanly: decide how the stream ended; `strict` refuses inference (R-145)."""
        if self.ended:
            return
        try:
            rest = self._decoder.finish()
        except ResponseTooLargeError as error:
            self.failure = error
            return
        if rest is not None and self.accumulator.is_terminal(rest.event, rest.data):
            self._take(rest)
        if self.ended:
            return
        verdict = self.accumulator.ending()
        if verdict is None or (strict and verdict == "inferred"):
            self.failure = StreamInterruptedError(self._cut_short(verdict))
        else:
            self.completion = verdict

    def accept(self, name: str, data: Any) -> None:
        """Take an event that is decoded already (R-134)."""
        try:
            self.accumulator.add(name, data)
        except StreamProtocolError as error:
            self.failure = error
            return
        application = not _is_ping(name, data)
        if data is not None:
            self.ready.append(Decoded(name, data, application))
        self.application_events += application
        if self.accumulator.terminal:
            self._conclude()

    def _take(self, event: SseEvent) -> None:
        self.events_seen += 1
        if self.accumulator.is_sentinel(event.data):
            self.accept(event.event, None)
            return
        try:
            data = decode(event.data.encode())
        except JsonError as error:
            self.failure = StreamDecodeError(
                f"Event {self.events_seen} of the stream is not valid JSON: {error}"
            )
            return
        if data is None:  # to the accumulators None is the sentinel, which `null` must never pass for
            self.failure = StreamProtocolError(f"Event {self.events_seen} of the stream is null")
            return
        failure = self._error_of(data) if may_be_error(event.event, data) else None
        if failure is not None:
            self.failure = failure
        elif event.event == "error":
            self.failure = StreamProtocolError("The stream reported an error that says nothing more")
        else:
            self.accept(event.event, data)

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


def _is_ping(name: str, data: Any) -> bool:
    return name == "ping" or (isinstance(data, dict) and data.get("type") == "ping")


def may_be_error(name: str, data: Any) -> bool:
    """Whether an event, or a whole 2xx body, is worth reading as an error: by its name, type or fields."""
    if not isinstance(data, dict):
        return name == "error"
    return (
        name == "error"
        or data.get("type") == "error"
        or bool(data.get("error"))
        or data.get("object") == "error"
    )
