"""Fetching URLs that somebody else supplied: public ones, within limits, with nothing of ours."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from llm_forge.core.errors import (
    AttemptTimeoutError,
    ConnectError,
    InvalidRequestError,
    InvalidResponseError,
    RedirectError,
    ResponseTooLargeError,
)
from llm_forge.runtime import fetch
from llm_forge.runtime.fetch import fetch_url, fetch_url_async
from llm_forge.simulator.script import Reply
from llm_forge.simulator.scripted import Scenario, ScriptedServer

PICTURE = {"content-type": "image/png"}


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine counts as public, for the server of the test is here."""
    monkeypatch.setattr(fetch, "is_public", lambda address: address == "127.0.0.1")


def fetched(scenario: Scenario, **options: Any) -> fetch.Fetched:
    return fetch_url(f"{scenario.url}/picture?sig=x", allow_insecure_http=True, **options)


@pytest.mark.requirement("R-243")
@pytest.mark.usefixtures("public")
def test_a_public_url_is_fetched_without_credentials(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(body=b"png", headers=PICTURE), Reply(body=b"png", headers=PICTURE)])
    found = fetched(scenario)
    assert (found.content, found.content_type) == (b"png", "image/png")
    assert asyncio.run(fetch_url_async(found.url, allow_insecure_http=True)) == found
    assert {name for name, _ in scenario.requests[0].headers} == {
        "host", "accept", "accept-encoding", "user-agent",
    }  # fmt: skip
    assert "sig" not in repr(found)


@pytest.mark.requirement("R-243")
@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x", "https://169.254.169.254/latest",
        "https://10.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://[::ffff:127.0.0.1]/",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_not_fetched(url: str) -> None:
    with pytest.raises((InvalidRequestError, ConnectError)):
        fetch_url(url)


@pytest.mark.requirement("R-243")
@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a.test/", "http://a.test/", "https://u:p@a.test/", "x"]
)
def test_other_schemes_and_credentials_in_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        fetch_url(url)


@pytest.mark.requirement("R-243")
def test_a_name_with_one_address_that_is_not_public_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    with pytest.raises(InvalidRequestError, match="not public"):
        fetch_url("https://rebinding.test/")


@pytest.mark.requirement("R-243")
def test_the_connection_goes_to_the_address_that_was_checked(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = server.scenario([Reply(body=b"ok")])
    asked: list[str] = []

    def addresses(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    monkeypatch.setattr(fetch, "public_addresses", addresses)
    monkeypatch.setattr(fetch, "checked_link", lambda url, **_: url)
    url = scenario.url.replace("127.0.0.1", "name.invalid")
    assert fetch_url(url, allow_insecure_http=True).content == b"ok"
    assert asked == ["name.invalid"]
    assert (scenario.requests[0].header("host") or "").startswith("name.invalid")


@pytest.mark.requirement("R-243")
@pytest.mark.usefixtures("public")
def test_redirects_are_checked_and_counted(server: ScriptedServer) -> None:
    again = [Reply(status=302, headers={"location": "again"}) for _ in range(5)]
    scenario = server.scenario([*again[:2], Reply(body=b"there")])
    assert fetched(scenario).content == b"there"
    with pytest.raises(RedirectError):
        fetched(server.scenario(again))
    inside = Reply(status=302, headers={"location": "https://10.0.0.1/secret"})
    with pytest.raises(InvalidRequestError, match="not public"):
        fetched(server.scenario([inside]))


@pytest.mark.requirement("R-243")
@pytest.mark.usefixtures("public")
def test_only_origins_that_were_allowed_are_asked_also_after_a_redirect(server: ScriptedServer) -> None:
    away = Reply(status=302, headers={"location": "http://127.0.0.1:1/x"})
    scenario = server.scenario([Reply(body=b"here"), away])
    origin = "/".join(scenario.url.split("/")[:3])
    assert fetched(scenario, origins=[origin]).content == b"here"
    with pytest.raises(InvalidRequestError, match="not among those allowed"):
        fetched(scenario, origins=[origin])
    with pytest.raises(InvalidRequestError, match="not among those allowed"):
        fetched(scenario, origins=["https://example.com"])
    assert len(scenario.requests) == 2


@pytest.mark.requirement("R-243")
@pytest.mark.usefixtures("public")
def test_size_status_and_time_have_limits(server: ScriptedServer) -> None:
    with pytest.raises(ResponseTooLargeError):
        fetched(server.scenario([Reply(body=bytes(101))]), max_bytes=100)
    with pytest.raises(ResponseTooLargeError):
        fetched(server.scenario([Reply(body=bytes(101), framing="chunked")]), max_bytes=100)
    with pytest.raises(InvalidResponseError):
        fetched(server.scenario([Reply(status=404)]))
    with pytest.raises(AttemptTimeoutError):
        fetched(server.scenario([Reply(body=b"slow", delay=30.0)]), timeout=0.1)
