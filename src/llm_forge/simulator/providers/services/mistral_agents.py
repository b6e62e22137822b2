"""Mistral's agents: each change makes a version, any version can be the current one or have a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...problems import Failure, Problem
from ...script import Reply
from ..provider import HEX, Handler, Json, Produced, Turn
from .mistral_files import answering
from .number_pages import asked_labels, labelled, matching, number_page, token_page, zulu
from .shelf import Shelf

_USUAL: Mapping[str, Any] = {
    "description": None, "guardrails": [], "handoffs": None, "instructions": None, "metadata": None,
    "tools": [], "version_message": None,
}  # fmt: skip
_USUAL_ARGS: Mapping[str, Any] = {
    "frequency_penalty": None, "max_tokens": None, "prediction": None, "presence_penalty": None,
    "random_seed": None, "reasoning_effort": None, "response_format": None, "stop": None,
    "temperature": None, "tool_choice": "auto", "top_p": None,
}  # fmt: skip
_USUAL_SIZE = 20


@dataclass(slots=True)
class Agent:
    """An agent: its versions in order, the number of the current one, and the names of versions."""

    versions: list[Json]
    current: int = 0
    aliases: dict[str, Json] = field(default_factory=dict)

    def shown(self, version: str | int | None = None) -> Json:
        """A version by its number or name. Failure "missing" if there is none."""
        number = self._number(version)
        numbers = list(range(len(self.versions)))
        return {**self.versions[number], "versions": numbers if len(numbers) > 1 else []}

    def _number(self, version: str | int | None) -> int:
        if version is None:
            return self.current
        if version in self.aliases:
            return int(self.aliases[str(version)]["version"])
        if not str(version).isdecimal() or int(version) >= len(self.versions):
            raise Failure("missing", str(version), unit="Agent version")
        return int(version)


class MistralAgents:
    """The agents of a workspace; `complete` answers a chat completion."""

    def __init__(self, complete: Handler, check_model: Callable[[str], None]) -> None:
        self._complete = complete
        self._check_model = check_model
        self._kept: Shelf[Agent] = Shelf("Agent")

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        handlers: dict[str, Callable[[Turn], Any]] = {
            "create": self._created,
            "list": lambda turn: number_page(turn, self._rows(turn), usual=_USUAL_SIZE),
            "list_pages": lambda turn: token_page(turn, self._rows(turn), usual=_USUAL_SIZE),
            "get": lambda turn: self.get(turn.ids[0], turn.query.get("agent_version")),
            "update": self._updated,
            "update_version": self._chosen,
            "list_versions": self._versions,
            "get_version": lambda turn: self.get(turn.ids[0], turn.ids[1]),
            "list_version_aliases": lambda turn: list(self._kept.get(turn.ids[0]).aliases.values()),
            "create_version_alias": self._named,
        }
        made: dict[str, Handler] = {f"agents.{name}": answering(one) for name, one in handlers.items()}
        gone = {"agents.delete": self._deleted, "agents.delete_version_alias": self._unnamed}
        return {**made, **gone, "agents.complete": self._completed}

    def get(self, identifier: str, version: str | int | None = None) -> Json:
        """A version of an agent, the current one by default. Failure "missing" if there is none."""
        return self._kept.get(identifier).shown(version)

    def _rows(self, turn: Turn) -> list[Json]:
        rows = [agent.shown() for agent in reversed(self._kept.all())]
        rows = matching(turn, rows, "deployment_chat", "name", "id", source="sources")
        rows = labelled(rows, asked_labels(turn))
        text = turn.query.get("search", "").lower()
        return [row for row in rows if text in row["name"].lower()]

    def _created(self, turn: Turn) -> Json:
        self._check_model(turn.model)
        told = {name: turn.body.get(name, usual) for name, usual in _USUAL.items()}
        shown = {
            "completion_args": {**_USUAL_ARGS, **(turn.body.get("completion_args") or {})},
            "created_at": zulu(turn.now),
            "deployment_chat": False,
            "id": "ag_" + turn.letters("agent", HEX, 32),
            "model": turn.model,
            "name": turn.body["name"],
            "object": "agent",
            "source": "api",
            "updated_at": zulu(turn.now),
            "version": 0,
            **told,
        }
        return self._kept.put(str(shown["id"]), Agent([shown])).shown()

    def _updated(self, turn: Turn) -> Json:
        agent = self._kept.get(turn.ids[0])
        before = agent.shown()
        names = {"name", "model", "deployment_chat", *_USUAL} & turn.body.keys()
        changed = {name: turn.body[name] for name in sorted(names)}
        self._check_model(str(changed.get("model") or before["model"]))
        args = {**before["completion_args"], **(turn.body.get("completion_args") or {})}
        made = {"completion_args": args, "version": len(agent.versions), "updated_at": zulu(turn.now)}
        agent.versions.append({**before, "version_message": None, **changed, **made})
        agent.current = len(agent.versions) - 1
        return agent.shown()

    def _chosen(self, turn: Turn) -> Json:
        agent = self._kept.get(turn.ids[0])
        agent.current = int(agent.shown(_asked_version(turn))["version"])
        return agent.shown()

    def _versions(self, turn: Turn) -> list[Json]:
        agent = self._kept.get(turn.ids[0])
        rows = [agent.shown(number) for number in range(len(agent.versions))]
        return number_page(turn, rows[::-1], usual=_USUAL_SIZE)

    def _named(self, turn: Turn) -> Json:
        agent = self._kept.get(turn.ids[0])
        name = turn.query.get("alias", "")
        if not name:
            raise Failure("invalid", problems=(Problem("missing", ("query", "alias")),))
        number = agent.shown(_asked_version(turn))["version"]
        made = agent.aliases.get(name, {"created_at": zulu(turn.now)})["created_at"]
        moved = {"alias": name, "version": number, "created_at": made, "updated_at": zulu(turn.now)}
        agent.aliases[name] = moved
        return moved

    def _unnamed(self, turn: Turn) -> Produced:
        agent, name = self._kept.get(turn.ids[0]), turn.query.get("alias", "")
        if name not in agent.aliases:
            raise Failure("missing", name, unit="Agent version alias")
        del agent.aliases[name]
        return Produced(Reply(status=204))

    def _deleted(self, turn: Turn) -> Produced:
        self._kept.take(turn.ids[0])
        return Produced(Reply(status=204))

    def _completed(self, turn: Turn) -> Produced:
        agent = self.get(turn.body["agent_id"])
        given = {name: value for name, value in turn.body.items() if name != "agent_id"}
        return self._complete(replace(turn, body=chat_body(agent, given)))


def chat_body(told: Mapping[str, Any], given: Mapping[str, Any]) -> Json:
    """A chat request with the model, instructions, tools and arguments of an agent or a conversation."""
    instructions = told.get("instructions")
    first = [{"role": "system", "content": instructions}] if instructions else []
    args = {name: one for name, one in (told.get("completion_args") or {}).items() if one is not None}
    tools = given.get("tools") or told.get("tools") or []
    return {**args, **given, "model": told["model"], "messages": [*first, *given["messages"]], "tools": tools}


def _asked_version(turn: Turn) -> str:
    if "version" not in turn.query:
        raise Failure("invalid", problems=(Problem("missing", ("query", "version")),))
    return turn.query["version"]
