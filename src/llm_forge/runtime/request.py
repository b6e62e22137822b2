"""From a caller's arguments to a frozen request, rebuilt with its credential for every attempt.

Rules of this file:
- The body is encoded once, when the call begins; later changes by the caller reach no attempt (R-079).
- A credential is added at send time only, to a copy nobody keeps (R-020).
- Method, path, header and query values with CR, LF or NUL are refused before any I/O (R-240).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack
from urllib.parse import quote

from ..core.codec import decode
from ..core.errors import InvalidRequestError
from ..core.profile import Operation, Profile
from ..core.version import VERSION
from .base_url import encode_query, fill_path
from .header_check import check_header
from .options import Extras, Settings
from .parameters import pairs, path_segments, texts
from .payload import make_payload
from .transports.protocol import HttpRequest

ACCEPT_ENCODING = "gzip, deflate"
USER_AGENT = f"llm-forge/{VERSION}"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_COOKIE_SAFE = "!#$&'()*+-./:<=>?@[]^_`{|}~"
_FORBIDDEN = re.compile(r"[\r\n\0]")
DEFAULT_OUTPUT_TOKENS = 1024
_OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")


class RequestParts(TypedDict, total=False):
    """What an operation's arguments become, by wire name; a value that is OMIT is left out.

    `url`, where it is given, is absolute and stands for base URL, path and query.
    """

    path: Mapping[str, Any] | None
    query: Mapping[str, Any] | None
    headers: Mapping[str, Any] | None
    cookies: Mapping[str, Any] | None
    body: Any
    url: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request without its credential, and what the loop must know of it."""

    request: HttpRequest
    model: str | None
    estimated_input: float
    requested_output: float


def prepare(
    operation: Operation[Any, Any],
    profile: Profile,
    base_url: str,
    settings: Settings,
    extras: Extras,
    *,
    streaming: bool = False,
    **parts: Unpack[RequestParts],
) -> Prepared:
    """The frozen request of a call; InvalidRequestError for anything that cannot be sent."""
    payload = make_payload(operation, parts.get("body"), extras.body, streaming=streaming)
    target = parts.get("url") or (
        base_url + _path(operation, parts.get("path")) + _query(operation, parts.get("query"), extras.query)
    )
    if operation.replay == "keyed" and profile.idempotency_header and not extras.idempotency_key:
        extras = replace(extras, idempotency_key=str(uuid.uuid4()))
    accept = _accepted(operation, streaming=streaming)
    given = _checked_headers(operation, profile, settings, extras, parts)
    fields = _headers_of(profile, given, payload.media_type, accept)
    return _prepared(HttpRequest(operation.method, target, fields, payload.body), payload.values)


def prepare_again(before: Prepared, request: HttpRequest) -> Prepared:
    """The request that call middleware made of a prepared one, and what it now asks for."""
    if request.body is before.request.body or not _is_json(request):
        return replace(before, request=request)
    content = decode(request.body) if isinstance(request.body, bytes) else None
    return _prepared(request, content if isinstance(content, dict) else {})


def _is_json(request: HttpRequest) -> bool:
    kinds = [value for name, value in request.headers if name.lower() == "content-type"]
    return isinstance(request.body, bytes) and bool(kinds) and kinds[-1].endswith("json")


def _prepared(request: HttpRequest, content: Mapping[str, Any]) -> Prepared:
    model = content.get("model")
    return Prepared(
        request=request,
        model=model if isinstance(model, str) else None,
        # Files are no tokens: only JSON counts.
        estimated_input=len(request.body) / 4
        if isinstance(request.body, bytes) and _is_json(request)
        else 0.0,
        requested_output=_requested_output(content),
    )


def is_keyed(request: HttpRequest, profile: Profile) -> bool:
    """Whether an idempotency key is really sent, where the provider honours one (R-077)."""
    name = (profile.idempotency_header or "").lower()
    return any(field == name and value for field, value in request.headers)


def with_attempt(request: HttpRequest, profile: Profile, number: int) -> HttpRequest:
    """The request with the attempt's number, and how many came before it, where a header is named (R-082)."""
    if profile.attempt_header is None and profile.previous_attempts_header is None:
        return request
    told = ((profile.attempt_header, number), (profile.previous_attempts_header, number - 1))
    fields = tuple((name.lower(), str(count)) for name, count in told if name)
    return replace(request, headers=(*request.headers, *fields))


def _requested_output(values: Mapping[str, Any]) -> float:
    for name in _OUTPUT_LIMITS:
        value = values.get(name)
        if isinstance(value, int):
            return float(value)
    return float(DEFAULT_OUTPUT_TOKENS)


def _accepted(operation: Operation[Any, Any], *, streaming: bool) -> str:
    if not streaming or operation.stream is None:
        return operation.accept
    return "application/x-ndjson" if operation.stream.ndjson else "text/event-stream"


def _path(operation: Operation[Any, Any], given: Mapping[str, Any] | None) -> str:
    return fill_path(operation.path, path_segments(given, operation.styles)) if given else operation.path


def _query(operation: Operation[Any, Any], given: Mapping[str, Any] | None, extra: Mapping[str, Any]) -> str:
    if not (given or extra):
        return ""
    found = pairs({**(given or {}), **extra}, operation.styles)
    for name, value in found:
        if _FORBIDDEN.search(name + value):
            raise InvalidRequestError(f"Query parameter {name!r} contains CR, LF or NUL")
    return encode_query(found)


def _headers_of(
    profile: Profile, given: Mapping[str, str], media_type: str, accept: str
) -> tuple[tuple[str, str], ...]:
    fields: dict[str, str] = {
        "accept": accept,
        "accept-encoding": ACCEPT_ENCODING,
        "user-agent": USER_AGENT,
    }
    if media_type:
        fields["content-type"] = media_type
    fields.update(profile.headers)
    fields.update(given)
    return tuple(fields.items())


def _checked_headers(
    operation: Operation[Any, Any], profile: Profile, settings: Settings, extras: Extras, parts: RequestParts
) -> dict[str, str]:
    """What comes from the caller; the client's and the description's own need no check."""
    given: dict[str, str] = {}
    if extras.idempotency_key and profile.idempotency_header:
        given[profile.idempotency_header.lower()] = extras.idempotency_key
    if (cookies := parts.get("cookies")) and (held := texts("cookies", cookies, operation.styles)):
        given["cookie"] = _cookie(held)
    if extras.trace_parent:
        given["traceparent"] = extras.trace_parent
    for source, styles in (
        (settings.headers, {}),
        (parts.get("headers"), operation.styles),
        (extras.headers, {}),
    ):
        for name, value in texts("headers", source, styles).items() if source else ():
            given[name.lower()] = value
    for name, value in given.items():
        check_header(name, value)
    return given


def _cookie(given: Mapping[str, str]) -> str:
    """The value of a cookie header; what a cookie cannot hold is percent-encoded (RFC 6265 section 4.1)."""
    return "; ".join(f"{name}={quote(value, safe=_COOKIE_SAFE)}" for name, value in given.items())
