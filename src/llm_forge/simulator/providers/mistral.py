"""Mistral's API, as it appears on the wire; files, agents, conversations and others are under services.

Sources: recorded traffic. Usage stands on the last chunk, chunks are padded with `p`, tool calls come
whole and have no type, thinking is a content part; invalid bodies answer 422 with a list of details.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from ..dialogue import Answer, Question
from ..limits import Bucket, Limits
from ..problems import Failure
from ..script import Reply
from ..text import tokens
from .chat import ChatProvider, text_deltas
from .mistral_errors import worded
from .provider import ALNUM, HEX, Json, Produced, Route, Turn, compact
from .services.mistral_agents import MistralAgents
from .services.mistral_answers import MistralAnswers
from .services.mistral_batches import MistralBatches
from .services.mistral_conversations import MistralConversations
from .services.mistral_files import MistralFiles
from .services.mistral_measures import MistralMeasures
from .services.mistral_media import MistralMedia
from .services.mistral_training import MistralTraining
from .services.mistral_tuned import TunedModels
from .services.routes import mistral_routes

_MODELS = (
    "mistral-large-latest",
    "mistral-medium-latest",
    "mistral-small-latest",
    "magistral-medium-latest",
    "codestral-latest",
)
_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")  # sources: reports of refusals, quoted in public
_PADDING = "abcdefghijklmnopqrstuvwxyz0123456789"
_HEADER_UNITS = {"requests": "req-minute", "tokens": "tokens-minute"}


class Mistral(ChatProvider):
    """Speaks for api.mistral.ai; its paths begin with /v1."""

    name = "mistral"
    routes: ClassVar[Sequence[Route]] = mistral_routes()
    max_body_bytes = 512 * 1024 * 1024

    def __init__(self) -> None:
        super().__init__()
        files, self._tuned = MistralFiles(), TunedModels(self.check_model)
        agents = MistralAgents(self.handlers["chat.completions.create"], self.check_model)
        answers = MistralAnswers(agents, self.question, self.check_model)
        self.handlers |= {
            "fim.complete": self._filled,
            **files.handlers(),
            **self._tuned.handlers(),
            **MistralTraining(files, self._tuned).handlers(),
            **MistralBatches(files, self.run).handlers(),
            **MistralMeasures(self.check_model, self._tuned).handlers(),
            **MistralMedia(files, self.check_model).handlers(),
            **agents.handlers(),
            **MistralConversations(answers).handlers(),
        }

    def buckets(self) -> dict[str, Bucket]:
        """3,600 requests and 2,000,000 tokens a minute."""
        return {"requests": Bucket(3_600), "tokens": Bucket(2_000_000)}

    def request_id(self, turn: Turn) -> str:
        """A UUID of version 7."""
        source = turn.dice("request")
        value = (0x019F << 112) | (source.getrandbits(112) & ~(0xF << 76) | (7 << 76))
        return str(uuid.UUID(int=value & ~(0xC << 60) | (0x8 << 60)))

    def headers(self, request_id: str, turn: Turn) -> list[tuple[str, str]]:
        """Correlation id and the gateway's own."""
        latency = turn.dice("latency").randint(50, 900)
        return [
            ("mistral-correlation-id", request_id),
            ("x-kong-request-id", request_id),
            ("x-envoy-upstream-service-time", str(latency)),
            ("x-kong-upstream-latency", str(latency + 1)),
            ("x-kong-proxy-latency", "7"),
        ]

    def limit_headers(self, limits: Limits, now: float, cost: Mapping[str, float]) -> list[tuple[str, str]]:
        """Limit and remaining of requests and tokens, the cost of this request, and no reset."""
        pairs: list[tuple[str, str]] = []
        for unit in limits:
            bucket, name = limits[unit], _HEADER_UNITS.get(unit, unit)
            pairs += [
                (f"x-ratelimit-limit-{name}", f"{bucket.capacity:.0f}"),
                (f"x-ratelimit-remaining-{name}", str(max(0, int(bucket.available(now))))),
            ]
        return [*pairs, ("x-ratelimit-tokens-query-cost", f"{cost.get('tokens', 0):.0f}")]

    def failure(self, failure: Failure, request_id: str) -> Reply:
        """`{"detail": ...}` or `{"object":"error",...}`, by the layer that refuses."""
        del request_id
        status, body = worded(failure)
        return Reply(status=status, json=body)

    def stream_error(self, kind: str, message: str) -> str:
        """A data event with an error object."""
        error = {"object": "error", "message": message, "type": kind, "param": None, "code": "3000"}
        return f"data: {compact(error)}\n\n"

    def model_list(self) -> Json:
        """A list object, with what was trained."""
        return {"object": "list", "data": [*map(self.model, _MODELS), *self._tuned.cards()]}

    def model(self, name: str) -> Json:
        """A model card."""
        if tuned := self._tuned.card(name):
            return tuned
        capabilities = {
            "completion_chat": True,
            "completion_fim": name.startswith("codestral"),
            "function_calling": True,
            "fine_tuning": False,
            "vision": not name.startswith("codestral"),
            "classification": False,
        }
        head = {"id": name, "object": "model", "created": 1_738_000_000, "owned_by": "mistralai"}
        rest = {
            "name": name,
            "description": f"Simulated {name}",
            "max_context_length": 131_072,
            "aliases": [],
        }
        return {**head, "capabilities": capabilities, **rest, "deprecation": None, "type": "base"}

    def _filled(self, turn: Turn) -> Produced:
        """Code for a gap, which is answered like a message."""
        code = f"{turn.body['prompt']}{turn.body.get('suffix') or ''}"
        body = {**turn.body, "messages": [{"role": "user", "content": code}]}
        return self.handlers["chat.completions.create"](replace(turn, body=body))

    def question(self, body: Mapping[str, Any]) -> Question:
        """The request without its dialect, if the ids of its tool calls are such as Mistral makes."""
        for message in body["messages"]:
            made = [call.get("id") for call in message.get("tool_calls") or ()]
            for found in [*made, message.get("tool_call_id")]:
                if found is not None and not _CALL_ID.fullmatch(found):
                    raise Failure("call-id", found)
        return super().question(body)

    def completion(self, turn: Turn, choices: Sequence[Json], usage: Json) -> Json:
        """A chat.completion object."""
        head = _head(turn)
        return {**head, "usage": usage, "object": "chat.completion", "choices": list(choices)}

    def choice(self, turn: Turn, said: Answer, index: int, reason: str) -> Json:
        """The finish reason before the message."""
        return {"index": index, "finish_reason": reason, "message": self.message(turn, said, index)}

    def message(self, turn: Turn, said: Answer, index: int) -> Json:
        """Content is empty beside tool calls, and a list of parts where the model thought."""
        calls = _calls(turn, said, index) or None
        return {"role": "assistant", "tool_calls": calls, "content": _content(said)}

    def deltas(self, turn: Turn, said: Answer, index: int) -> Iterator[Json]:
        """Role first; thinking and text a token at a time; the tool calls stand in the last delta."""
        yield {"role": "assistant", "content": ""}
        yield from ({"content": [_thinking(token)]} for token in tokens(said.thinking))
        yield from text_deltas(said.text)
        if said.calls:
            yield {"content": "", "tool_calls": _calls(turn, said, index)}

    def last_delta(self) -> Json:
        """Empty text."""
        return {"content": ""}

    def chunk(self, turn: Turn, number: int, choices: Sequence[Json]) -> Json:
        """A chat.completion.chunk, padded so that its length says little about its text."""
        head = _head(turn)
        chunk = {"id": head["id"], "object": "chat.completion.chunk", **head, "choices": list(choices)}
        return {**chunk, "p": _PADDING[: 2 * len(turn.padding(number))]} if number else chunk

    def last_chunks(self, turn: Turn, chunks: list[Json], usage: Json) -> list[Json]:
        """Usage on the last chunk; tool calls come with the finish reason in one chunk."""
        del turn
        merged = _merged_calls(chunks)
        padding = merged[-1].pop("p", "")
        return [*merged[:-1], {**merged[-1], "usage": usage, "p": padding}]

    def usage(self, turn: Turn, question: Question, answers: Sequence[Answer]) -> Json:
        """Three counts."""
        del turn
        output = sum(said.output_tokens for said in answers)
        counted = question.input_tokens
        return {"prompt_tokens": counted, "total_tokens": counted + output, "completion_tokens": output}

    def thinks(self, body: Mapping[str, Any]) -> bool:
        """Magistral does, and any model in reasoning mode."""
        magistral = str(body.get("model")).startswith("magistral")
        return body.get("prompt_mode") == "reasoning" or (magistral and "prompt_mode" not in body)


