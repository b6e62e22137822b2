"""What may be sent again, what is told with it, and what time out in between is called."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from llm_forge.core.breaker import BreakerSettings
from llm_forge.core.errors import (
    ConnectError,
    ConnectionLostError,
    DeadlineExceededError,
    ForgeError,
    RateLimitError,
    ServerError,
)
from llm_forge.core.limiter import Limit
from llm_forge.core.profile import ErrorRules
from llm_forge.runtime.scripted import Answer, ScriptedIo
from llm_forge.runtime.transports.protocol import HttpRequest
from tests.runtime.kit import ONCE, PROFILE, Acme, call, client, failed, ok, outcomes

KEYED = replace(ONCE, replay="keyed")
HEADERS = replace(
    PROFILE,
    idempotency_header="Idempotency-Key",
    attempt_header="X-Attempt",
    previous_attempts_header="X-Retry-Count",
)


def named(*answers: Answer | Exception, **options: Any) -> Acme:
    """A client of a provider whose description names the headers."""
    kind = type("Named", (Acme,), {"profile": HEADERS})
    made: Acme = kind(api_key="k", transport=client(*answers).world, **options)
    return made


class Oversleeping(ScriptedIo):
    """A busy machine: every sleep takes longer than it should."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds + 0.6)


def values(requests: list[HttpRequest], name: str) -> list[str | None]:
    return [dict(request.headers).get(name) for request in requests]


@pytest.mark.requirement("R-077")
def test_rt_17_a_call_has_one_idempotency_key_for_all_its_attempts_and_the_next_call_another() -> None:
    acme = named(failed(500), ok(), ok())
    call(acme, KEYED)
    call(acme, KEYED)
    first, again, other = values(acme.world.requests, "idempotency-key")
    assert first == again != other
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(first))


@pytest.mark.requirement("R-077")
def test_a_callers_own_key_is_sent_unchanged() -> None:
    acme = named(failed(500), ok())
    call(acme, KEYED, idempotency_key="mine-1")
    assert values(acme.world.requests, "idempotency-key") == ["mine-1", "mine-1"]
    acme = named(failed(500), ok())
    call(acme, KEYED, extra_headers={"Idempotency-Key": "mine-2"})
    assert values(acme.world.requests, "idempotency-key") == ["mine-2", "mine-2"]


@pytest.mark.requirement("R-076")
@pytest.mark.requirement("R-077")
def test_without_a_header_for_it_no_key_is_sent_and_a_keyed_operation_is_not_repeated() -> None:
    acme = client(failed(500), ok())
    with pytest.raises(ServerError):
        call(acme, KEYED, idempotency_key="mine")
    assert values(acme.world.requests, "idempotency-key") == [None]


@pytest.mark.requirement("R-077")
def test_an_operation_that_may_be_repeated_freely_carries_no_key() -> None:
    acme = named(ok())
    call(acme)
    assert values(acme.world.requests, "idempotency-key") == [None]


@pytest.mark.requirement("R-076")
@pytest.mark.parametrize(
    ("failure", "attempts"),
    [
        (failed(500), 1),
        (failed(503, retry_after="1"), 1),
        (ConnectionLostError("reset"), 1),
        (ConnectError("refused"), 2),
        (failed(429), 2),
    ],
)
def test_rt_16_a_once_operation_is_repeated_only_if_it_was_surely_not_processed(
    failure: Answer | Exception, attempts: int
) -> None:
    acme = client(failure, ok())
    try:
        call(acme, ONCE)
    except ForgeError as error:
        assert outcomes(error.attempts) == [error.kind]
    assert len(acme.world.requests) == attempts


@pytest.mark.requirement("R-076")
def test_a_description_may_say_which_statuses_prove_that_nothing_was_processed() -> None:
    acme = client(failed(503), ok())
    acme._shared.profile = replace(PROFILE, errors=ErrorRules(not_processed=frozenset({503})))
    assert call(acme, ONCE).id == "x"


@pytest.mark.requirement("R-082")
def test_the_attempts_number_is_told_only_where_a_header_is_named() -> None:
    acme = named(failed(500), failed(500), ok())
    call(acme)
    assert values(acme.world.requests, "x-attempt") == ["1", "2", "3"]
    assert values(acme.world.requests, "x-retry-count") == ["0", "1", "2"]
    plain = client(failed(500), ok())
    call(plain)
    names = [{name for name, _ in request.headers} for request in plain.world.requests]
    assert names[0] == names[1]


@pytest.mark.requirement("R-068")
@pytest.mark.parametrize(
    ("answer", "attempts"),
    [
        (failed(500, x_should_retry="false"), 1),
        (failed(400, x_should_retry="true"), 2),
        (failed(400, x_should_retry="maybe"), 1),
    ],
)
def test_rt_12_the_server_forbids_or_allows_a_retry(answer: Answer, attempts: int) -> None:
    acme = client(answer, ok())
    try:
        call(acme)
    except ForgeError as error:
        assert error.status in (400, 500)
    assert len(acme.world.requests) == attempts


@pytest.mark.requirement("R-068")
@pytest.mark.parametrize("limit", ["attempts", "wait", "budget", "replay"])
def test_what_the_server_allows_is_still_subject_to_every_limit(limit: str) -> None:
    wait = {"retry_after": "61"} if limit == "wait" else {}
    acme = client(
        failed(400, x_should_retry="true", **wait), ok(), max_attempts=1 if limit == "attempts" else 3
    )
    if limit == "budget":
        acme._shared.budget_of().tokens = 4
    with pytest.raises(ForgeError):
        call(acme, *([ONCE] if limit == "replay" else []))
    assert len(acme.world.requests) == 1


@pytest.mark.requirement("R-055")
def test_waking_too_late_from_a_retry_wait_is_the_deadline_of_that_phase() -> None:
    acme = Acme(api_key="k", transport=Oversleeping([failed(500), ok()]))
    with pytest.raises(DeadlineExceededError) as caught:
        call(acme, timeout=1.0)
    assert caught.value.phase == "retry-sleep"
    assert isinstance(caught.value.__cause__, ServerError)
    assert outcomes(caught.value.attempts) == ["ServerError"]


@pytest.mark.requirement("R-055")
def test_a_deadline_error_carries_the_last_real_error() -> None:
    slow = Answer(delay=5.0)
    acme = client(failed(500), slow)
    with pytest.raises(DeadlineExceededError) as caught:
        call(acme, timeout=2.0)
    assert caught.value.phase == "response"
    assert isinstance(caught.value.__cause__, ServerError)


@pytest.mark.requirement("R-054")
@pytest.mark.requirement("R-101")
def test_a_retry_that_this_client_declines_raises_the_error_that_made_it_retry() -> None:
    acme = client(failed(500), limits=[Limit("requests", 1, 300, burst=1)])
    with pytest.raises(ServerError) as caught:
        call(acme)
    assert not caught.value.circuit_open
    assert outcomes(caught.value.attempts) == ["ServerError"]
    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.kind == "RateLimitWaitError"  # type: ignore[attr-defined]

    broken = client(failed(500), breaker=BreakerSettings(min_outcomes=1))
    with pytest.raises(ServerError) as caught:
        call(broken)
    assert caught.value.circuit_open


@pytest.mark.requirement("R-117")
def test_a_429_pauses_the_key_and_calls_in_flight_go_on() -> None:
    acme = client(failed(429, retry_after="3"), ok(), ok(), max_attempts=1)
    with pytest.raises(RateLimitError):
        call(acme)
    call(acme)
    assert acme.world.sleeps == [3.0]
