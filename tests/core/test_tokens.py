"""Tokens: how answers are read, when they are renewed, and who may ask for one."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge.core.errors import AuthError
from llm_forge.core.secrets import Secret
from llm_forge.core.tokens import Flight, Granted, Join, TokenSource, Use, read_grant


def begin(source: TokenSource, now: float = 0.0) -> Flight:
    asked = source.ask(now)
    assert isinstance(asked, Join)
    assert asked.begins
    return asked.flight


def granted(text: str = "one", lifetime: float = 100.0, refresh: str | None = None) -> Granted:
    return Granted(Secret(text), lifetime, Secret(refresh) if refresh else None)


def used(source: TokenSource, now: float) -> str | None:
    asked = source.ask(now)
    return asked.token.access.reveal() if isinstance(asked, Use) else None


@pytest.mark.requirement("R-024")
def test_who_asks_while_a_request_is_under_way_joins_it() -> None:
    source = TokenSource()
    flight = begin(source)
    assert [source.ask(0.1), source.ask(0.2)] == [Join(flight, begins=False)] * 2
    source.succeed(flight, granted(), asked_at=0.0)
    assert flight.token is not None
    assert used(source, 0.3) == "one"


@pytest.mark.requirement("R-024")
def test_a_failure_is_that_of_its_waiters_and_the_next_caller_begins_anew() -> None:
    source = TokenSource()
    flight = begin(source)
    source.fail(flight, AuthError("no"))
    assert flight.over
    assert str(flight.error) == "no"
    assert begin(source) is not flight


@pytest.mark.requirement("R-026")
@pytest.mark.parametrize(
    ("lifetime", "last_use"), [(10.0, 8.0), (3600.0, 3540.0), (300.0, 240.0), (100.0, 80.0), (0.0, 0.0)]
)
def test_a_token_is_renewed_when_less_than_a_fifth_or_a_minute_is_left(
    lifetime: float, last_use: float
) -> None:
    source = TokenSource()
    source.succeed(begin(source, 5.0), granted(lifetime=lifetime), asked_at=5.0)
    assert used(source, 5.0 + last_use) == "one"
    assert used(source, 5.0 + last_use + 0.001) is None


@pytest.mark.requirement("R-027")
def test_an_answer_without_a_refresh_token_keeps_the_old_one_and_a_new_one_replaces_it() -> None:
    source = TokenSource(Secret("old"))
    source.succeed(begin(source), granted(), asked_at=0.0)
    assert source.refresh == Secret("old")
    source.succeed(begin(source, 90.0), granted(refresh="new"), asked_at=90.0)
    assert source.refresh == Secret("new")


@pytest.mark.requirement("R-030")
def test_a_refused_token_is_given_up_but_a_newer_one_stays() -> None:
    source = TokenSource()
    source.succeed(begin(source), granted("one"), asked_at=0.0)
    first = source.ask(1.0)
    assert isinstance(first, Use)
    source.refuse(first.token)
    source.succeed(begin(source, 1.0), granted("two"), asked_at=1.0)
    source.refuse(first.token)
    assert used(source, 2.0) == "two"


def test_a_request_whose_sender_is_gone_is_forgotten() -> None:
    source = TokenSource()
    flight = begin(source)
    source.lose(flight)
    assert (flight.over, flight.token, flight.error) == (True, None, None)
    assert begin(source) is not flight


@pytest.mark.requirement("R-026")
@pytest.mark.parametrize(
    ("expires_in", "lifetime"),
    [
        (10, 10.0),
        ("10", 10.0),
        (0.5, 0.5),
        (0, 0.0),
        (None, 3600.0),
        ("soon", 3600.0),
        (-1, 3600.0),
        (True, 3600.0),
        ([], 3600.0),
        (float("inf"), 3600.0),
        (10**400, 3600.0),
    ],
)
def test_a_lifetime_that_is_none_counts_as_missing(expires_in: Any, lifetime: float) -> None:
    answer = {"access_token": "a", "token_type": "Bearer", "expires_in": expires_in}
    assert read_grant(answer).lifetime == lifetime


@pytest.mark.requirement("R-029")
@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        None,
        {"access_token": 1},
        {"access_token": ""},
        {"access_token": "a\nb"},
        {"access_token": "a", "token_type": "mac"},
        {"access_token": "a", "refresh_token": "b c"},
    ],
)
def test_an_answer_without_a_usable_token_is_an_auth_error(answer: Any) -> None:
    with pytest.raises(AuthError) as caught:
        read_grant(answer)
    assert caught.value.message


def test_a_grant_is_read_whole() -> None:
    grant = read_grant({"access_token": " a ", "token_type": "bearer", "refresh_token": "r", "expires_in": 5})
    assert grant == Granted(Secret("a"), 5.0, Secret("r"))
    assert read_grant({"access_token": "a", "refresh_token": ""}).refresh is None


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({}, "The token endpoint's answer has no access_token; is token_url right?"),
        (
            {"access_token": "t", "token_type": "mac"},
            "The token endpoint gave a token that is not of type bearer",
        ),
    ],
)
def test_an_answer_that_is_no_grant_says_what_to_look_at(answer: Any, says: str) -> None:
    with pytest.raises(AuthError) as caught:
        read_grant(answer)
    assert caught.value.message == says


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ({"access_token": "a b"}, "access_token"),
        ({"access_token": "a", "refresh_token": "b c"}, "refresh_token"),
    ],
)
def test_a_token_that_cannot_be_sent_is_named(answer: Any, name: str) -> None:
    with pytest.raises(AuthError, match=f"the token endpoint's {name} holds a space"):
        read_grant(answer)
