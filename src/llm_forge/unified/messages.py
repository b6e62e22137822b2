"""A conversation as users write it: texts, dicts of any provider's form, or what these functions make.

Rules of this file:
- A text is a user's message. A reply of ours is the assistant's message, thoughts and tool calls included.
- Dicts may have the form of OpenAI's or of Anthropic's API, whatever provider they are sent to. Parts of
  an unknown type, and unknown fields, are sent as they are (R-014).
- Nothing is fetched: a URL is handed to the provider (R-243).
"""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from ..core.codec import JsonError, decode
from ..core.errors import ConfigError, InvalidRequestError
from ..core.views import View
from .parts import Media, Message, Part, Raw, Role, Text, Thinking, ToolCall, ToolResult
from .reply import Reply

Content: TypeAlias = "str | Part | Mapping[str, Any] | Sequence[str | Part | Mapping[str, Any]]"
Turn: TypeAlias = "str | Message | Reply | Mapping[str, Any] | View"
Prompt: TypeAlias = "Turn | Sequence[Turn]"


def system(content: Content) -> Message:
    """Instructions."""
    return Message("system", parts_of(content))


def user(*content: Content) -> Message:
    """What the user says: texts, images and files in their order."""
    return Message("user", tuple(part for one in content for part in parts_of(one)))


def assistant(content: Content = (), *, tool_calls: Sequence[ToolCall] = ()) -> Message:
    """What a model said."""
    return Message("assistant", (*parts_of(content), *tool_calls))


def tool(call: ToolCall | str, result: Any, *, is_error: bool = False) -> Message:
    """What a tool gave for a call, or for the call with that id; anything but text and parts becomes JSON."""
    call_id, name = (call.id, call.name) if isinstance(call, ToolCall) else (call, None)
    parts = parts_of(result) if _is_content(result) else (Text(json.dumps(result, ensure_ascii=False)),)
    return Message("tool", (ToolResult(call_id, parts, is_error, name),))


def image(source: str | bytes | PathLike[str], *, media_type: str | None = None) -> Media:
    """An image: a URL, a file's path, or its bytes with their `media_type`."""
    return _media("image", source, media_type, None)


def file(
    source: str | bytes | PathLike[str], *, media_type: str | None = None, name: str | None = None
) -> Media:
    """A file such as a PDF: a URL, a path, or its bytes; bytes without `media_type` are a PDF."""
    return _media("file", source, media_type, name)


def uploaded(file_id: str, *, kind: Literal["image", "file"] = "file") -> Media:
    """A file uploaded before, by its id."""
    return Media(kind, id=file_id)


def messages_of(prompt: Prompt) -> tuple[Message, ...]:
    """The messages of a prompt; InvalidRequestError says which one is none."""
    turns = [prompt] if isinstance(prompt, (str, Message, Reply, Mapping, View)) else prompt
    if not isinstance(turns, (list, Sequence)):
        raise InvalidRequestError(f"A prompt is text or a list of messages, not {type(turns).__name__}")
    made = tuple(_message(turn, at) for at, turn in enumerate(turns))
    if not made:
        raise InvalidRequestError("The prompt has no message")
    return made


def parts_of(content: Content | None) -> tuple[Part, ...]:
    """The parts of a message's content."""
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    if isinstance(content, Sequence) and not isinstance(content, str):
        return tuple(_part(one) for one in content)
    return (_part(content),)


def _is_content(value: Any) -> bool:
    """Whether a tool's result is content already; of mappings and lists only where parts are meant."""
    if isinstance(value, (str, *get_args(Part))):
        return True
    return (
        isinstance(value, Sequence) and bool(value) and all(isinstance(one, get_args(Part)) for one in value)
    )


def _media(
    kind: Literal["image", "file"],
    source: str | bytes | PathLike[str],
    media_type: str | None,
    name: str | None,
) -> Media:
    if isinstance(source, str) and source.startswith(("http://", "https://", "data:")):
        return replace(_from_url(kind, source), name=name)
    if not isinstance(source, bytes):
        path = Path(source)
        media_type, name = media_type or mimetypes.guess_type(path.name)[0], name or path.name
        try:
            source = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if media_type is None and kind == "image":
        raise InvalidRequestError("An image needs media_type, such as image/png")
    return Media(
        kind, data=base64.b64encode(source).decode(), media_type=media_type or "application/pdf", name=name
    )


def _from_url(kind: Literal["image", "file"], url: str, extra: Mapping[str, Any] | None = None) -> Media:
    if url.startswith("data:") and ";base64," in url:
        head, _, data = url.partition(",")
        return Media(kind, data=data, media_type=head[5:].partition(";")[0], extra=extra or {})
    return Media(kind, url=url, extra=extra or {})


def _message(turn: Any, at: int) -> Message:
    if isinstance(turn, Message):
        return turn
    if isinstance(turn, Reply):
        return turn.message
    if isinstance(turn, str):
        return user(turn)
    if isinstance(turn, View):
        turn = turn.to_dict()
    if not isinstance(turn, Mapping) or not isinstance(turn.get("role"), str):
        raise InvalidRequestError(f"Message {at} of the prompt has no role: give text, a dict or a message")
    return _from_dict(turn)


