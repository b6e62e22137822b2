"""ER-06: whatever the HTTP stack raises, in whatever phase, reaches the caller as ours, with its cause."""

from __future__ import annotations

import asyncio
import inspect
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import h11
import httpcore2
import httpx2
import pytest

from llm_forge import AsyncOpenAI, ForgeError, OpenAI
from llm_forge.runtime.transports.curl import faults as curl_faults
from llm_forge.runtime.transports.protocol import Timers

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
REQUEST = httpx2.Request("POST", "http://127.0.0.1/")
# Raised by what we never call, or only a base of others.
SKIPPED = (httpx2.HTTPStatusError, httpx2.CookieConflict, h11.ProtocolError)


def exceptions_of(module: ModuleType) -> Iterator[type[Exception]]:
    for _, found in sorted(vars(module).items()):
        if inspect.isclass(found) and issubclass(found, Exception) and found not in SKIPPED:
            yield found


def made(cls: type[Exception]) -> Exception:
    try:
        return cls("injected")
    except TypeError:
        return cls()


SYSTEM = (
    OSError,
    ConnectionResetError,
    BrokenPipeError,
    socket.gaierror,
    ssl.SSLError,
    ssl.SSLEOFError,
    EOFError,
)
CLASSES = [*exceptions_of(httpx2), *exceptions_of(httpcore2), *exceptions_of(h11), *SYSTEM]


class Broken(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that fails after its first bytes, or when it is closed."""

    def __init__(self, error: Exception, phase: str, first: bytes) -> None:
        self.error, self.phase, self.first = error, phase, first

    def _pieces(self) -> Iterator[bytes]:
        yield self.first
        if self.phase == "body":
            raise self.error

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces():
            yield piece

    def close(self) -> None:
        if self.phase == "close":
            raise self.error

    async def aclose(self) -> None:
        self.close()


def answering(error: Exception, phase: str, *, stream: bool) -> Callable[[httpx2.Request], httpx2.Response]:
    kind = "text/event-stream" if stream else "application/json"
    first = b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n' if stream else b'{"id": '

    def answer(_: httpx2.Request) -> httpx2.Response:
        if phase == "send":
            raise error
        return httpx2.Response(200, headers={"content-type": kind}, stream=Broken(error, phase, first))

    return answer


def blocking(answer: Any, *, stream: bool) -> None:
    with OpenAI(api_key="k", transport=httpx2.MockTransport(answer), max_attempts=1) as client:
        if stream:
            list(client.chat.completions.stream(**ASK))
        else:
            client.chat.completions.create(**ASK)


def awaited(answer: Any, *, stream: bool) -> None:
    async def run() -> None:
        async with AsyncOpenAI(api_key="k", transport=httpx2.MockTransport(answer), max_attempts=1) as client:
            if stream:
                async for _ in client.chat.completions.stream(**ASK):
                    pass
            else:
                await client.chat.completions.create(**ASK)

    asyncio.run(run())


@pytest.mark.requirement("R-216")
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("phase", ["send", "body", "close"])
@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_er_06_every_exception_of_the_stack_becomes_an_error_of_ours_with_its_cause(
    cls: type[Exception], phase: str, stream: bool
) -> None:
    for use in (blocking, awaited):
        error = made(cls)
        with pytest.raises(ForgeError) as caught:
            use(answering(error, phase, stream=stream), stream=stream)
        assert caught.value.__cause__ is not None or phase == "close"
        assert "injected" not in str(caught.value) + repr(caught.value)


CODES = sorted({value for name, value in vars(curl_faults.pycurl).items() if name.startswith("E_")})


@pytest.mark.requirement("R-216")
@pytest.mark.parametrize("code", [*CODES, 97, 100, 9999])
def test_er_06_every_code_of_libcurl_is_an_error_of_ours(code: int) -> None:
    timers = Timers(connect=1.0, pool=1.0, response=1.0)
    for words in ("", "Recv failure: reset", "something else"):
        fault = (code, words)
        assert isinstance(curl_faults.fault_before_headers(fault, stale=False, timers=timers), ForgeError)
        assert isinstance(curl_faults.fault_before_headers(fault, stale=True, timers=timers), ForgeError)
        assert isinstance(curl_faults.fault_in_body(fault), ForgeError)
        assert curl_faults.cause(fault).args[0] == code
