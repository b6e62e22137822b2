"""The canonical requests and answers of the stream families, which scenarios refer to by name.

Rules of this file:
- The canonical text is `Hello é🙂 wörld`; a stream sends it in two deltas, `first` and `second`.
- Streams are named pieces in order: head, first, second, finish, done. `finish` closes every choice or
  block and gives the reason and the usage; `reason` is the reason alone; `done` is the terminal event.
- A family without a reason of its own has an empty `reason`: nothing can be inferred in it.
- This is a witness: nothing here is shared with the clients it judges.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

FamilyName = Literal["chat", "blocks", "response"]

TEXT = "Hello é🙂 wörld"
FIRST = "Hel"
SECOND = TEXT[len(FIRST) :]
KEY = "sk-canary-7c1f0b9e44d2"
SECRET_HEADER, SECRET_VALUE = "x-canary-token", "hdr-canary-3b9d51c7a0e8"
PROXY_PASSWORD = "pxy-canary-e2d40a6f91b5"  # noqa: S105 - it is there to be looked for
CANARIES = {"key": KEY, "secret header": SECRET_VALUE, "proxy password": PROXY_PASSWORD}
PIECES = ("head", "first", "second", "finish", "done")


@dataclass(frozen=True, slots=True)
class Family:
    """One stream family as a provider of it speaks: names, bodies and pieces of streams."""

    name: FamilyName
    provider: str
    base_path: str
    operations: Mapping[str, str]
    args: Mapping[str, Any]
    result: Mapping[str, Any]
    pieces: Mapping[str, str]

    def error_body(self, kind: str, message: str, code: str | None) -> dict[str, Any]:
        """An error body as this provider writes it."""
        if self.name == "blocks":
            return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_body"}
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def text_of(self, result: Any) -> str:
        """The text of a result or of what had arrived of it; "" where there is none."""
        if not isinstance(result, Mapping):
            return ""
        parts = _TEXTS[self.name](result)
        return "".join(part for part in parts if isinstance(part, str))


def _block_texts(result: Mapping[str, Any]) -> list[Any]:
    return [block.get("text") for block in result.get("content") or [] if isinstance(block, Mapping)]


def _choice_texts(result: Mapping[str, Any]) -> list[Any]:
    choices = [choice for choice in result.get("choices") or [] if isinstance(choice, Mapping)]
    return [(choice.get("message") or {}).get("content") for choice in choices]


def _item_texts(result: Mapping[str, Any]) -> list[Any]:
    items = [item for item in result.get("output") or [] if isinstance(item, Mapping)]
    return [part.get("text") for item in items for part in item.get("content") or []]


def data_event(value: Any, name: str | None = None) -> str:
    """One server-sent event with JSON data, and a name if it has one."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _chunk(delta: Mapping[str, Any] | None, reason: str | None = None, **extra: Any) -> str:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_800_000_000, "model": "m-1"}
    return data_event({**head, "choices": choices, **extra})


def _named(kind: str, **fields: Any) -> str:
    return data_event({"type": kind, **fields}, kind)


_CHAT_USAGE = {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}
_CHAT_REASON = _chunk({}, "stop")

CHAT = Family(
    name="chat",
    provider="openai",
    base_path="/v1",
    operations={"generate": "chat.completions.create", "list": "models.list", "get": "models.get"},
    args={"model": "m-1", "messages": [{"role": "user", "content": "Say hello"}]},
    result={
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_800_000_000,
        "model": "m-1",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"},
        ],
        "usage": _CHAT_USAGE,
    },
    pieces={
        "head": "",
        "first": _chunk({"role": "assistant", "content": FIRST}),
        "second": _chunk({"content": SECOND}),
        "reason": _CHAT_REASON,
        "finish": _CHAT_REASON + _chunk(None, usage=_CHAT_USAGE),
        "done": "data: [DONE]\n\n",
    },
)

_MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m-1",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 1},
}
_BLOCKS_REASON = _named(
    "message_delta",
    delta={"stop_reason": "end_turn", "stop_sequence": None},
    usage={"output_tokens": 4},
)


def _text_delta(text: str) -> str:
    return _named("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


BLOCKS = Family(
    name="blocks",
    provider="anthropic",
    base_path="",
    operations={"generate": "messages.create", "list": "models.list", "get": "models.get"},
    args={"model": "m-1", "max_tokens": 64, "messages": [{"role": "user", "content": "Say hello"}]},
    result={
        **_MESSAGE,
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "output_tokens": 4},
    },
    pieces={
        "head": _named("message_start", message=_MESSAGE)
        + _named("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        "first": _text_delta(FIRST),
        "second": _text_delta(SECOND),
        "reason": _BLOCKS_REASON,
        "finish": _named("content_block_stop", index=0) + _BLOCKS_REASON,
        "done": _named("message_stop"),
    },
)

_ITEM: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress"}
_TEXT_PART = {"type": "output_text", "text": TEXT, "annotations": []}
_RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_800_000_000,
    "model": "m-1",
    "status": "in_progress",
    "error": None,
    "output": [],
}
_WHOLE_ITEM = {**_ITEM, "status": "completed", "content": [_TEXT_PART]}
_WHOLE_RESPONSE = {
    **_RESPONSE,
    "status": "completed",
    "output": [_WHOLE_ITEM],
    "usage": {"input_tokens": 5, "output_tokens": 4, "total_tokens": 9},
}


def _output_text(word: str, **fields: Any) -> str:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return _named(f"response.{word}", **place, **fields)


RESPONSE = Family(
    name="response",
    provider="openai",
    base_path="/v1",
    operations={"generate": "responses.create", "list": "models.list", "get": "models.get"},
    args={"model": "m-1", "input": "Say hello"},
    result=_WHOLE_RESPONSE,
    pieces={
        "head": _named("response.created", response=_RESPONSE)
        + _named("response.output_item.added", output_index=0, item={**_ITEM, "content": []})
        + _output_text("content_part.added", part={**_TEXT_PART, "text": ""}),
        "first": _output_text("output_text.delta", delta=FIRST, obfuscation="x7"),
        "second": _output_text("output_text.delta", delta=SECOND, obfuscation="y"),
        "reason": "",
        "finish": _output_text("output_text.done", text=TEXT)
        + _output_text("content_part.done", part=_TEXT_PART)
        + _named("response.output_item.done", output_index=0, item=_WHOLE_ITEM),
        "done": _named("response.completed", response=_WHOLE_RESPONSE),
    },
)

_TEXTS = {"chat": _choice_texts, "blocks": _block_texts, "response": _item_texts}
FAMILIES: Mapping[FamilyName, Family] = {"chat": CHAT, "blocks": BLOCKS, "response": RESPONSE}
