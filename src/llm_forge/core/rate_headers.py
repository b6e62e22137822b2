"""What a response says about the provider's rate limits (R-113, R-114).

Rules:
- A family is read whole or not at all: one malformed field (negative, NaN, over-long, no number) makes the
  family unknown for this response, so a bad field never changes what is stored.
- Absolute resets (epoch, RFC 3339) are turned into a delay by the response's own Date, so the server's
  clock need not agree with ours (R-064).
- A family without a reset header, but with a period, is taken to refill evenly over that period: where its
  window ends is not known, and an even refill neither floods the server nor locks a client out for a month.
- `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) are read from every provider.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .durations import parse_duration, parse_number
from .headers import Headers
from .profile import LimitHeaders, LimitUnit, ResetForm, ResetMeaning
from .structured_fields import parse_items
from .timestamps import parse_rfc3339, server_now

_UNIT_OF_POLICY: Mapping[str, LimitUnit] = {"requests": "requests", "tokens": "tokens"}


@dataclass(frozen=True, slots=True)
class Observed:
    """One family as a response reports it; what is unknown is None.

    `resets_at` is an absolute monotonic instant: the end of the window, or when the family will have
    refilled to its limit.
    """

    family: str
    unit: LimitUnit
    limit: float | None
    remaining: float | None
    resets_at: float | None
    meaning: ResetMeaning


class _Malformed(Exception):  # noqa: N818 - a signal inside this file, not an error of anyone's
    """A field of the family is present and makes no sense."""


def observe(headers: Headers, limits: Sequence[LimitHeaders], now: float, wall_now: float) -> list[Observed]:
    """The families that the response reports, in the descriptor's order, then the IETF fields.

    `now` is monotonic and `wall_now` the local wall clock, both in seconds. Never raises.
    """
    names = headers.names()
    reported = [entry for entry in limits if entry.limit in names or entry.remaining in names]
    standard = _standard_fields(headers, now) if "ratelimit" in names else []
    if not reported:
        return standard
    clock = _Clock(now, server_now(headers, wall_now))
    found = [_family(headers, entry, clock) for entry in reported]
    return [one for one in found if one is not None] + standard


def shortened(observed: Sequence[Observed], until: float) -> list[Observed]:
    """The families of a throttled answer, none of them exhausted for longer than the wait it asks for.

    Where an answer has Retry-After and a reset, Retry-After is the one that is meant
    (draft-ietf-httpapi-ratelimit-headers, "Retry-After").
    """
    return [
        replace(one, resets_at=min(one.resets_at, until))
        if one.remaining == 0 and one.resets_at is not None
        else one
        for one in observed
    ]


@dataclass(frozen=True, slots=True)
class _Clock:
    monotonic: float
    server: float


def _family(headers: Headers, entry: LimitHeaders, clock: _Clock) -> Observed | None:
    try:
        limit = _amount(headers.get(entry.limit))
        remaining = _amount(headers.get(entry.remaining))
        delay = _reset(headers, entry, clock.server)
    except _Malformed:
        return None
    if remaining is None and limit is None:
        return None
    meaning = entry.reset_meaning
    if entry.reset is None:
        delay, meaning = _even_refill(limit, remaining, entry.period), "refill"
    resets_at = None if delay is None else clock.monotonic + delay
    return Observed(entry.family, entry.unit, limit, remaining, resets_at, meaning)


def _even_refill(limit: float | None, remaining: float | None, period: float | None) -> float | None:
    """Seconds until the family is full, if it gains its limit in a period."""
    if not limit or remaining is None or period is None:
        return None
    return period * max(limit - remaining, 0.0) / limit


def _amount(text: str | None) -> float | None:
    if text is None:
        return None
    amount = parse_number(text)
    if amount is None:
        raise _Malformed
    return amount


def _reset(headers: Headers, entry: LimitHeaders, server: float) -> float | None:
    """Seconds to the reset; None where the response does not say."""
    text = None if entry.reset is None else headers.get(entry.reset)
    if text is None:
        return None
    delay = _delay(text, entry.reset_form, server)
    if delay is None:
        raise _Malformed
    return max(delay, 0.0)


def _delay(text: str, form: ResetForm, server: float) -> float | None:
    if form == "duration":
        return parse_duration(text)
    if form == "seconds":
        return parse_number(text)
    at = parse_number(text) if form == "epoch" else parse_rfc3339(text)
    return None if at is None else at - server


def _standard_fields(headers: Headers, now: float) -> list[Observed]:
    policies = dict(parse_items(headers.get_all("ratelimit-policy")))
    found = []
    for name, report in parse_items(headers.get_all("ratelimit")):
        policy = policies.get(name, {})
        unit = _UNIT_OF_POLICY.get(policy.get("qu", "requests"), "other")
        remaining, delay = parse_number(report.get("r")), parse_number(report.get("t"))
        if remaining is not None:
            limit = parse_number(policy.get("q"))
            resets_at = None if delay is None else now + delay
            found.append(Observed(f"ratelimit:{name}", unit, limit, remaining, resets_at, "window"))
    return found
