"""OpenAI's chat completions and models, as they appear on the wire.

Sources: recorded traffic for layout (unary bodies are indented, chunks are padded with `obfuscation`),
identifiers, headers and error bodies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from ..dialogue import Answer, Question
from ..limits import Bucket, Limits
from ..problems import Failure
from ..script import Reply
from ..text import tokens
from .chat import ChatProvider, text_deltas
from .durations import duration
from .openai_errors import worded
from .provider import ALNUM, HEX, Json, Route, Turn
from .services.batches import Batches
from .services.files import Files
from .services.fine_tuning import FineTuning
from .services.measures import Measures
from .services.media import Media
from .services.responses import Responses
from .services.routes import openai_routes
from .services.vector_stores import VectorStores

_MODELS = ("gpt-5", "gpt-5-mini", "gpt-4.1", "gpt-4o", "gpt-4o-mini", "o4-mini")
_REASONING_MODEL = re.compile(r"(gpt-5|o\d)(?!.*chat)")
_FRAGMENT = 5


class OpenAI(ChatProvider):
    """Speaks for api.openai.com; its base URL ends in /v1."""

    name = "openai"
    routes: ClassVar[Sequence[Route]] = (
        Route("chat.completions.create", "POST", "/v1/chat/completions"),
        Route("models.list", "GET", "/v1/models"),
        Route("models.get", "GET", "/v1/models/{}"),
        *openai_routes(),
    )
    max_body_bytes = 128 * 1024 * 1024
    json_forms: ClassVar[Mapping[str, str]] = {"images.edit": "images.edit_json"}

    def __init__(self) -> None:
        super().__init__()
        self.files = Files(self.whole)
        self.handlers |= {
            **self.files.handlers(),
            **Batches(self.files, self.whole, self.run).handlers(),
            **Measures(self.whole, self.check_model).handlers(),
            **Media(self.whole, self.check_model).handlers(),
            **FineTuning(self.files, self.whole).handlers(),
            **VectorStores(self.files, self.whole).handlers(),
            **Responses(self.whole, self.thinks).handlers(),
        }

    def buckets(self) -> dict[str, Bucket]:
        """10,000 requests and 2,000,000 tokens a minute."""
        return {"requests": Bucket(10_000), "tokens": Bucket(2_000_000)}

    def request_id(self, turn: Turn) -> str:
        """`req_` and 32 hexadecimal digits."""
        return "req_" + turn.letters("request", HEX, 32)

    def headers(self, request_id: str, turn: Turn) -> list[tuple[str, str]]:
        """Version, organisation, processing time and the request id."""
        return [
            ("openai-organization", "simulated"),
            ("openai-processing-ms", str(turn.dice("processing").randint(20, 900))),
            ("openai-version", "2020-10-01"),
            ("x-request-id", request_id),
        ]

    def limit_headers(self, limits: Limits, now: float, cost: Mapping[str, float]) -> list[tuple[str, str]]:
        """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}`; resets as durations."""
        del cost
        return openai_limit_headers(limits, now)

    def failure(self, failure: Failure, request_id: str) -> Reply:
        """`{"error":{"message","type","param","code"}}`, indented."""
        del request_id
        status, kind, param, code, message = worded(failure)
        error = {"message": message, "type": kind, "param": param, "code": code}
        return replace(self.whole({"error": error}), status=status)

    def stream_error(self, kind: str, message: str) -> str:
        """A data event with an error object."""
        error = {"message": message, "type": kind, "param": None, "code": None}
        return f"data: {json.dumps({'error': error}, separators=(',', ':'))}\n\n"

    def whole(self, body: Any) -> Reply:
        """Indented JSON with a line end."""
        text = json.dumps(body, indent=2, ensure_ascii=False) + "\n"
        return Reply(
            body=text.encode("utf-8", "surrogatepass"), headers=[("content-type", "application/json")]
        )

    def model_list(self) -> Json:
        """A list object."""
        return {"object": "list", "data": [self.model(name) for name in _MODELS]}

    def model(self, name: str) -> Json:
        """A model object."""
        return {"id": name, "object": "model", "created": 1_715_367_049, "owned_by": "system"}

    def completion(self, turn: Turn, choices: Sequence[Json], usage: Json) -> Json:
        """A chat.completion object."""
        head = _head(turn, "chat.completion")
        return {**head, "choices": list(choices), "usage": usage, **_service(turn)}

    def choice(self, turn: Turn, said: Answer, index: int, reason: str) -> Json:
        """With logprobs, null unless asked for."""
        message = self.message(turn, said, index)
        logprobs = _logprobs(said.text) if turn.body.get("logprobs") else None
        return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": reason}

    def delta_choice(self, index: int, delta: Json, reason: str | None) -> Json:
        """With logprobs, which the delta brings along if they were asked for."""
        logprobs = delta.pop("logprobs", None)
        return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}

    def message(self, turn: Turn, said: Answer, index: int) -> Json:
        """Content is null beside tool calls."""
        calls = [
            {
                "id": _call_id(turn, index, at),
                "type": "function",
                "function": _function(call.name, call.arguments),
            }
            for at, call in enumerate(said.calls)
        ]
        content = None if calls else said.text
        called = {"tool_calls": calls} if calls else {}
        return {"role": "assistant", "content": content, **called, "refusal": None, "annotations": []}

    def deltas(self, turn: Turn, said: Answer, index: int) -> Iterator[Json]:
        """Role first; text a token at a time; arguments in fragments."""
        yield {"role": "assistant", "content": None if said.calls else "", "refusal": None}
        for delta in text_deltas(said.text):
            logprobs = {"logprobs": _logprobs(delta["content"])} if turn.body.get("logprobs") else {}
            yield {**delta, **logprobs}
        for at, call in enumerate(said.calls):
            begun = {"index": at, "id": _call_id(turn, index, at), "type": "function"}
            yield {"tool_calls": [{**begun, "function": _function(call.name, "")}]}
            for start in range(0, len(call.arguments), _FRAGMENT):
                part = call.arguments[start : start + _FRAGMENT]
                yield {"tool_calls": [{"index": at, "function": {"arguments": part}}]}

    def chunk(self, turn: Turn, number: int, choices: Sequence[Json]) -> Json:
        """A chat.completion.chunk, padded so that its length says little about its text."""
        chunk = {**_head(turn, "chat.completion.chunk"), **_service(turn), "choices": list(choices)}
        if (turn.body.get("stream_options") or {}).get("include_usage"):
            chunk["usage"] = None
        if (turn.body.get("stream_options") or {}).get("include_obfuscation") is not False:
            chunk["obfuscation"] = turn.padding(number)
        return chunk

    def last_chunks(self, turn: Turn, chunks: list[Json], usage: Json) -> list[Json]:
        """A chunk without choices holds the usage, if it was asked for."""
        if not (turn.body.get("stream_options") or {}).get("include_usage"):
            return chunks
        return [*chunks, {**self.chunk(turn, len(chunks), []), "usage": usage}]

    def usage(self, turn: Turn, question: Question, answers: Sequence[Answer]) -> Json:
        """With details."""
        del turn
        output = sum(said.output_tokens for said in answers)
        reasoning = sum(said.thinking_tokens for said in answers)
        return {
            "prompt_tokens": question.input_tokens,
            "completion_tokens": output,
            "total_tokens": question.input_tokens + output,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def thinks(self, body: Mapping[str, Any]) -> bool:
        """Reasoning models do, unless the effort is none; their reasoning is counted, never shown."""
        effort = body.get("reasoning_effort")
        asked = effort is not None or _REASONING_MODEL.match(str(body.get("model")))
        return bool(asked) and effort != "none"

    def finish_reason(self, said: Answer, question: Question) -> str:
        """`stop` for a tool that was forced by name."""
        if said.finish == "tools" and question.forced is not None:
            return "stop"
        return super().finish_reason(said, question)


def openai_limit_headers(limits: Limits, now: float) -> list[tuple[str, str]]:
    """The headers that Groq has as well."""
    pairs: list[tuple[str, str]] = []
    for kind in ("limit", "remaining", "reset"):
        for unit in limits:
            bucket = limits[unit]
            value = {
                "limit": f"{bucket.capacity:.0f}",
                "remaining": str(max(0, int(bucket.available(now)))),
                "reset": duration(bucket.full_in(now)),
            }[kind]
            pairs.append((f"x-ratelimit-{kind}-{unit}", value))
    return pairs


def _head(turn: Turn, kind: str) -> Json:
    identifier = "chatcmpl-" + turn.letters("completion", ALNUM, 29)
    return {"id": identifier, "object": kind, "created": turn.created, "model": turn.model}


def _service(turn: Turn) -> Json:
    return {"service_tier": "default", "system_fingerprint": "fp_" + f"{turn.seed & 0xFFFFFFFFFF:010x}"}


def _call_id(turn: Turn, index: int, at: int) -> str:
    return "call_" + turn.letters(f"call {index} {at}", ALNUM, 24)


def _function(name: str, arguments: str) -> Json:
    return {"name": name, "arguments": arguments}


def _logprobs(text: str) -> Json:
    content = [
        {"token": token, "logprob": -0.25, "bytes": list(token.encode()), "top_logprobs": []}
        for token in tokens(text)
    ]
    return {"content": content, "refusal": None}
