"""What comes back, in one vocabulary for all providers: a whole answer, and the pieces of a streamed one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..core.errors import TriedModel
from ..core.views import View
from .parts import Message, Text, Thinking, ToolCall

if TYPE_CHECKING:
    from .prices import Cost
    from .schemas import Schema

FinishReason: TypeAlias = (
    'Literal["stop", "length", "tool_calls", "content_filter", "pause", "error", "unknown"] | str'
)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens used; None is what the provider did not tell.

    `input` is all of the prompt, `cached` the part of it that was read from the provider's prompt cache and
    `cache_written` the part that was written there. `output` is all that was generated, `reasoning` the
    part of it that was thought. `raw` is the provider's own account.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cache_written: int | None = None
    reasoning: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def total(self) -> int | None:
        """Input and output together."""
        return None if self.input is None or self.output is None else self.input + self.output

    def to_dict(self) -> dict[str, int | None]:
        """The counts, without the provider's own account."""
        names = ("input", "output", "cached", "cache_written", "reasoning", "total")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, or what arrived of one.

    `finish_reason` is "stop", "length", "tool_calls", "content_filter", "pause" or "error", or the provider's
    own word where it means none of these; `raw_finish_reason` is always the provider's. Both are None in what
    arrived of a stream that was cut. `cost` is None where a price is not known. `raw` is the provider's own
    typed answer; `message` goes into the next prompt. `attempts` counts HTTP exchanges, `tried` are the
    models of a chain that failed before this one, `optimizations` what optimizers changed.
    """

    text: str
    thinking: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: FinishReason | None
    raw_finish_reason: str | None
    usage: Usage | None
    model: str
    provider: str
    request_id: str | None
    message: Message = field(repr=False)
    raw: View = field(repr=False)
    refusal: str | None = None
    cost: Cost | None = None
    attempts: int = 0
    tried: tuple[TriedModel, ...] = ()
    optimizations: tuple[Any, ...] = field(default=(), repr=False)
    schema: Schema | None = field(default=None, repr=False)

    @property
    def parsed(self) -> Any:
        """The answer in the form of the call's `schema`: an object of its class, or decoded JSON.

        InvalidResponseError if the text is no such JSON, for instance because it was cut at `max_tokens`.
        ConfigError if the call had no schema.
        """
        from .schemas import parsed

        return parsed(self)

    def to_dict(self) -> dict[str, Any]:
        """The reply as plain JSON, with the provider's own answer under `raw`."""
        from .reply_json import reply_to_dict

        return reply_to_dict(self)


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call: `index` counts the calls of the answer, `arguments` is JSON text to append."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a streamed answer; what it does not bring is empty."""

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()

    @property
    def tool_call(self) -> ToolCallDelta | None:
        """The piece of a tool call that it brings; the first of several."""
        return self.tool_calls[0] if self.tool_calls else None

    def __bool__(self) -> bool:
        return bool(self.text or self.thinking or self.tool_calls)


NOTHING = Piece()


def message_of(text: str, thoughts: tuple[Thinking, ...], calls: tuple[ToolCall, ...]) -> Message:
    """The assistant's message with these parts in the order that providers want them back."""
    return Message("assistant", (*thoughts, *([Text(text)] if text else ()), *calls))
