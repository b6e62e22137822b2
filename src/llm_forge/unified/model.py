"""A model that can be asked, whoever serves it; or a chain of models of which the first that can, answers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from ..core.errors import ForgeError
from ..runtime.clock import Clock
from .ask import Ask, ask_of
from .batch import CONCURRENCY, BatchResult, abatch, batch
from .connection import Exchange
from .messages import Prompt
from .optimizers import Optimization
from .reply import Piece, Reply
from .route import Chain, Route
from .stream import AsyncReplyStream, ReplyStream, StreamProgress, Watch


@dataclass(frozen=True, slots=True)
class Explanation:
    """A request as a call would send it, and what optimizers changed in it."""

    model: str
    request: Mapping[str, Any]
    optimizations: tuple[Optimization, ...]


class LanguageModel:
    """A model, made by `get_llm`; safe to use from many threads and from asyncio.

    All methods take the same parameters: `system`, `tools`, `tool_choice` ("auto", "none", "any" or a tool's
    name), `parallel_tool_calls`, `schema` (a JSON schema, dataclass, pydantic model or msgspec Struct),
    `json=True`, `thinking` (True, False, an effort or a budget), `max_tokens`, `temperature`, `top_p`,
    `top_k`, `stop`, `seed`. Options of a call (`timeout`, `max_attempts`, ...) and the provider's own
    parameters go along. What a model has no word for is InvalidRequestError before anything is sent.
    """

    def __init__(self, routes: Sequence[Route], clock: Clock | None = None) -> None:
        self.routes = tuple(routes)
        self._now = (clock or Clock()).now

    @property
    def provider(self) -> str:
        """The provider; of a chain the first."""
        return self.routes[0].target.provider

    @property
    def model(self) -> str:
        """The model's name at its provider; of a chain the first."""
        return self.routes[0].target.model

    @property
    def name(self) -> str:
        """`provider/model`, those of a chain joined by commas."""
        return ",".join(f"{route.target.provider}/{route.target.model}" for route in self.routes)

    def invoke(self, prompt: Prompt, **parameters: Any) -> Reply:
        """The whole answer to a prompt or a list of messages; raises any error of core.errors."""
        chain = self._chain(prompt, parameters, streaming=False)
        while True:
            try:
                with Exchange() as exchange:
                    view = chain.step.route.call(chain.request())
            except ForgeError as error:
                if not chain.goes_on(error):
                    raise
            else:
                return chain.step.reply(view, chain.ask, exchange, chain.tried)

    async def ainvoke(self, prompt: Prompt, **parameters: Any) -> Reply:
        """`invoke` for asyncio."""
        chain = self._chain(prompt, parameters, streaming=False)
        while True:
            try:
                with Exchange() as exchange:
                    view = await chain.step.route.acall(chain.request())
            except ForgeError as error:
                if not chain.goes_on(error):
                    raise
            else:
                return chain.step.reply(view, chain.ask, exchange, chain.tried)

    def stream(
        self,
        prompt: Prompt,
        *,
        on_chunk: Callable[[Piece], Any] | None = None,
        on_progress: Callable[[StreamProgress], Any] | None = None,
        buffer: int = 0,
        **parameters: Any,
    ) -> ReplyStream:
        """The answer piece by piece; `reply()` of what is returned is the whole answer.

        `on_chunk` is called with each piece, `on_progress` with how far it has come, both while it is read.
        `buffer` joins text to pieces of at least so many characters. An interrupted stream raises, with the
        reply so far as the error's `partial`.
        """
        chain = self._chain(prompt, parameters, streaming=True)
        return ReplyStream(chain, Watch(on_chunk, on_progress, buffer), self._now)

    def astream(
        self,
        prompt: Prompt,
        *,
        on_chunk: Callable[[Piece], Any] | None = None,
        on_progress: Callable[[StreamProgress], Any] | None = None,
        buffer: int = 0,
        **parameters: Any,
    ) -> AsyncReplyStream:
        """`stream` for asyncio; callbacks may be async."""
        chain = self._chain(prompt, parameters, streaming=True)
        return AsyncReplyStream(chain, Watch(on_chunk, on_progress, buffer), self._now)

    def stream_to_file(
        self,
        prompt: Prompt,
        path: str | os.PathLike[str],
        *,
        keep_partial: bool = False,
        on_progress: Callable[[StreamProgress], Any] | None = None,
        **parameters: Any,
    ) -> Reply:
        """The whole answer, its text written to a file that appears whole or not at all (R-153)."""
        stream = self.stream(prompt, on_progress=on_progress, **parameters)
        return stream.to_file(path, keep_partial=keep_partial)

    async def astream_to_file(
        self,
        prompt: Prompt,
        path: str | os.PathLike[str],
        *,
        keep_partial: bool = False,
        on_progress: Callable[[StreamProgress], Any] | None = None,
        **parameters: Any,
    ) -> Reply:
        """`stream_to_file` for asyncio."""
        stream = self.astream(prompt, on_progress=on_progress, **parameters)
        return await stream.to_file(path, keep_partial=keep_partial)

    def batch(
        self,
        prompts: Iterable[Prompt],
        *,
        concurrency: int = CONCURRENCY,
        ordered: bool = True,
        fail_fast: bool = False,
        **parameters: Any,
    ) -> Iterator[BatchResult]:
        """The result of every prompt, a reply or an error, in their order or as they finish (R-180, R-181).

        Prompts may be a lazy iterator. Leaving the loop waits for the calls under way. For work that must
        survive a crash there are jobs.
        """
        return batch(
            lambda prompt: self.invoke(prompt, **parameters),
            prompts,
            concurrency=concurrency,
            ordered=ordered,
            fail_fast=fail_fast,
        )

    def abatch(
        self,
        prompts: Iterable[Prompt] | AsyncIterable[Prompt],
        *,
        concurrency: int = CONCURRENCY,
        ordered: bool = True,
        fail_fast: bool = False,
        **parameters: Any,
    ) -> AsyncIterator[BatchResult]:
        """`batch` for asyncio; closing the iterator cancels the calls under way."""
        return abatch(
            lambda prompt: self.ainvoke(prompt, **parameters),
            prompts,
            concurrency=concurrency,
            ordered=ordered,
            fail_fast=fail_fast,
        )

    def explain(self, prompt: Prompt, **parameters: Any) -> Explanation:
        """The request that `invoke` would send first, and what optimizers changed in it; sends nothing."""
        step = self._chain(prompt, parameters, streaming=False).step
        return Explanation(self.name, step.request, step.optimizations)

    def close(self) -> None:
        """Close the clients for threads."""
        for connection in {route.connection for route in self.routes}:
            connection.close()

    async def aclose(self) -> None:
        """Close all clients."""
        for connection in {route.connection for route in self.routes}:
            await connection.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"LanguageModel({self.name!r})"

    def _chain(self, prompt: Prompt, parameters: Mapping[str, Any], *, streaming: bool) -> Chain:
        asks: list[Ask] = [ask_of(prompt, {**route.defaults, **parameters}) for route in self.routes]
        return Chain(self.routes, asks, self._now, streaming=streaming)
