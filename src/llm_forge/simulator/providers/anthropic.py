"""Anthropic's API, as it appears on the wire; batches, files and the organization are under services.

Sources: recorded traffic for framing (event and data lines, a ping, spaces before the closing brace),
identifiers and headers; the error bodies that the API really sends.
"""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal
from urllib.parse import unquote

from ..dialogue import Answer, Question, Tool, answer
from ..limits import Bucket, Limits
from ..problems import Failure, Problem
from ..script import Reply
from ..server import Request
from ..text import tokens
from ..validation import Validator
from .anthropic_errors import worded
from .cache import PromptCache
from .provider import (
    BASE58,
    Handler,
    Json,
    Produced,
    Provider,
    Route,
    Turn,
    bearer_token,
    check_choice,
    check_key,
    checked_schema,
    compact,
    input_tokens,
)
from .services.anthropic_files import AnthropicFiles
from .services.id_pages import id_page
from .services.message_batches import MessageBatches
from .services.organization import Organization
from .services.routes import anthropic_routes

_MODELS = (
    ("claude-opus-4-5-20251101", "Claude Opus 4.5", "2025-11-24"),
    ("claude-haiku-4-5-20251001", "Claude Haiku 4.5", "2025-10-15"),
    ("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5", "2025-09-29"),
    ("claude-opus-4-1-20250805", "Claude Opus 4.1", "2025-08-05"),
)
_UNITS = ("requests", "tokens", "input-tokens", "output-tokens")
_STOP_REASONS = {
    "stop": "end_turn",
    "stop-sequence": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
}
_CHUNK_TOKENS = 3


class Anthropic(Provider):
    """Speaks for api.anthropic.com."""

    name = "anthropic"
    routes: ClassVar[Sequence[Route]] = anthropic_routes()
    checked_later: ClassVar[Mapping[str, str]] = {"messages.batches.create": "params"}

    def __init__(self) -> None:
        self._cache = PromptCache()
        self._handlers: dict[str, Handler] = {
            "messages.create": self._message,
            "messages.count_tokens": _counted,
            "models.list": lambda turn: Produced(Reply(json=id_page(turn, _models()))),
            "models.get": self._described,
            **MessageBatches(self._outcome).handlers(),
            **AnthropicFiles().handlers(),
            **Organization().handlers(),
        }

    def buckets(self) -> dict[str, Bucket]:
        """4,000 requests, 2,000,000 input and 400,000 output tokens a minute."""
        sizes = (4_000, 2_400_000, 2_000_000, 400_000)
        return {unit: Bucket(size) for unit, size in zip(_UNITS, sizes, strict=True)}

    def authenticate(self, request: Request) -> None:
        """An x-api-key or a bearer token, and always anthropic-version."""
        check_key(request.header("x-api-key") or bearer_token(request))
        if not request.header("anthropic-version"):
            raise Failure("no-version")

    def request_id(self, turn: Turn) -> str:
        """`req_011C...`."""
        return "req_011C" + turn.letters("request", BASE58, 20)

    def headers(self, request_id: str, turn: Turn) -> list[tuple[str, str]]:
        """The request id, and the organisation."""
        return [("request-id", request_id), ("anthropic-organization-id", _organization(turn.seed))]

    def limit_headers(self, limits: Limits, now: float, cost: Mapping[str, float]) -> list[tuple[str, str]]:
        """Limit, remaining and the RFC 3339 time at which the bucket is full again."""
        del cost
        pairs: list[tuple[str, str]] = []
        for unit in limits:
            bucket, name = limits[unit], f"anthropic-ratelimit-{unit}"
            full_at = datetime.datetime.fromtimestamp(now + bucket.full_in(now), datetime.UTC)
            pairs += [
                (f"{name}-limit", f"{bucket.capacity:.0f}"),
                (f"{name}-remaining", f"{max(0, int(bucket.available(now)))}"),
                (f"{name}-reset", full_at.strftime("%Y-%m-%dT%H:%M:%SZ")),
            ]
        return pairs

    def failure(self, failure: Failure, request_id: str) -> Reply:
        """`{"type":"error","error":{"type","message"},"request_id"}`."""
        status, kind, message = worded(failure)
        body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
        return Reply(status=status, json=body, headers=_retry_advice(status))

    def stream_error(self, kind: str, message: str) -> str:
        """An `error` event."""
        return _event({"type": "error", "error": {"type": kind, "message": message}}, 0)

    def produce(self, operation: str, turn: Turn) -> Produced:
        """Answer one of the routes."""
        return self._handlers[operation](turn)

    def _described(self, turn: Turn) -> Produced:
        name = unquote(turn.ids[0])
        self.check_model(name)
        return Produced(Reply(json=_model(name)))

    def _outcome(self, turn: Turn, params: Mapping[str, Any]) -> Json:
        """The result of one request of a batch."""
        try:
            if params.get("stream"):
                raise Failure("state", "stream: requests of a batch must not stream")
            Validator(self.name).check("messages.create", params)
            message = self._message(replace(turn, body=params)).reply.json
        except Failure as failure:
            return {"type": "errored", "error": self.failure(failure, self.request_id(turn)).json}
        return {"type": "succeeded", "message": message}

    def _message(self, turn: Turn) -> Produced:
        self.check_model(turn.model)
        _check_budget(turn.body)
        question = _question(turn.body)
        check_choice(question, turn.body.get("tools"))
        said = answer(question, turn.seed)
        usage = self._usage(turn.body, said)
        message = _message(turn, said, usage)
        total = (
            usage["input_tokens"] + usage["cache_creation_input_tokens"] + usage["cache_read_input_tokens"]
        )
        if turn.body.get("stream"):
            events = list(_events(turn, message, said))
            reply = Reply(events=events, headers=[("cache-control", "no-cache")])
        else:
            reply = Reply(json=message)
        return Produced(reply, total, said.output_tokens)

    def _usage(self, body: Mapping[str, Any], said: Answer) -> dict[str, Any]:
        total = _input_tokens(body)
        cached = self._cache.use(_cached_prefix(body))
        return {
            "input_tokens": total - cached.created - cached.read,
            "cache_creation_input_tokens": cached.created,
            "cache_read_input_tokens": cached.read,
            "cache_creation": {"ephemeral_5m_input_tokens": cached.created, "ephemeral_1h_input_tokens": 0},
            "output_tokens": said.output_tokens,
            "service_tier": "standard",
        }


