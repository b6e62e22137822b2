"""Chat completions: what OpenAI, Groq and Mistral share. Each dialect overrides how a part is written.

Rules: the same `Answer` is written whole or in chunks; choices of a stream are interleaved chunk by
chunk; a stream ends with `[DONE]`.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from typing import Any, Literal
from urllib.parse import unquote

from ..dialogue import Answer, Question, Tool, answer
from ..problems import Failure
from ..script import Reply
from ..server import Request
from ..text import tokens
from ..validation import Validator
from .provider import (
    Handler,
    Json,
    Produced,
    Provider,
    Turn,
    bearer_token,
    check_choice,
    check_key,
    checked_schema,
    compact,
    input_tokens,
    strings,
)

DONE = "data: [DONE]\n\n"


class ChatProvider(Provider):
    """A provider of chat completions."""

    def authenticate(self, request: Request) -> None:
        """A bearer token."""
        check_key(bearer_token(request))

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {
            "chat.completions.create": self._completion,
            "models.list": lambda _: Produced(self.whole(self.model_list())),
            "models.get": lambda turn: Produced(self.whole(self.model(self._named(turn)))),
            "models.delete": lambda turn: Produced(
                self.whole({"id": self._named(turn), "object": "model", "deleted": True})
            ),
        }

    def produce(self, operation: str, turn: Turn) -> Produced:
        """Answer one of the routes."""
        return self.handlers[operation](turn)

    def run(self, turn: Turn, path: str, body: Mapping[str, Any]) -> tuple[int, Json]:
        """Status and body of one request of a batch."""
        try:
            operation = self.route("POST", self.batch_path(path)).operation
            Validator(self.name).check(operation, body)
            produced = self.produce(operation, replace(turn, path=path, body=body))
        except Failure as failure:
            reply = self.failure(failure, "")
        else:
            reply = produced.reply
        found = reply.json if reply.body is None else json.loads(reply.body)
        return reply.status, found

    def batch_path(self, path: str) -> str:
        """The path of a request in a batch, as routes know it."""
        return path

    def _named(self, turn: Turn) -> str:
        name = unquote(turn.ids[0])
        self.check_model(name)
        return name

    def whole(self, body: Any) -> Reply:
        """A unary answer in the vendor's layout."""
        return Reply(json=body)

    @abstractmethod
    def model_list(self) -> Json:
        """All models."""

    @abstractmethod
    def model(self, name: str) -> Json:
        """One model."""

    @abstractmethod
    def completion(self, turn: Turn, choices: Sequence[Json], usage: Json) -> Json:
        """The body of a unary answer."""

    @abstractmethod
    def message(self, turn: Turn, said: Answer, index: int) -> Json:
        """The message of a choice."""

    @abstractmethod
    def deltas(self, turn: Turn, said: Answer, index: int) -> Iterator[Json]:
        """The deltas of a choice in a stream, from the role on, without the one that ends it."""

    @abstractmethod
    def chunk(self, turn: Turn, number: int, choices: Sequence[Json]) -> Json:
        """A chunk of a stream; `number` counts from 0."""

    @abstractmethod
    def last_chunks(self, turn: Turn, chunks: list[Json], usage: Json) -> list[Json]:
        """The chunks with usage where the vendor puts it."""

    @abstractmethod
    def usage(self, turn: Turn, question: Question, answers: Sequence[Answer]) -> Json:
        """The usage object."""

    @abstractmethod
    def thinks(self, body: Mapping[str, Any]) -> bool:
        """Whether the model reasons before it answers."""

    def finish_reason(self, said: Answer, question: Question) -> str:
        """Why a choice ended, in the vendor's word."""
        del question
        return {"stop": "stop", "stop-sequence": "stop", "length": "length", "tools": "tool_calls"}[
            said.finish
        ]

    def choice(self, turn: Turn, said: Answer, index: int, reason: str) -> Json:
        """A choice of a unary answer."""
        return {"index": index, "message": self.message(turn, said, index), "finish_reason": reason}

    def delta_choice(self, index: int, delta: Json, reason: str | None) -> Json:
        """A choice of a chunk."""
        return {"index": index, "delta": delta, "finish_reason": reason}

    def last_delta(self) -> Json:
        """The delta of the chunk that carries the finish reason."""
        return {}

    def question(self, body: Mapping[str, Any]) -> Question:
        """The request without its dialect."""
        messages = body["messages"]
        choice = body.get("tool_choice") or "auto"
        wanted = body.get("response_format") or {}
        given = (wanted.get("json_schema") or {}) if wanted.get("type") == "json_schema" else {}
        return Question(
            prompt=_prompt(messages),
            input_tokens=input_tokens(messages, body.get("tools")),
            results=_results(messages),
            tools=tuple(_tools(body.get("tools") or ())),
            choice=_choice(choice),
            forced=choice["function"]["name"]
            if isinstance(choice, Mapping) and "function" in choice
            else None,
            parallel=body.get("parallel_tool_calls") is not False,
            schema=checked_schema(given.get("schema"), "response_format", "json_schema", "schema"),
            json_object=wanted.get("type") == "json_object",
            stop=strings(body.get("stop")),
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            thinking=self.thinks(body),
        )

    def _completion(self, turn: Turn) -> Produced:
        self.check_model(turn.model)
        question = self.question(turn.body)
        check_choice(question, turn.body.get("tools"))
        answers = [answer(question, turn.seed, index) for index in range(turn.body.get("n") or 1)]
        usage = self.usage(turn, question, answers)
        if turn.body.get("stream"):
            reply = Reply(events=[*self._stream(turn, question, answers, usage), DONE])
        else:
            choices = [
                self.choice(turn, said, index, self.finish_reason(said, question))
                for index, said in enumerate(answers)
            ]
            reply = self.whole(self.completion(turn, choices, usage))
        return Produced(reply, question.input_tokens, sum(said.output_tokens for said in answers))

    def _stream(
        self, turn: Turn, question: Question, answers: Sequence[Answer], usage: Json
    ) -> Iterator[str]:
        parts = [self._choice_deltas(turn, question, said, index) for index, said in enumerate(answers)]
        interleaved = [choice for choice in chain.from_iterable(zip_longest(*parts)) if choice]
        chunks = [self.chunk(turn, number, [choice]) for number, choice in enumerate(interleaved)]
        yield from (f"data: {compact(chunk)}\n\n" for chunk in self.last_chunks(turn, chunks, usage))

    def _choice_deltas(self, turn: Turn, question: Question, said: Answer, index: int) -> Iterator[Json]:
        for delta in self.deltas(turn, said, index):
            yield self.delta_choice(index, delta, None)
        yield self.delta_choice(index, self.last_delta(), self.finish_reason(said, question))


