"""A client in a scripted world: what unit tests of the call loop are made of."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from llm_forge.core.profile import AuthScheme, ErrorRules, LimitHeaders, Operation, Profile, StreamRule
from llm_forge.core.views import View
from llm_forge.runtime.client import SyncClient
from llm_forge.runtime.io import Io
from llm_forge.runtime.scripted import Answer, Piece, ScriptedIo

PROFILE = Profile(
    name="acme",
    base_url="https://api.acme.test/v1",
    env_api_key=("ACME_API_KEY",),
    env_base_url=("ACME_BASE_URL",),
    auth=AuthScheme("bearer"),
    headers={"acme-version": "1"},
    errors=ErrorRules(status_of_type={"overloaded_error": 529}),
    rate_limits=(
        LimitHeaders(
            "requests",
            "requests",
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ),
    ),
)
CHAT = Operation(
    "chat.create", "POST", "/chat", View, StreamRule("chat-completion", View), group="chat", has_body=True
)
BLOCKS = Operation(
    "messages.create", "POST", "/messages", View, StreamRule("block-event", View), has_body=True
)
GET = Operation("models.get", "GET", "/models/{model_id}", View, group="models")
ONCE = Operation("jobs.create", "POST", "/jobs", View, replay="once", has_body=True)


class Acme(SyncClient):
    """A client whose network is a script."""

    profile = PROFILE
    world: ScriptedIo

    def _make_io(self, transport: Any, *_: Any) -> Io:
        self.world = transport
        return self.world


def client(*answers: Answer | BaseException, **options: Any) -> Acme:
    """A client that gets these answers, with chance fixed to 1."""
    return Acme(**{"api_key": "canary-key", "transport": ScriptedIo(list(answers)), **options})


def ok(value: Any = None, **headers: str) -> Answer:
    """A whole JSON answer."""
    return answer(200, {"id": "x"} if value is None else value, **headers)


def answer(status: int, value: Any, **headers: str) -> Answer:
    """A JSON answer of any status; header names with underscores."""
    pairs = [("content-type", "application/json")]
    pairs += [(name.replace("_", "-"), text) for name, text in headers.items()]
    return Answer(status, pairs, [json.dumps(value).encode()])


def failed(status: int, kind: str = "error", **headers: str) -> Answer:
    """An error answer."""
    return answer(status, {"error": {"message": "no", "type": kind}}, **headers)


def sse(*pieces: Piece) -> Answer:
    """An event stream."""
    return Answer(200, [("content-type", "text/event-stream")], list(pieces))


def delta(text: str, finish: str | None = None) -> bytes:
    """One chat chunk as an event."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return f"data: {json.dumps({'id': 'c', 'choices': [choice]})}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def call(acme: Acme, operation: Operation[Any, Any] = CHAT, **options: Any) -> Any:
    """A unary call."""
    body = {"model": "m", "messages": []} if operation.has_body else None
    path = {"model_id": "m"} if operation is GET else None
    return acme.call(operation, body=body, path=path, options=options)


def outcomes(attempts: Sequence[Any]) -> list[str]:
    """What each attempt ended in."""
    return [attempt.outcome for attempt in attempts]


def on_asyncio(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine, run in a loop of its own."""

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return run
