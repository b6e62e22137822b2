"""Streams put together into the message that the unary call would have returned (R-160 to R-178)."""

from __future__ import annotations

from ..profile import Family
from .blocks import BlockAccumulator
from .chat import ChatAccumulator
from .protocol import Accumulator


def accumulator(family: Family) -> Accumulator:
    """A new accumulator for one stream of this family."""
    return ChatAccumulator() if family == "chat-completion" else BlockAccumulator()


__all__ = ["Accumulator", "BlockAccumulator", "ChatAccumulator", "accumulator"]
