"""How a job calls its model: one function from messages to an answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from ...core.call_context import CallContext
from ...core.errors import ConfigError
from ...core.limiter import Limit
from ...core.views import View
from ...runtime.client import AsyncClient
from ...runtime.options import CallOptions
from ...runtime.rate_limiter import RateLimiter
from ..model import LanguageModel
from ..registry import get_llm
from ..reply import Reply
from .items import Answer, Item, Outcome
from .options import RunSettings

_PATIENCE = 7 * 86400.0  # seconds that a job's call waits for a limit: its deadline ends it sooner


class Asker(Protocol):
    """Calls a model; `name` is provider/model."""

    name: str

    async def ask(self, item: Item) -> Answer:
        """The answer to an item, without its latency; raises the call's error."""

    async def close(self) -> None:
        """Close what was opened for the job."""


def limits_of(requests_per_minute: float | None, tokens_per_minute: float | None) -> list[Limit]:
    """The limits that a job declares."""
    declared = (("requests", requests_per_minute), ("tokens", tokens_per_minute))
    return [Limit(unit, amount, 60.0) for unit, amount in declared if amount is not None]  # type: ignore[arg-type]


@asynccontextmanager
async def asking(llm: str | LanguageModel | Asker, settings: RunSettings) -> AsyncIterator[Asker]:
    """What asks the model that the user named or gave; ConfigError for options that have no place."""
    limits = limits_of(settings.requests_per_minute, settings.tokens_per_minute)
    if isinstance(llm, str):
        limiter = RateLimiter(limits, concurrency=settings.concurrency, adaptive_concurrency=True)
        asker: Asker = NamedModel(llm, limiter, settings.options, settings.parameters, stream=settings.stream)
    elif limits or settings.options:
        raise ConfigError(
            "limits and options belong to the model's client: give them to get_llm, or name the model"
        )
    else:
        asker = GivenModel(llm, settings.parameters) if isinstance(llm, LanguageModel) else llm
    try:
        yield asker
    finally:
        await asker.close()


class NamedModel:
    """A model by its name, with clients of the job's own; `given` is the name as the user wrote it."""

    def __init__(
        self,
        name: str,
        limiter: RateLimiter,
        options: Mapping[str, Any],
        parameters: Mapping[str, Any],
        *,
        stream: bool = False,
    ) -> None:
        self._llm = get_llm(name, **{"max_limit_wait": _PATIENCE, "rate_limiter": limiter, **options})
        self.given, self.name = name, self._llm.name
        self._parameters = dict(parameters)
        self._stream = stream

    async def ask(self, item: Item) -> Answer:
        """The answer to an item."""
        messages = json.loads(item.messages)
        if not self._stream:
            return _answer(await self._llm.ainvoke(messages, **self._parameters))
        async with self._llm.astream(messages, **self._parameters) as stream:
            return _answer(await stream.reply(), stream.first_content_after)

    @property
    def client(self) -> AsyncClient:
        """The provider's client."""
        return self._llm.routes[0].connection.async_client()

    def request(self, item: Item) -> dict[str, Any]:
        """The body of an item's request, as a call would send it."""
        request = self._llm.explain(json.loads(item.messages), **self._parameters).request
        return {name: value for name, value in request.items() if name not in CallOptions.__annotations__}

    def tell(self, outcome: Outcome, custom_id: str) -> None:
        """Tell the client's hooks of an item of a provider's batch, which has no call but its id there."""
        target = self._llm.routes[0].target
        context = CallContext(custom_id, target.provider, "batches", target.model)
        self.client.tell("batch-item", context, **outcome.facts())

    def read(self, body: dict[str, Any]) -> Answer:
        """The answer in the body of a batch's response, at the price of batches."""
        return _answer(self._llm.routes[0].reply(View(body), batch=True, request_id=None, attempts=1))

    async def close(self) -> None:
        """Close the clients."""
        await self._llm.aclose()


class GivenModel:
    """The caller's own handle, which stays open."""

    def __init__(self, llm: LanguageModel, parameters: Mapping[str, Any]) -> None:
        self.name = llm.name
        self._llm = llm
        self._parameters = dict(parameters)

    async def ask(self, item: Item) -> Answer:
        """The answer to an item."""
        return _answer(await self._llm.ainvoke(json.loads(item.messages), **self._parameters))

    async def close(self) -> None:
        """Nothing: the handle is the caller's."""


def _answer(reply: Reply, first_token: float | None = None) -> Answer:
    return Answer(
        text=reply.text,
        reply=reply.raw.to_dict(),
        usage=None if reply.usage is None else reply.usage.to_dict(),
        cost=None if reply.cost is None else reply.cost.total,
        attempts=reply.attempts,
        first_token=first_token,
    )
