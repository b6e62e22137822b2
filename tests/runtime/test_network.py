"""Options of connections: what is accepted, where it arrives, and what never shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from llm_forge import Anthropic, AsyncAnthropic, PoolLimits, Secret
from llm_forge.core.errors import ConfigError
from llm_forge.runtime.transports.protocol import Network
from tests.runtime.transports.loopback import Loopback

KEY = "sk-test-key"
MOCK = httpx2.MockTransport(lambda request: httpx2.Response(200))


def client(**options: Any) -> Anthropic:
    return Anthropic(api_key=KEY, base_url="https://api.example.invalid", **options)


@pytest.mark.requirement("R-040", "R-218")
@pytest.mark.parametrize("url", ["ftp://u:hunter2@h", "http://", "hunter2", "http://h:0", "http://h:port"])
def test_a_proxy_that_cannot_be_one_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError, match="proxy must be a URL") as caught:
        client(proxy=url)
    assert "hunter2" not in repr(caught.value)


@pytest.mark.requirement("R-004", "R-040")
def test_a_proxys_password_is_in_no_repr() -> None:
    with client(proxy="http://user:hunter2@proxy.invalid:3128") as one:
        assert "hunter2" not in f"{one!r}{vars(one)!r}{one._settings!r}{one._settings.network!r}"
    assert "hunter2" not in repr(Network(proxy=Secret("http://user:hunter2@h")))


@pytest.mark.requirement("R-035")
def test_a_ca_bundle_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        client(ca_bundle=tmp_path / "missing.pem")


@pytest.mark.requirement("R-035")
@pytest.mark.parametrize("name", ["verify", "verify_ssl", "ssl_verify", "insecure"])
def test_nothing_switches_verification_off(name: str) -> None:
    with pytest.raises(ConfigError, match="Unknown client option"):
        client(**{name: False})


@pytest.mark.parametrize(
    ("name", "value"),
    [("pool", 5), ("pool", {"connections": 1}), ("trust_env", "no"), ("ca_bundle", False), ("http2", "3")],
)
def test_other_shapes_are_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be"):
        client(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("connections", 0), ("idle", -1), ("idle_seconds", -1.0), ("keepalive_seconds", 0.0)]
)
def test_impossible_pools_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        PoolLimits(**{name: value})


@pytest.mark.parametrize("cls", [Anthropic, AsyncAnthropic])
def test_options_that_a_transport_of_ones_own_would_not_obey_are_refused(cls: Any) -> None:
    with pytest.raises(ConfigError, match="'trust_env' has no effect"):
        cls(api_key=KEY, transport=MOCK, trust_env=False)
    cls(api_key=KEY, transport=MOCK, pool=PoolLimits(connections=3))


@pytest.mark.requirement("R-040")
@pytest.mark.parametrize("transport", ["curl", "httpx2"])
def test_a_proxy_gets_the_requests_and_its_own_credentials(transport: str) -> None:
    with Loopback() as proxy:
        url = f"http://user:hunter2@127.0.0.1:{proxy.port}"
        options: dict[str, Any] = {"proxy": url, "transport": transport, "allow_insecure_http": True}
        with Anthropic(api_key=KEY, base_url="http://api.example.invalid", **options) as one:
            one.models.list()
        (received,) = proxy.requests()
        assert received.line == "GET http://api.example.invalid/v1/models HTTP/1.1"
        assert received.get("proxy-authorization") == "Basic dXNlcjpodW50ZXIy"


@pytest.mark.requirement("R-040")
@pytest.mark.parametrize("transport", ["curl", "httpx2"])
def test_without_trust_env_the_variables_of_proxies_are_ignored(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with (
        Loopback() as server,
        Anthropic(api_key=KEY, base_url=server.url(""), transport=transport, trust_env=False) as one,
    ):
        one.models.list()
        assert len(server.requests()) == 1
