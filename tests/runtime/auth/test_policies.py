"""Where credentials go: each policy, in a scripted world."""

from __future__ import annotations

import base64
import copy
import dataclasses
import hashlib
import json
import pickle
import pprint
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from llm_forge.core.errors import AuthError, ConfigError, ConnectionLostError, ForgeError
from llm_forge.core.profile import AuthScheme, Profile
from llm_forge.runtime.attempt import unary
from llm_forge.runtime.auth.api_key import ApiKey
from llm_forge.runtime.auth.basic import Basic
from llm_forge.runtime.auth.bearer import Bearer
from llm_forge.runtime.auth.custom import AuthRequest
from llm_forge.runtime.auth.oauth2 import OAuth2
from llm_forge.runtime.call import run
from llm_forge.runtime.io import run_now
from llm_forge.runtime.transports.protocol import HttpRequest
from tests.runtime.kit import CHAT, GET, Acme, call, client, failed, ok

KEY = "canary-key-0123456789"


def sent(acme: Acme, number: int = 0) -> tuple[dict[str, str], dict[str, list[str]]]:
    request = acme.world.requests[number]
    return dict(request.headers), parse_qs(urlsplit(request.url).query)


def wired(auth: Any, **options: Any) -> tuple[dict[str, str], dict[str, list[str]]]:
    acme = client(ok(), api_key=None, auth=auth)
    call(acme, **options)
    return sent(acme)


@pytest.mark.requirement("R-020")
def test_a_key_goes_into_a_header_a_query_or_a_cookie_and_nowhere_else() -> None:
    headers, query = wired(ApiKey(KEY, "header", "X-Mine"))
    assert (headers["x-mine"], query, "authorization" in headers) == (KEY, {}, False)
    headers, query = wired(ApiKey(KEY, "query", "code"), extra_query={"a": 1})
    assert (query, KEY in str(headers)) == ({"a": ["1"], "code": [KEY]}, False)
    headers, query = wired(ApiKey(KEY, "cookie", "session"), extra_headers={"Cookie": "a=b"})
    assert (headers["cookie"], query) == (f"a=b; session={KEY}", {})


@pytest.mark.requirement("R-020")
def test_the_prepared_request_never_holds_the_key() -> None:
    acme = client(ok(), api_key=KEY)
    prepared = acme._prepared_call(CHAT, {"body": {"model": "m"}}, {}, streaming=False).prepared
    assert KEY not in f"{prepared.request.headers}{prepared.request.url}{prepared.request.body!r}"


def test_a_key_that_ends_a_cookie_is_refused() -> None:
    with pytest.raises(AuthError, match="cookie"):
        wired(ApiKey("a;b=c", "cookie", "session"))


@pytest.mark.requirement("R-021")
def test_bearer_and_basic_stand_in_the_authorization_header() -> None:
    assert wired(Bearer(KEY))[0]["authorization"] == f"Bearer {KEY}"
    encoded = base64.b64encode("jürgen:pass:wörd".encode()).decode()
    assert wired(Basic("jürgen", "pass:wörd"))[0]["authorization"] == f"Basic {encoded}"


