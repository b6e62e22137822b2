"""Groq's chat completions and models, as they appear on the wire.

Sources: recorded traffic. Usage and timings stand in `x_groq` of the last chunk (and beside it), tool
calls arrive whole, reasoning in a field of its own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ..dialogue import Answer, Question
from ..limits import Bucket, Limits
from ..problems import Failure, Problem
from ..script import Reply
from .chat import ChatProvider, text_deltas
from .openai import openai_limit_headers
from .openai_errors import rate_message, status_type
from .provider import BASE32, HEX, Json, Route, Turn, compact
from .services.batches import Batches
from .services.files import Files
from .services.measures import Measures
from .services.media import Media
from .services.routes import groq_routes

_MODELS = (
    ("llama-3.3-70b-versatile", "Meta"),
    ("llama-3.1-8b-instant", "Meta"),
    ("openai/gpt-oss-120b", "OpenAI"),
    ("openai/gpt-oss-20b", "OpenAI"),
    ("qwen/qwen3-32b", "Alibaba Cloud"),
)
_REASONING_MODEL = re.compile(r".*(gpt-oss|qwen3|deepseek-r1)")
_INVALID = "invalid_request_error"
_STREAM_STATUSES = {"tool_use_failed": 400, "rate_limit_exceeded": 429, "overloaded_error": 503}


class Groq(ChatProvider):
    """Speaks for api.groq.com; its paths begin with /openai/v1."""

    name = "groq"
    routes: ClassVar[Sequence[Route]] = (
        Route("chat.completions.create", "POST", "/openai/v1/chat/completions"),
        Route("models.list", "GET", "/openai/v1/models"),
        Route("models.get", "GET", "/openai/v1/models/{}"),
        *groq_routes(),
    )

    def __init__(self) -> None:
        super().__init__()
        self.files = Files(self.whole)
        self.handlers |= {
            **self.files.handlers(),
            **Batches(self.files, self.whole, self.run).handlers(),
            **Measures(self.whole, self.check_model).handlers(),
            **Media(self.whole, self.check_model).handlers(),
        }

    def batch_path(self, path: str) -> str:
        """Batches leave out the beginning of the path."""
        return path if path.startswith("/openai") else f"/openai{path}"

    def buckets(self) -> dict[str, Bucket]:
        """14,400 requests a day and 300,000 tokens a minute."""
        return {"requests": Bucket(14_400, 86_400.0), "tokens": Bucket(300_000)}

    def request_id(self, turn: Turn) -> str:
        """`req_01` and 24 characters of a ULID."""
        return "req_01" + turn.letters("request", BASE32, 24)

    def headers(self, request_id: str, turn: Turn) -> list[tuple[str, str]]:
        """Region, proxy and the request id."""
        del turn
        return [
            ("cache-control", "private, max-age=0, no-store, no-cache, must-revalidate"),
            ("vary", "Origin"),
            ("via", "1.1 google"),
            ("x-groq-region", "us-west-1"),
            ("x-request-id", request_id),
        ]

    def limit_headers(self, limits: Limits, now: float, cost: Mapping[str, float]) -> list[tuple[str, str]]:
        """As OpenAI's."""
        del cost
        return openai_limit_headers(limits, now)

    def failure(self, failure: Failure, request_id: str) -> Reply:
        """`{"error":{"message","type","code"}}`."""
        del request_id
        status, kind, code, message = _of_a_thing(failure) or _worded(failure)
        error = {"message": message, "type": kind, **({} if code is None else {"code": code})}
        return Reply(status=status, json={"error": error})

    def stream_error(self, kind: str, message: str) -> str:
        """An `error` event with a status of its own."""
        status = _STREAM_STATUSES.get(kind, 500)
        error = {"message": message, "type": kind, "code": kind, "status_code": status}
        return f"event: error\ndata: {compact({'error': error})}\n\n"

    def model_list(self) -> Json:
        """A list object."""
        return {"object": "list", "data": [self.model(name) for name, _ in _MODELS]}

    def model(self, name: str) -> Json:
        """A model object."""
        owner = dict(_MODELS).get(name, "Simulated")
        head = {"id": name, "object": "model", "created": 1_733_447_754, "owned_by": owner}
        return {
            **head,
            "active": True,
            "context_window": 131_072,
            "public_apps": None,
            "max_completion_tokens": 32_768,
        }

    def completion(self, turn: Turn, choices: Sequence[Json], usage: Json) -> Json:
        """A chat.completion object."""
        head = {**_head(turn, "chat.completion"), "choices": list(choices), "usage": usage}
        return {
            **head,
            "usage_breakdown": None,
            **_fingerprint(turn),
            "x_groq": _x_groq(turn),
            "service_tier": "on_demand",
        }

    def choice(self, turn: Turn, said: Answer, index: int, reason: str) -> Json:
        """With logprobs, always null."""
        message = self.message(turn, said, index)
        return {"index": index, "message": message, "logprobs": None, "finish_reason": reason}

    def delta_choice(self, index: int, delta: Json, reason: str | None) -> Json:
        """With logprobs, always null."""
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}

    def message(self, turn: Turn, said: Answer, index: int) -> Json:
        """No content beside tool calls; reasoning as its format asks."""
        shown, text = _reasoning(turn, said)
        reasoning = {"reasoning": shown} if shown else {}
        calls = [_call(turn, call.name, call.arguments, index, at) for at, call in enumerate(said.calls)]
        if calls:
            return {"role": "assistant", **reasoning, "tool_calls": calls}
        return {"role": "assistant", "content": text, **reasoning}

    def deltas(self, turn: Turn, said: Answer, index: int) -> Iterator[Json]:
        """Role first; reasoning and text a token at a time; each tool call whole."""
        shown, text = _reasoning(turn, said)
        yield {"role": "assistant", "content": ""}
        channel = {"channel": "analysis"} if "gpt-oss" in turn.model else {}
        yield from ({**delta, **channel} for delta in text_deltas(shown, "reasoning"))
        yield from text_deltas(text)
        for at, call in enumerate(said.calls):
            yield {"tool_calls": [{**_call(turn, call.name, call.arguments, index, at), "index": at}]}

    def chunk(self, turn: Turn, number: int, choices: Sequence[Json]) -> Json:
        """A chat.completion.chunk; the first says which request it is."""
        head = {**_head(turn, "chat.completion.chunk"), **_fingerprint(turn), "choices": list(choices)}
        return {**head, "x_groq": _x_groq(turn)} if number == 0 else head

    def last_chunks(self, turn: Turn, chunks: list[Json], usage: Json) -> list[Json]:
        """Usage in the last chunk, and once more without choices if it was asked for."""
        identifier = {"id": self.request_id(turn)}
        last = {**chunks[-1], "x_groq": {**identifier, "usage": usage}, "usage": usage}
        if not (turn.body.get("stream_options") or {}).get("include_usage"):
            return [*chunks[:-1], last]
        extra = {**self.chunk(turn, len(chunks), []), "usage": usage, "service_tier": "on_demand"}
        return [*chunks[:-1], last, extra]

    def usage(self, turn: Turn, question: Question, answers: Sequence[Answer]) -> Json:
        """With times."""
        output = sum(said.output_tokens for said in answers)
        reasoning = sum(said.thinking_tokens for said in answers)
        prompt_time, completion_time = question.input_tokens / 10_000, output / 1_000
        details = {"completion_tokens_details": {"reasoning_tokens": reasoning}} if reasoning else {}
        return {
            "queue_time": round(turn.dice("queue").uniform(0.001, 0.3), 9),
            "prompt_tokens": question.input_tokens,
            "prompt_time": round(prompt_time, 9),
            "completion_tokens": output,
            "completion_time": round(completion_time, 9),
            "total_tokens": question.input_tokens + output,
            "total_time": round(prompt_time + completion_time, 9),
            **details,
        }

    def thinks(self, body: Mapping[str, Any]) -> bool:
        """Reasoning models do, unless the effort is none."""
        effort = body.get("reasoning_effort")
        asked = effort or body.get("reasoning_format") or body.get("include_reasoning")
        return effort != "none" and bool(asked or _REASONING_MODEL.match(str(body.get("model"))))