_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "tool": "tool",
    "function": "tool",
}


def _from_dict(turn: Mapping[str, Any]) -> Message:
    role = _ROLES.get(turn["role"])
    if role is None:
        raise InvalidRequestError(f"Unknown role; the roles are {', '.join(sorted(_ROLES))}")
    extra = {name: value for name, value in turn.items() if name not in ("role", "content", "tool_calls")}
    parts = parts_of(turn.get("content"))
    if role == "tool":
        call_id, name = extra.pop("tool_call_id", ""), extra.pop("name", None)
        return Message("tool", (ToolResult(call_id, parts, bool(extra.pop("is_error", False)), name, extra),))
    calls = tuple(tool_call_of(call) for call in turn.get("tool_calls") or ())
    return Message(role, (*parts, *calls), extra)


def tool_call_of(call: Any) -> ToolCall:
    """A tool call in the form of chat completions."""
    if isinstance(call, ToolCall):
        return call
    call = call.to_dict() if isinstance(call, View) else call
    function = call.get("function") or {}
    return called(call.get("id") or "", function.get("name") or "", function.get("arguments"))


def called(call_id: str, name: str, arguments: Any) -> ToolCall:
    """A tool call whose arguments are JSON text, or decoded already."""
    if not isinstance(arguments, str):
        value = {} if arguments is None else arguments
        return ToolCall(call_id, name, value, json.dumps(value, ensure_ascii=False))
    text = arguments.strip() or "{}"
    try:
        return ToolCall(call_id, name, decode(text.encode()), text)
    except (JsonError, UnicodeEncodeError):
        return ToolCall(call_id, name, {}, text, valid=False)


def _part(value: Any) -> Part:
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, View):
        value = value.to_dict()
    if not isinstance(value, Mapping):
        if isinstance(value, get_args(Part)):
            known: Part = value
            return known
        raise InvalidRequestError(f"Part of a message is {type(value).__name__}; give text, a dict or a part")
    kind = value.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    return (reader(value) if reader is not None else None) or Raw(dict(value))


def _rest(value: Mapping[str, Any], *known: str) -> dict[str, Any]:
    return {name: entry for name, entry in value.items() if name not in ("type", *known)}


def _image_url(value: Mapping[str, Any]) -> Part | None:
    found = value.get("image_url")
    url = found.get("url") if isinstance(found, Mapping) else found
    detail = _rest(found, "url") if isinstance(found, Mapping) else {}
    return _from_url("image", url, {**_rest(value, "image_url"), **detail}) if isinstance(url, str) else None


def _sourced(kind: Literal["image", "file"]) -> Callable[[Mapping[str, Any]], Part | None]:
    def read(value: Mapping[str, Any]) -> Part | None:
        source, extra = value.get("source") or {}, _rest(value, "source", "title")
        facts: dict[str, Any] = {"name": value.get("title"), "extra": extra}
        match source.get("type"):
            case "base64":
                return Media(kind, data=source["data"], media_type=source["media_type"], **facts)
            case "url":
                return Media(kind, url=source["url"], **facts)
            case "file":
                return Media(kind, id=source["file_id"], **facts)
        return None

    return read


def _file(value: Mapping[str, Any]) -> Part | None:
    inner = value.get("file") if isinstance(value.get("file"), Mapping) else value
    assert isinstance(inner, Mapping)  # noqa: S101 - one of two mappings
    name = inner.get("filename")
    if data := inner.get("file_data"):
        return replace(_from_url("file", data), name=name)
    return Media("file", id=inner["file_id"], name=name) if inner.get("file_id") else None


def _thought(value: Mapping[str, Any]) -> Part:
    return Thinking(thought_text(value), dict(value))


def thought_text(value: Mapping[str, Any]) -> str:
    """The text of a thinking part: one text, or a list of texts and references."""
    thought = value.get("thinking")
    if isinstance(thought, str):
        return thought
    return "".join(str(one.get("text", "")) for one in thought or () if isinstance(one, Mapping))


def _result(value: Mapping[str, Any]) -> Part:
    extra = _rest(value, "tool_use_id", "content", "is_error")
    return ToolResult(
        value.get("tool_use_id", ""),
        parts_of(value.get("content") or ()),
        bool(value.get("is_error")),
        None,
        extra,
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Part | None]] = {
    "text": lambda value: (
        Text(value["text"], _rest(value, "text")) if isinstance(value.get("text"), str) else None
    ),
    "image_url": _image_url,
    "image": _sourced("image"),
    "document": _sourced("file"),
    "file": _file,
    "document_url": lambda value: replace(
        _from_url("file", value["document_url"]), name=value.get("document_name")
    ),
    "thinking": _thought,
    "redacted_thinking": lambda value: Thinking("", dict(value)),
    "tool_use": lambda value: called(value.get("id", ""), value.get("name", ""), value.get("input")),
    "tool_result": _result,
}


def all_text(parts: Iterable[Part]) -> bool:
    """Whether parts are plain text, without fields of their own."""
    return all(isinstance(part, Text) and not part.extra for part in parts)
