"""Many prompts through one model: a bounded number at once, none lost because another failed.

Rules of this file:
- At most `concurrency` calls are under way, through the model's own limiter, breaker and retry budget; at
  most twice as many prompts are read ahead of the results that were taken (R-180).
- Results come in the order of the prompts, or as they finish; each is a reply or an error (R-181).
- An error that is no ForgeError, such as one of your own iterator, is raised.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Self

from ..core.errors import ConfigError, ForgeError
from .connection import Exchange
from .messages import Prompt
from .reply import Reply

CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one prompt, the `index`th from 0: a reply or an error."""

    index: int
    reply: Reply | None = None
    error: ForgeError | None = None

    def unwrap(self) -> Reply:
        """The reply; raises the error if it is one."""
        if self.error is not None:
            raise self.error
        assert self.reply is not None  # noqa: S101 - it is one of the two
        return self.reply

    def told(self, exchange: Exchange) -> Self:
        """This result, after the hooks of the client that made its call were told."""
        outcome = "ok" if self.error is None else self.error.kind
        exchange.tell_item(outcome, index=self.index, attempts=exchange.attempts)
        return self


def batch(
    ask: Callable[[Prompt], Reply],
    prompts: Iterable[Prompt],
    *,
    concurrency: int,
    ordered: bool,
    fail_fast: bool,
) -> Iterator[BatchResult]:
    """The result of every prompt, with as many threads as calls under way."""
    check_concurrency(concurrency)
    numbered = enumerate(prompts)
    waiting: dict[Future[BatchResult], int] = {}
    with ThreadPoolExecutor(concurrency, thread_name_prefix="llm-forge-batch") as threads:
        try:
            while True:
                for index, prompt in itertools.islice(numbered, 2 * concurrency - len(waiting)):
                    context = contextvars.copy_context()  # an enclosing deadline holds in threads, too
                    waiting[threads.submit(context.run, _answered, ask, index, prompt)] = index
                if not waiting:
                    return
                for future in _finished(waiting, ordered=ordered):
                    yield _checked(future.result(), fail_fast=fail_fast)
                    del waiting[future]
        finally:
            for future in waiting:
                future.cancel()


def _answered(ask: Callable[[Prompt], Reply], index: int, prompt: Prompt) -> BatchResult:
    with Exchange() as exchange:
        try:
            result = BatchResult(index, ask(prompt))
        except ForgeError as error:
            result = BatchResult(index, error=error)
    return result.told(exchange)


def _finished(waiting: dict[Future[BatchResult], int], *, ordered: bool) -> list[Future[BatchResult]]:
    if ordered:
        return [next(iter(waiting))]
    return sorted(wait(waiting, return_when=FIRST_COMPLETED).done, key=waiting.__getitem__)


def _checked(result: BatchResult, *, fail_fast: bool) -> BatchResult:
    if fail_fast and result.error is not None:
        raise result.error
    return result


def check_concurrency(concurrency: Any) -> None:
    """ConfigError unless it is a whole number from 1."""
    if not isinstance(concurrency, int) or isinstance(concurrency, bool) or concurrency < 1:
        raise ConfigError(f"concurrency must be a whole number from 1, not {concurrency!r}")


async def abatch(
    ask: Callable[[Prompt], Awaitable[Reply]],
    prompts: Iterable[Prompt] | AsyncIterable[Prompt],
    *,
    concurrency: int,
    ordered: bool,
    fail_fast: bool,
) -> AsyncIterator[BatchResult]:
    """The result of every prompt, with a task for each that is read."""
    check_concurrency(concurrency)
    slots = asyncio.Semaphore(concurrency)
    source = _numbered(prompts)
    waiting: dict[asyncio.Task[BatchResult], int] = {}
    try:
        while True:
            while len(waiting) < 2 * concurrency and (one := await anext(source, None)) is not None:
                waiting[asyncio.create_task(_answered_async(ask, slots, *one))] = one[0]
            if not waiting:
                return
            first = [next(iter(waiting))] if ordered else list(waiting)
            done, _ = await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=waiting.__getitem__):
                yield _checked(task.result(), fail_fast=fail_fast)
                del waiting[task]
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _answered_async(
    ask: Callable[[Prompt], Awaitable[Reply]], slots: asyncio.Semaphore, index: int, prompt: Prompt
) -> BatchResult:
    async with slots:
        with Exchange() as exchange:
            try:
                result = BatchResult(index, await ask(prompt))
            except ForgeError as error:
                result = BatchResult(index, error=error)
        return result.told(exchange)


async def _numbered(prompts: Iterable[Prompt] | AsyncIterable[Prompt]) -> AsyncIterator[tuple[int, Prompt]]:
    if isinstance(prompts, AsyncIterable):
        index = 0
        async for prompt in prompts:
            yield index, prompt
            index += 1
    else:
        for one in enumerate(prompts):
            yield one