def _organization(seed: int) -> str:
    return f"{seed & 0xFFFFFFFF:08x}-0000-4000-8000-000000000000"


def _question(body: Mapping[str, Any]) -> Question:
    messages = body["messages"]
    choice = body.get("tool_choice") or {"type": "auto"}
    thinking = body.get("thinking") or {}
    output = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return Question(
        prompt=_prompt(messages),
        input_tokens=_input_tokens(body),
        results=_results(messages),
        tools=tuple(_tools(body.get("tools") or ())),
        choice=_choice(choice),
        forced=choice.get("name") if choice.get("type") == "tool" else None,
        parallel=not choice.get("disable_parallel_tool_use", False),
        schema=checked_schema(output.get("schema"), "output_config", "format", "schema"),
        stop=tuple(body.get("stop_sequences") or ()),
        max_tokens=body.get("max_tokens"),
        thinking=thinking.get("type") in {"enabled", "adaptive"},
    )


def _check_budget(body: Mapping[str, Any]) -> None:
    """Thinking takes part of max_tokens and must leave some."""
    budget = (body.get("thinking") or {}).get("budget_tokens")
    if budget is not None and body["max_tokens"] <= budget:
        problem = Problem("too-small", ("max_tokens",), budget + 1, body["max_tokens"])
        raise Failure("invalid", problems=(problem,))


def _choice(choice: Mapping[str, Any]) -> Literal["auto", "any", "none"]:
    kind = choice.get("type")
    return "any" if kind == "any" else "none" if kind == "none" else "auto"


def _tools(given: Sequence[Mapping[str, Any]]) -> Iterator[Tool]:
    for index, tool in enumerate(given):
        if "input_schema" in tool:
            schema = checked_schema(tool["input_schema"], "tools", index, "input_schema")
            yield Tool(tool["name"], tool.get("description") or "", schema)


def _blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())


