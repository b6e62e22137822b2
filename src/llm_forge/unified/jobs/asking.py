"""How a job calls its model: one function from messages to an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from importlib import import_module
from operator import attrgetter
from typing import Any, Protocol

from ...core.limiter import Limit
from ...runtime.client import AsyncClient
from ...runtime.events import Event
from ...runtime.rate_limiter import RateLimiter
from ..dialects import DIALECTS
from ..model import LanguageModel
from ..registry import _CLIENTS, model_name
from .items import Answer, Item

_PATIENCE = 7 * 86400.0  # seconds that a job's call waits for a limit: its deadline ends it sooner
_ITEM = "llm_forge.item"


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


class NamedModel:
    """A model by its name, with a client of the job's own."""

    def __init__(
        self,
        name: str,
        limiter: RateLimiter,
        options: Mapping[str, Any],
        parameters: Mapping[str, Any],
        *,
        stream: bool = False,
    ) -> None:
        provider, model = model_name(name)
        self.name = f"{provider}/{model}"
        self._attempts: dict[int, int] = {}
        module = import_module(f"...clients.{provider}", __package__)
        hooks = _hooks(options.get("on_event"))
        given = {
            "max_limit_wait": _PATIENCE,
            "rate_limiter": limiter,
            **options,
            "on_event": [self._count, *hooks],
        }
        self.client: AsyncClient = getattr(module, f"Async{_CLIENTS[provider]}")(**given)
        self._llm = LanguageModel(self.client, DIALECTS[provider], model)
        self._resource: Any = attrgetter(".".join(DIALECTS[provider].resource))(self.client)
        self._parameters = dict(parameters)
        self._stream = stream

    async def ask(self, item: Item) -> Answer:
        """The answer to an item."""
        metadata = {**self._parameters.get("call_metadata", {}), _ITEM: item.index}
        parameters = {**self._parameters, "call_metadata": metadata}
        arguments = self._llm._arguments(json.loads(item.messages), parameters)
        try:
            if not self._stream:
                return self._answer(await self._resource.create(**arguments), item)
            async with self._resource.stream(**arguments) as stream:
                whole = await stream.result()
            return self._answer(whole, item, stream.first_content_after)
        finally:
            self._attempts.pop(item.index, None)

    def _answer(self, raw: Any, item: Item, first_token: float | None = None) -> Answer:
        reply = self._llm._reply(raw)
        return Answer(
            text=reply.text,
            reply=reply.raw.to_dict(),
            usage=reply.usage,
            cost=getattr(reply, "cost", None),
            attempts=self._attempts.get(item.index),
            first_token=first_token,
        )

    def _count(self, event: Event) -> None:
        if event.name == "attempt-start":
            item = event.context.metadata.get(_ITEM)
            if isinstance(item, int):
                self._attempts[item] = event.attempt

    async def close(self) -> None:
        """Close the client."""
        await self.client.close()


class GivenModel:
    """The caller's own handle, which stays open."""

    def __init__(self, llm: LanguageModel, parameters: Mapping[str, Any]) -> None:
        self.name = f"{llm.client.profile.name}/{llm.model}"
        self._llm = llm
        self._parameters = dict(parameters)

    async def ask(self, item: Item) -> Answer:
        """The answer to an item."""
        reply = await asyncio.to_thread(self._llm.invoke, json.loads(item.messages), **self._parameters)
        return Answer(
            text=reply.text, reply=reply.raw.to_dict(), usage=reply.usage, cost=getattr(reply, "cost", None)
        )

    async def close(self) -> None:
        """Nothing: the handle is the caller's."""


def _hooks(given: Any) -> list[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]
