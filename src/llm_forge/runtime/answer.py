"""A 2xx answer: the JSON object that an operation promises, or the typed error that it is (R-198).

Errors are returned, not raised: no frame of their traceback holds the body (R-218).
"""

from __future__ import annotations

from typing import Any

from ..core.codec import JsonError, decode
from ..core.error_body import stream_error
from ..core.errors import ApiError, ForgeError, InvalidResponseError
from ..core.stream import may_be_error
from .context import Call


def read_result(call: Call, exchange: Any, body: bytes) -> dict[str, Any] | ForgeError:
    """The JSON object of a 2xx body, or the error that it is (R-198).

    The error is returned, not raised: no frame of its traceback holds the body (R-218).
    """
    kind = (exchange.headers.get("content-type") or "application/json").partition(";")[0].strip().lower()
    value, reason = None, f"is {kind}, not JSON"
    if kind == "application/json" or kind.endswith("+json"):
        value, reason = _decode_object(body)
    if isinstance(value, dict):
        return (may_be_error("", value) and _error_inside(call, value)) or value
    return invalid_response(call, exchange, f"The {exchange.status} answer {reason}", body)


def invalid_response(call: Call, exchange: Any, message: str, body: bytes) -> InvalidResponseError:
    """The error of a 2xx answer that is not what was asked for, with its redacted beginning."""
    return InvalidResponseError(
        f"{message}; is base_url really the API?",
        status=exchange.status,
        body=call.redactor.text(body[:400].decode("utf-8", "replace"))[:200],
        headers=call.redactor.headers(exchange.headers),
    )


def _error_inside(call: Call, value: dict[str, Any]) -> ApiError | None:
    error = stream_error(
        value, profile=call.shared.profile, redactor=call.redactor, request_id=call.request_id
    )
    if error is not None:
        error.mid_stream = False  # the class of errors inside streams, but this is a whole answer
    return error


def _decode_object(body: bytes) -> tuple[Any, str]:
    """The decoded body and, where it is no object, the reason."""
    try:
        return decode(body), "is not a JSON object"
    except JsonError as error:
        return None, f"is not valid JSON: {error}" if body else "is empty"