def _text(blocks: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(str(block["text"]) for block in blocks if block.get("type") == "text")


def _prompt(messages: Sequence[Mapping[str, Any]]) -> str:
    texts = (_text(_blocks(message)) for message in reversed(messages) if message.get("role") == "user")
    return next((text for text in texts if text), "")


def _results(messages: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    blocks = _blocks(messages[-1]) if messages else []
    contents = [block.get("content") or "" for block in blocks if block.get("type") == "tool_result"]
    return tuple(content if isinstance(content, str) else _text(content) for content in contents)


def _input_tokens(body: Mapping[str, Any]) -> int:
    return input_tokens(body.get("system"), body.get("messages"), body.get("tools"))


def _cached_prefix(body: Mapping[str, Any]) -> list[Any]:
    """Everything up to the last cache_control, in the order in which it is processed."""
    parts: list[Any] = list(body.get("tools") or ())
    system = body.get("system")
    parts += [system] if isinstance(system, str) else list(system or ())
    parts += [block for message in body.get("messages") or () for block in _blocks(message)]
    if body.get("cache_control"):
        return parts
    marked = [
        index for index, part in enumerate(parts) if isinstance(part, Mapping) and part.get("cache_control")
    ]
    return parts[: marked[-1] + 1] if marked else []


def _message(turn: Turn, said: Answer, usage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": turn.model,
        "id": "msg_01" + turn.letters("message", BASE58, 22),
        "type": "message",
        "role": "assistant",
        "content": list(_content(turn, said)),
        "stop_reason": _STOP_REASONS[said.finish],
        "stop_sequence": said.stopped_by,
        "usage": usage,
    }


def _content(turn: Turn, said: Answer) -> Iterator[dict[str, Any]]:
    if said.thinking:
        yield {"type": "thinking", "thinking": said.thinking, "signature": _signature(turn)}
    if said.text:
        yield {"type": "text", "text": said.text}
    for index, call in enumerate(said.calls):
        identifier = "toolu_01" + turn.letters(f"tool {index}", BASE58, 22)
        yield {"type": "tool_use", "id": identifier, "name": call.name, "input": json.loads(call.arguments)}


def _signature(turn: Turn) -> str:
    return base64.b64encode(turn.dice("signature").randbytes(96)).decode()


def _events(turn: Turn, message: Mapping[str, Any], said: Answer) -> Iterator[str]:
    spaces = turn.dice("padding")
    for number, value in enumerate(_stream(message, said)):
        yield _event(value, spaces.randrange(16))
        if number == 1:
            yield 'event: ping\ndata: {"type": "ping"}\n\n'


def _stream(message: Mapping[str, Any], said: Answer) -> Iterator[dict[str, Any]]:
    usage = {**message["usage"], "output_tokens": min(1, said.output_tokens)}
    begun = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    yield {"type": "message_start", "message": begun}
    arguments = iter(said.calls)
    for index, block in enumerate(message["content"]):
        text = next(arguments).arguments if block["type"] == "tool_use" else ""
        yield {"type": "content_block_start", "index": index, "content_block": _emptied(block)}
        for delta in _deltas(block, text):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    counts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    yield {
        "type": "message_delta",
        "delta": ended,
        "usage": {name: message["usage"][name] for name in counts},
    }
    yield {"type": "message_stop"}


def _emptied(block: Mapping[str, Any]) -> dict[str, Any]:
    empty = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {key: empty.get(key, value) if key != "type" else value for key, value in block.items()}


def _deltas(block: Mapping[str, Any], arguments: str) -> Iterator[dict[str, Any]]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": part} for part in _parts(block["text"]))
    elif block["type"] == "thinking":
        yield from ({"type": "thinking_delta", "thinking": part} for part in _parts(block["thinking"]))
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        parts = ["", *(_parts(arguments) if arguments != "{}" else ())]
        yield from ({"type": "input_json_delta", "partial_json": part} for part in parts)


def _parts(text: str) -> Iterator[str]:
    pieces = tokens(text)
    for at in range(0, len(pieces), _CHUNK_TOKENS):
        yield "".join(pieces[at : at + _CHUNK_TOKENS])


def _retry_advice(status: int) -> list[tuple[str, str]]:
    """`x-should-retry`: true with 429, false with the other refusals, absent where the server failed."""
    return [("x-should-retry", str(status == 429).lower())] if status < 500 else []


def _event(value: Mapping[str, Any], spaces: int) -> str:
    return f"event: {value['type']}\ndata: {compact(value)[:-1]}{' ' * spaces}}}\n\n"


def _counted(turn: Turn) -> Produced:
    return Produced(Reply(json={"input_tokens": _input_tokens(turn.body)}))


def _models() -> list[Json]:
    return [_model(name) for name, _, _ in _MODELS]


def _model(name: str) -> dict[str, Any]:
    known = next((model for model in _MODELS if model[0] == name), (name, name, "2025-01-01"))
    return {"type": "model", "id": name, "display_name": known[1], "created_at": f"{known[2]}T00:00:00Z"}
