"""The scripted world for asyncio: the client of `kit`, awaited."""

from __future__ import annotations

from typing import Any

from llm_forge.runtime.client import AsyncClient
from llm_forge.runtime.io import Io
from llm_forge.runtime.scripted import Answer, ScriptedIo
from llm_forge.runtime.stream import AsyncStream
from tests.runtime.kit import CHAT, PROFILE


class AsyncAcme(AsyncClient):
    """A client whose network is a script."""

    profile = PROFILE
    world: ScriptedIo

    def _make_io(self, transport: Any, *_: Any) -> Io:
        self.world = transport
        return self.world


def async_client(*answers: Answer | Exception, **options: Any) -> AsyncAcme:
    """A client that gets these answers, with chance fixed to 1."""
    return AsyncAcme(**{"api_key": "canary-key", "transport": ScriptedIo(list(answers)), **options})


def async_stream(acme: AsyncAcme, operation: Any = CHAT, **options: Any) -> AsyncStream[Any, Any]:
    """A stream of it."""
    return acme.stream(operation, body={"model": "m", "messages": []}, options=options)
