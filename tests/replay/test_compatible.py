"""Recorded traffic of servers that imitate OpenAI, over loopback, through the generic client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import llm_forge
from llm_forge import ApiError, ConfigError, OpenAICompatible, StreamInterruptedError
from llm_forge.simulator.server import Server
from tests.replay.expected import hear_chat
from tests.replay.records import Player, Record, compatible_records
from tests.shared import needs_shared

SERVERS = (
    "anthropic", "azure-openai", "cerebras", "deepseek", "gemini", "ollama", "openrouter", "perplexity",
    "together", "xai",
)  # fmt: skip
STATUS_CLASS = {400: "BadRequestError", 401: "AuthenticationError", 429: "RateLimitError"}
LEAST = {"chat.completions": 300, "responses": 35, "embeddings": 4, "models": 4}
# Through OpenAI's own client, as the generic one has what most servers have.
OTHERS = {"audio.transcriptions": 2, "files": 1, "images.edit": 1, "images.generate": 1}


@pytest.fixture(scope="module")
def player() -> Iterator[tuple[Player, Server]]:
    application = Player()
    with Server(application) as server:
        yield application, server


def new_client(server: Server) -> OpenAICompatible:
    return OpenAICompatible(
        base_url=f"{server.url}/v1",
        max_attempts=1,
        breaker=llm_forge.BreakerSettings(enabled=False),
    )


def ask(client: OpenAICompatible, resource: str, *, stream: bool = False) -> Any:
    if resource == "models":
        return client.models.list()
    if resource == "embeddings":
        return client.embeddings.create(model="recorded", input="again")
    if resource == "responses":
        method = client.responses.stream if stream else client.responses.create
        return method(model="recorded", input="again")
    chat = client.chat.completions
    return (chat.stream if stream else chat.create)(
        model="recorded", messages=[{"role": "user", "content": "again"}]
    )


def of_kind(*, stream: bool, ok: bool = True) -> list[tuple[str, str, Record]]:
    return [
        (server, resource, record)
        for server in SERVERS
        for resource, record in compatible_records(server)
        if record.is_stream == stream and (record.status == 200) == ok
    ]


@needs_shared
@pytest.mark.requirement("R-200")
def test_every_recorded_answer_of_an_imitator_is_returned_as_it_was_received(
    player: tuple[Player, Server],
) -> None:
    application, server = player
    found = of_kind(stream=False)
    counts = {name: sum(resource == name for _, resource, _ in found) for name in LEAST}
    assert all(counts[name] >= least for name, least in LEAST.items()), counts
    with new_client(server) as client:
        for _, resource, record in found:
            if resource in OTHERS:
                continue
            application.play(record)
            if record.json().keys() == {"error"}:  # one server says 200 to what its filter refused
                with pytest.raises(ApiError):
                    ask(client, resource)
                continue
            assert ask(client, resource).to_dict() == record.json()


@needs_shared
@pytest.mark.requirement("R-200")
def test_recorded_files_images_and_transcripts_of_imitators_are_returned_as_they_were_received(
    player: tuple[Player, Server],
) -> None:
    application, server = player
    found = [(resource, record) for _, resource, record in of_kind(stream=False) if resource in OTHERS]
    assert Counter(resource for resource, _ in found) == OTHERS
    with llm_forge.OpenAI(api_key="recorded", base_url=f"{server.url}/v1", max_attempts=1) as client:
        calls: dict[str, Callable[[], Any]] = {
            "audio.transcriptions": lambda: client.audio.transcriptions.create(file=b"x", model="recorded"),
            "files": lambda: client.files.create(file=b"x", purpose="user_data"),
            "images.edit": lambda: client.images.edit(image=b"x", prompt="again"),
            "images.generate": lambda: client.images.generate(prompt="again"),
        }
        for resource, record in found:
            application.play(record)
            assert calls[resource]().to_dict() == record.json()


@needs_shared
@pytest.mark.requirement("R-143")
def test_every_recorded_stream_of_an_imitator_ends_with_all_that_it_carried(
    player: tuple[Player, Server],
) -> None:
    application, server = player
    found = of_kind(stream=True)
    assert len(found) > 130
    with new_client(server) as client:
        for name, resource, record in found:
            application.play(record)
            stream = ask(client, resource, stream=True)
            if resource == "responses":
                assert stream.result().get("status") in {"completed", "incomplete"}, name
                assert stream.completion == "explicit"
            elif name == "perplexity":  # ends without [DONE], and with what it began inferred to be whole
                assert stream.result().choices[0].finish_reason
                assert stream.completion == "inferred"
            else:
                said = hear_chat(record.body)
                result = stream.result()
                texts = {c.index or 0: c.message.content for c in result.choices if c.message.content}
                assert texts == {index: text for index, text in said.text.items() if text}, name
                assert stream.completion == "explicit"


@needs_shared
@pytest.mark.requirement("R-144")
def test_a_stream_of_an_imitator_that_is_cut_is_never_whole(player: tuple[Player, Server]) -> None:
    application, server = player
    interrupted = 0
    with new_client(server) as client:
        for _, resource, record in of_kind(stream=True)[::7]:
            application.play(record, cut=len(record.body) // 2)
            stream = ask(client, resource, stream=True)
            try:
                result = stream.result()
            except StreamInterruptedError:
                interrupted += 1
            else:  # the text was whole, and only usage or the terminal event was cut off
                assert stream.completion == "inferred"
                assert all(choice.finish_reason for choice in result.choices)
    assert interrupted >= 15


@needs_shared
@pytest.mark.requirement("R-212")
def test_every_recorded_error_of_an_imitator_has_its_class_and_message(
    player: tuple[Player, Server],
) -> None:
    application, server = player
    found = of_kind(stream=False, ok=False) + of_kind(stream=True, ok=False)
    assert len(found) >= 12
    with new_client(server) as client:
        for _, resource, record in found:
            application.play(record)
            with pytest.raises(ApiError) as caught:
                ask(client, resource)
            assert caught.value.kind == STATUS_CLASS[record.status]
            error = record.json()["error"]
            message = error["message"] if isinstance(error, dict) else error
            assert caught.value.message == message[: len(caught.value.message)]


@pytest.mark.requirement("R-012")
def test_the_generic_client_needs_an_address_and_no_key() -> None:
    with pytest.raises(ConfigError, match="OpenAICompatible needs base_url"):
        OpenAICompatible()
    with OpenAICompatible(base_url="http://127.0.0.1:8000/v1/chat/completions") as client:
        assert client.base_url == "http://127.0.0.1:8000/v1"
        assert client.sources()["api_key"] == "none"
