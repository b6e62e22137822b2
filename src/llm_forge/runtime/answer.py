"""A 2xx answer: the JSON (or nothing) that an operation promises, or the typed error that it is (R-198).

Errors are returned, not raised: no frame of their traceback holds the body (R-218).
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from ..core.codec import JsonError, decode
from ..core.error_body import stream_error
from ..core.errors import ApiError, ForgeError, InvalidResponseError
from ..core.required import lacks_at_top, missing_paths
from ..core.stream import may_be_error
from ..core.views import View
from .context import Call

SHOWN_PATHS = 5
_BODILESS = frozenset({204, 205})


def read_result(call: Call, exchange: Any, body: bytes) -> Any:
    """The JSON of a 2xx body, None for an operation that promises no body, or the error that it is (R-198).

    The error is returned, not raised: no frame of its traceback holds the body (R-218).
    """
    promised = call.operation.answer
    if promised == "empty":
        return _error_instead(call, exchange, body)
    value, reason = _decoded(exchange, body)
    if promised == "object" and not reason and not isinstance(value, dict):
        reason = "is not a JSON object"
    if reason:
        return invalid_response(call, exchange, f"The {exchange.status} answer {reason}", body)
    error: ForgeError | None = _error_inside(call, value)
    if error is None and not call.streaming:  # a stream's result is checked when it is complete
        error = lacking(call, call.operation.result(value))
    return error or value


def lacking(call: Call, result: Any) -> InvalidResponseError | None:
    """The error of a typed result without a required field, where the call is strict (R-200).

    Elsewhere missing fields are only counted, and only those of the result's own top level: the whole answer
    would have to be converted to look further, which nobody has asked for.
    """
    if call.settings.strict:
        paths = list(islice(missing_paths(result), SHOWN_PATHS))
        return InvalidResponseError(f"The answer lacks {', '.join(paths)}") if paths else None
    if isinstance(result, View) and (missing := lacks_at_top(result)):
        call.shared.count_missing(missing)
    return None


def invalid_response(call: Call, exchange: Any, message: str, body: bytes) -> InvalidResponseError:
    """The error of a 2xx answer that is not what was asked for, with its redacted beginning."""
    return InvalidResponseError(
        f"{message}; is base_url really the API?",
        status=exchange.status,
        body=call.redactor.text(body[:400].decode("utf-8", "replace"))[:200],
        headers=call.redactor.headers(exchange.headers),
    )


def _error_instead(call: Call, exchange: Any, body: bytes) -> ForgeError | None:
    """The error that came where nothing was promised; any other body is of no use to anyone.

    A page is an error too: it is a portal or a proxy that answered, not the API.
    """
    if exchange.status in _BODILESS:
        return None
    if body.strip() and (exchange.headers.get("content-type") or "").startswith("text/html"):
        return invalid_response(call, exchange, f"The {exchange.status} answer is a page", body)
    value, _ = _decoded(exchange, body)
    return _error_inside(call, value)


def _error_inside(call: Call, value: Any) -> ApiError | None:
    if not may_be_error("", value) or "id" in value:
        return None  # an object of its own, such as a failed job, may tell of an error without being one
    error = stream_error(
        value, profile=call.shared.profile, redactor=call.redactor, request_id=call.request_id
    )
    if error is not None:
        error.mid_stream = False  # the class of errors inside streams, but this is a whole answer
    return error


def _decoded(exchange: Any, body: bytes) -> tuple[Any, str]:
    """The decoded body and "", or None and the reason why it is no JSON."""
    kind = (exchange.headers.get("content-type") or "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return None, f"is {kind}, not JSON"
    try:
        return decode(body), ""
    except JsonError as error:
        return None, f"is not valid JSON: {error}" if body else "is empty"
