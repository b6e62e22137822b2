"""The one call loop: deadline, retry, breaker, limiter, auth, transport, in this order (R-220).

Rules of this file:
- There is exactly one retry loop in the product (R-060); `run` is it.
- The last real error is raised, enriched, never wrapped (R-081, R-101).
- Decisions come from core; this file waits, sends and records.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from ..core.classify import failure_of
from ..core.codec import JsonError, decode
from ..core.deadline import MIN_ATTEMPT, Deadline
from ..core.error_body import api_error, request_id_of, stream_error
from ..core.errors import (
    ApiError,
    Attempt,
    AttemptTimeoutError,
    CircuitOpenError,
    ClientClosedError,
    DeadlineExceededError,
    ForgeError,
    InvalidResponseError,
    RedirectError,
    TransportError,
)
from ..core.headers import Headers
from ..core.limiter import Cost
from ..core.profile import Operation
from ..core.rate_headers import observe
from ..core.redact import Redactor
from ..core.retry import GiveUp, Retry, RetryPolicy
from ..core.secrets import Secret
from ..core.server_wait import server_wait
from ..core.stream import may_be_error
from .base_url import origin_of
from .body import DEFAULT_LIMITS, Decoder, check_headers
from .io import Io
from .lease import Lease, usage_cost
from .options import Extras, Settings
from .request import Prepared, with_credential
from .shared import Shared
from .transports.protocol import HttpRequest, StaleConnection, Timers

T = TypeVar("T")
MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
THROTTLED = frozenset({429, 498, 529})


@dataclass(slots=True)
class Call:
    """One call in progress: its context (R-050) and the record of its attempts."""

    shared: Shared
    io: Io
    operation: Operation[Any, Any]
    prepared: Prepared
    settings: Settings
    extras: Extras
    deadline: Deadline
    started: float
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    attempts: list[Attempt] = field(default_factory=list)
    timeouts: int = 0
    last_error: ForgeError | None = None
    response_headers: Headers | None = None
    secret: Secret | None = None
    owner: int = 0

    @property
    def redactor(self) -> Redactor:
        """Removes this attempt's credential from texts; made only when an error needs it."""
        secrets = [self.secret] if self.secret is not None else []
        return Redactor(secrets, self.shared.profile.secret_headers)

    @property
    def request_id(self) -> str | None:
        """The provider's id of the latest response (R-213)."""
        if self.response_headers is None:
            return None
        return request_id_of(self.response_headers, self.shared.profile)

    def restarted(self) -> Call:
        """This call with its clock starting now: a stream's time begins when it is opened."""
        now = self.io.now()
        timeout = self.settings.call_timeout(streaming=True)
        return replace(self, started=now, deadline=Deadline.after(timeout, now))

    def begin(self, *, stream: bool) -> None:
        """Count this call as running and say so; ClientClosedError if the client is closed."""
        self.owner = self.io.owner()
        self.shared.begin(self.owner)
        self.emit("call-start", 0, operation=self.operation.name, model=self.prepared.model, stream=stream)

    def finish(self, outcome: str) -> None:
        """Count this call as over: `ok`, `left` (a stream nobody read to its end), or what ended it."""
        elapsed = self.io.now() - self.started
        self.emit("call-end", len(self.attempts), outcome=outcome, elapsed=elapsed)
        self.shared.end(self.owner)

    def emit(self, name: Any, attempt: int = 0, /, **facts: Any) -> None:
        """Tell the client's sink."""
        self.shared.sink.emit(name, self.id, attempt, **facts)

    def fail_last(self, error: ForgeError) -> None:
        """Record that the latest attempt, a stream that had begun, failed after all."""
        self.attempts[-1] = replace(self.attempts[-1], outcome=error.kind, status=error.status)

    def enrich(self, error: ForgeError) -> ForgeError:
        """Add what this call knows to an error that is about to reach the user (R-212)."""
        error.enrich(
            provider=self.shared.profile.name,
            operation=self.operation.name,
            model=self.prepared.model,
            call_id=self.id,
            attempts=tuple(self.attempts),
            elapsed=self.io.now() - self.started,
        )
        if error.request_id is None:
            error.request_id = self.request_id
        return error


def retry_policy(call: Call) -> RetryPolicy:
    """The policy of this call's settings and its provider's additions."""
    errors = call.shared.profile.errors
    return RetryPolicy(
        max_attempts=call.settings.max_attempts,
        max_server_wait=call.settings.max_server_wait,
        retryable_statuses=errors.retryable_statuses,
        not_processed=errors.not_processed,
    )


