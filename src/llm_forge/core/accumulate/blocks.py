"""The block-event family: named events, blocks by index, ended by `message_stop` (R-170 to R-178).

Decisions the rules leave open:
- A second `content_block_start` for an index is StreamProtocolError: taking it would lose a block.
- A delta that comes after its block's stop is still added; a second stop changes nothing.
- Null in `message_delta` never replaces a value.
- An unfinished tool block in `partial()` shows its input as far as the bytes go, and the raw text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ..codec import JsonError, decode
from ..errors import StreamProtocolError
from .delta import Pieces, settled
from .partial_json import parse_partial

_TERMINAL = "message_stop"
_TEXT_FIELDS = {"text_delta": "text", "thinking_delta": "thinking"}
_CONTENT_FIELDS = ("text", "thinking", "partial_json", "citation", "content")


class _Block:
    """One content block, growing."""

    __slots__ = ("closed", "fields", "raw")

    def __init__(self, start: dict[str, Any]) -> None:
        self.fields = {name: list(part) if type(part) is list else part for name, part in start.items()}
        self.raw: Pieces | None = None  # the pieces of partial JSON, if any came
        self.closed = False

    def add(self, delta: dict[str, Any]) -> None:
        kind = delta.get("type")
        field = _TEXT_FIELDS.get(kind) if isinstance(kind, str) else None
        if field is not None and isinstance(delta.get(field), str):
            self._append(field, delta[field])
        elif kind == "input_json_delta" and isinstance(delta.get("partial_json"), str):
            if self.raw is None:
                self.raw = Pieces()
            self.raw.append(delta["partial_json"])
        elif kind == "signature_delta":
            self.fields["signature"] = delta.get("signature") or self.fields.get("signature")
        elif kind == "citations_delta" and "citation" in delta:
            self._listed("citations", delta["citation"])
        elif kind == "compaction_delta":
            self.fields.update({name: value for name, value in delta.items() if name != "type"})
        else:
            self._listed("extra", delta)

    def _append(self, field: str, text: str) -> None:
        pieces = self.fields.get(field)
        if type(pieces) is not Pieces:
            pieces = self.fields[field] = Pieces((pieces,) if isinstance(pieces, str) else ())
        pieces.append(text)

    def _listed(self, field: str, entry: Any) -> None:
        old = self.fields.get(field)
        if type(old) is list:
            old.append(entry)
        else:
            self.fields[field] = [entry]

    def finished(self) -> dict[str, Any]:
        """The block as the unary response has it."""
        block: dict[str, Any] = settled(self.fields)
        raw = self.raw.text() if self.raw is not None else ""
        if raw.strip():
            block.update(_parsed_input(raw))
        elif self.raw is not None:
            block.setdefault("input", {})
        return block

    def unfinished(self) -> dict[str, Any]:
        """The block so far, marked as not complete."""
        block: dict[str, Any] = settled(self.fields)
        raw = self.raw.text() if self.raw is not None else ""
        if raw:
            value = parse_partial(raw)
            block["input"] = {} if value is None else value
            block["input_raw"] = raw
        block["complete"] = False
        return block


def _parsed_input(raw: str) -> dict[str, Any]:
    try:
        return {"input": decode(raw.encode())}
    except (JsonError, UnicodeEncodeError):
        return {"input": {}, "input_valid": False, "input_raw": raw}


class BlockAccumulator:
    """Accumulates one block-event stream."""

    def __init__(self) -> None:
        self.terminal = False
        self._message: dict[str, Any] | None = None
        self._usage: dict[str, Any] = {}
        self._blocks: dict[int, _Block] = {}
        self._steps: dict[str, Callable[[dict[str, Any]], None]] = {
            "message_start": self._start_message,
            "content_block_start": self._start_block,
            "content_block_delta": self._delta_block,
            "content_block_stop": self._stop_block,
            "message_delta": self._delta_message,
            _TERMINAL: self._stop_message,
        }

    def is_sentinel(self, _data: str, /) -> bool:
        """This family has no sentinel."""
        return False

    def is_terminal(self, name: str, data: str, /) -> bool:
        """Whether the raw event is a complete `message_stop`."""
        if _TERMINAL not in data:
            return False
        try:
            event = decode(data.encode())
        except (JsonError, UnicodeEncodeError):
            return False
        return isinstance(event, dict) and event.get("type", name) == _TERMINAL

    def add(self, name: str, data: Any, /) -> None:
        """Add one event; pings and unknown events change nothing."""
        if self.terminal or data is None:
            return
        if not isinstance(data, dict):
            raise StreamProtocolError("an event of the stream is not an object")
        kind = data.get("type") or name
        step = self._steps.get(kind) if isinstance(kind, str) else None
        if step is not None:
            step(data)

    def _start_message(self, data: dict[str, Any]) -> None:
        if self._message is not None:
            raise StreamProtocolError("a second message_start in one stream")
        message = data.get("message")
        if not isinstance(message, dict):
            raise StreamProtocolError("a message_start without a message")
        self._message = dict(message)
        usage = message.get("usage")
        self._usage = dict(usage) if isinstance(usage, dict) else {}

    def _open(self, kind: str) -> dict[str, Any]:
        if self._message is None:
            raise StreamProtocolError(f"{kind} before message_start")
        return self._message

    def _start_block(self, data: dict[str, Any]) -> None:
        self._open("content_block_start")
        index, start = data.get("index"), data.get("content_block")
        if type(index) is not int or not isinstance(start, dict):
            raise StreamProtocolError("a content_block_start without index or block")
        if index in self._blocks:
            raise StreamProtocolError(f"a second content_block_start for index {index}")
        self._blocks[index] = _Block(start)

    def _block(self, data: dict[str, Any], kind: str) -> _Block:
        self._open(kind)
        index = data.get("index")
        block = self._blocks.get(index) if type(index) is int else None
        if block is None:
            raise StreamProtocolError(f"{kind} for index {index}, which was not started")
        return block

    def _delta_block(self, data: dict[str, Any]) -> None:
        block = self._block(data, "content_block_delta")
        delta = data.get("delta")
        if isinstance(delta, dict):
            block.add(delta)

    def _stop_block(self, data: dict[str, Any]) -> None:
        self._block(data, "content_block_stop").closed = True

    def _delta_message(self, data: dict[str, Any]) -> None:
        message = self._open("message_delta")
        usage, delta = data.get("usage"), data.get("delta")
        if isinstance(usage, dict):
            _replace(self._usage, usage)
        if isinstance(delta, dict):
            _replace(message, delta)
        _replace(message, {k: v for k, v in data.items() if k not in {"type", "usage", "delta"}})

    def _stop_message(self, _data: dict[str, Any]) -> None:
        self._open(_TERMINAL)
        self.terminal = True

    def ending(self) -> Literal["explicit", "inferred"] | None:
        """The verdict for a body that ends cleanly here (R-176)."""
        if self.terminal:
            return "explicit"
        reason = self._message.get("stop_reason") if self._message else None
        closed = all(block.closed for block in self._blocks.values())
        return "inferred" if reason and closed else None

    def result(self) -> dict[str, Any]:
        """The message object."""
        return self._shown(final=True)

    def partial(self) -> dict[str, Any]:
        """The message object so far, {} before it started."""
        return self._shown(final=False)

    def _shown(self, *, final: bool) -> dict[str, Any]:
        if self._message is None:
            return {}
        message: dict[str, Any] = settled(self._message)
        message["content"] = self._content(message.get("content"), final=final)
        if self._usage:
            message["usage"] = settled(self._usage)
        return message

    def _content(self, given: Any, *, final: bool) -> list[Any]:
        """The blocks by index, over what `message_start` brought, which is normally nothing."""
        parts: dict[int, Any] = dict(enumerate(given)) if isinstance(given, list) else {}
        for index, block in self._blocks.items():
            parts[index] = block.finished() if final or block.closed else block.unfinished()
        return [parts[index] for index in sorted(parts)]

    def usage(self) -> Any:
        """The tokens used, as far as the stream has told."""
        return self._usage

    def text_of(self, _name: str, data: Any, /) -> str:
        """The text that this event adds to a text block."""
        if not isinstance(data, dict):
            return ""
        part = data.get("delta") if "delta" in data else data.get("content_block")
        if not isinstance(part, dict) or part.get("type") not in ("text", "text_delta"):
            return ""
        text = part.get("text")
        return text if isinstance(text, str) else ""

    def is_content(self, data: Any, /) -> bool:
        """Whether this event brings text, thinking, tool input or a block that arrives complete."""
        if not isinstance(data, dict):
            return False
        delta, block = data.get("delta"), data.get("content_block")
        if isinstance(delta, dict) and data.get("type") == "content_block_delta":
            return any(delta.get(field) for field in _CONTENT_FIELDS)
        if isinstance(block, dict):
            return block.get("type") not in ("text", "thinking") or bool(block.get("text"))
        return False

    def tool_input(self, index: int, /) -> Any:
        """The input so far of the tool block at this index."""
        block = self._blocks.get(index)
        if block is None:
            return None
        return settled(block.fields.get("input")) if block.raw is None else parse_partial(block.raw.text())


def _replace(target: dict[str, Any], fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if value is not None or name not in target:
            target[name] = value
