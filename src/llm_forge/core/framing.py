"""Bytes in any chunking to lines, and newline-delimited JSON to events (R-125 to R-127, R-132, R-133, R-135).

Rules of this file:
- LF, CR and CRLF end a line, nothing else does (R-126); one byte order mark at the start is dropped (R-127).
- A CR ends its line at once; an LF that comes next is part of it.
- Every limit is checked on each line and on the unfinished one, so memory stays bounded (R-132).
- Every byte is copied a fixed number of times, however small the chunks are (R-133).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import ResponseTooLargeError

MIB = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_CR, _LF = 13, 10


@dataclass(slots=True)
class RawEvent:
    """One event of a stream as it was framed.

    `event` is "message" where the stream named none; `raw` its data as bytes, lines joined with LF; `id` is
    the last event id at dispatch, "" if there was none; `raw_size` is the bytes of its lines without line
    ends and comments.
    """

    event: str
    raw: bytes | bytearray
    id: str = ""
    raw_size: int = 0

    @property
    def data(self) -> str:
        """The data as text; bytes that are not UTF-8 are U+FFFD (R-127)."""
        return self.raw.decode("utf-8", "replace")


class FrameDecoder:
    """Splits bytes into lines; a subclass makes events of them in `_take`. Limits are bytes.

    `decode_errors` counts events and fields that were not valid UTF-8; `last_event_id` is the id at the
    last dispatch.
    """

    def __init__(self, max_line_bytes: int = 8 * MIB, max_event_bytes: int = 16 * MIB) -> None:
        self.decode_errors = 0
        self.last_event_id = ""
        self._max_line = max_line_bytes
        self._max_event = max_event_bytes
        self._head: bytes | None = b""  # what may still become a byte order mark; None: decided
        self._after_cr = False
        self._tail = bytearray()  # the line that has not ended yet
        self._crossed: ResponseTooLargeError | None = None

    def feed(self, chunk: bytes) -> list[RawEvent]:
        """The events that `chunk` completes.

        Raises ResponseTooLargeError at the byte that crosses a limit (R-132). Events that the same
        chunk completed before that byte are returned first; the next call then raises.
        """
        if self._crossed is not None:
            raise self._crossed
        if self._head is not None:
            chunk = self._without_bom(chunk)
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[0] == _LF:
                chunk = chunk[1:]
        events: list[RawEvent] = []
        if chunk:
            try:
                self._read(chunk, events)
            except ResponseTooLargeError as error:
                self._crossed = error
                if not events:
                    raise
        return events

    def finish(self) -> RawEvent | None:
        """The unfinished event at the end of the body, if it has data (R-131).

        The caller accepts it only if it is the terminal event and complete.
        """
        if self._crossed is not None:
            raise self._crossed
        if self._head:
            self._tail += self._head
        tail, self._tail = self._tail, bytearray()
        return self._rest(tail)

    def _take(self, lines: list[Any], events: list[RawEvent]) -> None:
        """Take whole lines, without their ends."""
        raise NotImplementedError

    def _rest(self, tail: bytearray) -> RawEvent | None:
        """The event that the body's end completes; `tail` is the line without an end, b"" for none."""
        raise NotImplementedError

    def _check_tail(self) -> None:
        """Refuse an unfinished line that crosses a limit."""
        raise NotImplementedError

    def _without_bom(self, chunk: bytes) -> bytes:
        head = (self._head or b"") + chunk
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(_BOM)

    def _read(self, chunk: bytes, events: list[RawEvent]) -> None:
        lines: list[Any] = chunk.splitlines()
        last = chunk[-1]
        rest = b""
        if last == _CR:
            self._after_cr = True
        elif last != _LF:
            rest = lines.pop()
        if lines:
            if self._tail:
                self._tail += lines[0]
                lines[0] = self._tail
                self._tail = bytearray()
            self._take(lines, events)
        if rest:
            self._tail += rest
            self._check_tail()

    def _text(self, value: bytes | bytearray) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            self.decode_errors += 1
            return value.decode("utf-8", "replace")


class JsonLineDecoder(FrameDecoder):
    """Newline-delimited JSON: every line that is not blank is an event (R-135)."""

    def _take(self, lines: list[Any], events: list[RawEvent]) -> None:
        for line in lines:
            if len(line) > self._max_line:
                raise too_large("a line of the stream", self._max_line)
            if not line.isspace() and line:
                events.append(self._event(line))

    def _rest(self, tail: bytearray) -> RawEvent | None:
        return self._event(tail) if tail.strip() else None

    def _check_tail(self) -> None:
        if len(self._tail) > self._max_line:
            raise too_large("a line of the stream", self._max_line)

    def _event(self, line: bytes | bytearray) -> RawEvent:
        if not line.isascii():
            self._text(line)  # counts what is not UTF-8
        return RawEvent("message", line, "", len(line))


def too_large(what: str, limit: int) -> ResponseTooLargeError:
    """The error of a crossed limit."""
    return ResponseTooLargeError(f"{what} exceeded the limit of {limit} bytes")
