"""What a model or an agent says in a conversation of Mistral, as entries.

Tools that Mistral runs itself (such as `web_search`) are run where the prompt speaks of them, and find
nothing real. An agent hands over to the first of its `handoffs` whose name the prompt has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...dialogue import Answer, Call, Question, Tool, answer
from ..provider import ALNUM, HEX, Json, Turn, check_choice
from .mistral_agents import MistralAgents, chat_body
from .number_pages import zulu

_QUERY = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
_PREFIXES = {"function.call": "fc", "tool.execution": "tool_exec", "agent.handoff": "handoff"}


@dataclass(frozen=True, slots=True)
class Said:
    """The new entries, and what they cost."""

    outputs: list[Json]
    input_tokens: int
    output_tokens: int

    def usage(self) -> Json:
        """Tokens, and runs of each tool."""
        runs = [entry["name"] for entry in self.outputs if entry["type"] == "tool.execution"]
        return {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "connector_tokens": None,
            "connectors": {name: runs.count(name) for name in runs} or None,
        }


class MistralAnswers:
    """Answers to conversations; `question` reads a chat request."""

    def __init__(
        self,
        agents: MistralAgents,
        question: Callable[[Mapping[str, Any]], Question],
        check_model: Callable[[str], None],
    ) -> None:
        self._agents = agents
        self._question = question
        self._check_model = check_model

    def said(self, turn: Turn, conversation: Json, entries: Sequence[Json]) -> Said:
        """What follows the entries."""
        speaker = self._speaker(conversation)
        messages = list(_messages(entries))
        question = self._asked(turn, speaker, messages)
        handoffs: list[Json] = []
        if following := self._handed_to(speaker, question.prompt):
            handoffs = [_handoff(turn, speaker, following)]
            speaker, question = following, self._asked(turn, following, messages)
        return _said(turn, speaker, question, handoffs)

    def _speaker(self, conversation: Json) -> Json:
        """The agent of a conversation, or itself where it has a model."""
        if "agent_id" not in conversation:
            return conversation
        return self._agents.get(conversation["agent_id"], conversation.get("agent_version"))

    def _asked(self, turn: Turn, speaker: Json, messages: list[Json]) -> Question:
        """The question to a speaker, whose tools include those that Mistral runs."""
        self._check_model(speaker["model"])
        args = {**(speaker.get("completion_args") or {}), **(turn.body.get("completion_args") or {})}
        body = chat_body({**speaker, "completion_args": args}, {"messages": messages})
        question = self._question(body)
        check_choice(question, [tool for tool in body["tools"] if tool.get("type") == "function"])
        built_in = tuple(Tool(name, "", _QUERY) for name in _built_in(speaker))
        return replace(question, tools=(*question.tools, *built_in))

    def _handed_to(self, speaker: Json, prompt: str) -> Json | None:
        others = (self._agents.get(identifier) for identifier in speaker.get("handoffs") or ())
        return next((other for other in others if other["name"].lower() in prompt.lower()), None)


def new_entry(turn: Turn, label: str, kind: str, **fields: Any) -> Json:
    """An entry that is whole at once; the label tells the entries of a request apart."""
    identifier = f"{_PREFIXES.get(kind, 'msg')}_" + turn.letters(label, HEX, 32)
    times = {"created_at": zulu(turn.now), "completed_at": zulu(turn.now)}
    return {"object": "entry", "id": identifier, **times, **fields, "type": kind}


def _built_in(speaker: Json) -> list[str]:
    return [tool["type"] for tool in speaker.get("tools") or () if tool.get("type") != "function"]


def _messages(entries: Sequence[Json]) -> Iterator[Json]:
    """The entries as messages of a chat."""
    for entry in entries:
        match entry["type"]:
            case "message.input":
                yield {"role": entry["role"], "content": entry["content"]}
            case "message.output":
                yield {"role": "assistant", "content": entry["content"]}
            case "function.call":
                arguments = entry["arguments"]
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)
                function = {"name": entry["name"], "arguments": text}
                call = {"id": entry["tool_call_id"], "function": function}
                yield {"role": "assistant", "content": "", "tool_calls": [call]}
            case "function.result":
                yield {"role": "tool", "tool_call_id": entry["tool_call_id"], "content": entry["result"]}


def _handoff(turn: Turn, before: Json, after: Json) -> Json:
    names = {"previous_agent_id": before["id"], "previous_agent_name": before["name"]}
    names |= {"next_agent_id": after["id"], "next_agent_name": after["name"]}
    return new_entry(turn, "handoff", "agent.handoff", **names)


def _said(turn: Turn, speaker: Json, question: Question, before: list[Json]) -> Said:
    """Tools are run, then functions are asked for, or something is said."""
    made = answer(question, turn.seed)
    runs = [call for call in made.calls if call.name in _built_in(speaker)]
    calls = [call for call in made.calls if call not in runs]
    spent, last = made.output_tokens, made
    if runs and not calls:
        last = answer(replace(question, tools=(), choice="none", forced=None), turn.seed)
        spent += last.output_tokens
    agent = speaker["id"] if speaker["object"] == "agent" else None
    named = {"agent_id": agent, "model": speaker["model"]}
    outputs = [*before, *_runs(turn, named, runs)]
    outputs += _calls(turn, named, calls) if calls else [_message(turn, named, last)]
    return Said(outputs, question.input_tokens, spent)


def _runs(turn: Turn, named: Json, runs: Sequence[Call]) -> Iterator[Json]:
    for at, run in enumerate(runs):
        told = {"name": run.name, "arguments": run.arguments, "info": {}}
        yield new_entry(turn, f"run {at}", "tool.execution", **named, **told)


def _calls(turn: Turn, named: Json, calls: Sequence[Call]) -> Iterator[Json]:
    for at, call in enumerate(calls):
        identifier = turn.letters(f"call id {at}", ALNUM, 9)
        told = {"tool_call_id": identifier, "name": call.name, "arguments": call.arguments}
        yield new_entry(turn, f"call {at}", "function.call", **named, **told, confirmation_status=None)


def _message(turn: Turn, named: Json, made: Answer) -> Json:
    content: Any = made.text
    if made.thinking:
        thought = {"type": "thinking", "thinking": [{"type": "text", "text": made.thinking}]}
        content = [thought, {"type": "text", "text": made.text}]
    return new_entry(turn, "answer", "message.output", **named, role="assistant", content=content)
