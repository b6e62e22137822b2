"""Every form of error answer gives the right class, one useful line, and nothing that was redacted."""

from __future__ import annotations

import gzip
import json
import pickle
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shared import SHARED, needs_shared

from llm_forge.core import errors
from llm_forge.core.error_body import api_error, is_terminal_quota, request_id_of, stream_error
from llm_forge.core.errors import ApiError, ErrorDetail
from llm_forge.core.headers import Headers
from llm_forge.core.profile import ErrorRules, Profile
from llm_forge.core.redact import Redactor
from llm_forge.core.secrets import Secret

KEY = "sk-canary-0123456789abcdef"
PROFILE = Profile(
    "acme", "https://api.acme.test", errors=ErrorRules(status_of_type={"overloaded_error": 529})
)
REDACTOR = Redactor([Secret(KEY)])


def answered(status: int, body: Any, headers: dict[str, str] | None = None, **more: Any) -> ApiError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return api_error(
        status, Headers((headers or {}).items()), raw, profile=PROFILE, redactor=REDACTOR, **more
    )


def in_stream(data: Any, request_id: str | None = "req_h") -> ApiError | None:
    return stream_error(data, profile=PROFILE, redactor=REDACTOR, request_id=request_id)


VALIDATION = {
    "loc": ["body", "messages", 0, "role"],
    "msg": "bad role",
    "type": "literal_error",
    "input": "PROMPT",
}
DETAIL = ErrorDetail("body.messages.0.role", "bad role", "literal_error")
LINE = "body.messages.0.role: bad role"

# body, message, (type, code, param), details
FORMS: dict[str, tuple[Any, str, tuple[Any, Any, Any], list[ErrorDetail]]] = {
    "openai": (
        {"error": {"message": "No", "type": "t", "code": "c", "param": "p"}},
        "No",
        ("t", "c", "p"),
        [],
    ),
    "anthropic": (
        {"type": "error", "error": {"type": "t", "message": "No", "details": None}, "request_id": "r"},
        "No",
        ("t", None, None),
        [],
    ),
    "groq": (
        {"error": {"message": "No", "type": "t", "code": "tool_use_failed", "failed_generation": "{}"}},
        "No",
        ("t", "tool_use_failed", None),
        [],
    ),
    "mistral": (
        {
            "object": "error",
            "message": "No",
            "type": "t",
            "param": None,
            "code": 1300,
            "raw_status_code": 429,
        },
        "No",
        ("t", "1300", None),
        [],
    ),
    "mistral-object-message": (
        {"object": "error", "message": {"detail": [VALIDATION]}, "type": "t", "param": None, "code": None},
        LINE,
        ("t", None, None),
        [DETAIL],
    ),
    "message": ({"message": "No"}, "No", (None, None, None), []),
    "detail-text": ({"detail": "No"}, "No", (None, None, None), []),
    "detail-list": (
        {"detail": [VALIDATION, VALIDATION]},
        f"{LINE}; {LINE}",
        (None, None, None),
        [DETAIL, DETAIL],
    ),
    "error-text": ({"error": "No"}, "No", (None, None, None), []),
    "error-text-and-description": ({"error": "x", "error_description": "No"}, "x", (None, None, None), []),
    "list": ([{"error": {"message": "No", "code": 7}}], "No", (None, "7", None), []),
    "list-of-text": (["No", "way"], "No way", (None, None, None), []),
    "json-text": ("No", "No", (None, None, None), []),
    "type-only": ({"error": {"type": "t"}}, "t", ("t", None, None), []),
    "object-message": (
        {"message": {"a": 1, "input": "PROMPT"}},
        '{"a":1,"input":"[redacted]"}',
        (None, None, None),
        [],
    ),
    "details-that-are-none": (
        {"error": {"message": "No", "type": "t", "details": {"error_visibility": "user"}}},
        "No",
        ("t", None, None),
        [],
    ),
    "problem-json": (
        {"type": "about:blank", "title": "Bad", "status": 400, "detail": "No"},
        "No",
        ("about:blank", None, None),
        [],
    ),
    "byte-order-mark": (b'\xef\xbb\xbf{"error": "No"}', "No", (None, None, None), []),
    "plain": (b"upstream  connect\r\nerror\t\x00", "upstream connect error", (None, None, None), []),
    "html": (
        b"<html><head><title>502 Bad\n Gateway &amp; more</title></head><body>x</body></html>",
        "502 Bad Gateway & more",
        (None, None, None),
        [],
    ),
    "html-without-title": (b"<p>No <b>way</b></p>", "No way", (None, None, None), []),
    "xml": (b'<?xml version="1.0"?><Error><Code>Denied</Code></Error>', "Denied", (None, None, None), []),
    "not-utf-8": (b"caf\xe9", "caf\ufffd", (None, None, None), []),
}


