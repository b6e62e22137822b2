"""Server-sent events from bytes in any chunking (WHATWG HTML, section 9.2).

Rules of this file:
- Lines, limits and chunks are those of `framing`.
- A blank line dispatches if there was a `data` line, else it only clears the event name (R-130).
- An event is returned by the `feed` that brought its last byte, also when that byte is a CR (R-126).
- The data stays bytes: JSON is decoded from them, text is made only where somebody wants it.
"""

from __future__ import annotations

from typing import Any

from .framing import MIB, FrameDecoder, RawEvent, too_large

_COLON = 58
_RETRY_DIGITS = 1000


class SseDecoder(FrameDecoder):
    """Bytes in, events out; the same events for every chunking of the same bytes (R-125).

    `retry` is the last valid reconnection time in milliseconds. Limits are bytes.
    """

    def __init__(
        self,
        max_line_bytes: int = 8 * MIB,
        max_event_bytes: int = 16 * MIB,
        max_comment_bytes: int = MIB,
    ) -> None:
        super().__init__(max_line_bytes, max_event_bytes)
        self.retry: int | None = None
        self._max_comment = max_comment_bytes
        self._data: list[bytes | bytearray] = []
        self._name = ""
        self._id = ""
        self._size = 0
        self._comment_size = 0

    def _rest(self, tail: bytearray) -> RawEvent | None:
        if tail:
            self._size += len(tail) if tail[0] != _COLON else 0
            self._field(tail)
        event = self._event() if self._data else None
        self._data, self._name, self._size = [], "", 0
        return event

    def _take(self, lines: list[Any], events: list[RawEvent]) -> None:
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

    def _event(self) -> RawEvent:
        data = self._data
        raw = data[0] if len(data) == 1 else b"\n".join(data)
        if not raw.isascii():
            for line in data:
                self._text(line)  # counts what is not UTF-8
        return RawEvent(self._name or "message", raw, self._id, self._size)

    def _count_comment(self, size: int) -> None:
        self._comment_size += size
        if self._comment_size > self._max_comment:
            raise too_large("comments without an event", self._max_comment)

    def _check_tail(self) -> None:
        size = len(self._tail)
        if self._tail[0] == _COLON:
            if self._comment_size + size > self._max_comment:
                raise too_large("comments without an event", self._max_comment)
        elif size > self._max_line or self._size + size > self._max_event:
            self._refuse(size)

    def _refuse(self, line_size: int) -> None:
        if line_size > self._max_line:
            raise too_large("a line of the stream", self._max_line)
        raise too_large("an event of the stream", self._max_event)


def _after(line: bytes | bytearray, start: int) -> bytes | bytearray:
    if isinstance(line, bytearray):
        del line[:start]  # in place: a long line is never held twice
        return line
    return line[start:]
