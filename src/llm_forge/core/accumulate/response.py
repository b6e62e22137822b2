"""The response family: typed events that build one Response, ended by `response.completed` or
`response.incomplete`, which bring the whole of it (R-160 to R-169 in this family's words).

Decisions the rules leave open:
- The terminal event's response is the result; its output is ours only where it brings none.
- `response.failed` is an error event (R-148) and no end of this accumulator's.
- Nothing is inferred: no event but the terminal one says that no further item follows (R-144).
- Items and parts that were never announced are begun by their first delta, so that no text is lost.
- A `done` event replaces what its deltas gave; unknown deltas are kept in the item's `extra` (R-141).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from ..codec import JsonError, decode
from ..errors import StreamProtocolError
from .delta import Pieces, settled
from .partial_json import parse_partial
from .tool_call import is_json

TERMINAL = frozenset({"response.completed", "response.incomplete"})
_STATUSES = frozenset({"in_progress", "searching", "interpreting", "generating", "completed", "failed"})
_TOOL_FIELDS = ("arguments", "input", "code")


class _Text(NamedTuple):
    """Where the text of an event grows: a field of the item, or of a part in one of its lists."""

    field: str
    parts: str | None = None
    part_type: str = ""


_TEXTS: Mapping[str, _Text] = {
    "response.output_text": _Text("text", "content", "output_text"),
    "response.refusal": _Text("refusal", "content", "refusal"),
    "response.reasoning_text": _Text("text", "content", "reasoning_text"),
    "response.reasoning_summary_text": _Text("text", "summary", "summary_text"),
    "response.function_call_arguments": _Text("arguments"),
    "response.mcp_call_arguments": _Text("arguments"),
    "response.custom_tool_call_input": _Text("input"),
    "response.code_interpreter_call_code": _Text("code"),
}
_DELTAS = {f"{stem}.delta": text for stem, text in _TEXTS.items()}
_DONE = {f"{stem}.done": text for stem, text in _TEXTS.items()}
_PARTS = {"response.content_part": "content", "response.reasoning_summary_part": "summary"}


class _Item:
    """One output item, growing; `parts` are the entries of its lists by index."""

    __slots__ = ("done", "fields", "parts")

    def __init__(self, start: dict[str, Any]) -> None:
        self.fields = dict(start)
        self.parts: dict[str, dict[int, dict[str, Any]]] = {}
        self.done = False

    def finish(self, whole: dict[str, Any]) -> None:
        """Take the whole item, which replaces what its deltas gave."""
        self.fields, self.parts, self.done = dict(whole), {}, True

    def part(self, name: str, data: dict[str, Any], part_type: str) -> dict[str, Any]:
        """The part that an event is about, begun if need be."""
        parts = self._listed(name)
        index = _index(data, f"{name}_index")
        found = parts.get(index)
        if found is None:
            found = parts[index] = {"type": part_type}
        return found

    def put_part(self, name: str, data: dict[str, Any]) -> None:
        """Take a part as an event gives it."""
        part = data.get("part")
        if isinstance(part, dict):
            self._listed(name)[_index(data, f"{name}_index")] = dict(part)

    def _listed(self, name: str) -> dict[int, dict[str, Any]]:
        parts = self.parts.get(name)
        if parts is None:
            given = self.fields.get(name)
            entries = enumerate(given) if isinstance(given, list) else ()
            parts = self.parts[name] = {at: dict(one) for at, one in entries if isinstance(one, dict)}
        return parts

    def shown(self, *, final: bool) -> dict[str, Any]:
        """The item as the unary form has it, marked where it is not complete (R-146)."""
        shown: dict[str, Any] = settled(self.fields)
        for name, parts in self.parts.items():
            shown[name] = [settled(parts[index]) for index in sorted(parts)]
        if not (final or self.done):
            shown["complete"] = False
        return shown


def _index(data: dict[str, Any], name: str) -> int:
    index = data.get(name)
    return index if type(index) is int else 0


def _append(target: dict[str, Any], field: str, text: str) -> None:
    pieces = target.get(field)
    if type(pieces) is not Pieces:
        pieces = target[field] = Pieces((pieces,) if isinstance(pieces, str) and pieces else ())
    pieces.append(text)


def _listed(target: dict[str, Any], field: str, entries: list[Any]) -> None:
    old = target.get(field)
    target[field] = [*old, *entries] if isinstance(old, list) else list(entries)


class ResponseAccumulator:
    """Accumulates one stream of the response family."""

    def __init__(self) -> None:
        self.terminal = False
        self._response: dict[str, Any] = {}
        self._items: dict[int, _Item] = {}
        self._steps: dict[str, Callable[[str, dict[str, Any]], None]] = {
            "response.output_item.added": self._begin_item,
            "response.output_item.done": self._end_item,
            "response.output_text.annotation.added": self._annotate,
            **dict.fromkeys(_DONE, self._set_text),
            **{f"{stem}.{word}": self._put_part for stem in _PARTS for word in ("added", "done")},
        }

    def is_sentinel(self, _data: str, /) -> bool:
        """This family has no sentinel."""
        return False

    def is_terminal(self, name: str, data: str, /) -> bool:
        """Whether the raw event is complete and ends the stream."""
        if name not in TERMINAL and not any(kind in data for kind in TERMINAL):
            return False
        try:
            event = decode(data.encode())
        except (JsonError, UnicodeEncodeError):
            return False
        return isinstance(event, dict) and event.get("type", name) in TERMINAL

    def add(self, name: str, data: Any, /) -> None:
        """Add one event; keep-alives and unknown events change nothing."""
        if self.terminal or data is None:
            return
        if not isinstance(data, dict):
            raise StreamProtocolError("an event of the stream is not an object")
        kind = data.get("type") or name
        if not isinstance(kind, str):
            return
        text = _DELTAS.get(kind)
        if text is not None:
            self._grow_text(text, data)
        elif kind in self._steps:
            self._steps[kind](kind, data)
        else:
            self._add_other(kind, data)

    def _add_other(self, kind: str, data: dict[str, Any]) -> None:
        if isinstance(data.get("response"), dict):
            self._response = data["response"]
            self.terminal = kind in TERMINAL
            return
        known = self._known(data)
        if known is None:
            return
        stem, _, word = kind.removeprefix("response.").rpartition(".")
        if word == "delta":
            _listed(known.fields, "extra", [data])
        elif word in _STATUSES and stem == known.fields.get("type"):
            known.fields["status"] = word

    # -- items -------------------------------------------------------------------------------------

    def _known(self, data: dict[str, Any]) -> _Item | None:
        index = data.get("output_index")
        if type(index) is int:
            return self._items.get(index)
        wanted = data.get("item_id")
        same = (one for one in self._items.values() if one.fields.get("id") == wanted)
        return next(same, None) if wanted is not None else None

    def _item(self, data: dict[str, Any]) -> _Item:
        known = self._known(data)
        if known is None:
            item_id = data.get("item_id")
            known = _Item({} if item_id is None else {"id": item_id})
            self._items[self._place(data)] = known
        return known

    def _place(self, data: dict[str, Any]) -> int:
        index = data.get("output_index")
        return index if type(index) is int else max(self._items, default=-1) + 1

    def _begin_item(self, _kind: str, data: dict[str, Any]) -> None:
        if isinstance(data.get("item"), dict):
            self._items[self._place(data)] = _Item(data["item"])

    def _end_item(self, _kind: str, data: dict[str, Any]) -> None:
        item = data.get("item")
        if not isinstance(item, dict):
            return
        known = self._known({"item_id": item.get("id"), **data})
        if known is None:
            known = self._items[self._place(data)] = _Item(item)
        known.finish(item)

    # -- texts and parts ---------------------------------------------------------------------------

    def _target(self, text: _Text, data: dict[str, Any]) -> dict[str, Any]:
        item = self._item(data)
        return item.fields if text.parts is None else item.part(text.parts, data, text.part_type)

    def _grow_text(self, text: _Text, data: dict[str, Any]) -> None:
        delta = data.get("delta")
        if isinstance(delta, str):
            target = self._target(text, data)
            _append(target, text.field, delta)
            logprobs = data.get("logprobs")
            if logprobs and isinstance(logprobs, list):
                _listed(target, "logprobs", logprobs)

    def _set_text(self, kind: str, data: dict[str, Any]) -> None:
        text = _DONE[kind]
        whole = data.get(text.field)
        if isinstance(whole, str):
            self._target(text, data)[text.field] = whole

    def _put_part(self, kind: str, data: dict[str, Any]) -> None:
        self._item(data).put_part(_PARTS[kind.rpartition(".")[0]], data)

    def _annotate(self, _kind: str, data: dict[str, Any]) -> None:
        if "annotation" in data:
            part = self._item(data).part("content", data, "output_text")
            _listed(part, "annotations", [data["annotation"]])

    # -- results -----------------------------------------------------------------------------------

    def ending(self) -> Literal["explicit", "inferred"] | None:
        """Explicit after the terminal event, else interrupted."""
        return "explicit" if self.terminal else None

    def result(self) -> dict[str, Any]:
        """The response object of the terminal event."""
        response: dict[str, Any] = settled(self._response)
        if not response.get("output") and self._items:
            response["output"] = self._output(final=True)
        output = response.get("output")
        for item in output if isinstance(output, list) else ():
            _judge(item)
        return response

    def partial(self) -> dict[str, Any]:
        """The response object so far, {} before anything came."""
        response: dict[str, Any] = settled(self._response)
        if self.terminal and response.get("output"):
            return response
        if response or self._items:
            response["output"] = self._output(final=False)
        return response

    def _output(self, *, final: bool) -> list[Any]:
        return [self._items[index].shown(final=final) for index in sorted(self._items)]

    def usage(self) -> Any:
        """The tokens used, which only the terminal event tells."""
        return self._response.get("usage")

    def text_of(self, name: str, data: Any, /) -> str:
        """The output text that this event adds."""
        if not isinstance(data, dict) or (data.get("type") or name) != "response.output_text.delta":
            return ""
        delta = data.get("delta")
        return delta if isinstance(delta, str) else ""

    def is_content(self, data: Any, /) -> bool:
        """Whether this event brings text, reasoning, tool input, or an item that is whole."""
        kind = data.get("type") if isinstance(data, dict) else None
        if not isinstance(kind, str):
            return False
        return kind == "response.output_item.done" or (kind.endswith(".delta") and bool(data.get("delta")))

    def tool_input(self, index: int, /) -> Any:
        """The input so far of the tool call at this output index."""
        item = self._items.get(index)
        found = (item.fields.get(field) for field in _TOOL_FIELDS) if item is not None else ()
        value = settled(next((one for one in found if one is not None), None))
        return parse_partial(value) if isinstance(value, str) else value


def _judge(item: Any) -> None:
    """Say of a function call whose arguments are no JSON that they are not (R-163)."""
    if isinstance(item, dict) and item.get("type") == "function_call":
        arguments = item.get("arguments")
        if isinstance(arguments, str) and not is_json(arguments):
            item["arguments_valid"] = False
