"""No form of a credential survives redaction."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.headers import Headers
from llm_forge.core.redact import Redactor, names_a_secret, secrets_in_header
from llm_forge.core.secrets import Secret

KEY = 'k/ey+"with&odd\\chars=~1'
VISIBLE = st.text(alphabet=[chr(code) for code in range(0x21, 0x7F)], min_size=8, max_size=30)


def redactor(*keys: str) -> Redactor:
    return Redactor([Secret(key) for key in keys or (KEY,)])


@pytest.mark.requirement("R-242")
@pytest.mark.parametrize(
    "form",
    [
        KEY,
        urllib.parse.quote(KEY),
        urllib.parse.quote(KEY, safe=""),
        urllib.parse.quote_plus(KEY).lower().replace("k%2fey", "k%2fey"),
        json.dumps(KEY)[1:-1],
        json.dumps(json.dumps(KEY)[1:-1])[1:-1].replace("\\\\", "\\"),
        KEY.replace("&", "\\u0026").replace("+", "\\u002B"),
        json.dumps(KEY)[1:-1].replace("/", "\\/"),
    ],
)
def test_a_secret_is_found_in_every_spelling(form: str) -> None:
    assert redactor().text(f"a {form} b") == "a [redacted] b"


@pytest.mark.requirement("R-242")
@settings(deadline=None, derandomize=True, max_examples=100)
@given(key=VISIBLE, before=st.binary(max_size=5), after=st.binary(max_size=5), safe=st.booleans())
def test_a_secret_is_found_inside_base64_at_any_alignment(
    key: str, before: bytes, after: bytes, safe: bool
) -> None:
    encoder = base64.urlsafe_b64encode if safe else base64.b64encode
    encoded = encoder(before + key.encode() + after).decode()
    shown = redactor(key).text(encoded)
    kept = shown.replace("[redacted]", "")
    assert shown != encoded
    assert len(kept) <= (len(before) + len(after)) * 4 / 3 + 8


@pytest.mark.requirement("R-242")
@settings(deadline=None, derandomize=True, max_examples=100)
@given(key=VISIBLE, around=st.text(max_size=10))
def test_no_secret_survives_as_it_is_escaped_or_encoded(key: str, around: str) -> None:
    for form in (key, urllib.parse.quote(key, safe=""), json.dumps(key)[1:-1]):
        assert form not in redactor(key).text(f"{around}{form}{around}").replace("[redacted]", "\0")


@pytest.mark.requirement("R-242")
def test_a_short_key_goes_where_it_stands_alone_and_leaves_other_words_whole() -> None:
    told = redactor("x", "pass%1").text("x x-api-key, req_01x, pass%1, pass%251, passable")
    assert told == "[redacted] x-api-key, req_01x, [redacted], [redacted], passable"


@pytest.mark.requirement("R-242")
@pytest.mark.parametrize("name", ["Authorization", "X-Goog-Api-Key", "x-auth-token", "apikey", "X-Secret"])
def test_a_header_may_say_by_its_name_that_it_is_a_credential(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize("name", ["idempotency-key", "x-trace", "openai-organization", "author", "tokens"])
def test_most_headers_are_no_credentials(name: str) -> None:
    assert not names_a_secret(name)


@pytest.mark.requirement("R-242")
@pytest.mark.parametrize("echoed", ["Bearer canary-1", "canary-1", "session=canary-2; b=c", "canary-2"])
def test_a_secret_header_is_found_whole_and_in_its_parts(echoed: str) -> None:
    held = [*secrets_in_header("Bearer canary-1"), *secrets_in_header("session=canary-2; b=c")]
    assert "canary" not in Redactor(held).text(f"you sent {echoed}!")


@pytest.mark.requirement("R-022")
def test_a_configured_query_parameter_is_hidden_whatever_it_is_called() -> None:
    shown = Redactor(secret_parameters=["code me"]).url("https://h/p?code+me=abc&x=1")
    assert shown == "https://h/p?code+me=[redacted]&x=1"


@pytest.mark.requirement("R-242")
def test_of_two_secrets_where_one_begins_the_other_both_vanish_whole() -> None:
    assert redactor("token-one", "token-one-two").text("token-one-two token-one") == "[redacted] [redacted]"


@pytest.mark.requirement("R-242")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer [redacted]"),
        ("Incorrect API key: sk-mine*****789.", "Incorrect API key: [redacted]."),
        ("Incorrect API key: sk-*********.", "Incorrect API key: [redacted]."),
        ("Incorrect API key: sk-other****789.", "Incorrect API key: sk-other****789."),
        ("key sk-proj-abcdEFGH1234 is wrong", "key sk-proj-abcdEFGH1234 is wrong"),
        ("a task-oriented disk-based answer", "a task-oriented disk-based answer"),
        ("model xai-grok-2-latest and pk-1", "model xai-grok-2-latest and pk-1"),
        ("**bold** and 2 *** 3", "**bold** and 2 *** 3"),
    ],
)
def test_a_half_masked_key_goes_if_it_is_ours(text: str, shown: str) -> None:
    assert redactor("sk-mine-123456789").text(text) == shown


@pytest.mark.requirement("R-218")
@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/p?key=abc&x=1", "https://h/p?key=[redacted]&x=1"),
        ("https://h/p?x=1&X-Amz-Signature=abc#f", "https://h/p?x=1&X-Amz-Signature=[redacted]#f"),
        ("https://user:pw@h/p", "https://h/p"),
        (
            "https://h/p?api_key=a%20b&access_token=c",
            "https://h/p?api_key=[redacted]&access_token=[redacted]",
        ),
        ("https://h/p?page=2", "https://h/p?page=2"),
        (f"https://h/{urllib.parse.quote(KEY, safe='')}/x", "https://h/[redacted]/x"),
    ],
)
def test_a_url_loses_user_info_and_query_secrets(url: str, shown: str) -> None:
    assert redactor().url(url) == shown


@pytest.mark.requirement("R-242")
def test_an_error_keeps_only_headers_that_are_safe_and_worth_keeping() -> None:
    headers = Headers(
        [
            ("Content-Type", "application/json"),
            ("X-Request-Id", "req_1"),
            ("Retry-After", "3"),
            ("anthropic-ratelimit-tokens-limit", "5"),
            ("Set-Cookie", "session=1"),
            ("Authorization", "Bearer x"),
            ("X-Api-Key", KEY),
            ("X-Custom-Request-Id", "hidden"),
            ("openai-organization", "org"),
            ("x-ratelimit-echo", f"for {KEY}"),
        ]
    )
    shown = Redactor([Secret(KEY)], ["x-custom-REQUEST-id"]).headers(headers)
    assert shown == {
        "content-type": "application/json",
        "x-request-id": "req_1",
        "retry-after": "3",
        "anthropic-ratelimit-tokens-limit": "5",
        "x-ratelimit-echo": "for [redacted]",
    }


@pytest.mark.requirement("R-242")
def test_without_secrets_ordinary_text_is_untouched() -> None:
    text = "The model `m` does not exist; see https://docs/errors?x=1"
    assert Redactor().text(text) == text
    assert Redactor([Secret("")]).text(text) == text
