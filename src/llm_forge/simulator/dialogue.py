"""A request and its answer, without any provider's dialect.

A provider turns its body into a `Question`; `answer` decides what is said, which tools are called and
why it ends; the provider writes the `Answer` in its own form, whole or streamed.

Rules:
- `say`-like prompts, stop sequences and limits apply in that order: the stop sequence cuts the text,
  then the token limit cuts thinking, text and calls, in the order in which they are produced.
- A forced tool choice always calls. With a free choice a tool is called when the prompt speaks of it
  and the last message is not already a tool's result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from .schema_values import Evidence, value_for, wanted_keys
from .text import answer_text, count, thinking_text, tokens

Finish: TypeAlias = Literal["stop", "stop-sequence", "length", "tools"]
_WORD = re.compile(r"[A-Za-z]{3,}|[^\W\d_A-Za-z]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_VAGUE = frozenset(("get", "set", "the", "and", "for", "use", "tool", "function", "call", "with", "from"))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `schema` describes its arguments."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks for.

    `prompt` is the last text of the user; `results` are tool results after the model's last turn.
    `choice` is "auto", "any", "none", or the name of a tool in `forced`. `schema` asks for JSON that
    fits it, `json_object` for a JSON object with the keys that the prompt names. `input_tokens`
    counts all that was sent.
    """

    prompt: str
    input_tokens: int
    results: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    choice: Literal["auto", "any", "none"] = "auto"
    forced: str | None = None
    parallel: bool = True
    schema: Mapping[str, Any] | None = None
    json_object: bool = False
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    thinking: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says. `stopped_by` is the stop sequence that ended it."""

    text: str = ""
    thinking: str = ""
    calls: tuple[Call, ...] = ()
    finish: Finish = "stop"
    stopped_by: str | None = None

    @property
    def thinking_tokens(self) -> int:
        """Tokens of thinking."""
        return count(self.thinking)

    @property
    def output_tokens(self) -> int:
        """Tokens of everything that is billed as output."""
        calls = sum(count(call.name) + count(call.arguments) for call in self.calls)
        return self.thinking_tokens + count(self.text) + calls


def answer(question: Question, seed: int, variant: int = 0) -> Answer:
    """The answer to a question; the same for the same question, seed and variant."""
    thinking = thinking_text(seed, question.prompt) if question.thinking else ""
    calls = _calls(question)
    if calls:
        return _limited(Answer("", thinking, calls, "tools"), question.max_tokens)
    whole = Answer(_text(question, seed, variant), thinking)
    return _limited(_stopped(whole, question.stop), question.max_tokens)


def _text(question: Question, seed: int, variant: int) -> str:
    if question.schema is not None:
        return _json(value_for(question.schema, Evidence(question.prompt)))
    if question.results:
        found = "; ".join(question.results) or "nothing"
        text = f"According to the tool: {found}."
    else:
        text = answer_text(seed, question.prompt, variant)
    if not question.json_object:
        return text
    return _json(dict.fromkeys(wanted_keys(question.prompt) or ("answer",), text))


def _calls(question: Question) -> tuple[Call, ...]:
    chosen = _chosen(question)
    evidence = Evidence(question.prompt)
    return tuple(Call(tool.name, _json(_arguments(tool, evidence))) for tool in chosen)


def _arguments(tool: Tool, evidence: Evidence) -> Any:
    value = value_for(tool.schema, evidence, everything=False) if tool.schema else {}
    return value if isinstance(value, dict) else {}


def _chosen(question: Question) -> list[Tool]:
    if question.choice == "none" and question.forced is None:
        return []
    if question.forced is not None:
        return [tool for tool in question.tools if tool.name == question.forced][:1]
    matching = _matching(question)
    if question.choice == "any":
        matching = matching or list(question.tools[:1])
    elif question.results:
        return []
    return matching if question.parallel else matching[:1]


def _matching(question: Question) -> list[Tool]:
    """Tools the prompt speaks of: those it names; else the best match by the words of their names."""
    named = [tool for tool in question.tools if tool.name.lower() in question.prompt.lower()]
    if named:
        return named
    words = _words(question.prompt)
    scores = {tool.name: len(words & _words(tool.name)) for tool in question.tools}
    return [
        tool for tool in question.tools if scores[tool.name] and scores[tool.name] == max(scores.values())
    ]


def _words(text: str) -> set[str]:
    found = (word.lower().rstrip("s") for word in _WORD.findall(_CAMEL.sub(" ", text).replace("_", " ")))
    return {word for word in found if word not in _VAGUE}


def _stopped(whole: Answer, stop: tuple[str, ...]) -> Answer:
    places = [(whole.text.find(mark), mark) for mark in stop if mark and mark in whole.text]
    if not places:
        return whole
    at, mark = min(places)
    return replace(whole, text=whole.text[:at], finish="stop-sequence", stopped_by=mark)


def _limited(whole: Answer, limit: int | None) -> Answer:
    if limit is None or whole.output_tokens <= limit:
        return whole
    thinking = tokens(whole.thinking)[:limit]
    text = tokens(whole.text)[: limit - len(thinking)]
    return Answer("".join(text), "".join(thinking), (), "length")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
