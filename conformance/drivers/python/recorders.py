"""Middleware that notes where a call has come to, and does what a scenario says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

from outcomes import CallerError, note_shown, note_story

from llm_forge import AsyncMiddleware, Middleware, Response
from llm_forge.core.errors import UnavailableError


class _Recorder:
    def __init__(self, name: str, call: str = "pass", attempt: str = "pass") -> None:
        self._name = name
        self._does = {"call": call, "attempt": attempt}

    def _enter(self, level: str, context: Any, request: Any) -> Any:
        """The answer to give at once, or the request to pass on."""
        note_story(f"{self._name} {level} {context.attempt}")
        note_shown(f"{request!r} {request.url} {request.headers.pairs()} {request.body!r}")
        match self._does[level]:
            case "raise":
                raise CallerError("the caller's own")
            case "unavailable" if context.attempt <= 1:
                raise UnavailableError("made up", status=503)
            case "answer":
                return Response({"id": "from-middleware"})
            case "origin":
                return replace(request, url="https://elsewhere.test/")
        return request

    def _leave(self, level: str, context: Any) -> None:
        note_story(f"{self._name} {level} {context.attempt} end")

    def _read(self, count: int) -> None:
        note_story(f"{self._name} read {count}")


class Recorder(_Recorder, Middleware):
    """For blocking clients."""

    def call(self, context: Any, request: Any, proceed: Any) -> Any:
        """Around a call."""
        response = self._around("call", context, request, proceed)
        return response.with_events(self._count) if response.is_stream else response

    def attempt(self, context: Any, request: Any, proceed: Any) -> Any:
        """Around an attempt."""
        return self._around("attempt", context, request, proceed)

    def _around(self, level: str, context: Any, request: Any, proceed: Any) -> Any:
        try:
            made = self._enter(level, context, request)
            return made if isinstance(made, Response) else proceed(made)
        finally:
            self._leave(level, context)

    def _count(self, events: Iterator[Any]) -> Iterator[Any]:
        count = 0
        for event in events:
            count += 1
            yield event
        self._read(count)


class AsyncRecorder(_Recorder, AsyncMiddleware):
    """For async clients."""

    async def call(self, context: Any, request: Any, proceed: Any) -> Any:
        """Around a call."""
        response = await self._around("call", context, request, proceed)
        return response.with_events(self._count) if response.is_stream else response

    async def attempt(self, context: Any, request: Any, proceed: Any) -> Any:
        """Around an attempt."""
        return await self._around("attempt", context, request, proceed)

    async def _around(self, level: str, context: Any, request: Any, proceed: Any) -> Any:
        try:
            made = self._enter(level, context, request)
            return made if isinstance(made, Response) else await proceed(made)
        finally:
            self._leave(level, context)

    async def _count(self, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
        count = 0
        async for event in events:
            count += 1
            yield event
        self._read(count)
