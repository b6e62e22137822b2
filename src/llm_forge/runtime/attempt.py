"""One attempt: pass breaker and limiter, send, read, and make a result or a typed error of the answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

from ..core.deadline import MIN_ATTEMPT
from ..core.error_body import api_error
from ..core.errors import (
    ApiError,
    AttemptTimeoutError,
    DeadlineExceededError,
    ForgeError,
    RedirectError,
    ResponseTooLargeError,
    TransportError,
)
from ..core.limiter import Cost
from ..core.rate_headers import observe, shortened
from ..core.server_wait import server_wait
from .answer import read_result
from .auth.wire import authorized
from .base_url import origin_of
from .body import DEFAULT_LIMITS, Decoder
from .context import Call, or_deadline
from .gate import Gate
from .lease import Lease, usage_cost
from .middleware import through
from .request import with_attempt
from .transports.limits import check_headers
from .transports.protocol import HttpRequest, StaleConnection, Timers

MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
THROTTLED = frozenset({429, 498, 529})


async def acquire(call: Call) -> Lease:
    """A lease from breaker and limiter, ready to send."""
    lease = Lease(call.io, call.circuit, call.gate, call.emit)
    lease.admit()
    try:
        cost = Cost(input=call.prepared.estimated_input, output=call.prepared.requested_output)
        waited = await lease.reserve(cost, call.deadline, call.settings.max_limit_wait)
        if waited:
            call.emit("limiter-wait", waited=waited)
            lease.readmit()
    except BaseException as error:
        lease.end(error)
        raise
    return lease


async def send(call: Call, lease: Lease, request: HttpRequest, ends: float) -> Any:
    """Open the exchange and return it with its headers learnt; `ends` is when the attempt's timer fires,
    for the whole answer or, for a stream, for its first event.

    Follows up to three same-origin redirects of bodiless requests (R-041).
    """
    if lease.sent:
        raise RuntimeError(
            "attempt middleware may proceed once; repeating is for the client, or for call middleware"
        )
    for _ in range(MAX_REDIRECTS + 1):
        exchange = await _open(call, lease, request, ends)
        lease.exchange = exchange
        lease.headers_arrived()
        call.response_headers, call.response_status = exchange.headers, exchange.status
        _learn(call, lease.gate, exchange)
        check_headers(exchange.headers)
        if exchange.status not in REDIRECTS:
            return exchange
        request = _redirected(request, exchange)
        await lease.close()
    raise RedirectError(f"More than {MAX_REDIRECTS} redirects")


async def _open(call: Call, lease: Lease, request: HttpRequest, ends: float) -> Any:
    # The key itself never becomes a local here: frames show up in tracebacks.
    wired = await authorized(call, with_attempt(request, call.shared.profile, call.number), ends)
    now = call.io.now()
    limit = call.deadline.timer(ends - now, now)
    if limit is not None and limit < MIN_ATTEMPT:
        raise DeadlineExceededError("No time is left to send the request", phase="connect")
    # `response` bounds connecting too, whatever the connect timer says.
    timers = Timers(
        connect=call.settings.connect_timeout,
        pool=_smaller(call.settings.pool_timeout, limit),
        response=limit,
    )
    lease.begin_sending()
    try:
        return await _open_fresh(call, wired, timers)
    except TransportError as error:
        late = or_deadline(call, error, _PHASES.get(error.kind) or error.phase or "response")
        raise late from late.__cause__


_PHASES = {"PoolTimeoutError": "pool", "ConnectError": "connect"}


async def _open_fresh(call: Call, request: HttpRequest, timers: Timers) -> Any:
    try:
        return await call.io.open(request, timers)
    except StaleConnection:
        # The server closed an idle connection under us: once more, not counted as an attempt.
        if not call.replayable or not request.rewindable:
            raise
        return await call.io.open(request, timers)


def _smaller(limit: float, other: float | None) -> float:
    return limit if other is None else min(limit, other)


def _redirected(request: HttpRequest, exchange: Any) -> HttpRequest:
    target = urljoin(request.url, exchange.headers.get("location") or "")
    try:
        origin = origin_of(target)
        same = origin == origin_of(request.url)
    except ValueError:
        origin, same = "an invalid URL", False
    if request.method not in ("GET", "HEAD") or not same or urlsplit(target).username:
        raise RedirectError(
            f"The server redirects ({exchange.status}) to {origin}, which is not followed; check base_url",
            status=exchange.status,
        )
    return HttpRequest(request.method, target, request.headers)


def _learn(call: Call, gate: Gate, exchange: Any) -> None:
    profile, now, wall = call.shared.profile, call.io.now(), call.io.wall()
    observed = observe(exchange.headers, profile.rate_limits, now, wall)
    if exchange.status in THROTTLED and call.settings.respect_retry_after:
        wait = server_wait(exchange.headers, exchange.status, profile.rate_limits, wall)
        if wait:
            gate.pause(now + wait, now)
            observed = shortened(observed, now + wait)
    gate.learn(observed, now)


async def read_chunk(call: Call, exchange: Any, ends: float | None, phase: str) -> bytes:
    """The next body bytes before the attempt's timer (`ends`) and the deadline, b"" at the end."""
    now = call.io.now()
    limit = call.deadline.timer(None if ends is None else ends - now, now)
    if limit is not None and limit <= 0:
        raise _ran_out(call, phase)
    try:
        chunk: bytes = await call.io.read(exchange, limit)
    except TimeoutError as error:
        late = _ran_out(call, phase)
        raise late from late.__cause__ or error
    return chunk


