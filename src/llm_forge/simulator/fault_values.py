"""What the keys of a fault rule may hold, whether the rule comes from a file or from Python.

Rules:
- Every key has one check; the complaint names the place and what is allowed, and the nearest provider
  or operation.
- Counts begin at 1, places in a stream at 0, seconds are not negative, statuses are those of errors.
- At most one answer replaces the provider's; without `status` nothing but `delay` goes with it. An
  error answer is no stream, so nothing that spoils events goes with `status` either.
- Nothing that becomes a header may break out of its line (RFC 9110 section 5.5).
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

from .documents import Place
from .providers import PROVIDERS
from .script import Reply
from .script_file import reply_from

Check: TypeAlias = Callable[[Any, Place], Any]

REPLACEMENTS = ("status", "drop", "proxy_error", "reply")
SPOILS = (
    "delay",
    "body_delay",
    "pause",
    "split",
    "cut",
    "omit_terminal",
    "error_event",
    "duplicate",
    "unknown_event",
    "headers",
    "content_type",
)
_OF_STREAMS = frozenset({"omit_terminal", "error_event", "duplicate", "unknown_event"})
_OF_STATUS = frozenset({"message", "retry_after"})
_CUT_ENDS = ("close", "complete", "reset", "stall")
_ROUTES = {provider.name: [route.operation for route in provider.routes] for provider in PROVIDERS}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_BREAK = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def checked(given: Mapping[str, Any], where: Place) -> dict[str, Any]:
    """The values of a rule, ready for `Fault`. DocumentError for the first that is wrong."""
    values = {key: _CHECKS[key](value, where / key) for key, value in given.items()}
    replacements = [key for key in REPLACEMENTS if key in values]
    if len(replacements) > 1:
        raise (where / replacements[1]).error(f"one answer only: there is {replacements[0]} already")
    _check_company(values, replacements[0] if replacements else None, where)
    if "operation" in values:
        _check_operation(values["operation"], values.get("provider"), where)
    if not replacements and not any(key in values for key in SPOILS):
        raise where.error(f"no effect; give one of: {', '.join((*REPLACEMENTS, *SPOILS))}")
    return values


def _check_company(values: Mapping[str, Any], replacement: str | None, where: Place) -> None:
    """Refuse keys that would have no effect beside the others."""
    for key in values:
        if key in _OF_STATUS and replacement != "status":
            raise (where / key).error("goes with status only")
        if replacement == "status" and (key in _OF_STREAMS or (key == "cut" and "events" in values["cut"])):
            raise (where / key).error("goes with streams only; the answer to status has no events")
        if replacement not in {None, "status"} and key in SPOILS and key != "delay":
            raise (where / key).error(f"does not go with {replacement}; only delay does")


def _check_operation(operation: str, provider: str | None, where: Place) -> None:
    lists = [_ROUTES[provider]] if provider else _ROUTES.values()
    names = dict.fromkeys(name for names in lists for name in names)
    _named(f"operation of {provider}" if provider else "operation", names, operation, where / "operation")


def _named(kind: str, names: Iterable[str], value: Any, where: Place) -> str:
    names = list(names)
    word: str = where.check(value, str, f"one of: {', '.join(names)}")
    if word not in names:
        near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
        advice = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
        raise where.error(f"no {kind} {word[:60]!r}; {advice}")
    return word


def _text(value: Any, where: Place) -> Any:
    return where.check(value, str, "text")


def _flag(value: Any, where: Place) -> Any:
    return where.check(value, bool, "true or false")


def _whole(least: int | None, most: int | None, value: Any, where: Place) -> Any:
    where.check(value, int, "a whole number")
    if (least is not None and value < least) or (most is not None and value > most):
        raise where.error(f"expected {_range(least, most)}, found {value}")
    return value


def _range(least: int | None, most: int | None) -> str:
    return f"a whole number from {least}" + (" up" if most is None else f" to {most}")


def _number(most: float, expected: str, value: Any, where: Place) -> Any:
    where.check(value, (int, float), expected)
    if not 0 <= value <= most or math.isinf(value):
        raise where.error(f"expected {expected}, found {value}")
    return value


def _word(words: tuple[str, ...], value: Any, where: Place) -> Any:
    if value not in words:
        raise where.error(f"expected {', '.join(words[:-1])} or {words[-1]}")
    return value


def _nth(value: Any, where: Place) -> Any:
    if not isinstance(value, list | tuple):
        return _count(value, where)
    if not value:
        raise where.error("expected at least one whole number")
    return [_count(one, where / index) for index, one in enumerate(value)]


def _mapping(checks: Mapping[str, Check], value: Any, where: Place) -> Mapping[str, Any]:
    given = where.known_keys(value, checks)
    return {key: checks[key](one, where / key) for key, one in given.items()}


def _cut(value: Any, where: Place) -> Mapping[str, Any]:
    given = _mapping(_CUT, value, where)
    if ("events" in given) == ("bytes" in given):
        raise where.error("expected events or bytes")
    return given


def _headers(value: Any, where: Place) -> Mapping[str, str]:
    where.check(value, Mapping, "a mapping")
    return {_header_name(name, where): _header_value(one, where / str(name)) for name, one in value.items()}


def _header_name(name: Any, where: Place) -> str:
    if not _HEADER_NAME.fullmatch(str(name)):
        raise where.error(f"{str(name)[:60]!r} cannot be a header name; use letters, digits and hyphens")
    return str(name)


def _header_value(value: Any, where: Place) -> str:
    text = str(where.check(value, (str, int, float), "text"))
    if _HEADER_BREAK.search(text):
        raise where.error("expected one line of text without control characters")
    return text


def _reply(value: Any, where: Place) -> Reply:
    return value if isinstance(value, Reply) else reply_from(value, where)


_count = partial(_whole, 1, None)
_position = partial(_whole, 0, None)
_status = partial(_whole, 400, 599)
_seconds = partial(_number, math.inf, "seconds, 0 or more")
_CUT: Mapping[str, Check] = {
    "events": partial(_whole, None, None),
    "bytes": _position,
    "end": partial(_word, _CUT_ENDS),
}
_ERROR_EVENT: Mapping[str, Check] = {"after": _position, "type": _text, "message": _text}
_CHECKS: Mapping[str, Check] = {
    "provider": partial(_named, "provider", _ROUTES),
    **dict.fromkeys(("operation", "path", "model", "message"), _text),
    **dict.fromkeys(("every", "times", "split", "duplicate"), _count),
    **dict.fromkeys(("status", "proxy_error"), _status),
    **dict.fromkeys(("retry_after", "delay", "body_delay", "pause"), _seconds),
    **dict.fromkeys(("stream", "omit_terminal"), _flag),
    "nth": _nth,
    "probability": partial(_number, 1, "a number from 0 to 1"),
    "drop": partial(_word, ("reset", "close")),
    "reply": _reply,
    "cut": _cut,
    "error_event": partial(_mapping, _ERROR_EVENT),
    "unknown_event": _position,
    "headers": _headers,
    "content_type": _header_value,
}
