"""What every stream family's accumulator offers."""

from __future__ import annotations

from typing import Any, Literal, Protocol


class Accumulator(Protocol):
    """Puts the events of one stream together; `terminal` is True once the terminal event was added."""

    terminal: bool

    def is_sentinel(self, data: str, /) -> bool:
        """Whether this data is not JSON but legal, such as `[DONE]`."""
        ...

    def is_terminal(self, name: str, data: str, /) -> bool:
        """Whether this raw event is complete and ends the stream (R-131)."""
        ...

    def add(self, name: str, data: Any, /) -> None:
        """Add one event: decoded JSON, or None for the sentinel; ignored after the terminal event.

        Raises StreamProtocolError for events in an order that the family does not allow.
        """
        ...

    def ending(self) -> Literal["explicit", "inferred"] | None:
        """The verdict if the body ended cleanly now (R-143); None: interrupted.

        Asked at the terminal event too: a sentinel after half a tool call is None (R-167).
        """
        ...

    def result(self) -> Any:
        """The accumulated message in its unary form, or the list of the events; a fresh copy (R-169)."""
        ...

    def partial(self) -> Any:
        """The message so far; what is unfinished carries `"complete": false` (R-146)."""
        ...

    def usage(self) -> Any:
        """The tokens used, as the stream has told them so far; None for nothing."""
        ...

    def text_of(self, name: str, data: Any, /) -> str:
        """The text that this event adds, "" if none; of the first choice."""
        ...

    def is_content(self, data: Any, /) -> bool:
        """Whether this event carries content: no role-only and no empty delta (R-149)."""
        ...

    def tool_input(self, index: int, /) -> Any:
        """The tool input so far at this index, as far as its bytes show it (R-178); None for nothing."""
        ...
