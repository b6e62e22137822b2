"""A second attempt beside a slow first one (R-083).

Rules:
- Off unless `hedge_after` is set; only the first attempt of a unary call of a safe operation is hedged, and
  only while another attempt is allowed (R-061) and the retry budget can pay for it (R-075).
- Both are attempts like any other: each passes breaker, limiter and auth on its own.
- The hedge is paid like a retry: a hedge that wins gets its cost back, one that loses does not. So over
  time about one call in five can be hedged.
- A hedge that this client refused to send (limiter, breaker) never was: it costs nothing and is not listed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from ..core.classify import failure_of
from ..core.errors import ForgeError, LocalRejection
from ..core.retry import RETRY_COST, Retry
from .call import note, retry_policy, spend
from .context import Call
from .late import asyncio
from .race import Run

Attempt = Callable[[Call], Awaitable[Any]]


def hedged(attempt: Attempt) -> Attempt:
    """The attempt, joined by a second one where the call's options ask for it."""

    async def either(call: Call) -> Any:
        return await _Hedge(call, attempt).race() if _is_hedged(call) else await attempt(call)

    return either


def _is_hedged(call: Call) -> bool:
    settings, body = call.settings, call.prepared.request.body
    return (
        settings.hedge_after is not None
        and call.plan is None  # the first attempt
        and settings.max_attempts > 1
        and call.operation.replay == "safe"
        and (body is None or isinstance(body, bytes))  # others are read once at a time
    )


@dataclass(slots=True)
class _Branch:
    """One of the two attempts, on a copy of the call that it alone changes."""

    call: Call
    attempt: Attempt
    result: Any = None
    error: BaseException | None = None

    async def run(self) -> _Branch:
        """This branch with its result."""
        try:
            self.result = await self.attempt(self.call)
        except BaseException as error:
            self.error = error
            raise
        return self


@dataclass(slots=True)
class _Hedge:
    """The race of one call."""

    call: Call
    attempt: Attempt
    branches: list[_Branch] = field(default_factory=list)

    async def race(self) -> Any:
        """The first result; afterwards the call stands as if only the winner had been, and a loser noted."""
        call = self.call
        after = call.settings.hedge_after or 0.0
        self.branches = [_Branch(call.branch(call.number, None), self.attempt)]
        try:
            winner = await call.io.race(self.branches[0].run, self._second, after, self._is_final)
        except ForgeError as error:
            decisive = self._decisive(error)
            self._settle(decisive)
            raise decisive.error or error from None
        except BaseException:
            self._settle(self.branches[0])
            raise
        self._settle(winner)
        return winner.result

    def _second(self) -> Run[_Branch] | None:
        call = self.call
        if not spend(call, RETRY_COST):
            return None
        plan = Retry(call.settings.hedge_after or 0.0, "hedge", RETRY_COST)
        branch = _Branch(call.branch(call.number + 1, plan), self.attempt)
        self.branches.append(branch)
        call.emit("retry", cause="slow", status=None, wait=plan.after, source=plan.source)
        branch.call.tell_attempt()
        return branch.run

    def _decisive(self, error: BaseException) -> _Branch:
        """The branch whose error is the call's: the one that was raised, unless only the other was sent."""
        raised = next((one for one in self.branches if one.error is error), self.branches[0])
        sent = (one for one in self.branches if _was_sent(one))
        return next(sent, raised) if isinstance(error, LocalRejection) else raised

    def _is_final(self, error: BaseException) -> bool:
        """Whether the other attempt could only fail in the same way."""
        if not isinstance(error, ForgeError):
            return True
        headers = self._decisive(error).call.response_headers
        hopeless = not retry_policy(self.call).is_retryable(failure_of(error, headers))
        return hopeless and not isinstance(error, LocalRejection)

    def _settle(self, decisive: _Branch) -> None:
        for branch in self.branches:
            if branch is not decisive:
                self._note_loser(branch)
        self.call.adopt(decisive.call)

    def _note_loser(self, branch: _Branch) -> None:
        self.call.adopt(branch.call)
        if not isinstance(branch.error, LocalRejection):
            note(
                self.call, branch.error if isinstance(branch.error, ForgeError) else asyncio.CancelledError()
            )
        elif branch.call.plan is not None:
            with self.call.shared.lock:
                self.call.budget.refund(branch.call.plan.cost)


def _was_sent(branch: _Branch) -> bool:
    return isinstance(branch.error, ForgeError) and not isinstance(branch.error, LocalRejection)
