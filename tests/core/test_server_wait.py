from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.headers import Headers
from llm_forge.core.profile import LimitHeaders
from llm_forge.core.server_wait import retry_after, server_wait, should_retry

WALL = 1_760_000_000.0  # Thu, 09 Oct 2025 08:53:20 GMT
GROQ = [
    LimitHeaders(
        f"{unit}",
        unit,  # type: ignore[arg-type]
        f"x-ratelimit-limit-{unit}",
        f"x-ratelimit-remaining-{unit}",
        f"x-ratelimit-reset-{unit}",
        "duration",
        "refill",
    )
    for unit in ("requests", "tokens")
]


def waited(status: int = 429, **fields: str) -> float | None:
    return server_wait(headers(**fields), status, GROQ, WALL)


def headers(**fields: str) -> Headers:
    return Headers((name.replace("_", "-"), value) for name, value in fields.items())


@pytest.mark.requirement("R-063")
def test_rt_07_milliseconds_come_before_seconds() -> None:
    assert retry_after(headers(retry_after="9", retry_after_ms="1500"), WALL) == 1.5


@pytest.mark.requirement("R-063")
def test_an_invalid_first_choice_leaves_the_second() -> None:
    assert retry_after(headers(retry_after="2.5", retry_after_ms="soon"), WALL) == 2.5
    assert retry_after(Headers([("Retry-After", "soon"), ("Retry-After", "3")]), WALL) == 3.0


DATES = {
    "IMF-fixdate": "Thu, 09 Oct 2025 09:53:27 GMT",
    "RFC 850": "Thursday, 09-Oct-25 09:53:27 GMT",
    "asctime": "Thu Oct  9 09:53:27 2025",
}


@pytest.mark.requirement("R-064")
@pytest.mark.parametrize("date", DATES.values(), ids=DATES)
def test_rt_08_a_date_counts_from_the_servers_own_clock(date: str) -> None:
    an_hour_off = "Thu, 09 Oct 2025 09:53:20 GMT"
    assert retry_after(headers(retry_after=date, date=an_hour_off), WALL) == 7.0


@pytest.mark.requirement("R-064")
@pytest.mark.parametrize("own", ["", "yesterday"])
def test_without_a_usable_date_our_wall_clock_counts(own: str) -> None:
    fields = headers(retry_after="Thu, 09 Oct 2025 08:53:27 GMT", date=own)
    assert retry_after(fields, WALL) == 7.0


@pytest.mark.requirement("R-065")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "-5",
        "abc",
        "NaN",
        "inf",
        "9" * 80,
        "1e3",
        "Thu, 09 Oct 2025 08:53:19 GMT",
        "Thu, 32 Oct 2025 08:53:27 GMT",
        "Thu, 09 Oct 2025 25:53:27 GMT",
        "Thu, 09 Okt 2025 09:53:27 GMT",
        "Thu, 09 Oct 2025 08:53:61 GMT",
        "Thu, 09 Oct 2025 09:53:27 CET",
        "\u0667",
    ],
)
def test_rt_09_values_that_make_no_sense_count_as_absent(text: str) -> None:
    assert retry_after(headers(retry_after=text), WALL) is None
    assert waited(retry_after=text) is None


@pytest.mark.requirement("R-065")
def test_zero_is_no_server_wait_and_ends_the_search() -> None:
    assert retry_after(headers(retry_after="0"), WALL) == 0.0
    fields = {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "6s"}
    assert waited(retry_after="0", **fields) is None


@pytest.mark.requirement("R-064")
@pytest.mark.parametrize(
    ("date", "year_end"),
    [("Wednesday, 31-Dec-75 23:59:59 GMT", True), ("Thursday, 31-Dec-76 23:59:59 GMT", False)],
)
def test_a_two_digit_year_is_at_most_fifty_years_ahead(date: str, year_end: bool) -> None:
    wait = retry_after(headers(retry_after=date), WALL)
    assert (wait is not None and wait > 50 * 365 * 86400) is year_end


@pytest.mark.requirement("R-063")
def test_rt_11_an_exhausted_family_gives_its_reset() -> None:
    fields = {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "2m59.56s"}
    assert waited(**fields) == pytest.approx(179.56)
    assert waited(500, **fields) is None
    assert waited(503, **fields) is None


@pytest.mark.requirement("R-063")
def test_of_several_exhausted_families_the_latest_reset_counts() -> None:
    fields = {
        "x_ratelimit_remaining_requests": "0",
        "x_ratelimit_reset_requests": "6s",
        "x_ratelimit_remaining_tokens": "0",
        "x_ratelimit_reset_tokens": "9s",
    }
    assert waited(**fields) == 9.0
    assert waited(**fields | {"x_ratelimit_remaining_tokens": "5"}) == 6.0
    assert waited(**fields | {"retry_after": "1"}) == 1.0


@pytest.mark.requirement("R-063")
def test_rl_14_retry_after_wins_over_the_standard_field() -> None:
    assert waited(ratelimit="default;r=0;t=4", retry_after="2") == 2.0
    assert waited(ratelimit="default;r=0;t=4") == 4.0


@pytest.mark.requirement("R-117")
def test_a_retry_after_on_a_success_asks_for_nothing() -> None:
    assert waited(200, retry_after="19") is None
    assert waited(529, retry_after="19") == 19.0


@pytest.mark.requirement("R-068")
@pytest.mark.parametrize(
    ("word", "verdict"), [("true", True), ("False", False), (" true ", True), ("1", None), ("", None)]
)
def test_rt_12_the_servers_own_word_on_retrying(word: str, verdict: bool | None) -> None:
    assert should_retry(headers(x_should_retry=word)) is verdict
    assert should_retry(headers()) is None


@pytest.mark.requirement("R-065")
@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=70), st.text(max_size=40), st.text(max_size=30))
def test_no_header_text_raises_or_gives_a_wait_that_is_not_positive(after: str, date: str, rate: str) -> None:
    wait = waited(retry_after=after, date=date, ratelimit=rate, x_ratelimit_reset_requests=rate)
    assert wait is None or 0 < wait < float("inf")


@pytest.mark.requirement("R-064")
def test_a_date_that_is_now_asks_for_no_wait_and_one_in_the_past_is_no_wait_at_all() -> None:
    at = "Sun, 06 Nov 1994 08:49:37 GMT"
    for later, expected in (("37", 0.0), ("38", None), ("36", 1.0), ("02", 35.0)):
        headers = Headers([("date", f"Sun, 06 Nov 1994 08:49:{later} GMT"), ("retry-after", at)])
        assert retry_after(headers, 0.0) == expected


@pytest.mark.requirement("R-068")
@pytest.mark.parametrize(
    ("text", "expected"),
    [(" TRUE\t", True), ("False", False), ("", None), ("\u00a0true", None), ("yes", None)],
)
def test_the_servers_own_word_is_true_or_false_and_nothing_else(text: str, expected: bool | None) -> None:
    assert should_retry(Headers([("X-Should-Retry", text)])) is expected
