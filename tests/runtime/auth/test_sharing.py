"""Token requests and those who wait for them, with real threads, loops and sockets."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_forge
from llm_forge.core.errors import ClientClosedError, ConfigError, DeadlineExceededError, ForgeError
from llm_forge.runtime import client as client_module
from llm_forge.runtime.auth.oauth2 import OAuth2
from llm_forge.runtime.scripted import ScriptedIo
from llm_forge.simulator.script import Reply
from llm_forge.simulator.scripted import Route, Scenario, ScriptedServer
from tests.runtime.auth.test_oauth2 import NeverAsks, acme, bearers, token
from tests.runtime.kit import call, ok

MODELS: Any = {"object": "list", "data": []}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


def slow_tokens(server: ScriptedServer, delay: float) -> Scenario:
    """A server whose token takes its time."""
    granted = Reply(json={"access_token": "canary-token", "expires_in": 100}, delay=delay, times=None)
    return server.scenario([Reply(json=MODELS, times=None)], routes=[Route([granted], path="/token")])


def options(scenario: Scenario) -> dict[str, Any]:
    auth = OAuth2("me", "canary-secret", token_url=f"{scenario.url}/token")
    return {"base_url": f"{scenario.url}/v1", "auth": auth}


def asked(scenario: Scenario) -> int:
    return sum(record.request.path == "/token" for record in scenario.records)


@pytest.mark.requirement("R-043")
def test_a_token_request_that_lost_its_thread_or_loop_is_forgotten() -> None:
    made = acme(transport=NeverAsks([token(), ok()]))
    with pytest.raises(DeadlineExceededError):
        call(made, timeout=2.0)
    made.world.spawn = ScriptedIo.spawn.__get__(made.world)  # type: ignore[method-assign] # the next one runs
    call(made)
    assert bearers(made.world) == ["one"]


@pytest.mark.requirement("R-024")
@pytest.mark.requirement("R-052")
def test_a_waiter_without_time_leaves_and_the_others_get_the_token(server: ScriptedServer) -> None:
    scenario = slow_tokens(server, 0.6)
    ended: list[str] = []

    def work(timeout: float) -> None:
        try:
            client.models.list(timeout=timeout)
            ended.append("ok")
        except DeadlineExceededError as error:
            ended.append(str(error.phase))

    with llm_forge.OpenAI(**options(scenario)) as client:
        threads = [threading.Thread(target=work, args=(seconds,)) for seconds in (0.1, 30.0, 30.0, 0.1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (sorted(ended), asked(scenario)) == (["auth", "auth", "ok", "ok"], 1)


@pytest.mark.requirement("R-042")
def test_closing_a_client_ends_its_token_request_and_whoever_waits(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CLOSE_SECONDS", 0.05)
    scenario = slow_tokens(server, 60.0)
    client = llm_forge.OpenAI(**options(scenario))
    caught: list[ForgeError] = []

    def work() -> None:
        try:
            client.models.list()
        except ForgeError as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert scenario.wait_requests(1)
    client.close()
    thread.join(5.0)
    assert [type(error) for error in caught] == [ClientClosedError]
    assert gone("llm-forge")


def gone(name: str) -> bool:
    """Whether no thread of that name is left, soon."""
    ends = time.monotonic() + 5.0
    while any(thread.name == name for thread in threading.enumerate()):
        if time.monotonic() > ends:
            return False
        time.sleep(0.005)
    return True


@pytest.mark.requirement("R-042")
def test_closing_an_async_client_ends_its_token_request_and_whoever_waits(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CLOSE_SECONDS", 0.05)
    scenario = slow_tokens(server, 60.0)

    async def main() -> None:
        client = llm_forge.AsyncOpenAI(**options(scenario))
        waiting = asyncio.create_task(client.models.list())
        assert await asyncio.to_thread(scenario.wait_requests, 1)
        await client.close()
        with pytest.raises(ClientClosedError):
            await asyncio.wait_for(waiting, 5.0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


@pytest.mark.requirement("R-025")
@pytest.mark.requirement("R-057")
def test_cancelling_every_waiter_leaves_the_request_to_serve_the_next_call(server: ScriptedServer) -> None:
    scenario = slow_tokens(server, 0.3)

    async def main() -> None:
        async with llm_forge.AsyncOpenAI(**options(scenario)) as client:
            waiting = [asyncio.create_task(client.models.list()) for _ in range(3)]
            assert await asyncio.to_thread(scenario.wait_requests, 1)
            for task in waiting:
                task.cancel()
            done = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(one) for one in done] == [asyncio.CancelledError] * 3
            await client.models.list()
        assert asked(scenario) == 1

    asyncio.run(main())


@pytest.mark.requirement("R-043")
def test_a_client_used_in_a_second_event_loop_shares_the_token_of_the_first(server: ScriptedServer) -> None:
    scenario = slow_tokens(server, 0.0)
    client = llm_forge.AsyncOpenAI(**options(scenario))

    async def once() -> None:
        await client.models.list()

    async def last() -> None:
        await client.models.list()
        await client.close()

    asyncio.run(once())
    asyncio.run(last())
    assert asked(scenario) == 1


class AsyncSigner:
    """Signs with a word that it has to wait for."""

    async def authorize(self, request: llm_forge.AuthRequest) -> dict[str, str]:
        await asyncio.sleep(0)
        return {"x-signature": f"{request.method} {request.context.attempt}"}


@pytest.mark.requirement("R-031")
def test_an_async_client_awaits_its_auth_provider(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(status=500, json={}), Reply(json=MODELS)])

    async def main() -> None:
        async with llm_forge.AsyncOpenAI(base_url=f"{scenario.url}/v1", auth=AsyncSigner()) as client:
            await client.models.list()

    asyncio.run(main())
    assert [record.request.header("x-signature") for record in scenario.records] == ["GET 1", "GET 2"]


@pytest.mark.requirement("R-007")
def test_a_blocking_client_says_that_it_cannot_await(server: ScriptedServer) -> None:
    async def key() -> str:
        return "canary"

    scenario = server.scenario([Reply(json=MODELS)])
    for given in ({"auth": AsyncSigner()}, {"api_key": key}):
        client: Any = llm_forge.OpenAI(base_url=f"{scenario.url}/v1", **given)
        with client, pytest.raises(ConfigError, match="async function"):
            client.models.list()
    assert scenario.records == ()


@pytest.mark.requirement("R-007")
def test_an_async_client_awaits_its_key_at_each_attempt(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(status=500, json={}), Reply(json=MODELS)])
    keys = iter(["one", "two"])

    async def key() -> str:
        return next(keys)

    async def main() -> None:
        async with llm_forge.AsyncOpenAI(base_url=f"{scenario.url}/v1", api_key=key) as client:
            await client.models.list()

    asyncio.run(main())
    sent = [record.request.header("authorization") for record in scenario.records]
    assert sent == ["Bearer one", "Bearer two"]


@pytest.mark.requirement("R-007")
def test_a_command_for_a_key_does_not_hold_up_the_event_loop(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    scenario = server.scenario([Reply(json=MODELS, times=2)])
    ready, go = tmp_path / "ready", tmp_path / "go"
    command = f"touch {ready}; until [ -e {go} ]; do sleep 0.01; done; echo canary-key"
    config = tmp_path / "forge.yaml"
    config.write_text(f"providers: {{openai: {{api_key: 'cmd:sh -c \"{command}\"'}}}}")

    async def main() -> None:
        async with llm_forge.AsyncOpenAI(base_url=f"{scenario.url}/v1", config=config) as client:
            calls = [asyncio.create_task(client.models.list()) for _ in range(2)]
            # The command waits for this loop, which therefore has to go on.
            while not ready.exists():  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.005)
            go.touch()
            await asyncio.gather(*calls)

    asyncio.run(asyncio.wait_for(main(), 20.0))
    sent = [record.request.header("authorization") for record in scenario.records]
    assert sent == ["Bearer canary-key"] * 2
