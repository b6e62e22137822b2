"""What an error means for retrying, for the breaker and for the limiter (R-070, R-071, R-092, R-109).

Only classes and structured facts decide; message text never does (R-073).
"""

from __future__ import annotations

from .breaker import Outcome, outcome_of
from .errors import (
    ApiError,
    AttemptTimeoutError,
    ConnectError,
    ConnectionLostError,
    DeadlineExceededError,
    ForgeError,
    InvalidResponseError,
    PoolTimeoutError,
    ProtocolError,
    QuotaExceededError,
    RedirectError,
    ResponseTooLargeError,
    StreamDecodeError,
    StreamIdleError,
    StreamInterruptedError,
    StreamProtocolError,
    StreamStallError,
    TlsError,
)
from .headers import Headers
from .limiter import Health, Result
from .retry import Failure, FailureKind
from .server_wait import should_retry

_KIND_OF_CLASS: tuple[tuple[type[ForgeError], FailureKind], ...] = (
    (ConnectError, "connect"),
    (PoolTimeoutError, "pool"),
    (AttemptTimeoutError, "timeout"),
    (ConnectionLostError, "lost"),
    (StreamInterruptedError, "lost"),
)
# The exchange worked; what it brought was not acceptable.
_COMPLETE_BUT_WRONG = (
    InvalidResponseError,
    RedirectError,
    ResponseTooLargeError,
    StreamDecodeError,
    StreamProtocolError,
)
_OVERLOAD_STATUSES = frozenset({429, 498, 529})
_AFTER_SENDING = ("response", "body", "stream")


def failure_of(error: ForgeError, headers: Headers | None = None) -> Failure:
    """The failure for the retry policy; `headers` are those of the failed response, if one came."""
    if isinstance(error, ApiError):
        return Failure(
            kind="status",
            status=error.status,
            server_wait=error.retry_after,
            should_retry=should_retry(headers) if headers is not None else None,
            terminal_quota=isinstance(error, QuotaExceededError) and error.status == 429,
        )
    for cls, kind in _KIND_OF_CLASS:
        if isinstance(error, cls):
            return Failure(kind=kind)
    return Failure(kind="fatal")


def breaker_outcome(error: BaseException | None) -> Outcome:
    """How an attempt counts for the breaker; cancellation and local rejection count as nothing."""
    if error is None:
        return "success"
    if not isinstance(error, ForgeError):
        return "neutral"
    if isinstance(error, (StreamIdleError, StreamStallError)):
        return "failure"
    if isinstance(error, DeadlineExceededError):
        return "failure" if error.phase in _AFTER_SENDING else "neutral"
    if isinstance(error, (TlsError, ProtocolError)):
        return "failure"
    if isinstance(error, _COMPLETE_BUT_WRONG):
        return "success"
    return outcome_of(failure_of(error))


def limiter_result(error: BaseException | None, *, sent: bool) -> Result:
    """How a reservation is settled (R-109)."""
    if not sent or isinstance(error, (ConnectError, PoolTimeoutError)):
        return "unsent"
    if isinstance(error, ApiError) and error.status == 429:
        return "throttled"
    return "done" if error is None or isinstance(error, ForgeError) else "cancelled"


def server_health(error: BaseException | None) -> Health:
    """What an ended attempt says about the server's load, for the adaptive limits (R-120, R-121).

    429, 498, 529 and time-outs are overload; every other exchange that the breaker counts as a success was
    accepted; faults and other 5xx say neither.
    """
    if isinstance(error, AttemptTimeoutError) or getattr(error, "status", None) in _OVERLOAD_STATUSES:
        return "overload"
    return "good" if breaker_outcome(error) == "success" else "unknown"