@pytest.mark.requirement("R-021")
@pytest.mark.parametrize(
    ("user", "password"), [("a:b", "c"), ("a\n", "c"), ("a", "c\0"), ("a", ""), (1, "c"), ("a", 2)]
)
def test_a_user_with_a_colon_and_control_characters_are_refused(user: Any, password: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        client(api_key=None, auth=Basic(user, password))
    assert "c\0" not in str(caught.value)


@pytest.mark.requirement("R-004")
@pytest.mark.parametrize(
    "auth", [ApiKey(KEY), Bearer(KEY), Basic("me", KEY), OAuth2("me", KEY, KEY, "https://id.acme.test/t")]
)
def test_no_form_of_an_auth_object_shows_its_secrets(auth: Any) -> None:
    fields = dataclasses.asdict(auth)
    lost = pickle.dumps(auth)
    forms = [repr(auth), str(auth), f"{auth}", repr(fields), json.dumps(fields, default=str), repr(lost)]
    forms += [pprint.pformat(auth), repr(copy.deepcopy(auth)), repr(dataclasses.astuple(auth))]
    forms += [repr(getattr(auth, one.name)) for one in dataclasses.fields(auth)]
    forms += [repr(pickle.loads(lost))]  # noqa: S301 - our own bytes
    acme = client(api_key=None, auth=auth)
    forms += [
        repr(acme),
        repr(vars(acme)),
        repr(acme._settings),
        repr(vars(acme._shared)),
        str(acme.sources()),
    ]
    shown = "".join(forms)
    assert KEY not in shown
    assert base64.b64encode(f"me:{KEY}".encode()).decode() not in shown


@pytest.mark.requirement("R-006")
@pytest.mark.parametrize("make", [ApiKey, Bearer, lambda text: OAuth2("me", text)])
def test_an_auth_object_refuses_text_that_cannot_be_sent(make: Any) -> None:
    for text in ("", " ", "a\ncanary", "schlüssel"):
        with pytest.raises(ConfigError) as caught:
            make(text)
        assert "canary" not in str(caught.value)


def test_a_header_of_the_callers_own_wins() -> None:
    headers, _ = wired(Bearer(KEY), extra_headers={"Authorization": "Custom mine"})
    assert headers["authorization"] == "Custom mine"


@pytest.mark.requirement("R-006")
def test_cf_03_a_key_may_stand_in_a_file(tmp_path: Path) -> None:
    place = tmp_path / "key"
    place.write_text(" abc\n")
    acme = client(ok(), api_key=place)
    call(acme)
    assert sent(acme)[0]["authorization"] == "Bearer abc"
    assert acme.sources()["api_key"] == f"client argument, file {place}"


@pytest.mark.requirement("R-006")
@pytest.mark.parametrize("content", [b"a\r\nX-Evil: 1", b"", b"\xff", b"a" * 100_000])
def test_a_file_without_a_usable_key_is_a_config_error(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "key"
    place.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        client(api_key=place)
    assert str(place) in str(caught.value)
    assert "Evil" not in str(caught.value)
    with pytest.raises(ConfigError, match="No such file"):
        client(api_key=tmp_path / "absent")


class Signer:
    """Signs what it sees, and keeps it."""

    def __init__(self, headers: Any = None) -> None:
        self.seen: list[AuthRequest] = []
        self.headers = headers

    def authorize(self, request: AuthRequest) -> Mapping[str, str]:
        self.seen.append(request)
        if isinstance(self.headers, Exception):
            raise self.headers
        if self.headers is not None:
            return self.headers  # type: ignore[no-any-return] # wrong on purpose
        return {"X-Signature": f"canary-signature-{len(self.seen)}"}


@pytest.mark.requirement("R-031")
def test_a_provider_sees_the_final_request_and_signs_each_attempt_anew() -> None:
    signer = Signer()
    acme = client(failed(500), ok(), api_key=None, auth=signer)
    call(acme, extra_query={"a": "b"})
    assert [sent(acme, n)[0]["x-signature"] for n in (0, 1)] == ["canary-signature-1", "canary-signature-2"]
    first, second = signer.seen
    assert (first.method, first.url) == ("POST", "https://api.acme.test/v1/chat?a=b")
    body = acme.world.requests[0].body
    assert isinstance(body, bytes)
    assert first.body_sha256 == hashlib.sha256(body).hexdigest()
    assert (first.headers["acme-version"], "authorization" in first.headers) == ("1", False)
    assert (first.context.attempt, second.context.attempt) == (1, 2)
    assert (first.context.call_id, first.context.operation) == (second.context.call_id, "chat.create")


@pytest.mark.requirement("R-031")
def test_a_provider_runs_after_the_wait_for_the_limiter() -> None:
    signer = Signer()
    left = {"x_ratelimit_limit_requests": "10", "x_ratelimit_remaining_requests": "0"}
    acme = client(ok(None, **left, x_ratelimit_reset_requests="6s"), ok(), api_key=None, auth=signer)
    times: list[float] = []
    signer.authorize = lambda request: times.append(acme.world.now()) or {}  # type: ignore[method-assign]
    call(acme)
    call(acme)
    assert times == [0.0, pytest.approx(6.0)]


@pytest.mark.requirement("R-031")
@pytest.mark.parametrize(
    "answer", [ValueError("canary"), 7, {"X-A": 1}, {"X-A": "a\r\nX-Evil: 1"}, {"X A": "1"}, {"x": "ü"}]
)
def test_a_provider_that_fails_is_an_auth_error_and_nothing_is_sent(answer: Any) -> None:
    acme = client(api_key=None, auth=Signer(answer))
    with pytest.raises(AuthError) as caught:
        call(acme)
    assert acme.world.requests == []
    assert (caught.value.__cause__ is answer) == isinstance(answer, Exception)
    assert "canary" not in str(caught.value)


@pytest.mark.requirement("R-242")
def test_a_providers_header_echoed_by_the_server_is_redacted() -> None:
    acme = client(failed(400, "you sent canary-signature-1"), api_key=None, auth=Signer())
    with pytest.raises(ForgeError, match="no") as caught:
        call(acme)
    assert "canary" not in f"{caught.value!r}{vars(caught.value)}"


@pytest.mark.requirement("R-003")
@pytest.mark.parametrize("auth", ["bearer", 3, object()])
def test_anything_else_as_auth_says_what_is_accepted(auth: Any) -> None:
    with pytest.raises(ConfigError, match="authorize"):
        client(api_key=None, auth=auth)


class PasswordApi(Acme):
    profile = Profile("plain", "https://api.plain.test", auth=AuthScheme("basic"))


@pytest.mark.requirement("R-021")
def test_a_key_for_an_api_with_basic_auth_is_user_and_password() -> None:
    assert (
        PasswordApi(api_key="user:pass", transport=client().world).sources()["api_key"] == "client argument"
    )
    with pytest.raises(ConfigError, match="user:password"):
        PasswordApi(api_key="user", transport=client().world)


# -- origins -------------------------------------------------------------------------------------------


def elsewhere(acme: Acme, url: str) -> dict[str, str]:
    """The headers of a call to a URL that a response body named."""
    made = acme._prepared_call(GET, {"path": {"model_id": "m"}}, {}, streaming=False)
    made.prepared = type(made.prepared)(HttpRequest("GET", url, made.prepared.request.headers), None, 0, 0)
    run_now(run(made, unary))
    return dict(acme.world.requests[-1].headers)


@pytest.mark.requirement("R-032")
@pytest.mark.requirement("R-241")
@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://api.acme.test/v2/file", True),
        ("https://API.acme.test:443/v2/file", True),
        ("https://files.acme.test/x", True),
        ("https://api.acme.test:8443/x", False),
        ("https://api.acme.test.evil.test/x", False),
        ("https://api.acme.test@evil.test/x", False),
        ("http://api.acme.test/x", False),
    ],
)
def test_credentials_go_to_the_own_origin_and_to_trusted_ones_only(url: str, trusted: bool) -> None:
    signer = Signer()
    acme = client(
        ok(),
        api_key=None,
        auth=signer,
        headers={"X-Team-Secret": KEY, "X-Mine": KEY, "X-Trace": "1"},
        secret_headers=["x-mine"],
        trusted_origins=["https://files.acme.test"],
    )
    headers = elsewhere(acme, url)
    assert ("x-signature" in headers, len(signer.seen)) == (trusted, int(trusted))
    assert (headers.get("x-team-secret"), headers.get("x-mine")) == ((KEY, KEY) if trusted else (None, None))
    assert headers["x-trace"] == "1"


