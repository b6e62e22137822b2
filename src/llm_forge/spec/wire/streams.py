"""The bytes of a stream of each family, whole and cut, and what they add up to.

Events of the known families are the ones that providers send; those of the family `events` are made from
the type of the event. Texts are short, so that a case can be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import ir
from .requests import as_json
from .samples import Sampler

_CREATED = 1767323045
_ENDS_BY_NAME = "event-name"
_ERROR_WORDS = ("error", "failed")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name ("" where the wire gives it none) and its JSON, None for `[DONE]`."""

    name: str
    data: Any


@dataclass(frozen=True, slots=True)
class Played:
    """A whole stream; `result` is what its events add up to, `completion` how it ends."""

    events: tuple[Event, ...]
    result: Any
    completion: str = "explicit"

    @property
    def count(self) -> int:
        """How many events carry JSON."""
        return sum(one.data is not None for one in self.events)


def play(api: ir.Api, operation: ir.Operation) -> Played | None:
    """The stream of an operation; None where its family is not known, or it has only error events."""
    stream = operation.stream
    if stream is None or stream.family is None:
        return None
    if stream.family == "events":
        return _typed_events(api, stream)
    return _FAMILIES[stream.family](api, stream)


def wire_bytes(stream: ir.Stream, event: Event) -> bytes:
    """An event as the body has it: a server-sent event, or a line of JSON."""
    data = "[DONE]" if event.data is None else as_json(event.data)
    if stream.ndjson:
        return f"{data}\n".encode()
    name = f"event: {event.name}\n" if event.name else ""
    return f"{name}data: {data}\n\n".encode()


# chat-completion


def _chat(api: ir.Api, stream: ir.Stream) -> Played:
    """Chunks of a chat, or of a plain completion where choices have no delta."""
    spoken = _choice_fields(api, stream)
    chat = "delta" in spoken or "text" not in spoken
    kind = "chat.completion" if chat else "text_completion"
    head = {"id": "wire-1", "object": kind, "created": _CREATED, "model": "wire-model"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    chunk_head = {**head, "object": f"{kind}.chunk" if chat else kind}
    said: list[dict[str, Any]] = (
        [{"delta": {"role": "assistant", "content": "Hel"}}, {"delta": {"content": "lo"}}, {"delta": {}}]
        if chat
        else [{"text": "Hel"}, {"text": "lo"}, {"text": ""}]
    )
    reasons = (None, None, "stop")
    chunks: list[dict[str, Any]] = [
        {**chunk_head, "choices": [{"index": 0, **one, "finish_reason": reason}]}
        for one, reason in zip(said, reasons, strict=True)
    ]
    chunks[-1]["usage"] = usage
    whole = {"message": {"role": "assistant", "content": "Hello"}} if chat else {"text": "Hello"}
    result = {**head, "choices": [{"index": 0, **whole, "finish_reason": "stop"}], "usage": usage}
    return Played((*(Event("", chunk) for chunk in chunks), Event("", None)), result)


def _choice_fields(api: ir.Api, stream: ir.Stream) -> frozenset[str]:
    choices = _fields(api, stream.event).get("choices", ir.AnyType())
    flat = _present(api, choices)
    return frozenset(_fields(api, flat.item)) if isinstance(flat, ir.ListType) else frozenset()


# block-event


def _blocks(api: ir.Api, stream: ir.Stream) -> Played:
    del api, stream
    message: dict[str, Any] = {
        "id": "wire-1",
        "type": "message",
        "role": "assistant",
        "model": "wire-model",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 1},
    }
    deltas = [{"type": "text_delta", "text": text} for text in ("Hel", "lo")]
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    typed: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    result = {
        **message,
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    return Played(_named(typed), result)


# response


def _response(api: ir.Api, stream: ir.Stream) -> Played:
    del api, stream
    head = {"id": "wire-1", "object": "response", "created_at": _CREATED, "model": "wire-model"}
    part = {"type": "output_text", "text": "Hello", "annotations": []}
    item = {"id": "item-1", "type": "message", "role": "assistant"}
    whole = {**item, "status": "completed", "content": [part]}
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    result = {**head, "status": "completed", "output": [whole], "usage": usage}
    place = {"item_id": "item-1", "output_index": 0, "content_index": 0}
    open_part = {**part, "text": ""}
    open_item = {**item, "status": "in_progress", "content": []}
    begun = {**head, "status": "in_progress", "output": []}
    typed: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": open_item},
        {"type": "response.content_part.added", **place, "part": open_part},
        {"type": "response.output_text.delta", **place, "delta": "Hel", "logprobs": []},
        {"type": "response.output_text.delta", **place, "delta": "lo", "logprobs": []},
        {"type": "response.output_text.done", **place, "text": "Hello", "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": whole},
        {"type": "response.completed", "response": result},
    ]
    return Played(_named([{**one, "sequence_number": at} for at, one in enumerate(typed)]), result)


