"""The one call loop, in a scripted world: no socket, no sleep."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_forge.core.breaker import BreakerSettings
from llm_forge.core.errors import (
    AttemptTimeoutError,
    AuthError,
    BadRequestError,
    CircuitOpenError,
    ClientClosedError,
    ConfigError,
    ConnectError,
    ConnectionLostError,
    DeadlineExceededError,
    ForgeError,
    InvalidRequestError,
    InvalidResponseError,
    QuotaExceededError,
    RateLimitError,
    RateLimitWaitError,
    RedirectError,
    ServerError,
)
from llm_forge.core.limiter import Limit
from llm_forge.core.profile import Operation
from llm_forge.runtime.events import Event
from llm_forge.runtime.scripted import Answer
from llm_forge.runtime.transports.protocol import StaleConnection
from tests.runtime.kit import BLOCKS, CHAT, GET, ONCE, answer, call, client, failed, ok, outcomes

ANY_JSON: Operation[Any, Any] = Operation("pets.list", "GET", "/pets", lambda value: value, answer="json")
NOTHING: Operation[Any, Any] = Operation("pets.clear", "DELETE", "/pets", lambda value: value, answer="empty")


@pytest.mark.requirement("R-062")
def test_rt_01_two_failures_and_a_success_wait_half_a_second_and_one() -> None:
    acme = client(failed(500), failed(500), ok({"id": "fine"}))
    assert call(acme).id == "fine"
    assert acme.world.sleeps == [0.5, 1.0]


@pytest.mark.requirement("R-081")
def test_rt_02_the_last_error_is_raised_and_lists_every_attempt() -> None:
    acme = client(*(failed(500, x_request_id=f"req_{n}") for n in range(4)))
    with pytest.raises(ServerError) as caught:
        call(acme)
    error = caught.value
    assert [a.request_id for a in error.attempts] == ["req_0", "req_1", "req_2"]
    assert [a.waited for a in error.attempts] == [0.0, 0.5, 1.0]
    assert outcomes(error.attempts) == ["ServerError"] * 3
    assert (error.provider, error.operation, error.model, error.request_id) == (
        "acme",
        "chat.create",
        "m",
        "req_2",
    )
    assert error.retryable
    assert error.elapsed == 1.5


@pytest.mark.requirement("R-071")
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 431, 501, 505])
def test_rt_03_a_status_that_retrying_cannot_cure_is_raised_at_once(status: int) -> None:
    acme = client(failed(status))
    with pytest.raises(ForgeError) as caught:
        call(acme)
    assert caught.value.status == status
    assert len(acme.world.requests) == 1


@pytest.mark.requirement("R-066")
def test_rt_06_a_server_wait_is_never_undercut() -> None:
    acme = client(failed(429, retry_after="7"), ok())
    call(acme)
    assert acme.world.sleeps == [pytest.approx(7.7)]


@pytest.mark.requirement("R-067")
def test_dl_04_a_wait_beyond_the_deadline_is_not_begun() -> None:
    acme = client(failed(429, retry_after="30"))
    with pytest.raises(RateLimitError) as caught:
        call(acme, timeout=10.0)
    assert caught.value.retry_after == 30
    assert acme.world.sleeps == []


@pytest.mark.requirement("R-054")
def test_dl_03_a_retry_that_would_end_after_the_deadline_is_not_waited_for() -> None:
    acme = client(failed(500), failed(500), ok())
    with pytest.raises(ServerError):
        call(acme, timeout=1.2)
    assert acme.world.sleeps == [0.5]


@pytest.mark.requirement("R-074")
def test_dl_08_an_attempt_that_times_out_is_retried_once() -> None:
    slow = [Answer(delay=9.0) for _ in range(3)]
    acme = client(*slow)
    with pytest.raises(AttemptTimeoutError):
        call(acme, attempt_timeout=3.0)
    assert len(acme.world.requests) == 2


@pytest.mark.requirement("R-052")
def test_dl_02_a_body_dripped_byte_by_byte_ends_at_the_deadline() -> None:
    drip = Answer(body=[b"{"] + [piece for _ in range(600) for piece in (0.1, b" ")])
    acme = client(drip)
    with pytest.raises(DeadlineExceededError) as caught:
        call(acme, timeout=2.0)
    assert caught.value.phase == "body"
    assert acme.world.now() == pytest.approx(2.0, abs=0.11)
    assert acme.world.exchanges[0].closed


@pytest.mark.requirement("R-072")
def test_rt_13_an_exhausted_quota_is_not_retried() -> None:
    acme = client(answer(429, {"error": {"message": "no", "code": "insufficient_quota"}}))
    with pytest.raises(QuotaExceededError):
        call(acme)
    assert len(acme.world.requests) == 1


@pytest.mark.requirement("R-076")
def test_rt_16_a_once_operation_is_replayed_only_if_it_was_surely_not_processed() -> None:
    for first in (failed(500), ConnectionLostError("cut")):
        acme = client(first, ok())
        with pytest.raises(ForgeError):
            call(acme, ONCE)
    for first in (ConnectError("refused"), failed(429)):
        assert call(client(first, ok()), ONCE).id == "x"


@pytest.mark.requirement("R-079")
def test_rt_20_every_attempt_sends_the_body_of_call_time() -> None:
    messages = [{"role": "user", "content": "first"}]
    later = {"role": "user", "content": "later"}
    acme = client(failed(500), ok(), on_event=lambda event: messages.append(later))
    acme.call(BLOCKS, body={"model": "m", "messages": messages}, options={})
    bodies = [json.loads(request.body or b"") for request in acme.world.requests]
    assert bodies[0] == bodies[1]
    assert len(bodies[0]["messages"]) == 1
    assert len(messages) > 1


@pytest.mark.requirement("R-038")
def test_tr_03_a_stale_pooled_connection_is_replaced_without_counting_as_an_attempt() -> None:
    events = []
    acme = client(StaleConnection("gone"), ok(), on_event=events.append)
    call(acme)
    assert len(acme.world.requests) == 2
    assert [event.name for event in events].count("attempt-start") == 1


@pytest.mark.requirement("R-075")
def test_rt_21_an_empty_budget_stops_retries_and_marks_the_error() -> None:
    acme = client(*(failed(500) for _ in range(300)), breaker=BreakerSettings(enabled=False), max_attempts=3)
    marked = 0
    for _ in range(80):
        with pytest.raises(ServerError) as caught:
            call(acme)
        marked += caught.value.retry_budget_exhausted
    assert len(acme.world.requests) == 80 + 100
    assert marked == 30


@pytest.mark.requirement("R-101")
def test_cb_12_a_breaker_that_opens_between_attempts_leaves_the_real_error() -> None:
    acme = client(failed(500), failed(500), ok(), breaker=BreakerSettings(min_outcomes=2))
    with pytest.raises(ServerError) as caught:
        call(acme)
    assert caught.value.circuit_open
    assert len(acme.world.requests) == 2


@pytest.mark.requirement("R-094")
def test_cb_02_an_open_breaker_rejects_without_a_request() -> None:
    acme = client(*(failed(500) for _ in range(20)), max_attempts=1)
    for _ in range(20):
        with pytest.raises(ServerError):
            call(acme)
    with pytest.raises(CircuitOpenError) as caught:
        call(acme)
    assert caught.value.retry_after is not None
    assert len(acme.world.requests) == 20
    assert call_group_stays_open(acme)


def call_group_stays_open(acme: object) -> bool:
    """CB-13: another operation group has its own breaker."""
    acme.world.answers.append(ok())  # type: ignore[attr-defined]
    return bool(call(acme, GET).id == "x")  # type: ignore[arg-type]


@pytest.mark.requirement("R-112")
def test_dl_05_a_limiter_that_would_wait_past_the_deadline_refuses_at_once() -> None:
    acme = client(ok(), ok(), limits=[Limit("requests", 12, 60, burst=1)])
    call(acme)
    with pytest.raises(RateLimitWaitError) as caught:
        call(acme, timeout=2.0)
    assert caught.value.retry_after == pytest.approx(5.0)
    assert len(acme.world.requests) == 1


@pytest.mark.requirement("R-107")
def test_rl_01_calls_beyond_the_burst_are_spaced_at_the_limit() -> None:
    acme = client(*(ok() for _ in range(4)), limits=[Limit("requests", 60, 60, burst=2)])
    for _ in range(4):
        call(acme)
    assert acme.world.sleeps == [pytest.approx(1.0), pytest.approx(1.0)]


@pytest.mark.requirement("R-117")
def test_a_throttled_answer_pauses_later_calls_too() -> None:
    acme = client(failed(429, retry_after="3"), ok(), max_attempts=1)
    with pytest.raises(RateLimitError):
        call(acme)
    call(acme)
    assert sum(acme.world.sleeps) >= 3.0


@pytest.mark.requirement("R-113")
def test_rl_10_an_exhausted_window_in_the_headers_holds_the_next_call() -> None:
    left = {"x_ratelimit_limit_requests": "10", "x_ratelimit_remaining_requests": "0"}
    acme = client(ok(None, **left, x_ratelimit_reset_requests="6s"), ok())
    call(acme)
    call(acme)
    assert sum(acme.world.sleeps) == pytest.approx(6.0)


@pytest.mark.requirement("R-198")
@pytest.mark.parametrize(
    "response",
    [
        Answer(body=[b""]),
        Answer(body=[b"{"]),
        Answer(body=[b"[1]"]),
        Answer(body=[b"null"]),
        Answer(204, [], []),
        Answer(200, [("content-type", "text/html")], [b"<html>captive portal</html>"]),
    ],
)
def test_st_14_an_answer_that_is_no_result_is_a_typed_error(response: Answer) -> None:
    acme = client(response)
    with pytest.raises(InvalidResponseError) as caught:
        call(acme)
    assert caught.value.status == response.status
    assert len(acme.world.requests) == 1


@pytest.mark.requirement("R-198")
@pytest.mark.parametrize("value", [[{"id": "a"}], [], 7, 0, False, "", None, {"id": "a"}])
def test_an_operation_that_promises_json_returns_any_json_value(value: object) -> None:
    returned = call(client(answer(200, value)), ANY_JSON)
    assert (type(returned), returned) == (type(value), value)


@pytest.mark.requirement("R-198")
@pytest.mark.parametrize(
    ("response", "told"),
    [
        (Answer(body=[b""]), "is empty"),
        (Answer(204, [], []), "is empty"),
        (Answer(body=[b"["]), "is not valid JSON"),
        (Answer(200, [("content-type", "text/html")], [b"[1]"]), "is text/html"),
    ],
)
def test_an_operation_that_promises_json_refuses_what_is_no_json(response: Answer, told: str) -> None:
    with pytest.raises(InvalidResponseError, match=told) as caught:
        call(client(response), ANY_JSON)
    assert caught.value.status == response.status


@pytest.mark.parametrize(
    "response",
    [
        Answer(204, [], []),
        Answer(205, [("content-type", "text/html")], []),
        Answer(204, [("content-type", "application/json")], []),
        Answer(200, [], []),
        Answer(202, [("content-type", "text/plain")], [b"Accepted"]),
        Answer(body=[b'{"deleted": true}']),
        Answer(body=[b"{"]),
        Answer(body=[b"[1]"]),
        Answer(body=[b"null"]),
    ],
)
def test_an_operation_that_promises_nothing_returns_none(response: Answer) -> None:
    acme = client(response)
    assert call(acme, NOTHING) is None
    assert acme.world.exchanges[0].closed


@pytest.mark.parametrize("operation", [CHAT, ANY_JSON, NOTHING], ids=lambda one: one.answer)
def test_an_error_object_is_an_error_whatever_was_promised(operation: Operation[Any, Any]) -> None:
    body = {"error": {"message": "no", "type": "overloaded_error"}}
    with pytest.raises(ServerError) as caught:
        call(client(ok(body), max_attempts=1), operation)
    assert caught.value.status == 529


def test_an_error_object_under_status_200_is_an_api_error() -> None:
    acme = client(ok({"error": {"message": "no", "type": "overloaded_error"}}), max_attempts=1)
    with pytest.raises(ServerError):
        call(acme)


@pytest.mark.requirement("R-041")
def test_tr_07_a_redirect_of_a_request_with_a_body_is_refused() -> None:
    acme = client(Answer(307, [("location", "https://evil.test/x")]))
    with pytest.raises(RedirectError, match=r"https://evil.test:443"):
        call(acme)
    assert len(acme.world.requests) == 1


@pytest.mark.requirement("R-041")
def test_tr_08_up_to_three_redirects_within_the_origin_are_followed_for_get() -> None:
    hop = Answer(302, [("location", "/v1/elsewhere")])
    assert call(client(hop, hop, ok()), GET).id == "x"
    with pytest.raises(RedirectError):
        call(client(hop, hop, hop, hop, hop, ok()), GET)
    with pytest.raises(RedirectError):
        call(client(Answer(302, [("location", "https://evil.test/x")]), ok()), GET)


@pytest.mark.requirement("R-007")
def test_au_11_a_key_function_is_asked_once_per_attempt() -> None:
    keys = iter(["one", "two"])
    acme = client(failed(500), ok(), api_key=lambda: next(keys))
    call(acme)
    assert [dict(r.headers)["authorization"] for r in acme.world.requests] == ["Bearer one", "Bearer two"]


@pytest.mark.requirement("R-007")
def test_a_key_function_that_fails_is_an_auth_error_with_its_cause() -> None:
    def broken() -> str:
        raise OSError("vault is sealed")

    with pytest.raises(AuthError) as caught:
        call(client(api_key=broken))
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.requirement("R-240")
def test_cf_13_a_header_that_would_break_the_request_is_refused_before_any_io() -> None:
    acme = client()
    with pytest.raises(InvalidRequestError):
        call(acme, extra_headers={"x-a": "b\r\nx-evil: 1"})
    assert acme.world.requests == []


@pytest.mark.requirement("R-240")
def test_cf_12_a_path_parameter_cannot_change_the_route() -> None:
    acme = client(ok())
    acme.call(GET, path={"model_id": "../admin?x=1#y%2F"}, options={})
    assert acme.world.requests[0].url.endswith("/v1/models/..%2Fadmin%3Fx%3D1%23y%252F")


@pytest.mark.requirement("R-014")
def test_cf_11_what_the_client_does_not_know_is_sent_unchanged() -> None:
    acme = client(ok())
    call(
        acme, extra_body={"new_field": {"a": None}}, extra_query={"beta": True}, extra_headers={"X-Beta": "1"}
    )
    request = acme.world.requests[0]
    assert json.loads(request.body or b"")["new_field"] == {"a": None}
    assert request.url.endswith("?beta=true")
    assert dict(request.headers)["x-beta"] == "1"


@pytest.mark.requirement("R-010")
def test_cf_08_an_unknown_option_proposes_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="max_attempts"):
        client(max_retry=2)
    with pytest.raises(ConfigError, match="max_attempts"):
        client(max_retries=2)
    with pytest.raises(ConfigError, match="timeout"):
        call(client(), timeoutt=2)
    with pytest.raises(ConfigError, match=r"\.stream\("):
        call(client(), stream=True)


@pytest.mark.requirement("R-061")
@pytest.mark.parametrize("attempts", [0, 21, True, "3"])
def test_rt_24_attempts_outside_their_range_are_refused(attempts: object) -> None:
    with pytest.raises(ConfigError, match="max_attempts"):
        client(max_attempts=attempts)


@pytest.mark.requirement("R-003")
def test_a_missing_key_names_the_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="ACME_API_KEY"):
        client(api_key=None)
    monkeypatch.setenv("ACME_API_KEY", "  ")
    with pytest.raises(ConfigError, match="ACME_API_KEY is set but empty"):
        client(api_key=None)
    assert call(client(ok(), api_key=None, auth="none")).id == "x"


@pytest.mark.requirement("R-001")
def test_cf_01_an_argument_beats_the_environment_and_both_say_where_they_came_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACME_API_KEY", "from-environment\n")
    monkeypatch.setenv("ACME_BASE_URL", "https://other.test/x/")
    acme = client(ok(), api_key=None)
    call(acme)
    assert dict(acme.world.requests[0].headers)["authorization"] == "Bearer from-environment"
    assert acme.base_url == "https://other.test/x"
    assert acme.sources()["api_key"] == "environment ACME_API_KEY"
    argued = client(ok(), base_url="https://mine.test")
    call(argued)
    assert dict(argued.world.requests[0].headers)["authorization"] == "Bearer canary-key"


@pytest.mark.requirement("R-008")
@pytest.mark.parametrize("url", ["http://10.0.0.1", "http://example.test/v1", "ftp://x", "nonsense", ""])
def test_cf_05_a_base_url_that_is_not_https_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        client(base_url=url)


@pytest.mark.requirement("R-009")
@pytest.mark.parametrize("url", ["https://u:hidden@h", "https://h?q=hidden", "https://h#hidden"])
def test_cf_07_a_base_url_with_more_than_a_path_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        client(base_url=url)
    assert "hidden" not in str(caught.value)


@pytest.mark.requirement("R-042")
def test_a_closed_client_refuses_calls_and_closing_twice_is_fine() -> None:
    acme = client(ok())
    copy = acme.with_options(timeout=3.0)
    copy.close()
    assert call(acme).id == "x"
    with pytest.raises(ClientClosedError):
        call(copy)


@pytest.mark.requirement("R-012")
def test_a_copy_shares_the_breaker_and_keeps_its_own_options() -> None:
    acme = client(*(failed(500) for _ in range(30)), max_attempts=1)
    copy = acme.with_options(max_attempts=2)
    for _ in range(20):
        with pytest.raises(ServerError):
            call(acme)
    with pytest.raises(CircuitOpenError):
        call(copy)


@pytest.mark.requirement("R-012")
@pytest.mark.parametrize("name", ["api_key", "base_url", "transport", "limits", "breaker", "on_event"])
def test_what_copies_share_cannot_be_changed_for_one_of_them(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        client().with_options(**{name: None})  # type: ignore[arg-type]


@pytest.mark.requirement("R-010")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"limiter_mode": "windw"}, "sliding"),
        ({"on_event": 3}, "function"),
        ({"breaker": {}}, "BreakerSettings"),
        ({"limits": [{}]}, "Limit"),
        ({"headers": []}, "mapping"),
        ({"api_key": 5}, "string"),
        ({"base_url": 5}, "URL"),
        ({"base_url": "https://h /x"}, "spaces"),
    ],
)
def test_an_option_of_the_wrong_shape_says_what_it_must_be(options: dict[str, object], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        client(**options)


def test_an_option_at_the_wrong_level_says_where_it_belongs() -> None:
    with pytest.raises(ConfigError, match="option of the client"):
        call(client(), connect_timeout=3.0)
    with pytest.raises(ConfigError, match="mapping"):
        call(client(), extra_headers=["x"])


@pytest.mark.requirement("R-055")
def test_a_deadline_carries_the_last_attempts_error() -> None:
    acme = client(failed(500), Answer(delay=9.0))
    with pytest.raises(DeadlineExceededError) as caught:
        call(acme, timeout=2.0)
    assert isinstance(caught.value.__cause__, ServerError)


@pytest.mark.requirement("R-218")
def test_no_error_text_contains_the_key() -> None:
    acme = client(answer(400, {"error": {"message": "bad header Bearer canary-key"}}))
    with pytest.raises(BadRequestError) as caught:
        call(acme)
    assert (
        "canary-key"
        not in f"{caught.value} {caught.value!r} {caught.value.body} {acme!r} {vars(caught.value)}"
    )


@pytest.mark.requirement("R-234")
def test_a_sink_that_raises_changes_nothing() -> None:
    def broken(event: object) -> None:
        raise RuntimeError("sink")

    acme = client(ok(), on_event=broken)
    assert call(acme).id == "x"
    assert acme.hook_failures > 0


@pytest.mark.requirement("R-059")
def test_a_sink_may_use_the_client_even_while_the_breaker_changes() -> None:
    seen = []

    def ask_back(event: Event) -> None:
        if event.name == "breaker":
            seen.append((event.facts["after"], acme.rate_limit_status()))
            acme.circuits()

    breaker = BreakerSettings(min_outcomes=2)
    acme = client(*(failed(500) for _ in range(2)), max_attempts=1, on_event=ask_back, breaker=breaker)
    for _ in range(2):
        with pytest.raises(ServerError):
            call(acme)
    assert [state for state, _ in seen] == ["open"]


@pytest.mark.requirement("R-230")
def test_events_tell_the_story_of_a_call_in_order() -> None:
    events = []
    call(client(failed(500), ok(), on_event=events.append))
    names = [
        "call-start",
        "attempt-start",
        "attempt-end",
        "retry",
        "attempt-start",
        "attempt-end",
        "call-end",
    ]
    assert [event.name for event in events] == names
    assert len({event.call_id for event in events}) == 1


@pytest.mark.requirement("R-198")
def test_a_page_is_no_empty_answer() -> None:
    portal = Answer(200, [("content-type", "text/html; charset=utf-8")], [b"<html>sign in</html>"])
    with pytest.raises(InvalidResponseError, match="page"):
        call(client(portal), NOTHING)
