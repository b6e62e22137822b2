from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.headers import Headers
from llm_forge.core.profile import LimitHeaders
from llm_forge.core.rate_headers import Observed, observe, shortened

NOW = 500.0
WALL = 1_761_841_056.0  # 2025-10-30T16:17:36Z


def entry(form: str, meaning: str = "window") -> LimitHeaders:
    return LimitHeaders("requests", "requests", "l", "n", "r", form, meaning)  # type: ignore[arg-type]


def seen(limit: LimitHeaders, *, wall: float = WALL, **fields: str) -> list[Observed]:
    return observe(Headers(fields.items()), [limit], NOW, wall)


def report(limit: float | None, remaining: float | None, resets_at: float | None) -> list[Observed]:
    return [Observed("requests", "requests", limit, remaining, resets_at, "window")]


@pytest.mark.requirement("R-113")
@pytest.mark.parametrize(
    ("form", "reset", "seconds"),
    [
        ("duration", "24m28.8s", 1468.8),
        ("duration", "60", 60.0),
        ("seconds", "60", 60.0),
        ("seconds", "0", 0.0),
        ("epoch", "1761841061", 5.0),
        ("rfc3339", "2025-10-30T16:17:41Z", 5.0),
        ("rfc3339", "2025-10-30T18:17:41.250+02:00", 5.25),
        ("rfc3339", "2025-10-30T16:17:00Z", 0.0),
    ],
)
def test_every_form_of_reset_is_read(form: str, reset: str, seconds: float) -> None:
    found = seen(entry(form), l="100", n="7", r=reset)
    assert found == report(100.0, 7.0, pytest.approx(NOW + seconds))


@pytest.mark.requirement("R-064")
@pytest.mark.parametrize(("form", "reset"), [("epoch", "1761841061"), ("rfc3339", "2025-10-30T16:17:41Z")])
def test_rl_13_an_absolute_reset_counts_from_the_servers_date(form: str, reset: str) -> None:
    an_hour_ahead = WALL + 3600
    found = seen(entry(form), wall=an_hour_ahead, n="0", r=reset, date="Thu, 30 Oct 2025 16:17:36 GMT")
    assert found == report(None, 0.0, NOW + 5.0)


@pytest.mark.requirement("R-114")
def test_rl_15_negative_values_are_unknown() -> None:
    assert seen(entry("duration"), l="-1", n="-1", r="0") == []


@pytest.mark.requirement("R-114")
@pytest.mark.parametrize("bad", ["-1", "NaN", "many", "", "1e2", "9" * 65])
@pytest.mark.parametrize("field", ["l", "n", "r"])
def test_rl_16_one_malformed_field_makes_the_family_unknown(field: str, bad: str) -> None:
    assert seen(entry("duration"), **{"l": "100", "n": "0", "r": "6s"} | {field: bad}) == []


@pytest.mark.requirement("R-114")
@pytest.mark.parametrize(
    "reset",
    [
        "2025-10-30",
        "2025-13-30T16:17:36Z",
        "2025-10-30T16:17:36",
        "16:17",
        "2025-10-30T16:17:36+99:00",
        "x" * 99,
    ],
)
def test_a_malformed_date_makes_the_family_unknown(reset: str) -> None:
    assert seen(entry("rfc3339"), n="0", r=reset) == []


@pytest.mark.requirement("R-113")
def test_absent_fields_are_unknown_and_an_absent_family_is_not_reported() -> None:
    assert seen(entry("duration"), n="3") == report(None, 3.0, None)
    assert seen(entry("duration"), l="3") == report(3.0, None, None)
    assert seen(entry("duration"), r="3s") == []


@pytest.mark.requirement("R-113")
def test_a_family_without_a_reset_header_refills_evenly_over_its_period() -> None:
    mistral = LimitHeaders("req-minute", "requests", "l", "n", period=60)
    found = observe(Headers([("l", "120"), ("n", "30")]), [mistral], NOW, WALL)
    assert found == [Observed("req-minute", "requests", 120.0, 30.0, NOW + 45.0, "refill")]