def text_deltas(text: str, field: str = "content") -> Iterator[Json]:
    """A delta for each token."""
    return ({field: token} for token in tokens(text))


def part_text(content: Any) -> str:
    """The text of a message content, which is text or a list of parts."""
    if isinstance(content, str):
        return content
    parts = [part for part in content or () if isinstance(part, Mapping)]
    return "\n".join(str(part["text"]) for part in parts if part.get("type") == "text" and "text" in part)


def _choice(choice: Any) -> Literal["auto", "any", "none"]:
    if choice in {"any", "required"} if isinstance(choice, str) else False:
        return "any"
    return "none" if choice == "none" else "auto"


def _tools(given: Sequence[Mapping[str, Any]]) -> Iterator[Tool]:
    for index, tool in enumerate(given):
        if function := tool.get("function"):
            schema = checked_schema(function.get("parameters"), "tools", index, "function", "parameters")
            yield Tool(function["name"], function.get("description") or "", schema)


def _prompt(messages: Sequence[Mapping[str, Any]]) -> str:
    texts = (part_text(one.get("content")) for one in reversed(messages) if one.get("role") == "user")
    return next((text for text in texts if text), "")


def _results(messages: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    results: list[str] = []
    for message in reversed(messages):
        if message.get("role") not in {"tool", "function"}:
            break
        results.insert(0, part_text(message.get("content")))
    return tuple(results)
