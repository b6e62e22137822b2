"""Where options come from: arguments, environment, files, the description; and that each says so."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import llm_forge
from llm_forge.core.errors import AuthError, ConfigError
from llm_forge.runtime.config.environment import OPTIONS, variable_of
from llm_forge.runtime.config.schema import ConfigFile
from llm_forge.runtime.options import OPTION_NAMES
from tests.runtime.kit import Acme, call, client, failed, ok


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACME_API_KEY", "ACME_BASE_URL", "LLM_FORGE_CONFIG", *map(variable_of, OPTIONS)):
        monkeypatch.delenv(name, raising=False)


def written(folder: Path, text: str, name: str = "forge.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def configured(folder: Path, text: str, *answers: Any, **options: Any) -> Acme:
    config = written(folder, "providers:\n  acme:\n" + text)
    return client(*answers, **{"api_key": None, "config": config, **options})


@pytest.mark.requirement("R-001")
def test_each_layer_goes_before_the_next_and_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = "    timeout: 1\n    idle_timeout: 1\n    stall_timeout: 1\n    max_attempts: 1\n"
    monkeypatch.setenv("LLM_FORGE_IDLE_TIMEOUT", "2")
    monkeypatch.setenv("LLM_FORGE_TIMEOUT", "2")
    monkeypatch.setenv("LLM_FORGE_MAX_ATTEMPTS", "2")
    monkeypatch.setenv("ACME_BASE_URL", "https://other.test")
    acme = configured(tmp_path, file, api_key="canary", timeout=3.0, max_attempts=3)
    settings, sources = acme._settings, acme.sources(max_attempts=4)
    assert (settings.stall_timeout, settings.idle_timeout, settings.timeout) == (1, 2.0, 3.0)
    assert sources["stall_timeout"] == f"{tmp_path / 'forge.yaml'}:5"
    assert sources["idle_timeout"] == "environment LLM_FORGE_IDLE_TIMEOUT"
    assert (sources["timeout"], sources["max_attempts"]) == ("client argument", "call option")
    assert (sources["attempt_timeout"], sources["base_url"]) == ("default", "environment ACME_BASE_URL")
    assert (sources["config"], sources["api_key"]) == ("client argument", "client argument")
    assert acme.with_options(idle_timeout=9.0).sources()["idle_timeout"] == "with_options"
    monkeypatch.delenv("ACME_BASE_URL")
    assert client().sources()["base_url"] == "description"


@pytest.mark.requirement("R-001")
def test_every_option_has_a_source_and_none_shows_a_value() -> None:
    acme = client(api_key="canary-key-1", headers={"x-mine": "canary-header"}, base_url="https://canary.test")
    sources = acme.sources()
    assert sources.keys() == set(OPTION_NAMES)
    assert sources["headers"] == "client argument"
    assert "canary" not in str(sources)
    with pytest.raises(ConfigError, match="max_attempts"):
        acme.sources(max_retry=3)  # type: ignore[call-arg]


@pytest.mark.requirement("R-002")
@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    for name in (*map(variable_of, OPTIONS), "ACME_BASE_URL", "LLM_FORGE_CONFIG"):
        monkeypatch.setenv(name, blank)
    assert set(client().sources().values()) <= {"default", "description", "client argument"}


@pytest.mark.requirement("R-001")
def test_every_number_of_seconds_has_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.setenv(variable_of(option), "7")
    settings = client()._settings
    assert {option: getattr(settings, option) for option in OPTIONS} == dict.fromkeys(OPTIONS, 7)
    monkeypatch.setenv("LLM_FORGE_TIMEOUT", "None")
    assert client()._settings.timeout is None


@pytest.mark.requirement("R-011")
@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", "none"])
def test_a_variable_that_is_no_duration_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LLM_FORGE_IDLE_TIMEOUT", text)
    with pytest.raises(ConfigError, match="LLM_FORGE_IDLE_TIMEOUT"):
        client()


@pytest.mark.requirement("R-011")
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), 0.0009, "5", True])
def test_a_duration_below_a_millisecond_or_beyond_numbers_is_refused(value: Any) -> None:
    for option in (option for option in OPTIONS if option != "max_attempts"):
        with pytest.raises(ConfigError, match=option):
            client(**{option: value})
    with pytest.raises(ConfigError, match="timeout"):
        call(client(ok()), timeout=value)
    assert client(timeout=0.001)._settings.timeout == 0.001
    assert client(timeout=None)._settings.call_timeout(streaming=False) is None


# -- files ---------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-001")
def test_the_groups_of_a_file_are_options_by_other_names(tmp_path: Path) -> None:
    acme = configured(
        tmp_path,
        "    retry: {max_attempts: 5, backoff_factor: 3, max_wait: 2, respect_retry_after: false}\n"
        "    rate_limit: {requests_per_minute: 60, tokens_per_minute: 90000}\n",
        failed(429, retry_after="50"),
        failed(500),
        ok(),
        api_key="canary",
    )
    call(acme)
    assert acme.world.sleeps == [1.0, pytest.approx(1.5)]
    settings = acme._settings
    assert (settings.max_attempts, settings.max_backoff, settings.max_server_wait) == (5, 2, 2)
    assert [(one.unit, one.amount, one.period, one.burst) for one in settings.limits] == [
        ("requests", 60, 60, None),
        ("tokens", 90000, 60, 90000),
    ]
    assert acme.sources()["limits"].endswith("forge.yaml:4")


@pytest.mark.requirement("R-001")
def test_a_key_in_a_file_is_a_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_KEY", " canary-team\n")
    place = written(tmp_path, " canary-file\n", "key")
    count = tmp_path / "count"
    command = f"sh -c \"echo run >> '{count}'; echo canary-command\""
    for reference, sent, source in (
        ("env:TEAM_KEY", "canary-team", "environment TEAM_KEY"),
        (f"file:{place}", "canary-file", f"file {place}"),
        ("file:key", "canary-file", "file key"),
        (f"cmd:{command}", "canary-command", "command sh"),
    ):
        acme = configured(tmp_path, f"    api_key: {json.dumps(reference)}\n", ok(), ok())
        assert acme.sources()["api_key"] == f"{tmp_path / 'forge.yaml'}:3, {source}"
        assert not count.exists()
        call(acme)
        call(acme)
        assert [dict(one.headers)["authorization"] for one in acme.world.requests] == [f"Bearer {sent}"] * 2
    assert count.read_text() == "run\n"


@pytest.mark.requirement("R-007")
@pytest.mark.parametrize("command", ["false", "absent-program-of-no-one", "sleep 60", "printf '\\377'"])
def test_a_command_that_fails_is_an_auth_error_without_its_output(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm_forge.runtime.config.references.COMMAND_SECONDS", 0.05)
    acme = configured(tmp_path, f'    api_key: "cmd:{command}"\n'.replace("\\", "\\\\"))
    with pytest.raises(AuthError, match=r"forge\.yaml:3"):
        call(acme)


@pytest.mark.requirement("R-001")
def test_a_keyring_is_asked_when_the_key_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    class Keyring:
        @staticmethod
        def get_password(service: str, user: str) -> str | None:
            asked.append((service, user))
            return "canary-ring" if user == "me" else None

    monkeypatch.setitem(__import__("sys").modules, "keyring", Keyring)
    acme = configured(tmp_path, "    api_key: keyring:acme/team/me\n", ok())
    assert asked == []
    call(acme)
    assert asked == [("acme/team", "me")]
    with pytest.raises(AuthError, match="no password for you"):
        call(configured(tmp_path, "    api_key: keyring:acme/you\n", ok()))
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    with pytest.raises(ConfigError, match="pip install keyring"):
        call(configured(tmp_path, "    api_key: keyring:acme/me\n", ok()))


@pytest.mark.requirement("R-001")
def test_what_a_higher_layer_gives_is_not_even_read_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "    api_key: env:UNSET_KEY\n    auth: {kind: bearer, token: env:UNSET_TOKEN}\n    timeout: -1\n"
    assert configured(tmp_path, text, api_key="canary", timeout=5).sources()["auth"] == "default"
    monkeypatch.setenv("ACME_API_KEY", "canary")
    assert configured(tmp_path, text, timeout=5).sources()["api_key"] == "environment ACME_API_KEY"
    monkeypatch.setenv("ACME_API_KEY", "a\x01b")
    assert configured(tmp_path, text, timeout=5, auth="none").sources()["api_key"] == "none"
    shared = llm_forge.RateLimiter()
    limited = "    rate_limit: {requests_per_minute: 60}\n    concurrency: 2\n"
    assert configured(tmp_path, limited, api_key="k", rate_limiter=shared)._settings.limits == ()


@pytest.mark.requirement("R-001")
def test_auth_in_a_file_is_one_of_the_objects_with_references(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_SECRET", "canary-secret")
    oauth2 = "{kind: oauth2, client_id: me, client_secret: env:TEAM_SECRET, token_url: 'https://id.test/t'}"
    token = ok({"access_token": "canary-token"})
    acme = configured(tmp_path, f"    auth: {oauth2}\n", token, ok())
    call(acme)
    assert dict(acme.world.requests[1].headers)["authorization"] == "Bearer canary-token"
    basic = configured(tmp_path, "    auth: {kind: basic, user: me, password: env:TEAM_SECRET}\n", ok())
    call(basic)
    assert dict(basic.world.requests[0].headers)["authorization"].startswith("Basic ")
    key = configured(tmp_path, "    auth: {kind: api-key, key: env:TEAM_SECRET, name: x-gate}\n", ok())
    call(key)
    assert dict(key.world.requests[0].headers)["x-gate"] == "canary-secret"
    assert configured(tmp_path, "    auth: none\n").sources()["api_key"] == "none"


@pytest.mark.requirement("R-001")
def test_of_several_files_a_later_one_goes_before_an_earlier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = written(tmp_path, "providers: {acme: {timeout: 1, idle_timeout: 1}}", "user.yaml")
    project = written(tmp_path, "providers: {acme: {timeout: 2}}\naliases: {fast: acme/m}", "project.yaml")
    acme = client(config=[user, ConfigFile.read(project)])
    assert (acme._settings.timeout, acme._settings.idle_timeout) == (2, 1)
    monkeypatch.setenv("LLM_FORGE_CONFIG", str(user))
    assert client()._settings.timeout == 1
    assert client().sources()["config"] == "environment LLM_FORGE_CONFIG"
    assert client(config=project)._settings.idle_timeout == 60.0


@pytest.mark.requirement("R-012")
def test_a_client_cannot_be_changed_from_outside_or_through_what_it_was_given() -> None:
    headers, origins = {"x-mine": "1"}, ["https://files.acme.test"]
    acme = client(ok(), headers=headers, trusted_origins=origins)
    headers["x-mine"] = "2"
    origins.append("https://evil.test")
    call(acme)
    assert dict(acme.world.requests[0].headers)["x-mine"] == "1"
    assert acme._settings.trusted_origins == ("https://files.acme.test",)
    with pytest.raises(AttributeError, match="with_options"):
        acme.timeout = 5
    with pytest.raises(AttributeError):
        acme.base_url = "https://evil.test"  # type: ignore[misc]
    with pytest.raises(TypeError):
        acme._settings.headers["x-mine"] = "3"  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        acme._settings.timeout = 5  # type: ignore[misc]


@pytest.mark.requirement("R-012")
def test_a_copy_leaves_its_original_as_it_was_and_shares_its_state() -> None:
    acme = client(ok(), ok(), timeout=5.0, headers={"x-mine": "1"})
    copy = acme.with_options(timeout=7.0, headers={"x-mine": "2"})
    assert (acme._settings.timeout, copy._settings.timeout) == (5.0, 7.0)
    assert copy._shared is acme._shared
    call(acme)
    call(copy)
    assert [dict(one.headers)["x-mine"] for one in acme.world.requests] == ["1", "2"]