def outcome_name(error: BaseException) -> str:
    """How a call that ended with this error is reported."""
    return error.kind if isinstance(error, ForgeError) else "cancelled"


async def run(call: Call, attempt: Callable[[Call, int], Awaitable[T]]) -> T:
    """Make attempts until one succeeds or the policy gives up; the last real error is raised."""
    number, waited, spent = 1, 0.0, 0
    while True:
        began = call.io.now()
        call.response_headers = None
        call.emit("attempt-start", number)
        try:
            result = await attempt(call, number)
        except CircuitOpenError as error:
            if call.last_error is None:
                raise call.enrich(error)  # noqa: B904 - it is the error itself, enriched
            raise call.enrich(call.last_error.enrich(circuit_open=True)) from call.last_error.__cause__
        except ForgeError as error:
            if call.shared.closed:
                raise closed_under(call) from error
            _note(call, number, began, waited, error)
            plan = _decide(call, number, error)
            waited, spent = plan.after, plan.cost
        else:
            _succeed(call, number, began, waited, spent)
            return result
        await call.io.sleep(waited)
        number += 1


def closed_under(call: Call) -> ForgeError:
    """The error of a call that a closing client did not let finish (R-042)."""
    return call.enrich(ClientClosedError("The client was closed while this call ran"))


def _note(call: Call, number: int, began: float, waited: float, error: ForgeError | None) -> None:
    outcome = error.kind if error is not None else "ok"
    status = error.status if error is not None else None
    duration = call.io.now() - began
    call.attempts.append(Attempt(number, outcome, duration, waited, call.request_id, status))
    call.timeouts += isinstance(error, AttemptTimeoutError)
    call.last_error = error
    call.emit("attempt-end", number, outcome=outcome, status=status, duration=duration)


def _succeed(call: Call, number: int, began: float, waited: float, spent: int) -> None:
    _note(call, number, began, waited, None)
    with call.shared.lock:
        if number == 1:
            call.shared.budget.succeed_first()
        else:
            call.shared.budget.refund(spent)


def _decide(call: Call, number: int, error: ForgeError) -> Retry:
    """The retry to make, or the final error raised."""
    policy = retry_policy(call)
    failure = failure_of(error, call.response_headers)
    error.retryable = policy.is_retryable(failure)
    plan = policy.decide(
        number,
        failure,
        replay=call.operation.replay,
        keyed=bool(call.extras.idempotency_key and call.shared.profile.idempotency_header),
        timeouts=call.timeouts,
        left=call.deadline.left(call.io.now()),
        chance=call.io.random(),
        jitter=call.io.random(),
    )
    if isinstance(plan, Retry) and not _spend(call, plan.cost):
        error.retry_budget_exhausted = True
        call.emit("budget-exhausted", number)
        plan = GiveUp("budget")
    if isinstance(plan, GiveUp):
        raise call.enrich(error) from error.__cause__
    call.emit("retry", number, cause=error.kind, status=error.status, wait=plan.after, source=plan.source)
    return plan


def _spend(call: Call, cost: int) -> bool:
    with call.shared.lock:
        return call.shared.budget.spend(cost)


async def acquire(call: Call, number: int) -> Lease:
    """A lease from breaker and limiter, ready to send."""
    shared, io = call.shared, call.io
    lease = Lease(shared, io, shared.breaker(call.operation.group), shared.gate(call.prepared.model))
    lease.admit()
    try:
        cost = Cost(input=call.prepared.estimated_input, output=call.prepared.requested_output)
        waited = await lease.reserve(cost, call.deadline)
        if waited:
            call.emit("limiter-wait", number, waited=waited)
            lease.readmit()
    except BaseException as error:
        lease.end(error)
        raise
    return lease


async def send(call: Call, lease: Lease, ends: float, *, whole: bool = True) -> Any:
    """Open the exchange and return it with its headers learnt; `ends` is when the attempt's timer fires,
    for the `whole` answer or, for a stream, for its first event.

    Follows up to three same-origin redirects of bodiless requests (R-041).
    """
    request = call.prepared.request
    for _ in range(MAX_REDIRECTS + 1):
        exchange = await _open(call, lease, request, ends, whole=whole)
        lease.exchange = exchange
        call.response_headers = exchange.headers
        _learn(call, exchange)
        check_headers(exchange.headers)
        if exchange.status not in REDIRECTS:
            return exchange
        request = _redirected(request, exchange)
        await lease.close()
    raise RedirectError(f"More than {MAX_REDIRECTS} redirects")