@pytest.mark.requirement("R-214")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", [400, 422, 429, 500, 529])
def test_er_01_each_form_gives_its_message_and_facts(form: str, status: int) -> None:
    body, message, facts, details = FORMS[form]
    error = answered(status, body)
    assert type(error) is errors.class_for_status(status)
    assert error.status == status
    assert error.message == message
    assert (error.type, error.code, error.param) == facts
    assert list(error.details) == details
    assert error.provider == "acme"


@pytest.mark.requirement("R-214")
@pytest.mark.parametrize(
    "body", [b"", b"  \n", b"{}", b"[]", b"null", b'{"error":null}', b'{"error":{}}', b"<>", b"5"]
)
def test_er_01_a_body_that_says_nothing_still_gives_a_message(body: bytes) -> None:
    error = answered(503, body)
    assert type(error) is errors.UnavailableError
    assert "503" in error.message or error.message == "5"


@pytest.mark.requirement("R-214")
@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "error",
                        "message",
                        "detail",
                        "details",
                        "type",
                        "code",
                        "loc",
                        "msg",
                        "status",
                        "x_groq",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
    | st.binary(max_size=30)
)
def test_no_body_breaks_the_reading(body: Any) -> None:
    error = answered(400, body)
    assert error.message
    assert "\n" not in error.message
    in_stream(None if isinstance(body, bytes) else body)