def _head(turn: Turn) -> Json:
    return {"id": turn.letters("completion", HEX, 32), "created": turn.created, "model": turn.model}


def _thinking(text: str) -> Json:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _content(said: Answer) -> Any:
    if said.thinking and not said.calls:
        return [_thinking(said.thinking), {"type": "text", "text": said.text}]
    return said.text


def _calls(turn: Turn, said: Answer, index: int) -> list[Json]:
    return [
        {
            "id": turn.letters(f"call {index} {at}", ALNUM, 9),
            "function": {"name": call.name, "arguments": call.arguments},
            "index": at,
        }
        for at, call in enumerate(said.calls)
    ]


def _merged_calls(chunks: list[Json]) -> list[Json]:
    """The chunk that ends a choice takes over its tool calls."""
    kept: list[Json] = []
    calls: dict[int, Any] = {}
    for chunk in chunks:
        choice = chunk["choices"][0]
        if "tool_calls" in choice["delta"]:
            calls[choice["index"]] = choice["delta"]["tool_calls"]
            continue
        if choice["finish_reason"] and choice["index"] in calls:
            delta = {**choice["delta"], "tool_calls": calls[choice["index"]]}
            chunk = {**chunk, "choices": [{**choice, "delta": delta}]}
        kept.append(chunk)
    return kept