async def _open(call: Call, lease: Lease, request: HttpRequest, ends: float, *, whole: bool) -> Any:
    # The key itself never becomes a local here: frames show up in tracebacks.
    call.secret = await call.shared.credential.current(call.io)
    wired = with_credential(request, call.shared.profile.auth, call.secret)
    now = call.io.now()
    limit = call.deadline.timer(ends - now, now)
    if limit is not None and limit < MIN_ATTEMPT:
        raise DeadlineExceededError("No time is left to send the request", phase="connect")
    # The connect timer stays constant, because transports keep a pool for each; `response` bounds it.
    timers = Timers(
        connect=call.settings.connect_timeout,
        pool=_smaller(call.settings.pool_timeout, limit),
        response=limit,
        total=limit if whole else None,
    )
    lease.sent = True
    try:
        return await _open_fresh(call, wired, timers)
    except TransportError as error:
        late = _or_deadline(call, error, _PHASES.get(error.kind) or error.phase or "response")
        raise late from late.__cause__


_PHASES = {"PoolTimeoutError": "pool", "ConnectError": "connect"}


async def _open_fresh(call: Call, request: HttpRequest, timers: Timers) -> Any:
    try:
        return await call.io.open(request, timers)
    except StaleConnection:
        # The server closed an idle connection under us: once more, not counted as an attempt.
        if call.operation.replay == "once":
            raise
        return await call.io.open(request, timers)


def _or_deadline(call: Call, error: ForgeError, phase: str) -> ForgeError:
    """The deadline's error if it is the deadline that fired, else the error itself (R-055)."""
    if not call.deadline.expired(call.io.now()):
        return error
    late = DeadlineExceededError(f"The call's deadline passed in phase {phase}", phase=phase)
    late.__cause__ = call.last_error or error
    return late


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


def _learn(call: Call, exchange: Any) -> None:
    profile, now, wall = call.shared.profile, call.io.now(), call.io.wall()
    gate = call.shared.gate(call.prepared.model)
    if profile.rate_limits:
        gate.learn(observe(exchange.headers, profile.rate_limits, now, wall), now)
    if exchange.status in THROTTLED:
        wait = server_wait(exchange.headers, exchange.status, profile.rate_limits, wall)
        if wait:
            gate.pause(now + wait, now)


async def read_chunk(call: Call, exchange: Any, ends: float | None, phase: str) -> bytes:
    """The next body bytes before the attempt's timer (`ends`) and the deadline, b"" at the end."""
    now = call.io.now()
    limit = call.deadline.timer(None if ends is None else ends - now, now)
    if limit is not None and limit <= 0:
        raise _ran_out(call, phase)
    try:
        chunk: bytes = await call.io.read(exchange, limit)
    except TimeoutError:
        late = _ran_out(call, phase)
        raise late from late.__cause__
    return chunk


def _ran_out(call: Call, phase: str) -> ForgeError:
    late = AttemptTimeoutError("The response was not complete when the attempt's time ran out", phase=phase)
    return _or_deadline(call, late, phase)


async def read_body(call: Call, exchange: Any, ends: float, decoder: Decoder | None = None) -> bytes:
    """The whole decoded body, or with a `decoder` in use its rest, under the limits of R-195."""
    failed = not 200 <= exchange.status < 300
    decoder = decoder or Decoder(exchange.headers, DEFAULT_LIMITS.body_bytes)
    pieces: list[bytes] = []
    while chunk := await read_chunk(call, exchange, ends, "body"):
        pieces.append(decoder.feed(chunk))
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


async def unary(call: Call, number: int) -> Any:
    """One attempt of a unary call: the decoded JSON object."""
    lease = await acquire(call, number)
    value: Any = None
    try:
        ends = call.io.now() + call.settings.attempt_timeout
        exchange = await send(call, lease, ends)
        if not 200 <= exchange.status < 300:
            raise await refuse(call, exchange, ends)
        value = read_result(call, exchange, await read_body(call, exchange, ends))
        if isinstance(value, ForgeError):
            raise value
    except BaseException as error:
        lease.end(error)
        raise
    else:
        lease.end(None, usage_cost(value))
        return value
    finally:
        await lease.close()


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