def _ran_out(call: Call, phase: str) -> ForgeError:
    late = AttemptTimeoutError("The response was not complete when the attempt's time ran out", phase=phase)
    return or_deadline(call, late, phase)


async def read_body(call: Call, exchange: Any, ends: float, decoder: Decoder | None = None) -> bytes:
    """The whole decoded body, or with a `decoder` in use its rest, under the limits of R-195."""
    failed = not 200 <= exchange.status < 300
    decoder = decoder or Decoder(exchange.headers, DEFAULT_LIMITS.body_bytes)
    pieces: list[bytes] = []
    while chunk := await read_chunk(call, exchange, ends, "body"):
        pieces.append(decoder.feed(chunk))
        if decoder.total_bytes > DEFAULT_LIMITS.body_bytes:
            raise ResponseTooLargeError(f"The response exceeds {DEFAULT_LIMITS.body_bytes} bytes")
        if failed and decoder.total_bytes > DEFAULT_LIMITS.error_bytes:
            # An error body is cut at its limit instead of refused: its beginning says enough.
            return b"".join(pieces)[: DEFAULT_LIMITS.error_bytes]
    decoder.finish()
    return b"".join(pieces)


async def refuse(call: Call, exchange: Any, ends: float) -> ApiError:
    """The typed error of a response that is not 2xx."""
    try:
        body = await read_body(call, exchange, ends)
    except TransportError:
        body = b""  # the status alone is worth more than the lost body
    profile = call.shared.profile
    wait = server_wait(exchange.headers, exchange.status, profile.rate_limits, call.io.wall())
    return api_error(
        exchange.status,
        exchange.headers,
        body,
        profile=profile,
        redactor=call.redactor,
        retry_after=wait,
        max_server_wait=call.settings.max_server_wait,
    )


async def unary(call: Call) -> Any:
    """One attempt of a unary call: the decoded JSON, None where no body is promised."""
    lease = await acquire(call)
    value: Any = None
    try:
        value = await through(
            call,
            call.shared.steps.attempt,
            call.prepared.request,
            lambda request: _exchange(call, lease, request),
        )
    except BaseException as error:
        lease.end(error)
        raise
    else:
        lease.end(None, usage_cost(value))
        return value
    finally:
        await lease.close()


async def _exchange(call: Call, lease: Lease, request: HttpRequest) -> Any:
    ends = call.io.now() + call.settings.attempt_timeout
    exchange = await send(call, lease, request, ends)
    if not 200 <= exchange.status < 300:
        raise await refuse(call, exchange, ends)
    value = read_result(call, exchange, await read_body(call, exchange, ends))
    if isinstance(value, ForgeError):
        raise value
    return value
