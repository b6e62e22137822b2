"""One model at one provider, and chains of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import (
    BadRequestError,
    CapacityError,
    CircuitOpenError,
    ForgeError,
    QuotaExceededError,
    RateLimitConfigError,
    RateLimitWaitError,
    TriedModel,
    UnprocessableError,
)
from ..core.views import View
from .ask import Ask
from .capabilities import Target
from .connection import Connection, Exchange
from .dialects import DIALECTS, Dialect, request_of
from .optimizers import Optimization, Optimizer, optimized
from .prices import cost_of
from .reply import Reply

# Beside what a retry may cure: refusals that hold for one model, key or origin, and not for the next.
_ELSEWHERE = (CapacityError, CircuitOpenError, QuotaExceededError, RateLimitConfigError, RateLimitWaitError)
_REFUSED = (BadRequestError, UnprocessableError)
SHORTEST = 0.001  # seconds; the least that a call may be given


@dataclass(frozen=True, slots=True)
class Route:
    """One model at one provider, with the parameters of its calls that they do not give themselves."""

    connection: Connection
    target: Target
    defaults: Mapping[str, Any]
    optimizers: Sequence[Optimizer] = ()

    @property
    def dialect(self) -> Dialect:
        """How requests are written and answers read."""
        return DIALECTS[self.target.can.dialect]

    def call(self, request: Mapping[str, Any]) -> View:
        """The provider's whole answer."""
        view: View = self.connection.provider.resource(self.connection.client()).create(**request)
        return view

    async def acall(self, request: Mapping[str, Any]) -> View:
        """`call` for asyncio."""
        view: View = await self.connection.provider.resource(self.connection.async_client()).create(**request)
        return view

    def reply(self, view: View, *, batch: bool = False, **told: Any) -> Reply:
        """A provider's answer in our vocabulary, priced as a batch or a call; `told` are other facts."""
        target = self.target
        usage = target.can.usage_of(view.get("usage"))
        cost = cost_of(target.provider, target.model, usage, batch=batch)
        return self.dialect.read(view, target, usage=usage, cost=cost, **told)

    def stream(self, request: Mapping[str, Any]) -> Any:
        """A stream of the provider's events."""
        return self.connection.provider.resource(self.connection.client()).stream(**request)

    def astream(self, request: Mapping[str, Any]) -> Any:
        """`stream` for asyncio."""
        return self.connection.provider.resource(self.connection.async_client()).stream(**request)


@dataclass(frozen=True, slots=True)
class Step:
    """One request that a chain may make."""

    route: Route
    request: Mapping[str, Any]
    optimizations: tuple[Optimization, ...] = ()

    def reply(self, view: View, ask: Ask, exchange: Exchange, tried: Sequence[TriedModel]) -> Reply:
        """The provider's answer in our vocabulary."""
        return self.route.reply(
            view,
            request_id=exchange.request_id,
            schema=ask.schema,
            attempts=exchange.attempts,
            tried=tuple(tried),
            optimizations=self.optimizations,
        )


class Chain:
    """The requests that one call may make, in their order; most calls make the first one only.

    After a refusal of an optimised request comes the plain one. After a failure that another model may not
    have (a retryable one that outlasted the retries, an open circuit, a refusal of a local limit, a used-up
    quota) comes the next model. All requests are written before the first is sent, so that what a model
    cannot do is told at once and not in an outage. `timeout` is for all of them together.
    """

    def __init__(
        self, routes: Sequence[Route], asks: Sequence[Ask], now: Callable[[], float], *, streaming: bool
    ):
        self.tried: list[TriedModel] = []
        self._now = now
        self._began = now()
        self._waiting: deque[Step] = deque()
        for route, ask in zip(routes, asks, strict=True):
            self._waiting += _steps(route, ask, streaming=streaming)
        self.ask = asks[0]
        self.step = self._waiting.popleft()

    def request(self) -> Mapping[str, Any]:
        """The step's request, with what is left of the call's time."""
        timeout = self.step.request.get("timeout")
        if timeout is None or not self.tried:
            return self.step.request
        return {**self.step.request, "timeout": max(SHORTEST, timeout - (self._now() - self._began))}

    def goes_on(self, error: ForgeError) -> bool:
        """Whether there is another request to make after this error, which then is the next step.

        If not, the error is final and carries all models that were tried.
        """
        return self._advanced(self.final(error))

    def final(self, error: ForgeError) -> ForgeError:
        """The error with the model that it is about, and those that were tried before it."""
        target = self.step.route.target
        tried = {"tried": tuple(self.tried)} if self.tried else {}
        return error.enrich(
            model=error.model or target.model, provider=error.provider or target.provider, **tried
        )

    def _advanced(self, error: ForgeError) -> bool:
        if isinstance(error, _REFUSED) and self.step.optimizations:
            self.step = self._waiting.popleft()  # the plain request of the same model
            return True
        if not (error.retryable or isinstance(error, _ELSEWHERE)):
            return False
        following = [step for step in self._waiting if step.route is not self.step.route]
        if not following or self._time_is_up():
            return False
        self.tried.append(_told(error))
        self._waiting = deque(following)
        self.step = self._waiting.popleft()
        return True

    def _time_is_up(self) -> bool:
        timeout = self.step.request.get("timeout")
        return timeout is not None and self._now() - self._began >= timeout


def _steps(route: Route, ask: Ask, *, streaming: bool) -> list[Step]:
    plain = request_of(ask, route.target, streaming=streaming)
    request, changes = optimized(plain, route.target, route.optimizers)
    if not changes:
        return [Step(route, plain)]
    return [Step(route, request, changes), Step(route, plain)]


def _told(error: ForgeError) -> TriedModel:
    return TriedModel(
        error.provider or "", error.model or "", error.kind, error.message, error.status, error.request_id
    )
