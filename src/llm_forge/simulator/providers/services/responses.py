"""OpenAI's Responses API: kept, continued, streamed, made in the background, cancelled.

In the background a response waits for a second and is worked on for three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from ...dialogue import Answer, Question, Tool, answer
from ...problems import Failure
from ...script import Reply
from ..provider import HEX, Handler, Json, Produced, Turn, check_choice, checked_schema, input_tokens
from .response_events import events_of
from .shelf import Shelf, page_of

QUEUED_SECONDS = 1.0
WORKING_SECONDS = 3.0
_ECHOED: dict[str, Any] = {
    "max_output_tokens": None, "max_tool_calls": None, "previous_response_id": None, "prompt_cache_key": None,
    "safety_identifier": None, "temperature": 1.0, "top_logprobs": 0, "top_p": 1.0, "truncation": "disabled",
    "user": None,
}  # fmt: skip


@dataclass(slots=True)
class Kept:
    """A stored response: as it will be at last, its input, and when it was asked for in the background."""

    shown: Json
    items: list[Json]
    made: Turn
    cancelled: bool = False


class Responses:
    """The operations of the Responses API; `thinks` tells models that reason."""

    def __init__(self, whole: Callable[[Any], Reply], thinks: Callable[[Mapping[str, Any]], bool]) -> None:
        self._whole = whole
        self._thinks = thinks
        self._kept: Shelf[Kept] = Shelf("Response")

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        return {
            "responses.create": self.created,
            "responses.get": self._fetched,
            "responses.delete": lambda turn: self._answer(self._deleted(turn)),
            "responses.cancel": lambda turn: self._answer(self._cancelled(turn)),
            "responses.input_items.list": lambda turn: self._answer(self._input(turn)),
        }

    def _answer(self, body: Json) -> Produced:
        return Produced(self._whole(body))

    def created(self, turn: Turn) -> Produced:
        """A new response, whole or as events."""
        if turn.model.startswith("missing-"):
            raise Failure("model", turn.model, status=400)
        items = _items(turn)
        before = self._before(turn)
        question = _question(turn.body, [*before, *items], thinking=self._reasons(turn))
        check_choice(question, turn.body.get("tools"))
        said = answer(question, turn.seed)
        shown = self._response(turn, question, said)
        kept = Kept(shown, [*before, *items], turn)
        if turn.body.get("store") is not False:
            self._kept.put(shown["id"], kept)
        if turn.body.get("stream"):
            reply = Reply(events=list(events_of(turn, shown)))
        else:
            reply = self._whole(self._now(kept, turn))
        return Produced(reply, question.input_tokens, said.output_tokens)

    def _fetched(self, turn: Turn) -> Produced:
        """A stored response, or its events after the one that the query names."""
        kept = self._stored(turn)
        if turn.query.get("stream") != "true":
            return self._answer(self._now(kept, turn))
        known = turn.query.get("starting_after", "")
        first = int(known) + 1 if known.isdecimal() else 0
        return Produced(Reply(events=list(events_of(kept.made, kept.shown))[first:]))

    def _reasons(self, turn: Turn) -> bool:
        effort = (turn.body.get("reasoning") or {}).get("effort")
        return self._thinks({**turn.body, "reasoning_effort": effort})

    def _before(self, turn: Turn) -> list[Json]:
        """The items of the response that this one continues."""
        identifier = turn.body.get("previous_response_id")
        if not identifier:
            return []
        kept = self._kept.get(str(identifier))
        return [*kept.items, *kept.shown["output"]]

    def _response(self, turn: Turn, question: Question, said: Answer) -> Json:
        cut = said.finish == "length"
        usage = {
            "input_tokens": question.input_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": said.output_tokens,
            "output_tokens_details": {"reasoning_tokens": said.thinking_tokens},
            "total_tokens": question.input_tokens + said.output_tokens,
        }
        body = turn.body
        return {
            "id": "resp_" + turn.letters("response", HEX, 50),
            "object": "response",
            "created_at": int(turn.now),
            "status": "incomplete" if cut else "completed",
            "background": bool(body.get("background")),
            "completed_at": None if cut else int(turn.now),
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "instructions": body.get("instructions"),
            "model": turn.model,
            "output": _output(turn, said),
            **{name: body.get(name, usual) for name, usual in _ECHOED.items()},
            "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
            "reasoning": {"effort": None, "summary": None, **(body.get("reasoning") or {})},
            "service_tier": "default",
            "store": body.get("store") is not False,
            "text": {"format": {"type": "text"}, "verbosity": "medium", **(body.get("text") or {})},
            "tool_choice": body.get("tool_choice") or "auto",
            "tools": body.get("tools") or [],
            "usage": usage,
            "metadata": body.get("metadata") or {},
        }

    def _stored(self, turn: Turn) -> Kept:
        return self._kept.get(unquote(turn.ids[0]))

    def _now(self, kept: Kept, turn: Turn) -> Json:
        """The response as it is by the clock."""
        age = turn.now - kept.made.now
        if not kept.shown["background"] or (age >= QUEUED_SECONDS + WORKING_SECONDS and not kept.cancelled):
            return kept.shown
        status = "queued" if age < QUEUED_SECONDS else "in_progress"
        unfinished: Json = {"status": status, "completed_at": None, "output": [], "usage": None}
        return {**kept.shown, **unfinished, **({"status": "cancelled"} if kept.cancelled else {})}

    def _cancelled(self, turn: Turn) -> Json:
        kept = self._stored(turn)
        if not kept.shown["background"]:
            raise Failure("state", "Cannot cancel a synchronous response.")
        if self._now(kept, turn)["status"] in ("queued", "in_progress"):
            kept.cancelled = True
        return self._now(kept, turn)

    def _deleted(self, turn: Turn) -> Json:
        self._kept.take(turn.ids[0])
        return {"id": turn.ids[0], "object": "response.deleted", "deleted": True}

    def _input(self, turn: Turn) -> Json:
        items = self._stored(turn).items
        return page_of(turn, [(item["id"], item) for item in items])


def _items(turn: Turn) -> list[Json]:
    """The input as items with ids."""
    given = turn.body.get("input", "")
    listed = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
    return [_item(turn, at, item) for at, item in enumerate(listed)]


def _item(turn: Turn, at: int, given: Mapping[str, Any]) -> Json:
    kind = given.get("type") or "message"
    item: Json = {"id": f"{_PREFIXES.get(kind, 'item')}_" + turn.letters(f"input {at}", HEX, 48), **given}
    item["type"] = kind
    if kind == "message":
        item.setdefault("status", "completed")
        if isinstance(item.get("content"), str):
            part = "output_text" if item.get("role") == "assistant" else "input_text"
            item["content"] = [{"type": part, "text": item["content"]}]
    return item


_PREFIXES = {"message": "msg", "function_call": "fc", "reasoning": "rs", "function_call_output": "fco"}


def _question(body: Mapping[str, Any], items: list[Json], *, thinking: bool) -> Question:
    choice = body.get("tool_choice") or "auto"
    named = choice if isinstance(choice, Mapping) else {}
    wanted = (body.get("text") or {}).get("format") or {}
    return Question(
        prompt=_prompt(items),
        input_tokens=input_tokens(items, body.get("instructions"), body.get("tools")),
        results=_results(items),
        tools=tuple(_tools(body.get("tools") or ())),
        choice=_choice(choice),
        forced=named.get("name") if named.get("type") == "function" else None,
        parallel=body.get("parallel_tool_calls") is not False,
        schema=checked_schema(wanted.get("schema"), "text", "format", "schema"),
        json_object=wanted.get("type") == "json_object",
        max_tokens=body.get("max_output_tokens"),
        thinking=thinking,
    )


def _choice(choice: Any) -> Literal["auto", "any", "none"]:
    return "any" if choice == "required" else "none" if choice == "none" else "auto"


def _tools(given: Any) -> Iterator[Tool]:
    for index, tool in enumerate(given):
        if tool.get("type") == "function":
            schema = checked_schema(tool.get("parameters"), "tools", index, "parameters")
            yield Tool(tool["name"], tool.get("description") or "", schema)


def _prompt(items: list[Json]) -> str:
    texts = (_text(one) for one in reversed(items) if one["type"] == "message" and one.get("role") == "user")
    return next((text for text in texts if text), "")


def _text(message: Json) -> str:
    parts = (part for part in message["content"] if isinstance(part, Mapping))
    return "\n".join(str(part["text"]) for part in parts if "text" in part)


def _results(items: list[Json]) -> tuple[str, ...]:
    results: list[str] = []
    for item in reversed(items):
        if not item["type"].endswith("call_output"):
            break
        results.insert(0, str(item.get("output", "")))
    return tuple(results)


def _output(turn: Turn, said: Answer) -> list[Json]:
    found: list[Json] = []
    if said.thinking:
        found.append({"id": "rs_" + turn.letters("reasoning", HEX, 50), "type": "reasoning", "summary": []})
    for at, call in enumerate(said.calls):
        head = {"id": "fc_" + turn.letters(f"call {at}", HEX, 50), "type": "function_call"}
        identifier = "call_" + turn.letters(f"call id {at}", HEX, 24)
        told = {"arguments": call.arguments, "call_id": identifier, "name": call.name}
        found.append({**head, "status": "completed", **told})
    if not said.calls:
        status = "incomplete" if said.finish == "length" else "completed"
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": said.text}
        head = {"id": "msg_" + turn.letters("message", HEX, 50), "type": "message", "status": status}
        found.append({**head, "content": [part], "role": "assistant"})
    return found