# conversation


def _conversation(api: ir.Api, stream: ir.Stream) -> Played:
    del api, stream
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    entry = {"id": "entry-1", "model": "wire-model", "role": "assistant"}
    place = {"output_index": 0, "content_index": 0, **entry}
    typed: list[dict[str, Any]] = [
        {"type": "conversation.response.started", "conversation_id": "wire-1"},
        {"type": "message.output.delta", **place, "content": "Hel"},
        {"type": "message.output.delta", **place, "content": "lo"},
        {"type": "conversation.response.done", "usage": usage},
    ]
    output = {"object": "entry", "type": "message.output", **entry, "content": "Hello"}
    result = {
        "object": "conversation.response",
        "conversation_id": "wire-1",
        "outputs": [output],
        "usage": usage,
    }
    return Played(_named(typed), result)


# events


def _typed_events(api: ir.Api, stream: ir.Stream) -> Played | None:
    """Two events of a type that ends nothing, then one that ends the stream, where one does."""
    variants = list(_variants(api, stream.event))
    plain = next((one for tag, one in variants if not _ends(stream, tag) and not _is_error(one)), None)
    if plain is None:
        return None
    inner = Event("", _marked(plain, stream, terminal=False))
    if not stream.terminal:
        return Played((inner, inner), [inner.data, inner.data], "inferred")
    last = next((one for tag, one in variants if _ends(stream, tag)), plain)
    by_name = stream.type_field == _ENDS_BY_NAME
    end = Event(stream.terminal[0] if by_name else "", _marked(last, stream, terminal=True))
    return Played((inner, inner, end), [inner.data, inner.data, end.data])


def _ends(stream: ir.Stream, tag: str) -> bool:
    return tag in stream.terminal


def _is_error(value: Any) -> bool:
    """Whether clients would take the event for a report of an error (R-148)."""
    if not isinstance(value, dict):
        return isinstance(value, str)
    kind = str(value.get("type", ""))
    return bool(value.get("error")) or value.get("object") == "error" or kind.endswith(_ERROR_WORDS)


def _variants(api: ir.Api, event: ir.Type) -> Iterator[tuple[str, Any]]:
    """A value of each type that an event may have, and the tag that it shows."""
    flat = _present(api, event)
    if isinstance(flat, ir.TaggedUnion):
        for tag, member in flat.members:
            value = _sample(api, member)
            yield tag, {**value, flat.tag: tag} if isinstance(value, dict) else value
    elif isinstance(flat, ir.Union):
        for member in flat.members:
            yield from _variants(api, member)
    else:
        value = _sample(api, flat)
        yield str(value.get("type", "")) if isinstance(value, dict) else "", value


def _sample(api: ir.Api, found: ir.Type) -> Any:
    """The required fields of an event. One without any gets a field, so that it is not taken for a ping."""
    made = Sampler(api, writing=False).value(found)
    return made if made != {} else {"id": "wire-1"}


def _marked(value: Any, stream: ir.Stream, *, terminal: bool) -> Any:
    """The event with a `type_field` that ends the stream, or does not."""
    if not isinstance(value, dict) or not stream.terminal or stream.type_field == _ENDS_BY_NAME:
        return value
    told = stream.terminal[0]
    if told in ("true", "false"):
        return {**value, stream.type_field: json.loads(told) is terminal}
    if terminal:
        return {**value, stream.type_field: told}
    known = value.get(stream.type_field)
    return value if known and known not in stream.terminal else {**value, stream.type_field: "wire.piece"}


# types


def _fields(api: ir.Api, found: ir.Type) -> Mapping[str, ir.Type]:
    flat = _present(api, found)
    return {one.name: one.type for one in flat.properties} if isinstance(flat, ir.ObjectType) else {}


def _present(api: ir.Api, found: ir.Type) -> ir.Type:
    flat = api.resolve(found)
    return api.resolve(flat.inner) if isinstance(flat, ir.Nullable) else flat


def _named(typed: list[dict[str, Any]]) -> tuple[Event, ...]:
    return tuple(Event(one["type"], one) for one in typed)


_FAMILIES: Mapping[str, Callable[[ir.Api, ir.Stream], Played]] = {
    "chat-completion": _chat,
    "block-event": _blocks,
    "response": _response,
    "conversation": _conversation,
}
