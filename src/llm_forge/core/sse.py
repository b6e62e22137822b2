"""Server-sent events from bytes in any chunking (WHATWG HTML, section 9.2).

Rules of this file:
- LF, CR and CRLF end a line, nothing else does (R-126); a line is decoded when it is whole, and bytes
  that are not UTF-8 become U+FFFD and are counted (R-127).
- A blank line dispatches if there was a `data` line, else it only clears the event name (R-130).
- An event is returned by the `feed` that brought its last byte, also when that byte is a CR (R-126).
- Every limit is checked on each line and on the unfinished one, so memory stays bounded (R-132).
- Every byte is copied a fixed number of times, however small the chunks are (R-133).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import ResponseTooLargeError

MIB = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_CR, _LF, _COLON = 13, 10, 58
_RETRY_DIGITS = 1000


@dataclass(slots=True)
class SseEvent:
    """One dispatched event.

    `event` is "message" where the stream named none; `id` is the last event id at dispatch, "" if
    there was none; `raw_size` is the bytes of its lines without line ends and comments.
    """

    event: str
    data: str
    id: str = ""
    raw_size: int = 0


class SseDecoder:
    """Bytes in, events out; the same events for every chunking of the same bytes (R-125).

    `retry` is the last valid reconnection time in milliseconds; `last_event_id` the id at the last
    dispatch; `decode_errors` counts lines that were not valid UTF-8. Limits are bytes.
    """

    def __init__(
        self,
        max_line_bytes: int = 8 * MIB,
        max_event_bytes: int = 16 * MIB,
        max_comment_bytes: int = MIB,
    ) -> None:
        self.retry: int | None = None
        self.last_event_id = ""
        self.decode_errors = 0
        self._max_line = max_line_bytes
        self._max_event = max_event_bytes
        self._max_comment = max_comment_bytes
        self._head: bytes | None = b""  # what may still become a byte order mark; None: decided
        self._after_cr = False
        self._tail = bytearray()  # the line that has not ended yet
        self._data: list[bytes | bytearray] = []
        self._name = ""
        self._id = ""
        self._size = 0
        self._comment_size = 0
        self._crossed: ResponseTooLargeError | None = None

    def feed(self, chunk: bytes) -> list[SseEvent]:
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
        events: list[SseEvent] = []
        if chunk:
            try:
                self._read(chunk, events)
            except ResponseTooLargeError as error:
                self._crossed = error
                if not events:
                    raise
        return events

    def finish(self) -> SseEvent | None:
        """The unfinished event at the end of the body, if it has data (R-131).

        The caller accepts it only if it is the terminal event and complete.
        """
        if self._crossed is not None:
            raise self._crossed
        if self._head:
            self._tail += self._head
        if self._tail:
            line = self._tail
            self._tail = bytearray()
            self._size += len(line) if line[0] != _COLON else 0
            self._field(line)
        event = self._event() if self._data else None
        self._data, self._name, self._size = [], "", 0
        return event

    def _without_bom(self, chunk: bytes) -> bytes:
        head = (self._head or b"") + chunk
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(_BOM)

    def _read(self, chunk: bytes, events: list[SseEvent]) -> None:
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

    def _take(self, lines: list[Any], events: list[SseEvent]) -> None:
        data, total = self._data, self._size
        max_line, max_event = self._max_line, self._max_event
        for line in lines:
            if not line:
                self._size = total
                if data:
                    events.append(self._event())
                    self._comment_size = 0
                    data = self._data = []
                self.last_event_id = self._id
                self._name = ""
                total = 0
                continue
            size = len(line)
            if line[0] == _COLON:
                self._count_comment(size)
                continue
            total += size
            if size > max_line or total > max_event:
                self._refuse(size)
            if line.startswith(b"data: "):
                data.append(_after(line, 6))
            else:
                self._field(line)
        self._size = total

    def _field(self, line: bytes | bytearray) -> None:
        if line.startswith(b"event: "):
            self._name = self._text(line[7:])
            return
        colon = line.find(b":")
        if colon < 0:
            name, value = bytes(line), b""
        else:
            name = bytes(line[:colon])
            start = colon + 2 if line[colon + 1 : colon + 2] == b" " else colon + 1
            if name == b"data":
                self._data.append(_after(line, start))
                return
            value = bytes(line[start:])
        self._set(name, value)

    def _set(self, name: bytes, value: bytes) -> None:
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._name = self._text(value)
        elif name == b"id":
            if b"\0" not in value:
                self._id = self._text(value)
        elif name == b"retry" and value.isdigit() and len(value) <= _RETRY_DIGITS:
            self.retry = int(value)

    def _event(self) -> SseEvent:
        data = self._data
        text = self._text(data[0]) if len(data) == 1 else "\n".join(map(self._text, data))
        return SseEvent(self._name or "message", text, self._id, self._size)

    def _text(self, value: bytes | bytearray) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            self.decode_errors += 1
            return value.decode("utf-8", "replace")

    def _count_comment(self, size: int) -> None:
        self._comment_size += size
        if self._comment_size > self._max_comment:
            raise _too_large("comments without an event", self._max_comment)

    def _check_tail(self) -> None:
        size = len(self._tail)
        if self._tail[0] == _COLON:
            if self._comment_size + size > self._max_comment:
                raise _too_large("comments without an event", self._max_comment)
        elif size > self._max_line or self._size + size > self._max_event:
            self._refuse(size)

    def _refuse(self, line_size: int) -> None:
        if line_size > self._max_line:
            raise _too_large("a line of the stream", self._max_line)
        raise _too_large("an event of the stream", self._max_event)


def _after(line: bytes | bytearray, start: int) -> bytes | bytearray:
    if isinstance(line, bytearray):
        del line[:start]  # in place: a long line is never held twice
        return line
    return line[start:]


def _too_large(what: str, limit: int) -> ResponseTooLargeError:
    return ResponseTooLargeError(f"{what} exceeded the limit of {limit} bytes")
