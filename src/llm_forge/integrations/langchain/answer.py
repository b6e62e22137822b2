"""Our replies as LangChain's messages, whole or in chunks.

Text alone is content of type str. With thoughts it is a list of LangChain's standard blocks, in which the
block `reasoning` keeps the provider's own thoughts, so that they go back to it with their signatures.
Counts of tokens, and everything of `response_metadata`, come with the last chunk and only with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall, UsageMetadata
from langchain_core.messages import ToolCall as LangChainCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails
from langchain_core.messages.tool import tool_call_chunk

from ...unified.parts import Thinking, ToolCall
from ...unified.reply import Piece, Reply, Usage
from .prompt import THOUGHTS

Json = dict[str, Any]


def message_of(reply: Reply) -> AIMessage:
    """The reply as a message."""
    usable = [call for call in reply.tool_calls if _is_usable(call)]
    return AIMessage(
        content=_content(reply),
        tool_calls=[_call(call) for call in usable],
        invalid_tool_calls=[_invalid(call) for call in reply.tool_calls if call not in usable],
        usage_metadata=_usage(reply.usage),
        response_metadata=_metadata(reply),
        additional_kwargs=_refusal(reply),
    )


class Chunks:
    """Makes the chunks of one streamed reply."""

    def __init__(self) -> None:
        self._kind: Literal["", "text", "reasoning"] = ""
        self._index = -1
        self._thought_index: int | None = None

    def chunk(self, piece: Piece) -> AIMessageChunk:
        """What a piece brings."""
        calls = [
            tool_call_chunk(name=one.name, args=one.arguments, id=one.id, index=one.index)
            for one in piece.tool_calls
        ]
        thought, text = self._blocks("reasoning", piece.thinking), self._blocks("text", piece.text)
        if self._thought_index is None:
            return AIMessageChunk(content=piece.text, tool_call_chunks=calls)
        return AIMessageChunk(content=[*thought, *text], tool_call_chunks=calls)

    def last(self, reply: Reply) -> AIMessageChunk:
        """What is known at the end."""
        kept = _kept(_thoughts(reply))
        block = {"type": "reasoning", "reasoning": "", "index": self._thought_index, "extras": kept}
        return AIMessageChunk(
            content=[block] if kept and self._thought_index is not None else "",
            usage_metadata=_usage(reply.usage),
            response_metadata=_metadata(reply),
            additional_kwargs=_refusal(reply),
            chunk_position="last",
        )

    def _blocks(self, kind: Literal["text", "reasoning"], text: str) -> list[Json]:
        """A block of text; consecutive blocks of one kind have one index, by which LangChain joins them."""
        if not text:
            return []
        if kind != self._kind:
            self._kind, self._index = kind, self._index + 1
        if kind == "reasoning" and self._thought_index is None:
            self._thought_index = self._index
        return [{"type": kind, kind: text, "index": self._index}]


def _content(reply: Reply) -> str | list[str | Json]:
    thoughts = _thoughts(reply)
    if not thoughts:
        return reply.text
    kept = _kept(thoughts)
    reasoning: Json = {"type": "reasoning", "reasoning": reply.thinking, **({"extras": kept} if kept else {})}
    return [reasoning, *([{"type": "text", "text": reply.text}] if reply.text else [])]


def _thoughts(reply: Reply) -> list[Thinking]:
    return [part for part in reply.message.parts if isinstance(part, Thinking)]


def _kept(thoughts: Sequence[Thinking]) -> Json:
    """What goes back to the provider: thoughts that it has a form of its own for."""
    kept = [{"text": one.text, "raw": one.raw, "provider": one.provider} for one in thoughts if one.raw]
    return {THOUGHTS: kept} if kept else {}


def _is_usable(call: ToolCall) -> bool:
    return call.valid and isinstance(call.arguments, dict)


def _call(call: ToolCall) -> LangChainCall:
    return {"type": "tool_call", "id": call.id, "name": call.name, "args": call.arguments}


def _invalid(call: ToolCall) -> InvalidToolCall:
    return {
        "type": "invalid_tool_call",
        "id": call.id,
        "name": call.name,
        "args": call.arguments_json,
        "error": "the arguments are not a JSON object",
    }


def _usage(usage: Usage | None) -> UsageMetadata | None:
    if usage is None or usage.input is None or usage.output is None:
        return None
    made = UsageMetadata(
        input_tokens=usage.input, output_tokens=usage.output, total_tokens=usage.input + usage.output
    )
    read, written = InputTokenDetails(), OutputTokenDetails()
    if usage.cached is not None:
        read["cache_read"] = usage.cached
    if usage.cache_written is not None:
        read["cache_creation"] = usage.cache_written
    if usage.reasoning is not None:
        written["reasoning"] = usage.reasoning
    if read:
        made["input_token_details"] = read
    if written:
        made["output_token_details"] = written
    return made


def _metadata(reply: Reply) -> Json:
    facts = {
        "model_name": reply.model,
        "provider": reply.provider,
        "finish_reason": reply.finish_reason,
        "request_id": reply.request_id,
        "attempts": reply.attempts,
        "cost": None if reply.cost is None else reply.cost.to_dict(),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _refusal(reply: Reply) -> Json:
    return {} if reply.refusal is None else {"refusal": reply.refusal}
