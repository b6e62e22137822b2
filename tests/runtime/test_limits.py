"""Local limits as options of a client: families of models, shared limiters, adaptive limits."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge.core.errors import (
    ConfigError,
    ConnectionLostError,
    ForgeError,
    OverloadedError,
    RateLimitConfigError,
    RateLimitError,
    RateLimitWaitError,
    ServerError,
)
from llm_forge.core.limiter import Limit
from llm_forge.runtime.rate_limiter import RateLimiter
from tests.runtime.kit import CHAT, Acme, call, client, failed, ok


def ask(acme: Acme, model: str, **options: Any) -> Any:
    return acme.call(CHAT, body={"model": model, "messages": []}, options=options)


@pytest.mark.requirement("R-105")
def test_without_a_declaration_nothing_is_limited() -> None:
    acme = client(*(ok() for _ in range(200)))
    for _ in range(200):
        call(acme)
    assert acme.world.sleeps == []


@pytest.mark.requirement("R-105")
def test_the_models_of_a_family_share_its_limits_and_others_have_their_own() -> None:
    limits = [Limit("requests", 1, 10, burst=1, models="big-*"), Limit("requests", 1, 20, burst=1)]
    acme = client(*(ok() for _ in range(5)), limits=limits)
    for model in ("big-1", "small-1", "small-2"):
        ask(acme, model)
    assert acme.world.sleeps == []
    ask(acme, "big-2")
    assert acme.world.sleeps == [10.0]
    ask(acme, "small-1")
    assert acme.world.sleeps == [10.0, 10.0]
    assert set(acme.rate_limit_status()) == {"big-*", "small-1", "small-2"}


@pytest.mark.requirement("R-105")
def test_clients_share_limits_only_through_a_limiter_they_are_given() -> None:
    apart = [client(ok(), limits=[Limit("requests", 1, 10, burst=1)]) for _ in range(2)]
    for acme in apart:
        call(acme)
    assert [acme.world.sleeps for acme in apart] == [[], []]

    limiter = RateLimiter([Limit("requests", 1, 10, burst=1)])
    together = [client(ok(), rate_limiter=limiter) for _ in range(2)]
    for acme in together:
        call(acme)
    assert [acme.world.sleeps for acme in together] == [[], [10.0]]
    assert "key" not in repr(limiter)


@pytest.mark.requirement("R-105")
@pytest.mark.requirement("R-117")
def test_what_one_client_hears_from_the_server_holds_the_others_of_its_limiter() -> None:
    limiter = RateLimiter()
    first = client(failed(429, retry_after="3"), rate_limiter=limiter, max_attempts=1)
    second = client(ok(), rate_limiter=limiter)
    with pytest.raises(RateLimitError):
        call(first)
    call(second)
    assert second.world.sleeps == [3.0]


@pytest.mark.requirement("R-105")
def test_limits_beside_a_shared_limiter_are_refused_with_the_reason() -> None:
    with pytest.raises(ConfigError, match="belongs to the RateLimiter"):
        client(rate_limiter=RateLimiter(), concurrency=2)


@pytest.mark.requirement("R-112")
def test_the_longest_wait_for_a_limit_can_be_said_for_one_call() -> None:
    acme = client(ok(), ok(), ok(), limits=[Limit("requests", 1, 30, burst=1)])
    call(acme)
    with pytest.raises(RateLimitWaitError) as caught:
        call(acme, max_limit_wait=5.0)
    assert caught.value.retry_after == 30.0
    assert call(acme).id == "x"
    assert acme.world.sleeps == [30.0]


@pytest.mark.requirement("R-110")
def test_a_request_larger_than_a_limit_goes_out_alone_where_that_is_asked_for() -> None:
    limits = [Limit("output", 10, 1, burst=100)]
    with pytest.raises(RateLimitConfigError):
        call(client(ok(), limits=limits))
    acme = client(ok(), ok(), limits=limits, oversize="admit-when-full", max_limit_wait=200)
    call(acme)  # 1,024 tokens of output are reserved
    assert acme.world.sleeps == []
    call(acme)
    assert acme.world.sleeps == [pytest.approx(102.4)]  # the debt, and a full bucket


@pytest.mark.requirement("R-120")
def test_adaptive_concurrency_falls_with_overload_and_rises_with_success() -> None:
    acme = client(
        *(failed(529) for _ in range(3)),
        *(ok() for _ in range(40)),
        adaptive_concurrency=True,
        concurrency=10,
        max_attempts=1,
    )
    room = lambda: acme._shared.limiter.gate("m")._limiter._adaptive.limit  # type: ignore[union-attr]  # noqa: E731
    seen = [room()]
    for _ in range(3):
        with pytest.raises(OverloadedError):
            call(acme)
        acme.world.clock += 2.0
        seen.append(room())
    assert seen == [10, 7, 4, 3]
    for _ in range(40):
        call(acme)
    assert room() == 9


@pytest.mark.requirement("R-121")
def test_adaptive_throttling_turns_calls_away_while_the_server_accepts_few() -> None:
    acme = client(*(failed(429) for _ in range(20)), adaptive_throttle=2, max_attempts=1)
    acme.world.chance = 0.5
    ended: list[str] = []
    for _ in range(20):
        with pytest.raises(ForgeError) as caught:
            call(acme)
        ended.append(caught.value.kind)
    assert ended[:1] == ["RateLimitError"]
    assert set(ended[2:]) == {"RateLimitWaitError"}
    assert len(acme.world.requests) == 2


@pytest.mark.requirement("R-121")
@pytest.mark.parametrize(
    "options", [{"adaptive_throttle": 0.5}, {"adaptive_throttle": "2"}, {"oversize": "x"}]
)
def test_limits_that_make_no_sense_are_refused_when_the_client_is_made(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        client(**options)


@pytest.mark.requirement("R-121")
@pytest.mark.parametrize("error", [ConnectionLostError("gone"), failed(500)])
def test_a_fault_is_no_acceptance(error: Any) -> None:
    acme = client(*(error for _ in range(3)), adaptive_throttle=1, max_attempts=1)
    acme.world.chance = 0.6
    for _ in range(2):
        with pytest.raises((ConnectionLostError, ServerError)):
            call(acme)
    with pytest.raises(RateLimitWaitError):
        call(acme)
