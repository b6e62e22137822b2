"""Header values and bodies as no server should send them: read without an exception and without nonsense."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from random import Random
from typing import Any, get_args

from llm_forge.core.accumulate.partial_json import parse_partial
from llm_forge.core.codec import JsonError, decode
from llm_forge.core.durations import parse_duration, parse_number
from llm_forge.core.error_body import api_error, stream_error
from llm_forge.core.errors import class_for_status
from llm_forge.core.headers import Headers
from llm_forge.core.profile import LimitHeaders, Profile, ResetForm, ResetMeaning
from llm_forge.core.rate_headers import observe
from llm_forge.core.redact import Redactor
from llm_forge.core.secrets import Secret
from llm_forge.core.server_wait import server_wait, should_retry
from llm_forge.core.timestamps import parse_http_date, parse_rfc3339

from .values import broken, json_value

WALL = 1_800_000_000.0
KEY = "sk-canary-51f0c3"
REDACTOR = Redactor([Secret(KEY)])
PROFILE = Profile("acme", "https://api.acme.test")
LIMITS = [
    LimitHeaders(form, "requests", "l", "m", "n", form, meaning)
    for form in get_args(ResetForm)
    for meaning in get_args(ResetMeaning)
]
PARTS = [
    *[
        "0",
        "1",
        "7",
        "59",
        "60",
        "9" * 30,
        ".",
        "-",
        "+",
        "e",
        "E9",
        "NaN",
        "inf",
        " ",
        "\t",
        "\u0663",
        "x",
        ",",
        ";",
        "=",
    ],
    *[
        "h",
        "m",
        "s",
        "ms",
        "us",
        "µs",
        "ns",
        "default",
        "r",
        "t",
        "q",
        '"',
        "\\",
        "true",
        "false",
        "\x00",
        "🙂",
    ],
    *[
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "31 Feb",
    ],
    *[
        "2026-02-30T25:61:61Z",
        "2026-11-25T10:00:00.5+14:00",
        "0000-00-00T00:00:00Z",
        "9999-12-31T23:59:60Z",
        ":",
    ],
]
NAMES = (
    "retry-after",
    "retry-after-ms",
    "l",
    "m",
    "n",
    "date",
    "ratelimit",
    "ratelimit-policy",
    "x-should-retry",
)


def check(seed: int, wanted: int) -> int:
    """Read `wanted` texts in every way; AssertionError, or what should never be raised, on a violation."""
    chance = Random(seed)
    for _ in range(wanted):
        for judge in JUDGES:
            judge(chance)
    return wanted * len(JUDGES)


def _text(chance: Random) -> str:
    return "".join(chance.choices(PARTS, k=chance.randint(0, 6)))


def _waits_are_sane(chance: Random) -> None:
    text = _text(chance)
    parsed = (parse_duration(text), parse_number(text), parse_http_date(text, WALL), parse_rfc3339(text))
    assert all(value is None or math.isfinite(value) for value in parsed), text
    assert all(value is None or value >= 0 for value in parsed[:2]), text


def _headers_are_read(chance: Random) -> None:
    headers = Headers([(chance.choice(NAMES), _text(chance)) for _ in range(chance.randint(0, 8))])
    wait = server_wait(headers, chance.choice([200, 429, 498, 500, 503, 529]), LIMITS, WALL)
    assert wait is None or (wait > 0 and math.isfinite(wait)), headers.pairs
    assert should_retry(headers) in (True, False, None)
    for one in observe(headers, LIMITS, 0.0, WALL):
        numbers = (one.limit, one.remaining, one.resets_at)
        assert all(number is None or (number >= 0 and math.isfinite(number)) for number in numbers), (
            headers.pairs
        )


def _error_bodies_are_read(chance: Random) -> None:
    value = _error_value(chance)
    body = broken(json.dumps(value).encode(), chance) if chance.random() < 0.5 else _text(chance).encode()
    status = chance.randint(400, 599)
    error = api_error(status, Headers(), body, profile=PROFILE, redactor=REDACTOR)
    assert error.message.strip(), body
    assert "\n" not in error.message, body
    assert len(error.message) <= 500, body
    assert KEY not in f"{error!r}{error}{error.body}", body
    assert isinstance(error, class_for_status(status)) or error.kind == "QuotaExceededError", body
    stream_error(value, profile=PROFILE, redactor=REDACTOR, request_id=None)


def _error_value(chance: Random) -> Any:
    fields = ("error", "message", "type", "code", "param", "detail", "object", "status", "loc", "msg", KEY)
    if chance.random() < 0.4:
        return json_value(chance)
    inner = {chance.choice(fields): json_value(chance) for _ in range(chance.randint(0, 4))}
    return {chance.choice(fields): chance.choice([inner, [inner], KEY, json_value(chance)]), **inner}


def _json_is_decoded_as_json(chance: Random) -> None:
    whole = json.dumps(json_value(chance), ensure_ascii=chance.random() < 0.5)
    assert decode(whole.encode()) == json.loads(whole)
    try:
        decode(broken(whole.encode(), chance))
    except JsonError as error:
        assert "\n" not in str(error)


def _partial_json_never_runs_ahead(chance: Random) -> None:
    value = {"input": json_value(chance)}  # tool inputs are objects; where a bare number ends, nothing shows
    whole = json.dumps(value)
    assert parse_partial(whole) == value
    assert _is_beginning(parse_partial(whole[: chance.randint(0, len(whole))]), value), whole
    parse_partial(broken(whole.encode(), chance).decode(errors="replace"))


def _is_beginning(part: Any, whole: Any) -> bool:
    """Whether everything that `part` shows is in `whole`, and nothing else."""
    if part is None:
        return True
    if isinstance(part, str) and isinstance(whole, str):
        return whole.startswith(part)
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(_is_beginning, part, whole))
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and _is_beginning(part[name], whole[name]) for name in part)
    return bool(part == whole)


JUDGES: tuple[Callable[[Random], None], ...] = (
    _waits_are_sane,
    _headers_are_read,
    _error_bodies_are_read,
    _json_is_decoded_as_json,
    _partial_json_never_runs_ahead,
)
