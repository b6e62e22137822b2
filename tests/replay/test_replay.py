"""Recorded traffic of the four providers, over loopback, through the real clients."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

import llm_forge
from llm_forge import ApiError, InvalidResponseError, StreamInterruptedError
from llm_forge.simulator.server import Server
from tests.replay.expected import Heard, hear_blocks, hear_chat
from tests.replay.records import PATHS, Player, Record, records
from tests.shared import needs_shared

pytestmark = needs_shared
CLIENTS = {"anthropic": "Anthropic", "openai": "OpenAI", "groq": "Groq", "mistral": "Mistral"}
TRANSPORTS = ("curl", "httpx2")
ASK = {"model": "recorded", "messages": [{"role": "user", "content": "again"}]}
STATUS_CLASS = {400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError"}
CUTS = 2000


@pytest.fixture(scope="module")
def player() -> Iterator[tuple[Player, Server]]:
    application = Player()
    with Server(application) as server:
        yield application, server


def arguments(provider: str) -> dict[str, Any]:
    return {**ASK, "max_tokens": 1} if provider == "anthropic" else dict(ASK)


def resource(client: Any, provider: str) -> Any:
    return client.messages if provider == "anthropic" else client.chat.completions


def new_client(provider: str, server: Server, transport: str = "curl", kind: str = "") -> Any:
    suffix = "/v1" if provider == "openai" else ""
    cls = getattr(llm_forge, kind + CLIENTS[provider])
    return cls(
        api_key="recorded",
        base_url=server.url + suffix,
        max_attempts=1,
        transport=transport,
        breaker=llm_forge.BreakerSettings(enabled=False),
    )


def of_kind(provider: str, *, stream: bool, ok: bool = True) -> list[Record]:
    return [r for r in records(provider) if r.is_stream == stream and (r.status == 200) == ok]


def is_event_stream(record: Record) -> bool:
    return b"data:" in record.body[:4096] or (record.header("content-type") or "").startswith("text/event")


def heard(provider: str, body: bytes) -> Heard:
    return hear_blocks(body) if provider == "anthropic" else hear_chat(body)


def text_of(provider: str, message: Any) -> dict[int, str]:
    if provider == "anthropic":
        blocks = enumerate((message.get("content") or []) if message is not None else [])
        return {i: b["text"] for i, b in blocks if b["type"] == "text"}
    choices = (message.get("choices") or []) if message is not None else []
    return {choice.get("index", 0): _content_text(choice["message"].get("content")) for choice in choices}


def _content_text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if part["type"] == "text")
    return content or ""


def tools_of(provider: str, message: Any) -> list[str]:
    if provider == "anthropic":
        return [json.dumps(b["input"]) for b in message["content"] if b["type"].endswith("tool_use")]
    calls = [c for choice in message["choices"] for c in choice["message"].get("tool_calls") or []]
    return [call["function"]["arguments"] for call in calls]


def tools_heard(provider: str, said: Heard) -> list[str]:
    pieces = [said.tools[key] for key in sorted(said.tools)]
    return [json.dumps(json.loads(p or "{}")) for p in pieces] if provider == "anthropic" else pieces


def without_empty(texts: dict[int, str]) -> dict[int, str]:
    return {index: text for index, text in texts.items() if text}


@pytest.mark.requirement("R-200")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("provider", PATHS)
def test_every_recorded_answer_is_returned_as_it_was_received(
    player: tuple[Player, Server], provider: str, transport: str
) -> None:
    application, server = player
    found = of_kind(provider, stream=False)
    assert len(found) > 50
    with new_client(provider, server, transport) as client:
        for record in found:
            application.play(record)
            if record.body:
                assert resource(client, provider).create(**arguments(provider)).to_dict() == record.json()
            else:
                with pytest.raises(InvalidResponseError, match="empty"):
                    resource(client, provider).create(**arguments(provider))


@pytest.mark.requirement("R-200")
@pytest.mark.parametrize("provider", PATHS)
def test_recorded_answers_have_the_fields_that_their_description_requires(
    player: tuple[Player, Server], provider: str
) -> None:
    application, server = player
    found = [record for record in of_kind(provider, stream=False) if record.body]
    lacking = []
    with new_client(provider, server) as client:
        for record in found:
            application.play(record)
            try:
                resource(client, provider).create(**arguments(provider), strict=True)
            except InvalidResponseError as error:
                lacking.append(error.message)
    assert lacking == (["The answer lacks choices.0.finish_reason"] if provider == "openai" else [])


def check_stream(provider: str, record: Record, message: Any, completion: str | None) -> None:
    said = heard(provider, record.body)
    assert completion == "explicit"
    assert without_empty(text_of(provider, message)) == without_empty(said.text)
    assert tools_of(provider, message.to_dict()) == tools_heard(provider, said)
    usage = message.get("usage") or {}
    assert {name: usage.get(name) for name in said.usage} == said.usage


def whole_streams(provider: str) -> list[Record]:
    return [r for r in of_kind(provider, stream=True) if is_event_stream(r)]


@pytest.mark.requirement("R-143")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("provider", PATHS)
def test_every_recorded_stream_ends_explicitly_with_all_that_its_events_carry(
    player: tuple[Player, Server], provider: str, transport: str
) -> None:
    application, server = player
    found = whole_streams(provider)
    assert len(found) >= 18
    with new_client(provider, server, transport) as client:
        for record in found:
            application.play(record)
            stream = resource(client, provider).stream(**arguments(provider))
            if heard(provider, record.body).error is not None:
                with pytest.raises(ApiError) as caught:
                    list(stream)
                assert caught.value.mid_stream
                continue
            assert len(list(stream)) == heard(provider, record.body).chunks
            check_stream(provider, record, stream.result(), stream.completion)


@pytest.mark.requirement("R-224")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("provider", PATHS)
def test_the_async_clients_hear_the_same(
    player: tuple[Player, Server], provider: str, transport: str
) -> None:
    application, server = player

    async def listen() -> None:
        async with new_client(provider, server, transport, "Async") as client:
            for record in of_kind(provider, stream=False)[::4]:
                if not record.body:
                    continue
                application.play(record)
                message = await resource(client, provider).create(**arguments(provider))
                assert message.to_dict() == record.json()
            for record in whole_streams(provider)[::2]:
                if heard(provider, record.body).error is None:
                    application.play(record)
                    async with resource(client, provider).stream(**arguments(provider)) as stream:
                        message = await stream.result()
                    check_stream(provider, record, message, stream.completion)

    asyncio.run(listen())


@pytest.mark.requirement("R-212")
@pytest.mark.parametrize("provider", PATHS)
def test_every_recorded_error_has_its_class_message_and_request_id(
    player: tuple[Player, Server], provider: str
) -> None:
    application, server = player
    found = of_kind(provider, stream=False, ok=False) + of_kind(provider, stream=True, ok=False)
    assert found
    with new_client(provider, server) as client:
        for record in found:
            application.play(record)
            method = "stream" if record.is_stream else "create"
            with pytest.raises(ApiError) as caught:
                _finish(getattr(resource(client, provider), method)(**arguments(provider)))
            assert caught.value.kind == STATUS_CLASS[record.status]
            body = record.json()
            message = body["error"]["message"] if "error" in body else body.get("detail")
            assert caught.value.message == message[: len(caught.value.message)]
            assert caught.value.request_id == expected_request_id(record)


def _finish(answer: Any) -> None:
    if hasattr(answer, "result"):
        answer.result()


def expected_request_id(record: Record) -> str | None:
    names = {"mistral": ("mistral-correlation-id", "x-kong-request-id"), "anthropic": ("request-id",)}
    for name in names.get(record.provider, ("x-request-id",)):
        if (value := record.header(name)) is not None:
            return value
    request_id: str | None = record.json().get("request_id")
    return request_id


@pytest.mark.requirement("R-144")
def test_no_stream_cut_anywhere_passes_for_a_whole_one(player: tuple[Player, Server]) -> None:
    """ST-04 on recorded traffic: a seeded sample of streams, each cut at a random byte."""
    application, server = player
    chance = random.Random(20)
    pool = [r for p in PATHS for r in whole_streams(p) if heard(p, r.body).error is None]
    clients = {p: new_client(p, server, TRANSPORTS[i % 2]) for i, p in enumerate(PATHS)}
    outcomes: dict[str, int] = {}
    for _ in range(CUTS):
        record = chance.choice(pool)
        cut = chance.randrange(len(record.body))
        application.play(record, cut=cut, lost=chance.random() < 0.5)
        outcome = cut_outcome(clients[record.provider], record, cut)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    for client in clients.values():
        client.close()
    assert sum(outcomes.values()) == CUTS
    assert outcomes["interrupted"] > CUTS * 0.9


def cut_outcome(client: Any, record: Record, cut: int) -> str:
    """Read a cut stream and check that what came out is exactly what went in."""
    said = heard(record.provider, record.body[:cut])
    stream = resource(client, record.provider).stream(**arguments(record.provider))
    try:
        message = stream.result()
    except StreamInterruptedError as error:
        assert without_empty(text_of(record.provider, error.partial)) == without_empty(said.text)
        assert not said.ended
        return "interrupted"
    # Not an error: then the whole message was there, and the end was seen or every part was finished.
    whole = heard(record.provider, record.body)
    assert without_empty(text_of(record.provider, message)) == without_empty(whole.text)
    assert stream.completion == ("explicit" if said.ended or _terminal_cut(record, cut) else "inferred")
    return stream.completion


def _terminal_cut(record: Record, cut: int) -> bool:
    """Whether only the blank line behind a complete terminal event is missing (R-131)."""
    tail = record.body[:cut].rstrip().rpartition(b"\n")[2]
    return tail == b"data: [DONE]" or (b'"message_stop"' in tail and tail.endswith(b"}"))