def _reasoning(turn: Turn, said: Answer) -> tuple[str, str]:
    """The reasoning that is shown apart, and the text."""
    form = turn.body.get("reasoning_format") or "parsed"
    if form == "raw" and said.thinking:
        return "", f"<think>\n{said.thinking}\n</think>\n{said.text}"
    hidden = form == "hidden" or turn.body.get("include_reasoning") is False
    return "" if hidden else said.thinking, said.text


def _head(turn: Turn, kind: str) -> Json:
    identifier = f"chatcmpl-{uuid.UUID(turn.letters('completion', HEX, 32), version=4)}"
    return {"id": identifier, "object": kind, "created": turn.created, "model": turn.model}


def _fingerprint(turn: Turn) -> Json:
    return {"system_fingerprint": "fp_" + f"{turn.seed & 0xFFFFFFFFFF:010x}"}


def _x_groq(turn: Turn) -> Json:
    seed = turn.body.get("seed")
    own = turn.dice("seed").getrandbits(31)
    return {"id": "req_01" + turn.letters("request", BASE32, 24), "seed": own if seed is None else seed}


def _call(turn: Turn, name: str, arguments: str, index: int, at: int) -> Json:
    identifier = turn.letters(f"call {index} {at}", BASE32, 9)
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def _of_a_thing(failure: Failure) -> tuple[int, str, str | None, str] | None:
    if failure.kind == "missing":
        return 404, _INVALID, None, f"No such {failure.unit} object: {failure.subject}"
    return (400, _INVALID, None, failure.subject) if failure.kind == "state" else None


