"""A provider's error answer, of whatever form, as one typed error (R-213, R-214, R-215, R-148).

Rules of this file:
- The class follows the status; inside a stream, where there is none, the type's status (R-148).
- Message text is shown, never read to classify (R-073).
- Redaction comes before shortening, so that half a credential never survives.
- The body is kept without the input values that validation reports echo (R-215).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .codec import JsonError, decode
from .errors import MESSAGE_LIMIT, ApiError, ErrorDetail, QuotaExceededError, class_for_status
from .headers import Headers
from .profile import Profile
from .redact import Redactor
from .secrets import REDACTED

# Types and codes that several providers share; a profile's own table comes first.
_STATUS_OF_TYPE: Mapping[str, int] = {
    "invalid_request_error": 400,
    "invalid_request": 400,
    "bad_request": 400,
    "context_length_exceeded": 400,
    "tool_use_failed": 400,
    "json_validate_failed": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "validation_error": 422,
    "unprocessable_entity": 422,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "rate_limited": 429,
    "insufficient_quota": 429,
    "tokens": 429,
    "requests": 429,
    "capacity_exceeded": 498,
    "api_error": 500,
    "server_error": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "service_unavailable": 503,
    "service_unavailable_error": 503,
    "timeout_error": 504,
    "gateway_timeout": 504,
    "overloaded_error": 529,
    "overloaded": 529,
}
_STATUS_FIELDS = ("status", "status_code", "raw_status_code", "code")
# Bounded, so that a hostile page costs no more than a plain one.
_TITLE = re.compile(r"<(title|h1)\b[^<>]{0,200}>([^\0]{0,1000}?)</\1", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_NOT_JSON: Any = object()
ERROR_EVENTS = frozenset({"error", "response.failed", "conversation.response.error"})
_EVENT_KEYS = frozenset({"type", "object", "choices", "id"})


@dataclass(slots=True)
class _Report:
    """What an error body says."""

    message: str = ""
    type: str | None = None
    code: str | None = None
    param: str | None = None
    details: tuple[ErrorDetail, ...] = ()
    status: int | None = None


def api_error(
    status: int,
    headers: Headers,
    body: bytes,
    *,
    profile: Profile,
    redactor: Redactor,
    retry_after: float | None = None,
    max_server_wait: float = 60.0,
    retryable: bool = False,
) -> ApiError:
    """The typed error of an answer with an error status.

    `retry_after` is the server's wait in seconds; with one of at most `max_server_wait` an exhausted
    quota is an ordinary rate limit (R-072).
    """
    value = _json_or_not(body)
    report = _text_report(body) if value is _NOT_JSON else _json_report(value)
    cls = class_for_status(status)
    waits = retry_after is not None and retry_after <= max_server_wait
    if status == 429 and not waits and is_terminal_quota(report.type, report.code, profile):
        cls = QuotaExceededError
    return cls(
        _message(report, redactor) or f"{profile.name} answered {status} without a message",
        status=status,
        request_id=_redacted(request_id_of(headers, profile, value), redactor),
        retry_after=retry_after,
        retryable=retryable,
        body=_shown_body(value, body, redactor),
        headers=redactor.headers(headers),
        **_common(report, profile, redactor),
    )


def stream_error(
    data: Any, *, profile: Profile, redactor: Redactor, request_id: str | None
) -> ApiError | None:
    """The typed error that a decoded stream event is, None for every other event (R-148)."""
    if not _is_error(data):
        return None
    report = _json_report(data)
    status = report.status or _status_of(report, profile)
    cls = class_for_status(status) if status else ApiError
    if status in {402, 429} and is_terminal_quota(report.type, report.code, profile):
        cls = QuotaExceededError
    return cls(
        _message(report, redactor) or f"{profile.name} ended the stream with an error without a message",
        status=status,
        request_id=_redacted(_body_request_id(data) or request_id, redactor),
        mid_stream=True,
        body=_shown_body(data, b"", redactor),
        **_common(report, profile, redactor),
    )


def is_terminal_quota(error_type: str | None, code: str | None, profile: Profile) -> bool:
    """Whether type or code says that waiting does not help (R-072)."""
    codes = profile.errors.terminal_codes
    return error_type in codes or code in codes


_USUAL_REQUEST_IDS = ("request-id", "x-request-id")


def request_id_of(headers: Headers, profile: Profile, body: Any = None) -> str | None:
    """The provider's request id: the profile's headers in order, the usual ones, the body (R-213)."""
    found = (headers.get(name) for name in (*profile.request_id_headers, *_USUAL_REQUEST_IDS))
    return next(filter(None, found), None) or _body_request_id(body)


def _body_request_id(body: Any) -> str | None:
    if not isinstance(body, dict):
        return None
    groq = body.get("x_groq")
    value = body.get("request_id") or (groq.get("id") if isinstance(groq, dict) else None)
    return value if isinstance(value, str) else None


def _common(report: _Report, profile: Profile, redactor: Redactor) -> dict[str, Any]:
    return {
        "provider": profile.name,
        "type": _redacted(report.type, redactor),
        "code": _redacted(report.code, redactor),
        "param": _redacted(report.param, redactor),
        "details": tuple(_redacted_detail(entry, redactor) for entry in report.details),
    }


def _redacted_detail(entry: ErrorDetail, redactor: Redactor) -> ErrorDetail:
    message = _redacted(entry.message, redactor) or ""
    return ErrorDetail(_redacted(entry.path, redactor) or "", message, _redacted(entry.type, redactor))


def _redacted(text: str | None, redactor: Redactor) -> str | None:
    return None if text is None else _one_line(redactor.text(text))


def _message(report: _Report, redactor: Redactor) -> str:
    return _one_line(redactor.text(report.message))


def _one_line(text: str) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= MESSAGE_LIMIT else line[: MESSAGE_LIMIT - 1] + "…"


def _json_or_not(body: bytes) -> Any:
    try:
        return decode(body)
    except JsonError:
        return _NOT_JSON


def _text_report(body: bytes) -> _Report:
    text = body.decode("utf-8", "replace").strip()
    if not text.startswith("<"):
        return _Report(text)
    title = _TITLE.search(text)
    return _Report(html.unescape(_TAG.sub(" ", title.group(2) if title else text)))


def _json_report(value: Any) -> _Report:
    if isinstance(value, list):
        value = next((entry for entry in value if isinstance(entry, dict)), " ".join(map(str, value)))
    if isinstance(value, str):
        return _Report(value)
    if not isinstance(value, dict):
        return _Report()
    inner = _error_object(value)
    details = tuple(_details(value)) or tuple(_details(inner))
    kind = _text(inner.get("type"))
    message = _words(inner) or _words(value) or "; ".join(_detail_line(entry) for entry in details)
    return _Report(
        message=message or _as_text(inner.get("message")) or kind or "",
        type=kind,
        code=_text(inner.get("code")),
        param=_text(inner.get("param")),
        details=details,
        status=_explicit_status(inner) or _explicit_status(value),
    )


def _error_object(value: dict[str, Any]) -> dict[str, Any]:
    inner = value.get("error")
    if inner is None and isinstance(value.get("response"), dict):
        inner = value["response"].get("error")
    if isinstance(inner, dict):
        return inner
    if isinstance(inner, str):
        return {**value, "message": inner}
    return value


def _words(value: dict[str, Any]) -> str:
    """The sentence for humans, wherever it stands."""
    for name in ("message", "detail", "error_description", "msg", "title"):
        if isinstance(value.get(name), str) and value[name].strip():
            return str(value[name])
    return ""


def _details(value: dict[str, Any]) -> Iterator[ErrorDetail]:
    message = value.get("message")
    report = value.get("detail") or value.get("details")
    if not report and isinstance(message, dict):
        report = message.get("detail") or message
    for entry in report if isinstance(report, list) else [report]:
        if isinstance(entry, dict) and _words(entry):
            yield ErrorDetail(_path(entry), _words(entry), _text(entry.get("type")))
        elif isinstance(entry, str) and isinstance(report, list):
            yield ErrorDetail("", entry)


def _path(entry: dict[str, Any]) -> str:
    location = entry.get("loc") or entry.get("path") or entry.get("field") or ""
    return ".".join(map(str, location if isinstance(location, list) else [location]))


def _detail_line(entry: ErrorDetail) -> str:
    return f"{entry.path}: {entry.message}" if entry.path else entry.message


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _as_text(value: Any) -> str:
    """An object where the sentence should be, as JSON, without echoed input."""
    return _json_text(_without_input(value)) if isinstance(value, (dict, list)) and value else ""


def _explicit_status(value: dict[str, Any]) -> int | None:
    found = (value.get(name) for name in _STATUS_FIELDS)
    return next((entry for entry in found if type(entry) is int and 400 <= entry <= 599), None)


def _status_of(report: _Report, profile: Profile) -> int | None:
    for table in (profile.errors.status_of_type, _STATUS_OF_TYPE):
        for name in filter(None, (report.type, report.code)):
            if name in table:
                return table[name]
    return None


def _is_error(data: Any) -> bool:
    if not isinstance(data, dict):
        return isinstance(data, str) and bool(data)  # no family has an event that is a bare string
    kind = data.get("type")
    if data.get("error") or data.get("object") == "error" or (type(kind) is str and kind in ERROR_EVENTS):
        return True
    return data.keys().isdisjoint(_EVENT_KEYS) and bool(data.get("detail") or _words(data))


def _shown_body(value: Any, body: bytes, redactor: Redactor) -> str:
    if value is _NOT_JSON:
        return redactor.text(body.decode("utf-8", "replace"))
    return redactor.text(_json_text(_without_input(value)))


def _json_text(value: Any) -> str:
    """JSON to show; unlike `encode` it takes half surrogate pairs, which a server may well send."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace").decode()


def _without_input(value: Any) -> Any:
    """The value with every `input` that a validation report echoes blanked (R-215)."""
    if isinstance(value, dict):
        return {k: REDACTED if k == "input" else _without_input(v) for k, v in value.items()}
    return [_without_input(entry) for entry in value] if isinstance(value, list) else value
