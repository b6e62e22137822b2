"""The one call loop: deadline, retry, breaker, limiter, auth, transport, in this order (R-220).

Rules of this file:
- There is exactly one retry loop in the product (R-060); `run` is it.
- The last real error is raised, enriched, never wrapped (R-081, R-101).
- Decisions come from core; this file waits and records, `attempt.py` and `pump.py` send.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from ..core.classify import failure_of
from ..core.deadline import MIN_ATTEMPT
from ..core.errors import (
    Attempt,
    AttemptTimeoutError,
    CircuitOpenError,
    DeadlineExceededError,
    ForgeError,
    LocalRejection,
)
from ..core.retry import GiveUp, Retry, RetryPolicy
from .context import Call, closed_under, outcome_name

T = TypeVar("T")


def retry_policy(call: Call) -> RetryPolicy:
    """The policy of this call's settings and its provider's additions."""
    errors = call.shared.profile.errors
    return RetryPolicy(
        max_attempts=call.settings.max_attempts,
        factor=call.settings.backoff_factor,
        cap=call.settings.max_backoff,
        max_server_wait=call.settings.max_server_wait,
        retryable_statuses=errors.retryable_statuses,
        not_processed=errors.not_processed,
    )


async def run(call: Call, attempt: Callable[[Call], Awaitable[T]]) -> T:
    """Make attempts until one succeeds or the policy gives up; the last real error is raised."""
    before, plan = len(call.attempts), None
    call.last_error = None
    while True:
        call.begin_attempt(plan)
        try:
            result = await attempt(call)
        except LocalRejection as error:
            _end(call, error)
            final = _rejected(call, error)
            raise final from final.__cause__
        except ForgeError as error:
            if call.shared.closed:
                raise closed_under(call) from error
            note(call, error)
            plan = _decide(call, len(call.attempts) - before, error)
        except BaseException as error:
            _end(call, error)
            raise
        else:
            _succeed(call)
            return result
        await _sleep(call, plan.after)


def note(call: Call, error: BaseException | None) -> None:
    """List the running attempt with how it ended; None is success."""
    outcome = "ok" if error is None else outcome_name(error)
    status = getattr(error, "status", None)
    waited = call.plan.after if call.plan is not None else 0.0
    duration = call.io.now() - call.began
    call.attempts.append(Attempt(call.number, outcome, duration, waited, call.request_id, status))
    if len(call.attempts) > 1:
        call.attempts.sort(key=lambda one: one.number)  # two may have run at once
    call.timeouts += isinstance(error, AttemptTimeoutError)
    if isinstance(error, DeadlineExceededError) and error.__cause__ is None:
        error.__cause__ = call.last_error
    call.last_error = error if isinstance(error, ForgeError) else None
    _end(call, error)


def _rejected(call: Call, error: LocalRejection) -> ForgeError:
    """What is raised where this client itself declines to send: the last real error, if there is one."""
    if call.shared.closed:
        return closed_under(call)
    last = call.last_error
    if last is None:
        return call.enrich(error)
    if isinstance(error, CircuitOpenError):
        last.circuit_open = True
    last.__cause__ = last.__cause__ or error
    return call.enrich(last)


def _end(call: Call, error: BaseException | None) -> None:
    if not call.shared.hooks:
        return
    call.emit(
        "attempt-end",
        outcome="ok" if error is None else outcome_name(error),
        status=getattr(error, "status", None) or call.response_status,
        duration=call.io.now() - call.began,
        request_id=call.request_id,
    )


def _succeed(call: Call) -> None:
    if call.is_watched:
        note(call, None)
    with call.shared.lock:
        if call.plan is None:
            call.budget.succeed_first()
        else:
            call.budget.refund(call.plan.cost)


def _decide(call: Call, number: int, error: ForgeError) -> Retry:
    """The retry to make after so many attempts, or the final error raised."""
    policy = retry_policy(call)
    failure = failure_of(error, call.response_headers)
    if not call.settings.respect_retry_after:
        failure = replace(failure, server_wait=None)
    error.retryable = policy.is_retryable(failure)
    renewable = error.status == 401 and call.shared.auth.refused(call) and not call.renewals
    plan = policy.decide(
        number - call.renewals,
        failure,
        renewable=renewable,
        replay=call.operation.replay,
        rewindable=call.prepared.request.rewindable,
        keyed=call.keyed,
        timeouts=call.timeouts,
        left=call.deadline.left(call.io.now()),
        chance=call.io.random(),
        jitter=call.io.random(),
    )
    if isinstance(plan, Retry) and not spend(call, plan.cost):
        error.retry_budget_exhausted = True
        call.emit("budget-exhausted")
        plan = GiveUp("budget")
    if isinstance(plan, GiveUp):
        raise call.enrich(error) from error.__cause__
    call.renewals += plan.source == "token"
    call.emit("retry", cause=error.kind, status=error.status, wait=plan.after, source=plan.source)
    return plan


def spend(call: Call, cost: int) -> bool:
    """Whether the retry budget pays; only then it is charged (R-075)."""
    with call.shared.lock:
        return call.budget.spend(cost)


async def _sleep(call: Call, seconds: float) -> None:
    """Wait for the next attempt; DeadlineExceededError if it woke too late to make one (R-053, R-055)."""
    await call.io.sleep(seconds)
    left = call.deadline.left(call.io.now())
    if left is not None and left < MIN_ATTEMPT:
        late = DeadlineExceededError("The deadline passed while waiting to retry", phase="retry-sleep")
        raise call.enrich(late) from call.last_error
