"""What a recorded stream says, recomputed plainly and apart from the library's own decoder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Heard:
    """Everything the events of a stream carry."""

    text: dict[int, str] = field(default_factory=dict)
    thinking: str = ""
    tools: dict[tuple[int, int], str] = field(default_factory=dict)
    usage: dict[str, Any] = field(default_factory=dict)
    ended: bool = False
    error: dict[str, Any] | None = None
    chunks: int = 0


def events(body: bytes) -> list[tuple[str, str]]:
    """Complete events of a body with LF or CRLF line ends: (name, data)."""
    found = []
    text = body.decode("utf-8", "replace").replace("\r\n", "\n")
    for block in text.split("\n\n")[:-1]:
        name, data = "message", []
        for line in block.split("\n"):
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if key == "event":
                name = value
            elif key == "data":
                data.append(value)
        if data:
            found.append((name, "\n".join(data)))
    return found


def hear_blocks(body: bytes) -> Heard:
    heard = Heard()
    for _, data in events(body):
        event = json.loads(data)
        heard.chunks += 1
        match event.get("type"):
            case "message_start":
                heard.usage.update(event["message"].get("usage") or {})
            case "content_block_start":
                block = event["content_block"]
                if block["type"] == "text":
                    heard.text[event["index"]] = block.get("text", "")
                heard.thinking += block.get("thinking", "")
                if block["type"].endswith("tool_use"):
                    whole = json.dumps(block["input"]) if block.get("input") else ""
                    heard.tools[0, event["index"]] = whole
            case "content_block_delta":
                _hear_delta(heard, event["index"], event["delta"])
            case "message_delta":
                usage = event.get("usage") or {}
                heard.usage.update({k: v for k, v in usage.items() if v is not None})
            case "message_stop":
                heard.ended = True
                break
            case "error":
                heard.error = event["error"]
                break
    return heard


def _hear_delta(heard: Heard, index: int, delta: dict[str, Any]) -> None:
    if delta["type"] == "text_delta":
        heard.text[index] = heard.text.get(index, "") + delta["text"]
    elif delta["type"] == "thinking_delta":
        heard.thinking += delta["thinking"]
    elif delta["type"] == "input_json_delta":
        heard.tools[0, index] = heard.tools.get((0, index), "") + delta["partial_json"]


def hear_chat(body: bytes) -> Heard:
    heard = Heard()
    for name, data in events(body):
        if data.strip() == "[DONE]":
            heard.ended = True
            break
        chunk = json.loads(data)
        heard.chunks += 1
        if name == "error" or chunk.get("error"):
            heard.error = chunk["error"]
            break
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
        heard.usage = usage or heard.usage
        for position, choice in enumerate(chunk.get("choices") or []):
            _hear_choice(heard, choice.get("index", position), choice.get("delta") or {})
    return heard


def _hear_choice(heard: Heard, index: int, delta: dict[str, Any]) -> None:
    content = delta.get("content")
    if isinstance(content, str):
        heard.text[index] = heard.text.get(index, "") + content
    for part in content if isinstance(content, list) else []:
        if part.get("type") == "text":
            heard.text[index] = heard.text.get(index, "") + part["text"]
        elif part.get("type") == "thinking":
            heard.thinking += "".join(piece.get("text", "") for piece in part["thinking"])
    heard.thinking += delta.get("reasoning") or delta.get("reasoning_content") or ""
    for position, call in enumerate(delta.get("tool_calls") or []):
        key = (index, call.get("index", position))
        arguments = (call.get("function") or {}).get("arguments") or ""
        heard.tools[key] = heard.tools.get(key, "") + arguments
