"""The body of a request, from a caller's values: JSON, a form, or bytes (R-046, R-079)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.codec import encode
from ..core.errors import InvalidRequestError
from ..core.profile import Operation
from ..core.views import View
from .forms import guess_type, multipart, urlencoded
from .options import Omit
from .transports.protocol import BodySource
from .uploads import as_upload, given_name, source_of


@dataclass(frozen=True, slots=True)
class Payload:
    """A body ready to send; `values` are its fields, where it has some. Kept out of reprs (R-004)."""

    body: bytes | BodySource | None = field(default=None, repr=False)
    media_type: str = ""
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


def make_payload(
    operation: Operation[Any, Any], body: Any, extra: Mapping[str, Any], *, streaming: bool
) -> Payload:
    """The body of a call; InvalidRequestError for what cannot be sent."""
    if not operation.has_body:
        _refuse_extra(operation, extra, "has no body")
        return Payload()
    rule = operation.body
    if rule.kind == "binary":
        _refuse_extra(operation, extra, "sends bytes, not fields,")
        return _binary(body, rule.media_type)
    if rule.kind == "json" and not isinstance(body, (Mapping, View)):
        _refuse_extra(operation, extra, "sends JSON that is not an object")
        return Payload() if body is None else Payload(encode(body), rule.media_type)
    values = _fields(operation, body, extra, streaming=streaming)
    if body is None and not values:
        return Payload()  # a body that is one argument, and not given; one made of fields is at least {}
    if rule.kind == "multipart":
        content, media_type = multipart(values, rule)
        return Payload(content, media_type, values)
    if rule.kind == "form":
        return Payload(urlencoded(values, rule), rule.media_type, values)
    return Payload(encode(values), rule.media_type, values)


def _refuse_extra(operation: Operation[Any, Any], extra: Mapping[str, Any], why: str) -> None:
    if extra:
        raise InvalidRequestError(f"{operation.name} {why} to add extra_body to")


def _binary(body: Any, told: str) -> Payload:
    if body is None or isinstance(body, Omit):
        return Payload()
    upload = as_upload(body, "body")
    media_type = upload.content_type or ("" if "*" in told else told) or guess_type(given_name(upload) or "")
    return Payload(source_of(upload, "body"), media_type)


def _fields(
    operation: Operation[Any, Any], body: Any, extra: Mapping[str, Any], *, streaming: bool
) -> dict[str, Any]:
    given: Mapping[str, Any] = body if isinstance(body, dict) else dict(body or {})
    content = {name: value for name, value in given.items() if type(value) is not Omit}
    content.update(extra)
    rule = operation.stream
    if rule is not None and rule.parameter is not None and streaming:
        content[rule.parameter] = rule.value
    return content