@pytest.mark.requirement("R-032")
@pytest.mark.parametrize("origin", ["http://files.acme.test", "files.acme.test", "https://u:p@files.test"])
def test_a_trusted_origin_must_be_one_that_credentials_may_go_to(origin: str) -> None:
    with pytest.raises(ConfigError, match="trusted_origins"):
        client(trusted_origins=[origin])


# -- redaction -----------------------------------------------------------------------------------------


@pytest.mark.requirement("R-022")
def test_a_key_in_the_query_is_in_no_error_of_the_call() -> None:
    lost = ConnectionLostError("gone")
    for answer in (failed(400, f"bad {KEY}"), failed(500), lost):
        acme = client(answer, api_key=None, auth=ApiKey(KEY, "query", "k"), max_attempts=1)
        with pytest.raises(ForgeError) as caught:
            call(acme)
        assert KEY not in f"{caught.value!r}{vars(caught.value)}{acme!r}{acme.world.requests}"


@pytest.mark.requirement("R-242")
@pytest.mark.parametrize("form", [KEY, base64.b64encode(f"me:{KEY}".encode()).decode()])
def test_secret_headers_of_clients_and_calls_are_redacted_wherever_they_occur(form: str) -> None:
    for options in (
        {"headers": {"X-Mine": KEY}, "secret_headers": ["X-Mine"]},
        {"headers": {"Cookie": f"a={KEY}"}},
    ):
        acme = client(failed(400, f"you sent {form}"), **options)
        with pytest.raises(ForgeError, match="no") as caught:
            call(acme)
        assert form not in f"{caught.value!r}{vars(caught.value)}"
    acme = client(failed(400, f"you sent {form}"))
    with pytest.raises(ForgeError, match="no") as caught:
        call(acme, extra_headers={"X-Api-Key": KEY})
    assert form not in f"{caught.value!r}{vars(caught.value)}"
