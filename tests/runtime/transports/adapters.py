"""One face for all adapters, so that each rule of the protocol is tested once and proved four times."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from llm_forge.core.headers import Headers
from llm_forge.runtime.transports.curl import CurlAsyncTransport, CurlTransport
from llm_forge.runtime.transports.httpx2 import Httpx2AsyncTransport, Httpx2Transport
from llm_forge.runtime.transports.protocol import HttpRequest, Network, PoolLimits, Timers
from tests.certificates import certificates

CERTIFICATES = certificates()
CA = str(CERTIFICATES / "ca.pem")
HEADERS = (("accept", "application/json"), ("user-agent", "test"), ("x-a", "1"), ("x-a", "2"))
CLASSES: dict[str, Any] = {
    "curl-sync": CurlTransport,
    "curl-async": CurlAsyncTransport,
    "httpx2-sync": Httpx2Transport,
    "httpx2-async": Httpx2AsyncTransport,
}
NAMES = tuple(CLASSES)


def new_transport(name: str, **options: Any) -> Any:
    """A transport of one of NAMES on a network with these options."""
    return CLASSES[name](Network(**options))


class Exchange:
    """An open response; awaits what the adapter made awaitable."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    @property
    def status(self) -> int:
        return int(self.inner.status)

    @property
    def headers(self) -> Headers:
        headers: Headers = self.inner.headers
        return headers

    async def read(self, timeout: float | None = 2.0) -> bytes:
        return bytes(await _settled(self.inner.read(timeout)))

    async def body(self, timeout: float | None = 2.0) -> bytes:
        parts = []
        while part := await self.read(timeout):
            parts.append(part)
        return b"".join(parts)

    async def close(self) -> None:
        await _settled(self.inner.close())


class Adapter:
    """A transport of one of NAMES; leaving it closes it and checks that nothing stayed open (R-045)."""

    def __init__(self, name: str, **options: Any) -> None:
        self.name = name
        self.is_async = name.endswith("async")
        self.transport = new_transport(name, **options)

    async def open(self, request: str | HttpRequest, timers: Timers | None = None) -> Exchange:
        if isinstance(request, str):
            request = post(request)
        return Exchange(await _settled(self.transport.open(request, timers or Timers())))

    async def fetch(self, url: str) -> bytes:
        return await (await self.open(url)).body()

    async def close(self) -> None:
        await _settled(self.transport.close())

    async def __aenter__(self) -> Adapter:
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        await self.close()
        if kind is None:
            assert self.transport.active() == 0


def post(url: str, body: bytes = b'{"a":1}') -> HttpRequest:
    return HttpRequest("POST", url, HEADERS, body)


def everywhere(*names: str, **options: Any) -> Callable[[Callable[[Adapter], Awaitable[None]]], Any]:
    """Run `test(adapter)` on the adapters of these names, all four by default."""

    def decorate(test: Callable[[Adapter], Awaitable[None]]) -> Any:
        async def within(name: str) -> None:
            async with Adapter(name, **options) as adapter:
                await test(adapter)

        def run(adapter: str) -> None:
            asyncio.run(within(adapter))

        run.__name__ = getattr(test, "__name__", "test")
        run.__doc__ = test.__doc__
        return pytest.mark.parametrize("adapter", names or NAMES)(run)

    return decorate


def small_pool(connections: int) -> dict[str, Any]:
    return {"pool": PoolLimits(connections=connections)}


async def _settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
