"""Tokens of OAuth 2 in a scripted world, where a token request runs to its end as soon as it begins."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

import pytest

from llm_forge.core.errors import (
    AuthenticationError,
    AuthError,
    ConfigError,
    ConnectionLostError,
    DeadlineExceededError,
    ServerError,
)
from llm_forge.core.profile import AuthScheme, Profile
from llm_forge.core.secrets import Secret
from llm_forge.runtime.auth.oauth2 import OAuth2
from llm_forge.runtime.events import Event
from llm_forge.runtime.scripted import Answer, ScriptedIo, ScriptedJob
from llm_forge.runtime.transports.protocol import HttpRequest
from tests.runtime.kit import ONCE, Acme, answer, call, client, failed, ok

SECRET = "canary-client-secret"
URL = {"token_url": "https://id.acme.test/token"}
AUTH = OAuth2("me", SECRET, token_url="https://id.acme.test/token")


class NeverAsks(ScriptedIo):
    """A world in which what is begun beside a call never gets its turn."""

    def spawn(self, work: Coroutine[Any, Any, None], ended: Callable[[], None]) -> ScriptedJob:
        work.close()
        return ScriptedJob()


def token(text: str = "one", **fields: Any) -> Answer:
    return ok({"access_token": f"canary-token-{text}", "token_type": "Bearer", "expires_in": 100, **fields})


def acme(*answers: Answer | Exception, auth: Any = AUTH, **options: Any) -> Acme:
    return client(*answers, **{"api_key": None, "auth": auth, **options})


def form(request: HttpRequest) -> dict[str, str]:
    assert isinstance(request.body, bytes)
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def bearers(world: Any) -> list[str | None]:
    """What each request to the API carried."""
    sent = [request for request in world.requests if request.url.startswith("https://api.acme.test")]
    return [dict(request.headers)["authorization"].removeprefix("Bearer canary-token-") for request in sent]


@pytest.mark.requirement("R-023")
@pytest.mark.requirement("R-028")
def test_a_token_is_got_with_client_credentials_over_http_basic_and_used_by_later_calls() -> None:
    made = acme(token(), ok(), ok())
    call(made)
    call(made)
    assert bearers(made.world) == ["one", "one"]
    request = made.world.requests[0]
    assert (request.method, request.url) == ("POST", "https://id.acme.test/token")
    assert form(request) == {"grant_type": "client_credentials"}
    headers = dict(request.headers)
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == f"me:{SECRET}".encode()


@pytest.mark.requirement("R-028")
def test_id_and_secret_are_form_encoded_in_basic_and_may_go_into_the_body_instead() -> None:
    odd = OAuth2("a:b", Secret("p%w d"), token_url="https://id.acme.test/token")
    made = acme(token(), ok(), auth=odd)
    call(made)
    encoded = dict(made.world.requests[0].headers)["authorization"].removeprefix("Basic ")
    assert base64.b64decode(encoded) == b"a%3Ab:p%25w+d"
    body = OAuth2(
        "me", SECRET, token_url="https://id.acme.test/t?v=1", client_auth="body", scopes=["a", "b"],
        parameters={"audience": "x"},
    )  # fmt: skip
    made = acme(token(), ok(), auth=body)
    call(made)
    request = made.world.requests[0]
    assert "authorization" not in dict(request.headers)
    assert form(request) == {
        "grant_type": "client_credentials", "scope": "a b", "audience": "x",
        "client_id": "me", "client_secret": SECRET,
    }  # fmt: skip


@pytest.mark.requirement("R-023")
@pytest.mark.requirement("R-027")
def test_au_05_a_refresh_token_is_kept_until_the_server_gives_a_new_one() -> None:
    kept: list[str] = []
    auth = OAuth2(
        "me", refresh_token="canary-r0", token_url="https://id.acme.test/token", on_refresh_token=kept.append
    )
    made = acme(token(), ok(), token("two", refresh_token="canary-r2"), ok(), token("three"), ok(), auth=auth)
    for _ in range(3):
        call(made)
        made.world.clock += 90.0
    asked = [form(request) for request in made.world.requests if "id.acme" in request.url]
    assert [one["refresh_token"] for one in asked] == ["canary-r0", "canary-r0", "canary-r2"]
    assert asked[0] == {"grant_type": "refresh_token", "refresh_token": "canary-r0", "client_id": "me"}
    assert (bearers(made.world), kept) == (["one", "two", "three"], ["canary-r2"])


@pytest.mark.requirement("R-027")
def test_a_new_refresh_token_that_its_owner_cannot_keep_stops_the_call_but_is_not_lost() -> None:
    kept: list[str] = []

    def keep(text: str) -> None:
        kept.append(text)
        if len(kept) == 1:
            raise OSError("canary-disk")

    auth = OAuth2("me", refresh_token="canary-r1", on_refresh_token=keep, **URL)  # type: ignore[arg-type]
    made = acme(token(refresh_token="canary-r2"), token(), ok(), auth=auth)
    with pytest.raises(AuthError, match="on_refresh_token failed: OSError") as caught:
        call(made)
    assert isinstance(caught.value.__cause__, OSError)
    call(made)
    asked = [form(request)["refresh_token"] for request in made.world.requests if "id.acme" in request.url]
    assert (asked, kept) == (["canary-r1", "canary-r2"], ["canary-r2", "canary-r2"])


@pytest.mark.requirement("R-026")
def test_au_06_and_au_07_a_token_is_renewed_shortly_before_its_end() -> None:
    made = acme(token(expires_in=10), ok(), ok(), token("two", expires_in=None), ok(), ok())
    for now in (0.0, 7.9, 8.1, 3000.0):
        made.world.clock = now
        call(made)
    assert bearers(made.world) == ["one", "one", "two", "two"]


@pytest.mark.requirement("R-029")
@pytest.mark.parametrize(
    "first", [failed(500), failed(503), failed(429), ConnectionLostError("gone", phase="response")]
)
def test_au_03_network_faults_429_and_5xx_of_the_token_endpoint_are_retried(first: Any) -> None:
    made = acme(first, token(), ok())
    call(made)
    assert (len(made.world.requests), bearers(made.world)) == (3, ["one"])
    assert made.world.sleeps == [pytest.approx(0.5) if getattr(first, "status", 0) != 429 else 1.0]


@pytest.mark.requirement("R-029")
@pytest.mark.parametrize("status", [400, 401, 403, 408, 409, 425, 307])
def test_au_04_a_token_endpoint_that_says_no_is_asked_once(status: int) -> None:
    said = {"error": "invalid_client", "error_description": f"no {SECRET} for you"}
    made = acme(answer(status, said, x_should_retry="true"))
    with pytest.raises(AuthError) as caught:
        call(made)
    assert len(made.world.requests) == 1
    error = caught.value
    if status != 307:
        assert (error.status, error.code) == (status, "invalid_client")
        assert error.message == "No token: invalid_client: no [redacted] for you"
    assert (error.provider, error.operation, len(error.attempts)) == ("acme", "chat.create", 1)
    assert "canary" not in "".join(traceback.format_exception(error))


@pytest.mark.requirement("R-029")
def test_when_the_retries_are_spent_the_last_error_is_the_cause() -> None:
    made = acme(failed(500), failed(502), failed(503))
    with pytest.raises(AuthError) as caught:
        call(made)
    assert (caught.value.status, caught.value.retryable, len(made.world.requests)) == (503, False, 3)
    assert isinstance(caught.value.__cause__, ServerError)


@pytest.mark.requirement("R-218")
def test_an_answer_that_is_no_grant_shows_nothing_of_itself() -> None:
    page = Answer(200, [("content-type", "text/html")], [b'{"access_token": "canary-token"}'])
    for said in (page, ok({"token": "canary-token"}), Answer(body=[b'{"access_token": "canary-tok'])):
        with pytest.raises(AuthError) as caught:
            call(acme(said))
        shown = "".join(traceback.format_exception(caught.value))
        cause = caught.value.__cause__
        assert "canary" not in f"{shown}{vars(caught.value)}{vars(cause) if cause else ''}"


@pytest.mark.requirement("R-030")
def test_au_08_a_401_forces_one_new_token_and_one_replay_even_on_the_last_attempt() -> None:
    made = acme(token(), failed(401), token("two"), ok(), max_attempts=1)
    call(made)
    assert (bearers(made.world), made.world.sleeps) == (["one", "two"], [0.0])


@pytest.mark.requirement("R-030")
def test_au_09_a_second_401_is_raised_and_its_token_is_not_used_again() -> None:
    made = acme(token(), failed(401), token("two"), failed(401), token("three"), ok())
    with pytest.raises(AuthenticationError) as caught:
        call(made)
    assert [attempt.status for attempt in caught.value.attempts] == [401, 401]
    call(made)
    assert bearers(made.world) == ["one", "two", "three"]


@pytest.mark.requirement("R-030")
@pytest.mark.requirement("R-076")
def test_a_401_of_an_operation_that_is_sent_once_is_raised_but_the_token_is_given_up() -> None:
    made = acme(token(), failed(401), token("two"), ok())
    with pytest.raises(AuthenticationError):
        call(made, ONCE)
    call(made, ONCE)
    assert bearers(made.world) == ["one", "two"]


@pytest.mark.requirement("R-030")
def test_a_replay_after_a_401_leaves_the_other_attempts_their_number() -> None:
    made = acme(token(), failed(500), failed(401), token("two"), failed(500), ok())
    call(made)
    assert bearers(made.world) == ["one", "one", "two", "two"]
    assert made.world.sleeps == [0.5, 0.0, 1.0]


@pytest.mark.requirement("R-068")
def test_a_401_with_x_should_retry_false_is_raised() -> None:
    made = acme(token(), failed(401, x_should_retry="false"))
    with pytest.raises(AuthenticationError):
        call(made)


@pytest.mark.requirement("R-071")
def test_a_401_for_a_key_is_not_repeated() -> None:
    made = client(failed(401))
    with pytest.raises(AuthenticationError):
        call(made)
    assert len(made.world.requests) == 1


@pytest.mark.requirement("R-029")
def test_the_token_endpoint_has_the_clients_own_time_outs() -> None:
    made = acme(token(), ok(), connect_timeout=1.5, pool_timeout=2.5, attempt_timeout=7.0)
    call(made)
    timers = made.world.timers[0]
    assert (timers.connect, timers.pool, timers.response) == (1.5, 2.5, 7.0)


@pytest.mark.requirement("R-052")
@pytest.mark.requirement("R-055")
def test_a_call_whose_deadline_passes_before_it_has_a_token_says_so() -> None:
    made = acme(transport=NeverAsks([]))
    with pytest.raises(DeadlineExceededError) as caught:
        call(made, timeout=2.0)
    assert (caught.value.phase, made.world.clock, made.world.requests) == ("auth", 2.0, [])


@pytest.mark.requirement("R-051")
def test_an_attempt_that_waits_too_long_for_a_token_is_an_auth_error_which_is_not_the_apis_fault() -> None:
    made = acme(transport=NeverAsks([]), attempt_timeout=3.0)
    with pytest.raises(AuthError):
        call(made)
    assert (made.world.clock, made.circuits()["chat"].state) == (3.0, "closed")


@pytest.mark.requirement("R-230")
def test_a_token_request_is_one_event_of_the_call_that_began_it() -> None:
    events: list[Event] = []
    made = acme(failed(500), token(), ok(), ok(), on_event=events.append)
    call(made)
    call(made)
    (told,) = [event for event in events if event.name == "token-refresh"]
    assert dict(told.facts) == {"grant": "client_credentials", "outcome": "ok", "duration": 0.5}
    assert (told.call_id, told.attempt) == (events[0].call_id, 1)
    assert [event.name for event in events].count("attempt-start") == 2


@pytest.mark.requirement("R-008")
@pytest.mark.requirement("R-029")
@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({}, "token_url"),
        ({"token_url": "http://id.test/token"}, "plain http"),
        ({"token_url": "https://u:hunter2@id.test/token"}, "user"),
        ({**URL, "client_secret": None}, "client_secret or refresh_token"),
        ({**URL, "client_secret": "a\nhunter2"}, "OAuth2.client_secret"),
        ({**URL, "client_secret": ""}, "OAuth2.client_secret is empty"),
        ({**URL, "client_id": ""}, "client_id"),
        ({**URL, "client_auth": "digest"}, "client_auth"),
        ({**URL, "scopes": "a b"}, "scopes"),
        ({**URL, "parameters": {"grant_type": "password"}}, "grant_type"),
    ],
)
def test_an_oauth2_that_cannot_work_is_refused_before_any_io(facts: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        acme(auth=OAuth2(**{"client_id": "me", "client_secret": "s", **facts}))
    assert "hunter2" not in str(caught.value)


class Described(Acme):
    profile = Profile(
        "described",
        "https://api.acme.test/v1",
        auth=AuthScheme("oauth2", token_url="https://id.acme.test/token", scopes=("a",), client_auth="body"),
    )


@pytest.mark.requirement("R-028")
def test_the_description_may_say_where_tokens_come_from_and_how_to_ask_for_them() -> None:
    made = Described(auth=OAuth2("me", SECRET), transport=acme(token(), ok()).world)
    call(made)
    assert form(made.world.requests[0])["scope"] == "a"
    assert form(made.world.requests[0])["client_secret"] == SECRET
    taken = Described(api_key="canary-token-mine", transport=acme(ok()).world)
    call(taken)
    assert bearers(taken.world) == ["mine"]


@pytest.mark.requirement("R-007")
def test_the_clients_secret_may_be_a_function_which_is_asked_for_each_token() -> None:
    secrets = iter(["s-one", "s-two"])
    auth = OAuth2("me", lambda: next(secrets), token_url="https://id.acme.test/t", client_auth="body")
    made = acme(token(), ok(), token(), ok(), auth=auth)
    call(made)
    made.world.clock += 90.0
    call(made)
    asked = [form(request)["client_secret"] for request in made.world.requests if "id.acme" in request.url]
    assert asked == ["s-one", "s-two"]


@pytest.mark.requirement("R-242")
def test_secrets_and_tokens_echoed_by_the_api_are_redacted() -> None:
    auth = OAuth2("me", SECRET, refresh_token="canary-refresh", token_url="https://id.acme.test/token")
    echo = answer(400, {"error": {"message": f"{SECRET} canary-refresh canary-token-one"}})
    made = acme(token(), echo, auth=auth)
    with pytest.raises(Exception, match="redacted") as caught:
        call(made)
    assert "canary" not in f"{caught.value!r}{vars(caught.value)}{auth!r}{made!r}"
