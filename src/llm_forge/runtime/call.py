"""The one call loop: deadline, retry, breaker, limiter, auth, transport, in this order (R-220).

Rules of this file:
- There is exactly one retry loop in the product (R-060); `run` is it.
- The last real error is raised, enriched, never wrapped (R-081, R-101).
- Decisions come from core; this file waits and records, `attempt.py` and `pump.py` send.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..core.classify import failure_of
from ..core.errors import Attempt, AttemptTimeoutError, CircuitOpenError, ForgeError
from ..core.retry import GiveUp, Retry, RetryPolicy
from .context import Call, closed_under, outcome_name

T = TypeVar("T")


def retry_policy(call: Call) -> RetryPolicy:
    """The policy of this call's settings and its provider's additions."""
    errors = call.shared.profile.errors
    return RetryPolicy(
        max_attempts=call.settings.max_attempts,
        max_server_wait=call.settings.max_server_wait,
        retryable_statuses=errors.retryable_statuses,
        not_processed=errors.not_processed,
    )


async def run(call: Call, attempt: Callable[[Call], Awaitable[T]]) -> T:
    """Make attempts until one succeeds or the policy gives up; the last real error is raised."""
    before, number, waited, spent = call.number, 1, 0.0, 0
    call.last_error = None
    while True:
        began = call.io.now()
        call.number, call.response_headers, call.response_status = before + number, None, None
        call.emit("attempt-start")
        try:
            result = await attempt(call)
        except CircuitOpenError as error:
            _end(call, began, error)
            if call.last_error is None:
                raise call.enrich(error)  # noqa: B904 - it is the error itself, enriched
            raise call.enrich(call.last_error.enrich(circuit_open=True)) from call.last_error.__cause__
        except ForgeError as error:
            if call.shared.closed:
                raise closed_under(call) from error
            _note(call, began, waited, error)
            plan = _decide(call, number, error)
            waited, spent = plan.after, plan.cost
        except BaseException as error:
            _end(call, began, error)
            raise
        else:
            _succeed(call, number, began, waited, spent)
            return result
        await call.io.sleep(waited)
        number += 1


def _note(call: Call, began: float, waited: float, error: ForgeError | None) -> None:
    outcome = error.kind if error is not None else "ok"
    status = error.status if error is not None else None
    duration = call.io.now() - began
    call.attempts.append(Attempt(call.number, outcome, duration, waited, call.request_id, status))
    call.timeouts += isinstance(error, AttemptTimeoutError)
    call.last_error = error
    _end(call, began, error)


def _end(call: Call, began: float, error: BaseException | None) -> None:
    call.emit(
        "attempt-end",
        outcome="ok" if error is None else outcome_name(error),
        status=getattr(error, "status", None) or call.response_status,
        duration=call.io.now() - began,
        request_id=call.request_id,
    )


def _succeed(call: Call, number: int, began: float, waited: float, spent: int) -> None:
    _note(call, began, waited, None)
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
    renewable = error.status == 401 and call.shared.auth.refused(call) and not call.renewals
    plan = policy.decide(
        number - call.renewals,
        failure,
        renewable=renewable,
        replay=call.operation.replay,
        rewindable=call.prepared.request.rewindable,
        keyed=bool(call.extras.idempotency_key and call.shared.profile.idempotency_header),
        timeouts=call.timeouts,
        left=call.deadline.left(call.io.now()),
        chance=call.io.random(),
        jitter=call.io.random(),
    )
    if isinstance(plan, Retry) and not _spend(call, plan.cost):
        error.retry_budget_exhausted = True
        call.emit("budget-exhausted")
        plan = GiveUp("budget")
    if isinstance(plan, GiveUp):
        raise call.enrich(error) from error.__cause__
    call.renewals += plan.source == "token"
    call.emit("retry", cause=error.kind, status=error.status, wait=plan.after, source=plan.source)
    return plan


def _spend(call: Call, cost: int) -> bool:
    with call.shared.lock:
        return call.shared.budget.spend(cost)
