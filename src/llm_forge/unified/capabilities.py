"""What one API can do and how it says it: facts of its description, none of them in code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from ..core.errors import InvalidRequestError
from .reply import Usage


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a description says under `capabilities.text`.

    `dialect` is the form of messages and answers: "chat" or "blocks". `parameters` are names of ours with the
    API's own; what is not there, the API does not have. `required` is sent unless you say otherwise.
    `parts` says of "image" and "file" whether they go by url, data or id. `finish` and `usage` translate what
    comes back, `stream_usage` is what a stream needs to tell its usage. With a `call_id_length`, ids of tool
    calls must be so many letters and digits.
    """

    dialect: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    required: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    file_part: str = "file"
    tool_choice: Mapping[str, str] = field(default_factory=dict)
    thinking: Mapping[str, Any] = field(default_factory=dict)
    thinking_parts: bool = False
    schema: str | None = None
    json_object: bool = False
    cache_control: Mapping[str, Any] = field(default_factory=dict)
    call_id_length: int | None = None
    stream_usage: Mapping[str, Any] = field(default_factory=dict)
    finish: Mapping[str, str] = field(default_factory=dict)
    usage: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> Capabilities:
        """The capabilities that a profile carries; facts that this version does not know are left alone."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in facts.items() if name in known})

    def finish_reason(self, word: str | None) -> str | None:
        """Our word for the provider's; its own where there is none."""
        return None if word is None else self.finish.get(word, word)

    def usage_of(self, told: Any) -> Usage | None:
        """The tokens in the provider's account; None if there is none."""
        if not isinstance(told, (dict, Mapping)):  # a dict is told apart ten times sooner
            return None
        counts = {name: _first(told, paths) for name, paths in self.usage.items() if name != "beside_input"}
        beside = [counts.get(name) or 0 for name in self.usage.get("beside_input", ())]
        if counts.get("input") is not None:
            counts["input"] = (counts["input"] or 0) + sum(beside)
        return Usage(**counts, raw=told)


def _first(told: Mapping[str, Any], paths: Sequence[str]) -> int | None:
    for path in paths:
        value: Any = told
        for name in _names(path):
            value = value.get(name) if isinstance(value, (dict, Mapping)) else None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


@lru_cache
def _names(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a request is for: provider and model, and what they can do."""

    provider: str
    model: str
    can: Capabilities

    def refuse(self, what: str, instead: str) -> InvalidRequestError:
        """The error for what this API has no word for, before anything is sent."""
        return InvalidRequestError(
            f"{self.provider}/{self.model} {what}; {instead}", provider=self.provider, model=self.model
        )
