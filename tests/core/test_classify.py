from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llm_forge.core import errors
from llm_forge.core.classify import breaker_outcome, failure_of, limiter_result, server_health
from llm_forge.core.headers import Headers
from llm_forge.core.retry import Failure

DEADLINE = errors.DeadlineExceededError
# error, kind of failure, what the breaker counts, how a sent reservation settles, what it says of the server
TABLE: list[tuple[Any, str | None, str, str, str]] = [
    (None, None, "success", "done", "good"),
    (asyncio.CancelledError(), None, "neutral", "cancelled", "unknown"),
    (KeyError("a hook"), None, "neutral", "cancelled", "unknown"),
    (errors.ConnectError("x"), "connect", "failure", "unsent", "unknown"),
    (errors.PoolTimeoutError("x"), "pool", "neutral", "unsent", "unknown"),
    (errors.AttemptTimeoutError("x"), "timeout", "failure", "done", "overload"),
    (errors.ConnectionLostError("x"), "lost", "failure", "done", "unknown"),
    (errors.StreamInterruptedError("x"), "lost", "failure", "done", "unknown"),
    (errors.StreamIdleError("x"), "fatal", "failure", "done", "unknown"),
    (errors.StreamStallError("x"), "fatal", "failure", "done", "unknown"),
    (errors.TlsError("x"), "fatal", "failure", "done", "unknown"),
    (errors.ProtocolError("x"), "fatal", "failure", "done", "unknown"),
    (DEADLINE("x", phase="response"), "fatal", "failure", "done", "unknown"),
    (DEADLINE("x", phase="body"), "fatal", "failure", "done", "unknown"),
    (DEADLINE("x", phase="stream"), "fatal", "failure", "done", "unknown"),
    (DEADLINE("x", phase="limiter"), "fatal", "neutral", "done", "unknown"),
    (DEADLINE("x", phase="connect"), "fatal", "neutral", "done", "unknown"),
    (errors.InvalidResponseError("x"), "fatal", "success", "done", "good"),
    (errors.RedirectError("x"), "fatal", "success", "done", "good"),
    (errors.ResponseTooLargeError("x"), "fatal", "success", "done", "good"),
    (errors.StreamDecodeError("x"), "fatal", "success", "done", "good"),
    (errors.StreamProtocolError("x"), "fatal", "success", "done", "good"),
    (errors.ClientClosedError("x"), "fatal", "neutral", "done", "unknown"),
    (errors.BadRequestError("x", status=400), "status", "success", "done", "good"),
    (errors.RateLimitError("x", status=429), "status", "success", "throttled", "overload"),
    (errors.CapacityError("x", status=498), "status", "success", "done", "overload"),
    (errors.ServerError("x", status=500), "status", "failure", "done", "unknown"),
    (errors.UnavailableError("x", status=503), "status", "failure", "done", "unknown"),
    (errors.OverloadedError("x", status=529), "status", "failure", "done", "overload"),
]


@pytest.mark.requirement("R-070", "R-071", "R-092", "R-109", "R-120")
@pytest.mark.parametrize(
    ("error", "kind", "breaker", "settled", "health"), TABLE, ids=lambda value: str(value)
)
def test_an_error_means_the_same_to_retry_breaker_and_limiter_by_its_class_alone(
    error: Any, kind: str | None, breaker: str, settled: str, health: str
) -> None:
    if kind is not None:
        assert failure_of(error).kind == kind
    assert breaker_outcome(error) == breaker
    assert limiter_result(error, sent=True) == settled
    assert limiter_result(error, sent=False) == "unsent"
    assert server_health(error) == health


def test_a_failure_carries_what_the_answer_said() -> None:
    error = errors.QuotaExceededError("x", status=429, retry_after=7.0)
    headers = Headers([("x-should-retry", "true")])
    assert failure_of(error, headers) == Failure("status", 429, 7.0, should_retry=True, terminal_quota=True)
    assert failure_of(error) == Failure("status", 429, 7.0, should_retry=None, terminal_quota=True)
    paid = errors.QuotaExceededError("x", status=402)
    assert failure_of(paid) == Failure("status", 402, None, should_retry=None, terminal_quota=False)
    plain = errors.RateLimitError("x", status=429)
    assert failure_of(plain) == Failure("status", 429, None, should_retry=None, terminal_quota=False)