@pytest.mark.requirement("R-250")
@pytest.mark.parametrize(
    "piece", [b"<title>", b"<", b"<h1 ", b"a", b"sk-", b"*", b"key=", b"?key", b'{"a":', b"bearer "]
)
def test_a_hostile_body_of_64_kib_costs_little(piece: bytes) -> None:
    start = time.process_time()
    answered(502, b"<" + piece * (65536 // len(piece)))
    answered(502, piece * (65536 // len(piece)))
    REDACTOR.url("https://h/?" + (piece * (8192 // len(piece))).decode())
    assert time.process_time() - start < 1.0


@pytest.mark.requirement("R-214")
def test_a_long_message_is_one_line_of_at_most_500_characters() -> None:
    error = answered(400, {"error": {"message": "word\n" * 1000}})
    assert len(error.message) == 500
    assert error.message.endswith("…")
    assert "\n" not in error.message


@pytest.mark.requirement("R-218")
def test_er_04_an_echoed_key_is_gone_from_every_part_of_the_error() -> None:
    body = {
        "error": {
            "message": f"Bad header Authorization: Bearer {KEY} " + "x" * 440 + KEY,
            "type": "t",
            "param": KEY,
        },
        "detail": [{"loc": ["body", KEY], "msg": f"key {KEY}", "input": "my secret prompt"}],
    }
    error = answered(401, body, {"x-request-id": f"req-{KEY}", "retry-after": KEY})
    shown = " ".join(
        [str(error), repr(error), str(error.facts()), str(pickle.dumps(error)), error.body or ""]
    )
    assert "canary" not in shown
    assert "my secret prompt" not in shown
    assert "[redacted]" in error.message


@pytest.mark.requirement("R-215")
def test_validation_details_have_dotted_paths_and_their_input_is_redacted() -> None:
    error = answered(422, {"detail": [VALIDATION]})
    assert list(error.details) == [DETAIL]
    assert error.body is not None
    assert json.loads(error.body)["detail"][0]["input"] == "[redacted]"
    assert "PROMPT" not in error.body


@pytest.mark.requirement("R-072")
@pytest.mark.parametrize(
    ("error_type", "code", "retry_after", "status", "cls"),
    [
        ("insufficient_quota", None, None, 429, errors.QuotaExceededError),
        ("requests", "insufficient_quota", None, 429, errors.QuotaExceededError),
        ("x", "billing_hard_limit_reached", 61.0, 429, errors.QuotaExceededError),
        ("insufficient_quota", None, 60.0, 429, errors.RateLimitError),
        ("rate_limit_error", None, None, 429, errors.RateLimitError),
        ("insufficient_quota", None, None, 403, errors.PermissionDeniedError),
        (None, None, None, 402, errors.QuotaExceededError),
    ],
)
def test_a_quota_that_waiting_does_not_cure_is_quota_exceeded(
    error_type: Any, code: Any, retry_after: Any, status: int, cls: Any
) -> None:
    body = {"error": {"message": "m", "type": error_type, "code": code}}
    error = answered(status, body, retry_after=retry_after)
    assert type(error) is cls
    assert error.retry_after == retry_after


@pytest.mark.requirement("R-073")
def test_message_text_never_classifies() -> None:
    error = answered(429, {"message": "You exceeded your current quota: insufficient_quota"})
    assert type(error) is errors.RateLimitError
    assert not is_terminal_quota(None, None, PROFILE)


@pytest.mark.requirement("R-213")
@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"request-id": "a", "x-request-id": "b"}, {"request_id": "c"}, "a"),
        ({"X-Request-ID": "b"}, {}, "b"),
        ({"request-id": ""}, {"request_id": "c"}, "c"),
        ({}, {"x_groq": {"id": "g"}}, "g"),
        ({}, {"request_id": 5}, None),
        ({}, [1], None),
    ],
)
def test_er_02_the_request_id_comes_from_headers_then_from_the_body(
    headers: Any, body: Any, expected: Any
) -> None:
    assert request_id_of(Headers(headers.items()), PROFILE, body) == expected
    assert answered(500, body, headers).request_id == expected


@pytest.mark.requirement("R-148")
@pytest.mark.parametrize(
    ("data", "cls", "status"),
    [
        (
            {"type": "error", "error": {"type": "overloaded_error", "message": "m"}},
            errors.OverloadedError,
            529,
        ),
        (
            {"type": "error", "error": {"type": "rate_limit_error", "message": "m"}},
            errors.RateLimitError,
            429,
        ),
        ({"type": "error", "error": {"type": "api_error", "message": "m"}}, errors.ServerError, 500),
        (
            {"type": "error", "error": {"type": "timeout_error", "message": "m"}},
            errors.GatewayTimeoutError,
            504,
        ),
        ({"error": {"message": "m", "type": "x", "status_code": 400}}, errors.BadRequestError, 400),
        (
            {"error": {"message": "m", "type": "invalid_request_error", "status_code": 503}},
            errors.UnavailableError,
            503,
        ),
        (
            {"object": "error", "message": "m", "type": "x", "raw_status_code": 429},
            errors.RateLimitError,
            429,
        ),
        ({"error": {"message": "m", "code": 502}, "choices": []}, errors.ServerError, 502),
        ({"error": {"message": "m", "type": None, "code": "model_not_found"}}, errors.NotFoundError, 404),
        ({"error": {"message": "m", "type": "insufficient_quota"}}, errors.QuotaExceededError, 429),
        ({"error": {"message": "m", "type": "never heard of"}}, errors.ApiError, None),
        ({"error": "m"}, errors.ApiError, None),
        ({"detail": "m"}, errors.ApiError, None),
        ("m", errors.ApiError, None),
    ],
)
def test_st_15_an_error_event_is_the_class_its_type_has_in_unary_form(
    data: Any, cls: Any, status: Any
) -> None:
    error = in_stream(data)
    assert error is not None
    assert (type(error), error.status, error.message) == (cls, status, "m")
    assert (error.mid_stream, error.request_id, error.provider) == (True, "req_h", "acme")


@pytest.mark.requirement("R-148")
def test_the_profile_decides_before_the_general_table_and_the_body_has_the_request_id() -> None:
    rules = ErrorRules(status_of_type={"server_error": 503}, terminal_codes=frozenset({"broke"}))
    profile = Profile("p", "https://p", errors=rules)
    data = {"type": "error", "error": {"type": "server_error"}, "request_id": "req_b"}
    error = stream_error(data, profile=profile, redactor=REDACTOR, request_id="req_h")
    assert type(error) is errors.UnavailableError
    assert error.request_id == "req_b"
    data = {"error": {"type": "rate_limit_error", "code": "broke"}}
    error = stream_error(data, profile=profile, redactor=REDACTOR, request_id=None)
    assert type(error) is errors.QuotaExceededError


@pytest.mark.requirement("R-148")
@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [],
        "",
        {"type": "ping"},
        {"type": "message_start", "message": {}},
        {"id": "c", "object": "chat.completion.chunk", "choices": [], "error": None},
        {"type": ["odd"], "object": {"odd": 1}},
        {"id": "x", "message": "hello", "object": "thing"},
    ],
)
def test_other_events_are_no_errors(data: Any) -> None:
    assert in_stream(data) is None


@needs_shared
@pytest.mark.requirement("R-214")
@pytest.mark.parametrize("provider", ["anthropic", "openai", "groq", "mistral"])
def test_recorded_error_answers_give_their_own_message_type_and_request_id(provider: str) -> None:
    with gzip.open(SHARED / "wire" / "open" / f"{provider}.jsonl.gz", "rt") as lines:
        records = [record for record in map(json.loads, lines) if (record["status"] or 0) >= 400]
    assert records
    for record in records:
        headers = {
            name: value for name, value in record["response_headers"].items() if isinstance(value, str)
        }
        error = answered(record["status"], (record["response_body"] or "").encode(), headers)
        assert type(error) is errors.class_for_status(record["status"])
        if not record["response_body"]:
            assert str(record["status"]) in error.message
            continue
        body = json.loads(record["response_body"])
        inner = body["error"] if isinstance(body.get("error"), dict) else body
        words = REDACTOR.text(" ".join(str(inner.get("message") or inner.get("detail")).split()))
        assert error.type == inner.get("type")
        assert error.message[:40] == words[:40]
        if "x-request-id" in headers or "request-id" in headers:
            assert error.request_id in headers.values()


@pytest.mark.requirement("R-214")
@pytest.mark.parametrize("body", [b'{"detail":{"loc":"\\ud833"}}', b'{"message":{"x":"\\ud833"}}'])
def test_half_a_surrogate_pair_in_an_error_body_is_still_the_error_of_its_status(body: bytes) -> None:
    error = answered(422, body)
    assert type(error) is errors.UnprocessableError
    assert f"{error}{error.body}".encode()


@needs_shared
@pytest.mark.requirement("R-214")
def test_reported_error_answers_give_a_useful_line() -> None:
    reported = json.loads((SHARED / "wire" / "errors_reported.json").read_text())["errors"]
    bodies = [entry for entry in reported if isinstance(entry.get("body"), dict)]
    assert len(bodies) >= 10
    for entry in bodies:
        status = entry["status"] if isinstance(entry["status"], int) else 529
        error = answered(status, entry["body"])
        assert type(error) is errors.class_for_status(status)
        assert not error.message.startswith("acme answered")
        assert len(error.message) <= 500
    streamed = [json.loads(entry["sse"].split("data: ")[1]) for entry in reported if "sse" in entry]
    streamed += [entry["data_core"] for entry in reported if "data_core" in entry]
    assert [type(in_stream(data)) for data in streamed] == [errors.OverloadedError, errors.ServerError]


def detail(path: str, message: str, kind: str | None = None) -> errors.ErrorDetail:
    return errors.ErrorDetail(path, message, kind)


@pytest.mark.requirement("R-214", "R-215")
@pytest.mark.parametrize(
    ("body", "message", "details"),
    [
        (
            {"detail": [{"loc": ["body", 0, "x"], "msg": "m", "type": "t"}]},
            "body.0.x: m",
            (detail("body.0.x", "m", "t"),),
        ),
        ({"detail": [{"msg": "m"}]}, "m", (detail("", "m"),)),
        ({"details": [{"path": "a.b", "message": "m"}]}, "a.b: m", (detail("a.b", "m"),)),
        (
            {"detail": [{"field": "f", "message": "m"}, "plain"]},
            "f: m; plain",
            (detail("f", "m"), detail("", "plain")),
        ),
        ({"error": {"details": [{"field": "f", "msg": "m"}]}}, "f: m", (detail("f", "m"),)),
        ({"error_description": "d"}, "d", ()),
        ({"title": "t"}, "t", ()),
        ({"msg": "m", "title": "t"}, "m", ()),
        ({"message": {"a": 1, "é": [2]}}, '{"a":1,"é":[2]}', ()),
        ({"type": "only_a_type"}, "only_a_type", ()),
        ([{"message": "in a list"}], "in a list", ()),
        (["a", "b"], "a b", ()),
        ("a string", "a string", ()),
        ({"error": "text"}, "text", ()),
        ({"response": {"error": {"message": "inside"}}}, "inside", ()),
        (7, "acme answered 400 without a message", ()),
        ({}, "acme answered 400 without a message", ()),
    ],
)
def test_the_sentence_and_the_details_are_found_wherever_they_stand(
    body: Any, message: str, details: tuple[errors.ErrorDetail, ...]
) -> None:
    error = answered(400, body)
    assert error.message == message
    assert error.details == details


@pytest.mark.requirement("R-214")
def test_a_message_of_exactly_the_limit_is_whole_and_a_longer_one_ends_in_an_ellipsis() -> None:
    assert answered(400, {"message": "x" * 500}).message == "x" * 500
    assert answered(400, {"message": "x" * 501}).message == "x" * 499 + "…"


@pytest.mark.requirement("R-148")
@pytest.mark.parametrize("status", [400, 599])
def test_a_status_in_the_body_of_an_event_decides_its_class(status: int) -> None:
    error = in_stream({"type": "error", "error": {"message": "m", "status": status}})
    assert error is not None
    assert error.status == status
    beyond = in_stream({"type": "error", "error": {"message": "m", "status": 600 if status == 599 else 399}})
    assert beyond is not None
    assert beyond.status is None


@pytest.mark.requirement("R-148")
@pytest.mark.parametrize(
    ("data", "expected"),
    [({"detail": "d"}, True), ({"detail": [{"msg": "m"}]}, True), ({"message": "m"}, True), ({"x": 1}, False)]
    + [({"message": "m", key: 1}, False) for key in ("type", "object", "choices", "id")],
)
def test_an_object_without_the_marks_of_an_event_that_says_something_is_an_error(
    data: Any, expected: bool
) -> None:
    assert (in_stream(data) is not None) is expected
