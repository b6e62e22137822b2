"""Streams put together into the message that the unary call would have returned (R-160 to R-178)."""

from __future__ import annotations

from ..profile import Family
from .blocks import BlockAccumulator
from .chat import ChatAccumulator
from .conversation import ConversationAccumulator
from .events import EventAccumulator
from .protocol import Accumulator
from .response import ResponseAccumulator


def accumulator(
    family: Family, terminal: frozenset[str] = frozenset(), type_field: str = "type"
) -> Accumulator:
    """A new accumulator for one stream; `terminal` and `type_field` are those of a `StreamRule`."""
    match family:
        case "chat-completion":
            return ChatAccumulator()
        case "block-event":
            return BlockAccumulator()
        case "response":
            return ResponseAccumulator()
        case "conversation":
            return ConversationAccumulator()
        case "events":
            return EventAccumulator(terminal, type_field)


__all__ = [
    "Accumulator",
    "BlockAccumulator",
    "ChatAccumulator",
    "ConversationAccumulator",
    "EventAccumulator",
    "ResponseAccumulator",
    "accumulator",
]
