"""Messages in the form of the GenAI conventions, for those who want content on their spans."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import names


def request_content(text: str) -> dict[str, str]:
    """Attributes of what was asked; `text` is a request body."""
    body = _object(text)
    attributes = {}
    if body.get("system") is not None:
        attributes[names.SYSTEM] = json.dumps(_parts(body["system"]))
    asked = body.get("messages", body.get("input"))
    if asked is not None:
        messages = asked if isinstance(asked, list) else [{"role": "user", "content": asked}]
        attributes[names.INPUT_MESSAGES] = json.dumps([_message(one) for one in messages])
    return attributes


def response_content(text: str) -> dict[str, str]:
    """Attributes of what was answered; `text` is a whole answer, or a stream's message."""
    body = _object(text)
    if isinstance(body.get("choices"), list):
        answered = [
            _message(choice.get("message") or {}) | {"finish_reason": choice.get("finish_reason")}
            for choice in body["choices"]
        ]
    elif "content" in body:
        answered = [_message(body) | {"finish_reason": body.get("stop_reason")}]
    elif isinstance(body.get("output"), list):
        answered = [_message(one) for one in body["output"]]
    else:
        return {}
    return {names.OUTPUT_MESSAGES: json.dumps(answered)}


def _message(message: Any) -> dict[str, Any]:
    if not isinstance(message, Mapping):
        return {"role": "user", "parts": _parts(message)}
    parts = _parts(message.get("content"))
    parts += [{"type": "tool_call", **call} for call in message.get("tool_calls") or []]
    return {"role": message.get("role", "assistant"), "parts": parts}


def _parts(content: Any) -> list[Any]:
    if content is None:
        return []
    if not isinstance(content, list):
        return [{"type": "text", "content": content}]
    return [_part(one) for one in content]


def _part(part: Any) -> Any:
    if isinstance(part, Mapping) and isinstance(part.get("text"), str):
        return {"type": "text", "content": part["text"]}
    return part


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    return value if isinstance(value, dict) else {}
