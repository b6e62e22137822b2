"""`x-forge`: what OpenAPI has no word for. Every key is checked, so that a typing error is found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .errors import nearest, shown
from .ir import Env, Errors, RateLimit
from .place import Place
from .source import plain
from .words import LONGEST_NAME

ROOT_KEYS = frozenset(
    {
        "provider", "client", "env", "headers", "request_id", "base_url_suffixes", "errors",
        "rate_limits", "secret_headers", "idempotency_header", "attempt_header", "previous_attempts_header",
        "capabilities", "defaults", "health",
    }
)  # fmt: skip
OPERATION_KEYS = frozenset({"method", "replay", "group", "stream", "pagination", "capabilities"})
STREAM_KEYS = frozenset(
    {"parameter", "value", "family", "event", "result", "ndjson", "terminal", "type_field"}
)
SCHEME_KEYS = frozenset({"client_auth"})
ENV_KEYS = frozenset({"api_key", "base_url"})
ERROR_KEYS = frozenset(
    {"type", "message", "status_of_type", "terminal_codes", "retryable_statuses", "not_processed"}
)
LIMIT_KEYS = frozenset(
    {"family", "unit", "limit", "remaining", "reset", "reset_form", "reset_meaning", "cost", "period"}
)
PAGE_KEYS = frozenset(
    {"style", "items", "param", "id", "before", "next", "more", "start", "size_param", "total", "otherwise"}
)
CHOICES = {
    "client_auth": ("basic", "body"),
    "style": ("after-id", "before-id", "cursor", "page", "link"),
    "replay": ("safe", "keyed", "once"),
    "family": ("chat-completion", "block-event", "response", "conversation", "events"),
    "unit": ("requests", "tokens", "input", "output", "other"),
    "reset_form": ("duration", "seconds", "epoch", "rfc3339"),
    "reset_meaning": ("window", "refill"),
}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PROVIDER = re.compile(r"[a-z][a-z0-9_]*\Z")
_CLIENT = re.compile(r"[A-Z][A-Za-z0-9]*\Z")
_METHOD = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")


def check_keys(place: Place, known: Iterable[str]) -> None:
    """DescriptionError for the first unknown key, with the nearest valid one."""
    known = sorted(known)
    for key, value in place.entries("a mapping of x-forge keys"):
        if key not in known and not key.startswith("x-"):
            near = nearest(key, known)
            advice = f"did you mean {near!r}?" if near else f"known are {', '.join(known)}"
            raise value.error(f"unknown x-forge key {key!r}; {advice}")


def choice(place: Place, key: str) -> str | None:
    """A word under a key that must be one of its `CHOICES`; None where it is absent."""
    word = place.text(key) or None
    valid = CHOICES[key]
    if word is not None and word not in valid:
        near = nearest(word, valid)
        advice = f"did you mean {near!r}?" if near else f"valid are {', '.join(valid)}"
        raise place.child(key).error(f"unknown {key} {word!r}; {advice}")
    return word


def texts(place: Place) -> tuple[str, ...]:
    """One text or a list of texts."""
    if isinstance(place.value, str):
        return (place.value,)
    return tuple(_text(item) for item in place.items("text or a list of texts"))


def _text(place: Place) -> str:
    if not isinstance(place.value, (str, int, float)) or isinstance(place.value, bool):
        raise place.wrong("text")
    return str(place.value)


def method_path(place: Place) -> str | None:
    """The checked `method` of an operation such as `messages.create`."""
    method = place.text("method") or None
    if method is not None and not _METHOD.match(method):
        raise place.child("method").error(
            f"method {method!r} is not resource.name in lower case, such as messages.create"
        )
    if method is not None and len(method.rpartition(".")[0]) > 2 * LONGEST_NAME:
        raise place.child("method").error(f"the resource is longer than {2 * LONGEST_NAME} characters")
    return method


def env(place: Place) -> Env:
    """`env`."""
    check_keys(place, ENV_KEYS)
    return Env(_variables(place.child("api_key")), _variables(place.child("base_url")))


def _variables(place: Place) -> tuple[str, ...]:
    names = texts(place)
    for name in names:
        if not _VARIABLE.match(name):
            raise place.error(f"{shown(name)} cannot be the name of an environment variable; correct it")
    return names


def identity(place: Place, key: str) -> str:
    """`provider` (a lower-case word) or `client` (a class name); "" where it is absent."""
    name = place.text(key) if place.value else ""
    pattern, example = (_PROVIDER, "acme_ai") if key == "provider" else (_CLIENT, "AcmeAI")
    if name and not pattern.match(name):
        raise place.child(key).error(f"{shown(name)} cannot be the {key}; write it like {example}")
    if len(name) > LONGEST_NAME:
        raise place.child(key).error(f"the {key} is longer than {LONGEST_NAME} characters; shorten it")
    return name


def headers(place: Place) -> tuple[tuple[str, str], ...]:
    """`headers`: sent with every request."""
    return tuple((header_name(value, name), _text(value)) for name, value in place.entries())


def header(place: Place, key: str) -> str | None:
    """A key that names one header; None where it is absent."""
    name = place.text(key) if place.value else ""
    return header_name(place.child(key), name) if name else None


def header_name(place: Place, name: str) -> str:
    """A name that may be a header (RFC 9110 section 5.1)."""
    if not is_header_name(name):
        raise place.error(f"{name!r} cannot be a header name; correct it")
    return name


def is_header_name(name: str) -> bool:
    """Whether a name may be a header's, or a cookie's."""
    return _HEADER_NAME.match(name) is not None


def facts(place: Place) -> dict[str, Any]:
    """A mapping that is carried as it is."""
    return {name: plain(value.value) for name, value in place.entries()}


def errors(place: Place) -> Errors:
    """`errors`."""
    check_keys(place, ERROR_KEYS)
    statuses = tuple((name, _status(value)) for name, value in place.child("status_of_type").entries())
    terminal = place.child("terminal_codes")
    return Errors(
        type=place.text("type") or None,
        message=place.text("message") or None,
        status_of_type=statuses,
        terminal_codes=texts(terminal) if terminal.value is not None else None,
        retryable_statuses=tuple(_status(one) for one in place.child("retryable_statuses").items()),
        not_processed=_statuses(place.child("not_processed")),
    )


def _statuses(place: Place) -> tuple[int, ...] | None:
    return None if place.value is None else tuple(_status(one) for one in place.items())


def _status(place: Place) -> int:
    value = place.value
    if not isinstance(value, int) or isinstance(value, bool) or not 100 <= value <= 999:
        raise place.wrong("an HTTP status")
    return value


def rate_limits(place: Place) -> tuple[RateLimit, ...]:
    """`rate_limits`."""
    return tuple(_rate_limit(one) for one in place.items())


def _rate_limit(place: Place) -> RateLimit:
    check_keys(place, LIMIT_KEYS)
    missing = [key for key in ("family", "limit", "remaining") if not place.text(key)]
    if missing:
        raise place.error(f"a rate limit needs {' and '.join(missing)}; add the header names")
    period = place.child("period").value
    known = period is None or (isinstance(period, (int, float)) and 0 < period < 1e9)
    if not known or isinstance(period, bool):
        raise place.child("period").wrong("seconds")
    return RateLimit(
        family=place.text("family"),
        unit=_unit(place),
        limit=place.text("limit").lower(),
        remaining=place.text("remaining").lower(),
        reset=place.text("reset").lower() or None,
        reset_form=choice(place, "reset_form") or "duration",
        reset_meaning=choice(place, "reset_meaning") or "window",
        cost=place.text("cost").lower() or None,
        period=None if period is None else float(period),
    )


def _unit(place: Place) -> str:
    return choice(place, "unit") or "other"
