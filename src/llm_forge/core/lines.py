"""Lines from bytes in any chunking, for JSON Lines (R-135).

Rules of this file:
- LF ends a line; a CR before it belongs to the line end. Nothing else does: JSON has no raw line ends.
- Lines of only spaces are skipped.
- What follows the last LF is not a line: `finish` hands it out, and the caller decides whether it is whole.
- A line beyond the limit is ResponseTooLargeError at the crossing chunk (R-132).
- Every byte is copied a fixed number of times, however small the chunks are (R-133).
"""

from __future__ import annotations

from .errors import ResponseTooLargeError

MIB = 1024 * 1024


class LineDecoder:
    """Bytes in, lines out, without their ends; the same lines for every chunking of the same bytes."""

    def __init__(self, max_line_bytes: int = 8 * MIB) -> None:
        self._max_line = max_line_bytes
        self._tail = bytearray()  # the line that has not ended yet
        self._crossed: ResponseTooLargeError | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes.

        Lines that the chunk completed before the one that crosses the limit are returned first; the next
        call then raises.
        """
        if self._crossed is not None:
            raise self._crossed
        *ended, rest = chunk.split(b"\n")
        if ended:
            ended[0] = bytes(self._tail) + ended[0]
            self._tail = bytearray()
        self._tail += rest
        whole = self._within_limit(ended)
        if self._crossed is not None and not whole:
            raise self._crossed
        return whole

    def finish(self) -> bytes:
        """What came after the last line end, b"" if nothing did."""
        if self._crossed is not None:
            raise self._crossed
        rest, self._tail = bytes(self._tail), bytearray()
        return rest.strip()

    def _within_limit(self, ended: list[bytes]) -> list[bytes]:
        whole: list[bytes] = []
        for line in ended:
            if len(line) > self._max_line:
                self._crossed = self._too_large()
                return whole
            if text := line.strip():
                whole.append(text)
        if len(self._tail) > self._max_line:
            self._crossed = self._too_large()
        return whole

    def _too_large(self) -> ResponseTooLargeError:
        return ResponseTooLargeError(f"a line of the answer exceeded the limit of {self._max_line} bytes")
