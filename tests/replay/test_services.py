"""Recorded traffic of every described service but chat (test_replay.py), through our clients."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

import llm_forge
from llm_forge import ApiError, StreamInterruptedError, View
from llm_forge.core.profile import Operation
from llm_forge.simulator.server import Server
from tests.replay.expected import hear_chat
from tests.replay.records import PATHS, Player, Record, exchanges
from tests.shared import needs_shared

pytestmark = needs_shared
CLIENTS = {"anthropic": "Anthropic", "openai": "OpenAI", "groq": "Groq", "mistral": "Mistral"}
BEGINNINGS = {"openai": "/v1"}  # what the base URL of a client has, and the paths of its operations have not
STATUS_CLASS = {400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError", 500: "ServerError"}
LEAST = {
    "anthropic": {
        "messages.count_tokens": 8, "messages.batches.create": 5, "messages.batches.list": 2,
        "messages.batches.get": 2, "messages.batches.cancel": 1, "files.upload": 8, "files.delete": 5,
        "files.list": 1, "models.list": 1,
    },
    "groq": {"models.list": 1},
    "mistral": {
        "agents.create": 3, "agents.delete": 3, "agents.complete": 6, "fim.complete": 3,
        "classifiers.moderate": 2, "classifiers.moderate_chat": 2, "ocr.process": 2,
    },
    "openai": {
        "responses.create": 724, "responses.get": 8, "embeddings.create": 42, "files.create": 24,
        "moderations.create": 13, "images.generate": 11, "images.edit": 5, "audio.speech.create": 2,
        "audio.transcriptions.create": 7, "batches.create": 5, "vector_stores.create": 10,
    },
}  # fmt: skip
# What was recorded of endpoints that are not among the services we promise.
NOT_PROMISED = {
    "anthropic": [
        "HEAD /",  # not of the API
        "POST /v1/complete",  # the text completions of 2023
        "POST /v1/chat/completions",  # its imitation of OpenAI: test_compatible.py replays it
    ],
    "groq": [],
    "mistral": [],
    "openai": [
        "POST /v1/completions",  # the text completions of 2020
        "(GET|POST) /v1/assistants.*",  # assistants, which ended in 2026, with their threads
        "(GET|POST|DELETE) /v1/threads.*",
        "(POST|DELETE) /v1/conversations.*",
        "POST /v1/responses/(compact|input_tokens)",
        "POST /v1/realtime/.*",
        "GET /v1/organization/.*",
        "POST /v1/traces/ingest",  # of the vendor's own agents
    ],
}


def operations_of(provider: str) -> list[Operation[Any, Any]]:
    package = import_module(f"llm_forge.clients.{provider}.resources")
    modules = [import_module(one.name) for one in iter_modules(package.__path__, f"{package.__name__}.")]
    return [one for module in modules for one in vars(module).values() if isinstance(one, Operation)]


OPERATIONS = {provider: operations_of(provider) for provider in CLIENTS}


@pytest.fixture(scope="module")
def player() -> Iterator[tuple[Player, Server]]:
    application = Player()
    with Server(application) as server:
        yield application, server


def new_client(provider: str, server: Server) -> Any:
    return getattr(llm_forge, CLIENTS[provider])(
        api_key="recorded",
        base_url=server.url + BEGINNINGS.get(provider, ""),
        max_attempts=1,
        breaker=llm_forge.BreakerSettings(enabled=False),
    )


def operation_of(provider: str, method: str, path: str) -> Operation[Any, Any] | None:
    """The most exact operation that a recorded request is of."""
    beginning = BEGINNINGS.get(provider, "")
    fitting = [
        one
        for one in OPERATIONS[provider]
        if one.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", beginning + one.path), path)
    ]
    return min(fitting, key=lambda one: one.path.count("{"), default=None)


def of_kind(provider: str, *, stream: bool, ok: bool) -> list[tuple[Operation[Any, Any], Record]]:
    found = (
        (operation_of(provider, method, path), record)
        for method, path, record in exchanges(provider)
        if path != PATHS[provider]
    )
    return [
        (operation, record)
        for operation, record in found
        if operation is not None and record.is_stream == stream and (200 <= record.status < 300) == ok
    ]


def parts(operation: Operation[Any, Any]) -> dict[str, Any]:
    path = dict.fromkeys(re.findall(r"\{(\w+)\}", operation.path), "recorded")
    body = {"file": b"again"} if operation.body.kind == "multipart" else {"model": "recorded"}
    return {"path": path, "options": {}, **({"body": body} if operation.has_body else {})}


def ask(client: Any, operation: Operation[Any, Any]) -> Any:
    """What a recorded answer gives, as plain JSON or bytes."""
    if operation.answer == "binary":
        return client.download(operation, **parts(operation)).read()
    if operation.answer == "lines":
        return [line.to_dict() for line in client.lines(operation, **parts(operation))]
    answer = client.call(operation, **parts(operation))
    return answer.to_dict() if isinstance(answer, View) else answer


@pytest.mark.requirement("R-200")
@pytest.mark.parametrize("provider", CLIENTS)
def test_every_recorded_answer_of_a_service_is_returned_as_it_was_received(
    player: tuple[Player, Server], provider: str
) -> None:
    application, server = player
    counts: Counter[str] = Counter()
    with new_client(provider, server) as client:
        for operation, record in of_kind(provider, stream=False, ok=True):
            counts[operation.name] += 1
            application.play(record)
            answer = ask(client, operation)
            if operation.answer == "binary":
                assert answer == record.body
            elif operation.answer == "empty":
                assert answer is None
            else:
                assert answer == record.json(), operation.name
    assert all(counts[name] >= least for name, least in LEAST[provider].items()), counts


@pytest.mark.parametrize("provider", CLIENTS)
def test_every_record_is_replayed_or_of_an_endpoint_that_is_not_promised(provider: str) -> None:
    left = {
        f"{method} {path}"
        for method, path, _ in exchanges(provider)
        if operation_of(provider, method, path) is None
    }
    excused = {name for name in left for one in NOT_PROMISED[provider] if re.fullmatch(one, name)}
    assert left == excused
    assert all(any(re.fullmatch(one, name) for name in left) for one in NOT_PROMISED[provider])


@pytest.mark.requirement("R-143")
def test_every_recorded_stream_of_a_service_ends_explicitly_without_done(
    player: tuple[Player, Server],
) -> None:
    application, server = player
    found = of_kind("openai", stream=True, ok=True)
    assert len(found) >= 300
    ends: Counter[str] = Counter()
    with new_client("openai", server) as client:
        for operation, record in found:
            application.play(record)
            stream = client.stream(operation, **parts(operation))
            if not record.body:  # of one, nothing was recorded
                with pytest.raises(StreamInterruptedError):
                    stream.result()
                continue
            result = stream.result()
            assert stream.completion == "explicit"
            assert b"[DONE]" not in record.body or operation.name != "responses.create"
            if operation.name == "responses.create":
                last = json.loads(record.body.rstrip().rpartition(b"data:")[2])
                ends[last["type"]] += 1
                assert result.to_dict() == last["response"]
    assert ends.keys() == {"response.completed", "response.incomplete"}


@pytest.mark.requirement("R-143")
def test_every_recorded_stream_of_code_and_agents_ends_explicitly(player: tuple[Player, Server]) -> None:
    application, server = player
    found = of_kind("mistral", stream=True, ok=True)
    assert Counter(operation.name for operation, _ in found) == {"fim.complete": 3, "agents.complete": 3}
    with new_client("mistral", server) as client:
        for operation, record in found:
            application.play(record)
            stream = client.stream(operation, **parts(operation))
            assert stream.result().choices[0].message.content == hear_chat(record.body).text[0]
            assert stream.completion == "explicit"


@pytest.mark.requirement("R-212")
@pytest.mark.parametrize(("provider", "least"), [("anthropic", 4), ("openai", 30)])
def test_every_recorded_error_of_a_service_has_its_class(
    player: tuple[Player, Server], provider: str, least: int
) -> None:
    application, server = player
    found = of_kind(provider, stream=False, ok=False) + of_kind(provider, stream=True, ok=False)
    assert len(found) >= least
    with new_client(provider, server) as client:
        for operation, record in found:
            application.play(record)
            with pytest.raises(ApiError) as caught:
                ask(client, operation)
            assert caught.value.kind == STATUS_CLASS[record.status]
            message = record.json()["error"]["message"]
            assert caught.value.message == message[: len(caught.value.message)]


def test_every_other_recorded_error_is_of_chat() -> None:
    for provider in ("groq", "mistral"):
        refused = {path for _, path, record in exchanges(provider) if record.status >= 400}
        assert refused == {PATHS[provider]}
