"""LangChain's messages in our vocabulary.

Rules of this file:
- Content may be text, LangChain's standard blocks (v0 and v1), or blocks of OpenAI's or Anthropic's API.
  What is none of these goes on the wire as it was given (R-014).
- The tool calls of a message are its `tool_calls` and `invalid_tool_calls`; blocks that repeat one of them
  are left out.
- Nothing is fetched: a URL is handed to the provider (R-243).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from ...core.errors import InvalidRequestError
from ...unified.messages import called, messages_of, parts_of
from ...unified.parts import Media, Message, Part, Raw, Text, Thinking, ToolCall, ToolResult

Block = Mapping[str, Any]
THOUGHTS = "llm_forge_thoughts"  # the extra of a reasoning block that has a provider's own thoughts
_CALLS = frozenset({"tool_call", "tool_call_chunk", "invalid_tool_call", "tool_use", "input_json_delta"})
# What LangChain adds to blocks for its own use.
_BOOKKEEPING = frozenset({"type", "id", "index", "extras", "annotations"})


def prompt_of(messages: Sequence[BaseMessage], provider: str) -> list[Message]:
    """The messages as a prompt for a provider; InvalidRequestError for what it has no word for."""
    return [_message(one, provider) for one in messages]


def _message(message: BaseMessage, provider: str) -> Message:
    parts = tuple(_parts(message, provider))
    named = {} if message.name is None else {"name": message.name}
    match message:
        case AIMessage():
            return Message("assistant", (*parts, *_calls(message)), named)
        case ToolMessage():
            failed = message.status == "error"
            return Message("tool", (ToolResult(message.tool_call_id, parts, failed, message.name),))
        case HumanMessage():
            return Message("user", parts, named)
        case SystemMessage():
            return Message("system", parts, named)
        case ChatMessage():
            return messages_of({"role": message.role, "content": parts, **named})[0]
        case FunctionMessage():
            return Message("tool", (ToolResult("", parts, name=message.name),))
    raise InvalidRequestError(f"A prompt has no place for {type(message).__name__}")


def _calls(message: AIMessage) -> Iterator[ToolCall]:
    for call in message.tool_calls:
        yield called(call["id"] or "", call["name"], call["args"])
    for broken in message.invalid_tool_calls:
        yield called(broken["id"] or "", broken["name"] or "", broken["args"] or "")


def _parts(message: BaseMessage, provider: str) -> Iterator[Part]:
    content = message.content
    for block in [content] if isinstance(content, str) else content:
        if isinstance(block, str):
            if block:
                yield Text(block)
            continue
        kind = str(block.get("type"))
        if provider in _WITHOUT.get(kind, ()):
            raise InvalidRequestError(f"{provider} takes no {kind}; leave it out", provider=provider)
        if not (isinstance(message, AIMessage) and kind in _CALLS):
            yield from _READERS.get(kind, parts_of)(block)


def _text(block: Block) -> Sequence[Part]:
    extra = {name: value for name, value in block.items() if name not in _BOOKKEEPING | {"text"}}
    return [Text(block["text"], extra)]


def _plain_text(block: Block) -> Sequence[Part]:
    """A document of plain text, which every model can read as text."""
    if not isinstance(block.get("text"), str):
        raise InvalidRequestError("A block text-plain needs its text")
    return [Text(block["text"])]


def _reasoning(block: Block) -> Sequence[Part]:
    """Thoughts; ours bring their provider's own form, those of ChatAnthropic their signature."""
    text, extras = block.get("reasoning") or "", block.get("extras") or {}
    if kept := extras.get(THOUGHTS):
        return [Thinking(one["text"], one["raw"], one["provider"]) for one in kept]
    if signature := extras.get("signature"):
        return [Thinking(text, {"type": "thinking", "thinking": text, "signature": signature}, "anthropic")]
    return [Thinking(text, provider="")]


def _media(kind: Literal["image", "file"]) -> Callable[[Block], Sequence[Part]]:
    def read(block: Block) -> Sequence[Part]:
        facts = {**(block.get("extras") or {}), **(block.get("metadata") or {}), **block}
        made = Media(
            kind,
            media_type=block.get("mime_type"),
            name=facts.get("filename") or facts.get("title") or facts.get("name"),
            extra={name: facts[name] for name in _KEPT if name in facts},
        )
        if (data := _base64(block)) is not None:
            return [replace(made, data=data, media_type=made.media_type or _usual(kind))]
        if isinstance(block.get("url"), str):
            return [_addressed(made, block["url"])]
        if isinstance(block.get("file_id"), str):
            return [replace(made, id=block["file_id"])]
        return parts_of(block)

    return read


def _addressed(made: Media, url: str) -> Media:
    head, found, data = url.partition(";base64,")
    if found and head.startswith("data:"):
        return replace(made, data=data, media_type=head[5:])
    return replace(made, url=url)


def _base64(block: Block) -> str | None:
    """The bytes of a block: `base64` in v1, `data` in v0."""
    found = block.get("base64") or (block.get("data") if block.get("source_type") == "base64" else None)
    return found if isinstance(found, str) else None


def _usual(kind: str) -> str:
    if kind == "file":
        return "application/pdf"
    raise InvalidRequestError("An image in Base64 needs mime_type, such as image/png")


def _audio(block: Block) -> Sequence[Part]:
    """Sound, of which the unified layer has no part yet: in the form that all APIs with sound understand."""
    data = _base64(block)
    if data is None:
        raise InvalidRequestError("A block of audio needs its data in Base64")
    kind = (block.get("mime_type") or "audio/wav").rpartition("/")[2]
    return [Raw({"type": "input_audio", "input_audio": {"data": data, "format": _FORMATS.get(kind, kind)}})]


_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}
_KEPT = ("cache_control", "detail")  # fields of images and files that are meant for the provider
_WITHOUT = {  # providers that have no word for a kind of block
    "audio": ("anthropic", "groq"),
    "video": ("anthropic", "groq", "mistral", "openai"),
}
_READERS: Mapping[str, Callable[[Block], Sequence[Part]]] = {
    "text": _text,
    "text-plain": _plain_text,
    "reasoning": _reasoning,
    "image": _media("image"),
    "file": _media("file"),
    "audio": _audio,
    "non_standard": lambda block: parts_of(block.get("value")),
}
