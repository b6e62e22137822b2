"""Instants in header fields, as seconds since the epoch: HTTP dates (RFC 9110 section 5.6.7) and RFC 3339.

Written out because the ready-made readers depend on the locale, on the wall clock or accept too much.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from .durations import LONGEST_TEXT
from .headers import Headers

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_HTTP_DATES = (
    re.compile(rf"[A-Z][a-z]{{2}}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_CLOCK} GMT"),
    re.compile(rf"[A-Z][a-z]{{5,8}}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_CLOCK} GMT"),
    re.compile(rf"[A-Z][a-z]{{2}} {_MONTH} (?P<day>[ 0-9][0-9]) {_CLOCK} (?P<year>[0-9]{{4}})"),
)
_RFC3339 = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})[Tt ]" + _CLOCK + r"(?P<fraction>\.[0-9]+)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<offset_hours>[0-9]{2}):(?P<offset_minutes>[0-9]{2}))"
)
_HALF_CENTURY = 50


def parse_http_date(text: str, wall_now: float) -> float | None:
    """The instant of an IMF-fixdate, RFC 850 or asctime date; None if it is none of them.

    `wall_now` decides the century of RFC 850's two-digit year: never more than 50 years ahead.
    """
    if len(text) > LONGEST_TEXT:
        return None
    for form in _HTTP_DATES:
        found = form.fullmatch(text.strip(" \t"))
        if found:
            part = found.groupdict()
            return _instant(_full_year(part["year"], wall_now), _MONTHS.index(part["month"]) + 1, part, UTC)
    return None


def parse_rfc3339(text: str) -> float | None:
    """The instant of an RFC 3339 date-time with its offset; None if it is not one."""
    found = _RFC3339.fullmatch(text.strip(" \t")) if len(text) <= LONGEST_TEXT else None
    if found is None:
        return None
    part = found.groupdict()
    minutes = int(part["offset_hours"] or 0) * 60 + int(part["offset_minutes"] or 0)
    if minutes >= 24 * 60:
        return None
    zone = timezone(timedelta(minutes=-minutes if part["sign"] == "-" else minutes))
    instant = _instant(int(part["year"]), int(part["month"]), part, zone)
    return None if instant is None else instant + float(part["fraction"] or 0)


def server_now(headers: Headers, wall_now: float) -> float:
    """The server's clock when it answered: its own Date, else our wall clock (R-064)."""
    own = parse_http_date(headers.get("date") or "", wall_now)
    return wall_now if own is None else own


def _full_year(digits: str, wall_now: float) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    this_year = datetime.fromtimestamp(wall_now, UTC).year
    year += this_year - this_year % 100
    return year - 100 if year > this_year + _HALF_CENTURY else year


def _instant(year: int, month: int, part: dict[str, str], zone: timezone) -> float | None:
    second = int(part["second"])
    try:
        minute = datetime(year, month, int(part["day"]), int(part["hour"]), int(part["minute"]), tzinfo=zone)
    except ValueError:
        return None
    # A leap second (60) is read as the start of the next minute.
    return minute.timestamp() + second if second <= 60 else None