def _worded(failure: Failure) -> tuple[int, str, str | None, str]:
    """Status, type, code and message."""
    subject = failure.subject
    match failure.kind:
        case "no-key" | "bad-key":
            return 401, _INVALID, "invalid_api_key", "Invalid API Key"
        case "route":
            return 404, _INVALID, "unknown_url", f"Unknown request URL: {subject}."
        case "method":
            return 405, _INVALID, "method_not_allowed", f"Method not allowed: {subject}."
        case "model":
            message = f"The model `{subject}` does not exist or you do not have access to it."
            return 404, _INVALID, "model_not_found", message
        case "size":
            return 413, _INVALID, "request_too_large", "Request Entity Too Large"
        case "rate":
            status = 413 if failure.retry_after is None else 429
            return status, failure.unit, "rate_limit_exceeded", rate_message(failure)
        case "invalid":
            return 400, _INVALID, None, _problem(failure.problems[0])
        case "status":
            code = "rate_limit_exceeded" if failure.status == 429 else None
            return failure.status, status_type(failure.status), code, subject
    return 400, _INVALID, "json_invalid", f"The request body is not valid JSON: {subject}"


def _problem(problem: Problem) -> str:
    name = problem.dotted
    match problem.kind:
        case "missing":
            return f"'{name}' : property '{problem.path[-1]}' is missing"
        case "type":
            return f"'{name}' : value must be a {problem.expected}"
        case "too-small":
            return f"'{name}' : number must be at least {problem.expected}"
        case "too-large":
            return f"'{name}' : number must be at most {problem.expected}"
        case "too-short":
            return f"'{name}' : minimum number of items is {problem.expected}"
        case "too-long":
            return f"'{name}' : maximum number of items is {problem.expected}"
        case "value":
            return f"'{name}' : value must be one of {problem.expected}"
