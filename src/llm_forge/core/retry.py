"""Whether a failed attempt is repeated, and after how long (R-060 to R-076).

Rules, asked in this order:
- the failure is one that another attempt may cure (R-068, R-070 to R-072);
- attempts are left (R-061);
- sending again cannot do a thing twice (R-076, R-078);
- an attempt time-out is repeated once per call (R-074);
- the server's wait is neither longer than we accept nor than the time left (R-067);
- the whole wait ends early enough for an attempt to follow (R-053, R-054).

The retry budget (R-075) is asked by the caller, last, with the cost given here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .deadline import MIN_ATTEMPT
from .errors import ConfigError
from .profile import Replay

FailureKind = Literal["status", "connect", "refused-stream", "lost", "timeout", "pool", "fatal"]
GiveUpReason = Literal[
    "not-retryable", "attempts", "server-wait", "deadline", "replay", "timeout-again", "budget"
]

RETRYABLE_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
THROTTLING_STATUSES = frozenset({429, 498, 529})
MOST_ATTEMPTS = 20
RETRY_COST = 5
TIMEOUT_RETRY_COST = 10
# Nothing of the request was taken on. A pool time-out is ours to add to R-076's list: nothing was sent.
_NEVER_PROCESSED = frozenset({"connect", "refused-stream", "pool"})


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong in an attempt.

    `timeout` is the attempt's own timer; `fatal` is never repeated (certificate, redirect, too large,
    undecodable, local rejection). `server_wait` is in seconds, None or 0 for none; `should_retry` is the
    server's own word; `terminal_quota` marks a 429 that waiting does not cure.
    """

    kind: FailureKind
    status: int | None = None
    server_wait: float | None = None
    should_retry: bool | None = None
    terminal_quota: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Wait `after` seconds and try again; `cost` is what the retry budget is to pay."""

    after: float
    source: Literal["backoff", "server", "token", "hedge"]
    cost: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Raise the error of the attempt that failed."""

    reason: GiveUpReason


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The numbers of R-061, R-062 and R-067 in seconds, and the provider's additions.

    ConfigError if `max_attempts` is not a whole number from 1 (no retries) to 20.
    """

    max_attempts: int = 3
    base: float = 0.5
    throttle_base: float = 1.0
    factor: float = 2.0
    cap: float = 20.0
    max_server_wait: float = 60.0
    retryable_statuses: frozenset[int] = frozenset()
    not_processed: frozenset[int] = frozenset({429})

    def __post_init__(self) -> None:
        whole = isinstance(self.max_attempts, int) and not isinstance(self.max_attempts, bool)
        if not whole or not 1 <= self.max_attempts <= MOST_ATTEMPTS:
            raise ConfigError(
                f"max_attempts must be a whole number from 1 to {MOST_ATTEMPTS}, not {self.max_attempts!r}"
            )

    def decide(
        self,
        attempt: int,
        failure: Failure,
        *,
        replay: Replay = "safe",
        rewindable: bool = True,
        keyed: bool = False,
        timeouts: int = 0,
        renewable: bool = False,
        left: float | None,
        chance: float,
        jitter: float,
    ) -> Retry | GiveUp:
        """The retry to make after attempt number `attempt` (from 1) failed, or why there is none.

        `timeouts` counts the call's attempt time-outs with this one; `keyed` says that an idempotency key
        is really sent; `renewable` that a 401 may be cured by another token, for which one attempt more
        than `max_attempts` is allowed (R-030); `left` is the seconds to the deadline; `chance` and
        `jitter` are uniform in [0, 1].
        """
        if renewable and failure.status == 401 and failure.should_retry is not False:
            return (
                _renewed(left)
                if rewindable and self._may_replay(failure, replay, keyed)
                else GiveUp("replay")
            )
        if not self.is_retryable(failure):
            return GiveUp("not-retryable")
        if attempt >= self.max_attempts:
            return GiveUp("attempts")
        if not rewindable or not self._may_replay(failure, replay, keyed):
            return GiveUp("replay")
        if failure.kind == "timeout" and timeouts > 1:
            return GiveUp("timeout-again")
        return self._timed(attempt, failure, left, chance, jitter)

    def is_retryable(self, failure: Failure) -> bool:
        """Whether another attempt may cure this, without regard to attempts, time and replay class.

        A terminal quota code outweighs `x-should-retry: true`: R-072 is about one kind of response, R-068
        about any.
        """
        if failure.kind != "status":
            return failure.kind != "fatal"
        if failure.should_retry is False or self._quota_is_spent(failure):
            return False
        if failure.should_retry:
            return True
        return failure.status in RETRYABLE_STATUSES or failure.status in self.retryable_statuses

    def _quota_is_spent(self, failure: Failure) -> bool:
        wait = failure.server_wait or None
        return failure.terminal_quota and (wait is None or wait > self.max_server_wait)

    def _may_replay(self, failure: Failure, replay: Replay, keyed: bool) -> bool:
        """R-076; an operation that would need a key and has none counts as `once`."""
        if replay == "safe" or (replay == "keyed" and keyed):
            return True
        return failure.kind in _NEVER_PROCESSED or (
            failure.kind == "status" and failure.status in self.not_processed
        )

    def _timed(
        self, attempt: int, failure: Failure, left: float | None, chance: float, jitter: float
    ) -> Retry | GiveUp:
        cost = TIMEOUT_RETRY_COST if failure.kind == "timeout" else RETRY_COST
        backoff = self._backoff(attempt, failure) * chance
        wait = failure.server_wait or 0.0
        if wait > self.max_server_wait or (left is not None and wait > left):
            return GiveUp("server-wait")
        after = max(wait, backoff) + jitter * min(1.0, wait / 10)
        if left is not None and after + MIN_ATTEMPT > left:
            return GiveUp("deadline")
        return Retry(after, "server" if wait else "backoff", cost)

    def _backoff(self, attempt: int, failure: Failure) -> float:
        """The upper bound of the wait before the attempt that follows `attempt` (R-062)."""
        throttled = failure.status in THROTTLING_STATUSES or (failure.status == 503 and failure.server_wait)
        base = self.throttle_base if throttled else self.base
        return min(self.cap, base * self.factor ** (attempt - 1))


def _renewed(left: float | None) -> Retry | GiveUp:
    """At once with another token, if there is time for an attempt."""
    return GiveUp("deadline") if left is not None and left < MIN_ATTEMPT else Retry(0.0, "token", RETRY_COST)
