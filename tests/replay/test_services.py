"""Recorded traffic of every described service of OpenAI and Groq but chat, through our clients."""

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
from llm_forge.clients.openai import resources
from llm_forge.core.profile import Operation
from llm_forge.simulator.server import Server
from tests.replay.records import Player, Record, exchanges
from tests.shared import needs_shared

pytestmark = needs_shared
OPERATIONS = [
    one
    for module in iter_modules(resources.__path__, f"{resources.__name__}.")
    for one in vars(import_module(module.name)).values()
    if isinstance(one, Operation) and "chat" not in one.name
]
STATUS_CLASS = {400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError", 500: "ServerError"}
LEAST = {
    "responses.create": 700, "embeddings.create": 42, "files.create": 20, "moderations.create": 13,
    "images.generate": 9, "audio.transcriptions.create": 7, "batches.create": 5, "vector_stores.create": 10,
}  # fmt: skip


@pytest.fixture(scope="module")
def player() -> Iterator[tuple[Player, Server]]:
    application = Player()
    with Server(application) as server:
        yield application, server


def new_client(server: Server) -> llm_forge.OpenAI:
    return llm_forge.OpenAI(
        api_key="recorded",
        base_url=f"{server.url}/v1",
        max_attempts=1,
        breaker=llm_forge.BreakerSettings(enabled=False),
    )


def operation_of(method: str, path: str) -> Operation[Any, Any] | None:
    """The most exact operation that a recorded request is of."""
    fitting = [
        one
        for one in OPERATIONS
        if one.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", "/v1" + one.path), path)
    ]
    return min(fitting, key=lambda one: one.path.count("{"), default=None)


def of_kind(*, stream: bool, ok: bool) -> list[tuple[Operation[Any, Any], Record]]:
    found = ((operation_of(method, path), record) for method, path, record in exchanges("openai"))
    return [
        (operation, record)
        for operation, record in found
        if operation is not None
        and record.is_stream == stream
        and (record.status == 200) == ok
        and not (ok and record.trimmed)
    ]


def parts(operation: Operation[Any, Any]) -> dict[str, Any]:
    path = dict.fromkeys(re.findall(r"\{(\w+)\}", operation.path), "recorded")
    body = {"file": b"again"} if operation.body.kind == "multipart" else {"model": "recorded"}
    return {"path": path, "options": {}, **({"body": body} if operation.has_body else {})}


def plain(answer: Any) -> Any:
    return answer.to_dict() if isinstance(answer, View) else answer


@pytest.mark.requirement("R-200")
def test_every_recorded_answer_of_a_service_is_returned_as_it_was_received(
    player: tuple[Player, Server],
) -> None:
    application, server = player
    counts: Counter[str] = Counter()
    with new_client(server) as client:
        for operation, record in of_kind(stream=False, ok=True):
            counts[operation.name] += 1
            application.play(record)
            if operation.answer == "binary":
                assert client.download(operation, **parts(operation)).read() == record.body
            elif operation.answer != "empty":
                assert plain(client.call(operation, **parts(operation))) == record.json(), operation.name
    assert all(counts[name] >= least for name, least in LEAST.items()), counts
    assert len(counts) >= 30, counts


@pytest.mark.requirement("R-143")
def test_every_recorded_stream_of_a_service_ends_explicitly_without_done(
    player: tuple[Player, Server],
) -> None:
    application, server = player
    found = of_kind(stream=True, ok=True)
    assert len(found) > 290
    ends: Counter[str] = Counter()
    with new_client(server) as client:
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


@pytest.mark.requirement("R-212")
def test_every_recorded_error_of_a_service_has_its_class(player: tuple[Player, Server]) -> None:
    application, server = player
    found = of_kind(stream=False, ok=False) + of_kind(stream=True, ok=False)
    assert len(found) >= 25
    with new_client(server) as client:
        for operation, record in found:
            application.play(record)
            with pytest.raises(ApiError) as caught:
                client.call(operation, **parts(operation))
            assert caught.value.kind == STATUS_CLASS[record.status]
            message = record.json()["error"]["message"]
            assert caught.value.message == message[: len(caught.value.message)]


def test_every_recorded_exchange_of_groq_is_of_chat_or_models() -> None:
    """Its audio, files and batches are in no recording; its chat is replayed with that of the others."""
    paths = {path for _, path, _ in exchanges("groq")}
    assert paths == {"/openai/v1/chat/completions", "/openai/v1/models"}
