"""What a stream's consumer may hand over instead of looping itself: callbacks, and a file to write to.

Rules of this file:
- A callback that raises ends the stream: first its resources are released, then its exception goes on
  (R-152). After the stream was closed no callback runs (R-150).
- A file gets the whole text of a stream that ended well, or is not touched (R-153).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import StreamError
from ..core.stream import Decoded
from .files import AtomicFile
from .pump import Pump


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream has come: events, characters of text, and seconds since the call began."""

    events: int
    characters: int
    seconds: float


@dataclass(slots=True)
class Callbacks:
    """The callbacks of one `for_each`; any may be None."""

    on_event: Callable[[Any], Any] | None = None
    on_text: Callable[[str], Any] | None = None
    on_progress: Callable[[Progress], Any] | None = None
    events: int = 0
    characters: int = 0

    def call(self, pump: Pump, event: Decoded) -> Iterator[Any]:
        """Call each in turn, and yield what it returned before the next is called."""
        text = pump.message.text_of(event.name, event.data)
        self.events += 1
        self.characters += len(text)
        if self.on_event is not None:
            yield self.on_event(pump.typed(event))
        if self.on_text is not None and text:
            yield self.on_text(text)
        if self.on_progress is not None:
            elapsed = pump.call.io.now() - pump.call.started
            yield self.on_progress(Progress(self.events, self.characters, elapsed))


def refuse_awaitable(returned: Any) -> None:
    """TypeError for what a blocking stream cannot wait for."""
    if inspect.isawaitable(returned):
        if inspect.iscoroutine(returned):
            returned.close()
        raise TypeError("an async callback was given to a blocking stream; use the async client")


class TextFile:
    """An `AtomicFile` for text in UTF-8, whose failures are StreamError with the OSError as cause."""

    def __init__(self, path: str | os.PathLike[str], *, keep_partial: bool) -> None:
        self._path = os.fspath(path)
        self._file = self._or_stream_error(lambda: AtomicFile(Path(path), keep_partial=keep_partial))

    def write(self, text: str) -> None:
        """Add text; half a surrogate pair, which UTF-8 cannot carry, becomes U+FFFD."""
        data = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()
        self._or_stream_error(lambda: self._file.write(data))

    def commit(self) -> None:
        """Put the text in the file's place."""
        self._or_stream_error(self._file.commit)

    def discard(self) -> None:
        """Give up, unless it was committed."""
        self._or_stream_error(self._file.discard)

    def _or_stream_error(self, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except OSError as error:
            raise StreamError(f"The stream could not be written to {self._path}: {error.strerror}") from error
