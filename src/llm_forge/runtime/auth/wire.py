"""The step between a prepared request and the network: credentials for trusted origins, none elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..transports.protocol import HttpRequest

if TYPE_CHECKING:
    from ..context import Call

TRACE_HEADERS = frozenset({"traceparent", "tracestate", "baggage"})


async def authorized(call: Call, request: HttpRequest, ends: float) -> HttpRequest:
    """The request as it goes on the wire (R-020).

    For an origin that is neither the base URL's nor listed in `trusted_origins` no auth policy runs, and
    headers that hold secrets are taken away (R-032, R-241), as is the trace context (R-232).
    """
    if call.shared.trusts(request.url):
        return await call.shared.auth.authorize(request, call, ends)
    kept = tuple(pair for pair in request.headers if not _is_ours(call, pair[0]))
    return replace(request, headers=kept)


def _is_ours(call: Call, name: str) -> bool:
    return name in TRACE_HEADERS or call.shared.is_secret_header(name)