@pytest.mark.requirement("R-113")
def test_a_family_without_reset_and_period_says_nothing_of_time() -> None:
    bare = LimitHeaders("requests", "requests", "l", "n")
    assert observe(Headers([("l", "5"), ("n", "0")]), [bare], NOW, WALL)[0].resets_at is None


@pytest.mark.requirement("R-113")
def test_families_keep_the_order_of_the_description() -> None:
    limits = [
        LimitHeaders(name, "tokens", f"{name}-l", f"{name}-n", f"{name}-r", "rfc3339", "refill")
        for name in ("input-tokens", "output-tokens")
    ]
    headers = Headers([("output-tokens-n", "2"), ("input-tokens-n", "1")])
    assert [one.family for one in observe(headers, limits, NOW, WALL)] == ["input-tokens", "output-tokens"]


@pytest.mark.requirement("R-113")
def test_the_standard_fields_are_read_with_their_policy() -> None:
    headers = Headers(
        [
            ("RateLimit", '"burst";r=0;t=4, "day, long";r=50;t=3600;pk=:abc:'),
            ("RateLimit-Policy", '"burst";q=100;w=60'),
            ("RateLimit-Policy", '"day, long";q=1000;w=86400;qu="tokens"'),
        ]
    )
    assert observe(headers, [], NOW, WALL) == [
        Observed("ratelimit:burst", "requests", 100.0, 0.0, NOW + 4.0, "window"),
        Observed("ratelimit:day, long", "tokens", 1000.0, 50.0, NOW + 3600.0, "window"),
    ]


@pytest.mark.requirement("R-113")
def test_a_standard_field_in_bytes_or_connections_is_a_unit_we_do_not_count() -> None:
    headers = Headers([("RateLimit", "a;r=0;t=4"), ("RateLimit-Policy", 'a;q=9;qu="content-bytes"')])
    assert [one.unit for one in observe(headers, [], NOW, WALL)] == ["other"]


@pytest.mark.requirement("R-114")
@pytest.mark.parametrize(
    "field",
    [
        "",
        "default",
        "default;r=-1;t=4",
        "default;r=x",
        '"open;r=0;t=4',
        "a=b;r=0",
        ";r=0",
        "a;r=0,,",
        ",".join(["a;r=0"] * 99),
    ],
)
def test_a_malformed_standard_field_reports_nothing(field: str) -> None:
    assert observe(Headers([("RateLimit", field)]), [], NOW, WALL) == []


@pytest.mark.requirement("R-114")
@settings(max_examples=150, deadline=None, derandomize=True)
@given(*[st.text(max_size=70)] * 4, st.sampled_from(["duration", "seconds", "epoch", "rfc3339"]))
def test_no_header_text_raises(limit: str, remaining: str, reset: str, standard: str, form: str) -> None:
    for one in seen(entry(form), l=limit, n=remaining, r=reset, ratelimit=standard, date=reset):
        assert one.resets_at is None or one.resets_at >= NOW
        assert one.remaining is None or one.remaining >= 0


@pytest.mark.requirement("R-113")
def test_an_exhausted_family_ends_no_later_than_the_wait_that_the_server_asks_for() -> None:
    def family(remaining: float | None, resets_at: float | None) -> Observed:
        return Observed("requests", "requests", 10, remaining, resets_at, "window")

    seen = [family(0, 9.0), family(0, 3.0), family(1, 9.0), family(None, 9.0), family(0, None)]
    assert shortened(seen, 5.0) == [family(0, 5.0), *seen[1:]]


@pytest.mark.parametrize(
    ("limit", "remaining", "seconds"), [("0", "0", None), ("4", "6", 0.0), ("4", "4", 0.0)]
)
def test_an_even_refill_takes_no_time_where_nothing_is_missing(
    limit: str, remaining: str, seconds: float | None
) -> None:
    family = LimitHeaders("requests", "requests", "l", "n", period=60.0)
    found = seen(family, l=limit, n=remaining)
    assert [one.resets_at for one in found] == [None if seconds is None else NOW + seconds]
