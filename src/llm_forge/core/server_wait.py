"""How long a server asks us to wait (R-063 to R-065, R-068)."""

from __future__ import annotations

from collections.abc import Sequence

from .durations import parse_number
from .headers import Headers
from .profile import LimitHeaders
from .rate_headers import observe
from .retry import THROTTLING_STATUSES
from .timestamps import parse_http_date, server_now


def retry_after(headers: Headers, wall_now: float) -> float | None:
    """Seconds of the first valid of `retry-after-ms` and `Retry-After`; None if there is none.

    A date is taken relative to the response's own Date, else to `wall_now`. Negative, unparsable and
    over-long values count as absent; 0.0 is a valid answer and means no wait. Anthropic sends the field on
    successes too: whether it matters is for the caller to know by the status.
    """
    for text in headers.get_all("retry-after-ms"):
        milliseconds = parse_number(text)
        if milliseconds is not None:
            return milliseconds / 1000
    for text in headers.get_all("retry-after"):
        seconds = _seconds(text, headers, wall_now)
        if seconds is not None:
            return seconds
    return None


def server_wait(
    headers: Headers, status: int, limits: Sequence[LimitHeaders], wall_now: float
) -> float | None:
    """Seconds to wait before the next attempt, None where the server asks for none (0 included).

    Without a valid `Retry-After`, a throttling status (429, 498, 529) takes the reset of its exhausted
    families, the latest of several; the whole reset, whatever its meaning (R-063). A 2xx status asks for
    nothing, whatever its fields say.
    """
    if status < 300:
        return None
    wait = retry_after(headers, wall_now)
    if wait is None and status in THROTTLING_STATUSES:
        wait = _longest_reset(headers, limits, wall_now)
    return wait or None


def should_retry(headers: Headers) -> bool | None:
    """The server's own word in `x-should-retry`; None if it gives none (R-068)."""
    word = (headers.get("x-should-retry") or "").strip(" \t").lower()
    return {"true": True, "false": False}.get(word)


def _seconds(text: str, headers: Headers, wall_now: float) -> float | None:
    plain = parse_number(text)
    if plain is not None:
        return plain
    at = parse_http_date(text, wall_now)
    if at is None:
        return None
    delay = at - server_now(headers, wall_now)
    return delay if delay >= 0 else None


def _longest_reset(headers: Headers, limits: Sequence[LimitHeaders], wall_now: float) -> float | None:
    families = observe(headers, limits, 0.0, wall_now)
    exhausted = [one.resets_at for one in families if one.remaining == 0 and one.resets_at is not None]
    return max(exhausted, default=None)
