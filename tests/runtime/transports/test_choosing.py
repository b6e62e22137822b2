"""What a user may pass as `transport`, and what importing costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from llm_forge.core.errors import AttemptTimeoutError, ClientClosedError, ConfigError, ConnectionLostError
from llm_forge.runtime import transports
from llm_forge.runtime.transports import (
    Timers,
    default_async_transport,
    default_transport,
    resolve_async_transport,
    resolve_transport,
)
from llm_forge.runtime.transports.curl import CurlAsyncTransport, CurlTransport
from llm_forge.runtime.transports.httpx2 import Httpx2AsyncTransport, Httpx2Transport

from .adapters import post
from .loopback import Loopback, Peer

URL = "https://api.example.invalid/v1/x"


def test_the_default_is_curl() -> None:
    assert isinstance(default_transport(), CurlTransport)
    assert isinstance(default_async_transport(), CurlAsyncTransport)
    assert isinstance(resolve_transport(None), CurlTransport)
    assert isinstance(resolve_async_transport(None), CurlAsyncTransport)


def test_where_pycurl_cannot_be_imported_the_default_is_httpx2(without_pycurl: None) -> None:
    assert isinstance(default_transport(), Httpx2Transport)
    assert isinstance(default_async_transport(), Httpx2AsyncTransport)


@pytest.fixture
def without_pycurl(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "pycurl", None)
    transports._importable.cache_clear()
    yield
    transports._importable.cache_clear()


def test_a_transport_is_chosen_by_name() -> None:
    assert isinstance(resolve_transport("curl"), CurlTransport)
    assert isinstance(resolve_transport("httpx2"), Httpx2Transport)
    assert isinstance(resolve_async_transport("curl"), CurlAsyncTransport)
    assert isinstance(resolve_async_transport("httpx2"), Httpx2AsyncTransport)


def test_an_object_with_the_protocol_is_taken_as_it_is() -> None:
    class Own:
        def open(self, request: object, timers: object) -> None: ...

        def close(self) -> None: ...

    own = Own()
    assert resolve_transport(own) is own
    assert resolve_async_transport(own) is own


@pytest.mark.parametrize("resolve", [resolve_transport, resolve_async_transport])
@pytest.mark.parametrize("value", ["requests", 5, object(), httpx2.Timeout(1.0)])
def test_anything_else_is_a_config_error_that_says_what_is_accepted(resolve: Any, value: object) -> None:
    with pytest.raises(ConfigError, match=r"curl.*httpx2"):
        resolve(value)


def answer(request: httpx2.Request) -> httpx2.Response:
    assert "user-agent" not in {
        name for name in request.headers if request.headers[name].startswith("python")
    }
    return httpx2.Response(201, headers=[("x-a", "1"), ("x-a", "2")], content=request.content)


def test_a_mock_transport_answers_a_sync_client() -> None:
    transport = resolve_transport(httpx2.MockTransport(answer))
    exchange = transport.open(post(URL), Timers())
    assert (exchange.status, exchange.headers.get_all("x-a")) == (201, ["1", "2"])
    assert (exchange.read(1.0), exchange.read(1.0)) == (b'{"a":1}', b"")


def test_a_mock_transport_answers_an_async_client_on_one_loop_after_another() -> None:
    transport = resolve_async_transport(httpx2.MockTransport(answer))

    async def fetch() -> tuple[bytes, bytes]:
        exchange = await transport.open(post(URL), Timers())
        return await exchange.read(1.0), await exchange.read(1.0)

    assert asyncio.run(fetch()) == asyncio.run(fetch()) == (b'{"a":1}', b"")


def test_a_users_client_keeps_its_own_settings_but_adds_nothing_to_the_request() -> None:
    with (
        Loopback() as server,
        httpx2.Client(headers={"x-own": "1"}, cookies={"c": "1"}, params={"p": "1"}) as client,
    ):
        transport = resolve_transport(client)
        assert transport.open(post(server.url()), Timers()).read(1.0) == b"{}"
        transport.close()
        assert not client.is_closed
        (received,) = server.requests()
        assert received.line == "POST /x HTTP/1.1"
        assert received.names() == {"host", "content-length", "accept", "user-agent", "x-a"}


def test_a_users_client_has_timers_and_its_losses_count_as_attempts() -> None:
    def hang_up_on_second(peer: Peer) -> None:
        peer.request()
        peer.answer()
        peer.request()

    def silent(peer: Peer) -> None:
        peer.request()
        peer.closed_by_client(1.0)

    with Loopback(hang_up_on_second, silent) as server, httpx2.Client() as client:
        transport = resolve_transport(client)
        exchange = transport.open(post(server.url()), Timers())
        assert (exchange.read(1.0), exchange.read(1.0)) == (b"{}", b"")
        with pytest.raises(ConnectionLostError) as caught:
            transport.open(post(server.url()), Timers())
        assert type(caught.value) is ConnectionLostError
        with pytest.raises(AttemptTimeoutError):
            transport.open(post(server.url()), Timers(response=0.05))


def test_a_closed_users_client_is_reported_as_closed() -> None:
    client = httpx2.Client()
    client.close()
    with pytest.raises(ClientClosedError):
        resolve_transport(client).open(post(URL), Timers())


@pytest.mark.requirement("R-043")
def test_a_users_async_client_in_a_second_event_loop_is_a_clear_error() -> None:
    with Loopback() as server:
        client = httpx2.AsyncClient()
        transport = resolve_async_transport(client)

        async def fetch(*, close: bool) -> None:
            exchange = await transport.open(post(server.url()), Timers())
            assert await exchange.read(1.0) == b"{}"
            await exchange.close()
            if close:
                await client._transport.aclose()

        asyncio.run(fetch(close=True))
        with pytest.raises(ConfigError, match="event loop"):
            asyncio.run(fetch(close=False))


def test_the_wrong_half_of_httpx2_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"httpx2\.Client"):
        resolve_transport(httpx2.AsyncClient())
    with pytest.raises(ConfigError, match=r"httpx2\.AsyncClient"):
        resolve_async_transport(httpx2.Client())


def test_choosing_imports_no_http_library_before_it_is_needed() -> None:
    code = (
        "import sys, llm_forge.runtime.transports as t\n"
        "class Own:\n  open = close = print\n"
        "t.resolve_transport(Own())\n"
        "print(sorted({'httpx2', 'pycurl', 'httpcore2', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=20)
    assert done.stdout.strip() == b"[]"


def test_a_library_that_is_not_installed_is_named(without_pycurl: None) -> None:
    with pytest.raises(ConfigError, match="pip install pycurl"):
        resolve_transport("curl")
