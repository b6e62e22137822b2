"""Mistral's conversations: kept, continued, begun again from an entry, with a model or an agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...problems import Failure, Problem
from ...script import Reply
from ..provider import HEX, Handler, Json, Produced, Turn
from .mistral_answers import MistralAnswers, new_entry
from .mistral_conversation_events import events_of
from .mistral_files import answering
from .number_pages import asked_labels, labelled, number_page, zulu
from .shelf import Shelf

_OF_MODELS: Mapping[str, Any] = {"instructions": None, "tools": [], "completion_args": {}, "guardrails": []}


@dataclass(slots=True)
class Kept:
    """A conversation and its entries, oldest first."""

    shown: Json
    entries: list[Json]


class MistralConversations:
    """The conversations of a workspace; `answers` says what follows in one."""

    def __init__(self, answers: MistralAnswers) -> None:
        self._answers = answers
        self._kept: Shelf[Kept] = Shelf("Conversation")

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        handlers: dict[str, Callable[[Turn], Any]] = {
            "list": self._listed,
            "get": lambda turn: self._kept.get(turn.ids[0]).shown,
            "get_history": lambda turn: self._entries(turn, "entries", ""),
            "get_messages": lambda turn: self._entries(turn, "messages", "message."),
        }
        made: dict[str, Handler] = {f"conversations.{name}": answering(one) for name, one in handlers.items()}
        return {
            **made,
            "conversations.start": self._started,
            "conversations.append": self._appended,
            "conversations.restart": self._restarted,
            "conversations.delete": self._deleted,
        }

    def _listed(self, turn: Turn) -> list[Json]:
        rows = [one.shown for one in reversed(self._kept.all())]
        return number_page(turn, labelled(rows, asked_labels(turn)))

    def _entries(self, turn: Turn, name: str, beginning: str) -> Json:
        entries = [one for one in self._kept.get(turn.ids[0]).entries if one["type"].startswith(beginning)]
        kind = "history" if name == "entries" else "messages"
        return {"conversation_id": turn.ids[0], "object": f"conversation.{kind}", name: entries}

    def _deleted(self, turn: Turn) -> Produced:
        self._kept.take(turn.ids[0])
        return Produced(Reply(status=204))

    def _started(self, turn: Turn) -> Produced:
        return self._answered(turn, Kept(self._shown(turn, turn.body), []))

    def _appended(self, turn: Turn) -> Produced:
        return self._answered(turn, self._kept.get(turn.ids[0]))

    def _restarted(self, turn: Turn) -> Produced:
        """A new conversation with the entries of another, up to one of them."""
        kept, last = self._kept.get(turn.ids[0]), turn.body["from_entry_id"]
        ids = [entry["id"] for entry in kept.entries]
        if last not in ids:
            raise Failure("missing", last, unit="Entry")
        told = {**kept.shown, **{name: one for name, one in turn.body.items() if one is not None}}
        return self._answered(turn, Kept(self._shown(turn, told), kept.entries[: ids.index(last) + 1]))

    def _shown(self, turn: Turn, told: Mapping[str, Any]) -> Json:
        if not told.get("model") and not told.get("agent_id"):
            raise Failure("invalid", problems=(Problem("missing", ("model",), None, dict(told)),))
        head = {name: told.get(name) for name in ("name", "description", "metadata")}
        head |= {"object": "conversation", "id": "conv_" + turn.letters("conversation", HEX, 32)}
        head |= {"created_at": zulu(turn.now), "updated_at": zulu(turn.now)}
        if told.get("agent_id"):
            return {**head, "agent_id": told["agent_id"], "agent_version": told.get("agent_version")}
        rest = {name: told.get(name) or usual for name, usual in _OF_MODELS.items()}
        return {**head, "model": told["model"], **rest}

    def _answered(self, turn: Turn, kept: Kept) -> Produced:
        """Take in what is put in, answer it, and keep both unless told otherwise."""
        inputs = _inputs(turn)
        _check_results([*kept.entries, *inputs])
        said = self._answers.said(turn, kept.shown, [*kept.entries, *inputs])
        if turn.body.get("store") is not False:
            shown = {**kept.shown, "updated_at": zulu(turn.now)}
            self._kept.put(shown["id"], Kept(shown, [*kept.entries, *inputs, *said.outputs]))
        identifier = kept.shown["id"]
        if turn.body.get("stream"):
            reply = Reply(events=list(events_of(turn, identifier, said.outputs, said.usage())))
        else:
            head = {"conversation_id": identifier, "object": "conversation.response"}
            reply = Reply(json={**head, "outputs": said.outputs, "usage": said.usage(), "guardrails": None})
        return Produced(reply, said.input_tokens, said.output_tokens)


def _inputs(turn: Turn) -> list[Json]:
    """What is put in, as entries with ids."""
    given = turn.body.get("inputs") or []
    listed = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
    return [
        new_entry(turn, f"input {at}", one.get("type", "message.input"), **one)
        for at, one in enumerate(listed)
    ]


def _check_results(entries: list[Json]) -> None:
    """A result must be of a call that there was."""
    calls = {entry["tool_call_id"] for entry in entries if entry["type"] == "function.call"}
    for entry in entries:
        if entry["type"] == "function.result" and entry["tool_call_id"] not in calls:
            raise Failure("state", f"There is no function call {entry['tool_call_id']}")
