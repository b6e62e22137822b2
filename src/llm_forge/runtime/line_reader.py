"""Lines of JSON to typed values; a line that is torn is an error that carries it (R-135, R-146).

Lines that arrived whole are handed out before the error that cut the rest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ..core.codec import JsonError, decode
from ..core.errors import (
    ConnectionLostError,
    ForgeError,
    ProtocolError,
    StreamDecodeError,
    StreamInterruptedError,
)
from ..core.framing import JsonLineDecoder, RawEvent
from .context import Call


class LineReader:
    """Give it bytes; `ready` iterates over the typed values of the lines that they completed."""

    def __init__(self, call: Call) -> None:
        self.ready: Iterator[Any] = iter(())
        self.ended = False
        self._call = call
        self._decoder = JsonLineDecoder()
        self._seen = 0

    def take(self, piece: bytes) -> None:
        """The next bytes, b"" at the end; what was `ready` must have been taken."""
        self.ready = self._whole(piece) if piece else self._last()

    def _whole(self, piece: bytes) -> Iterator[Any]:
        for line in self._decoder.feed(piece):
            try:
                value = decode(line.raw)
            except JsonError as error:
                raise StreamDecodeError(f"Line {self._seen + 1} is not valid JSON: {error}") from error
            yield self._typed(value)

    def _last(self) -> Iterator[Any]:
        """The value of a last line without a line end, if it is whole; StreamInterruptedError if torn."""
        rest = self._decoder.finish()
        if rest is not None:
            try:
                value = decode(rest.raw)
            except JsonError:
                value = None
            if not isinstance(value, (dict, list)):
                raise self._interrupted(rest)
            yield self._typed(value)
        self.ended = True

    def _typed(self, value: Any) -> Any:
        self._seen += 1
        return self._call.operation.result(value)

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Say of an error inside how far the lines had come."""
        try:
            yield
        except (ConnectionLostError, ProtocolError) as error:
            cut = self._interrupted(self._decoder.finish())
            raise self._enriched(cut) from error
        except ForgeError as error:
            raise self._enriched(error) from error.__cause__

    def _interrupted(self, rest: RawEvent | None) -> StreamInterruptedError:
        return StreamInterruptedError(
            f"The answer was cut after {self._seen} whole lines; error.partial is the rest",
            partial="" if rest is None else rest.data,
        )

    def _enriched(self, error: ForgeError) -> ForgeError:
        error.events_seen, error.mid_stream = self._seen, True
        return self._call.enrich(error)
