"""How each client is made, asked and streamed from, the way its documentation shows it."""

from __future__ import annotations

import asyncio
import socket
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello " * 100}]}
BLOCKS: dict[str, Any] = {**ASK, "max_tokens": 9}


@dataclass(frozen=True)
class Contestant:
    """`load` imports the package and returns makers: for a base URL, a client of threads and one of asyncio.

    `ask` returns a text, `stream` counts events and touches each one's text; both have asyncio twins.
    `package` is what is imported, for its cost and its version; `family` picks the server's answers.
    """

    package: str
    family: str
    load: Callable[[], tuple[Callable[[str], Any] | None, Callable[[str], Any] | None]]
    ask: Callable[[Any], Any] | None = None
    stream: Callable[[Any], int] | None = None
    ask_async: Callable[[Any], Awaitable[Any]] | None = None
    stream_async: Callable[[Any], Awaitable[int]] | None = None
    open_async: Callable[[Any], Awaitable[Any]] | None = None


# -- chat completions as the openai and groq packages and ours have them ---------------------------------


def chat_ask(client: Any) -> Any:
    return client.chat.completions.create(**ASK).choices[0].message.content


async def chat_ask_async(client: Any) -> Any:
    return (await client.chat.completions.create(**ASK)).choices[0].message.content


def chat_stream(client: Any) -> int:
    return sum(_touched(chunk) for chunk in client.chat.completions.create(stream=True, **ASK))


async def chat_stream_async(client: Any) -> int:
    count = 0
    async for chunk in await client.chat.completions.create(stream=True, **ASK):
        count += _touched(chunk)
    return count


async def chat_open_async(client: Any) -> Any:
    stream = await client.chat.completions.create(stream=True, **ASK)
    reading = aiter(stream)
    await anext(reading)
    return stream, reading


def _touched(chunk: Any) -> int:
    for choice in chunk.choices:
        _ = choice.delta.content
    return 1


def openai(http: str = "") -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    import openai as lib

    def make_async(url: str) -> Any:
        more = {"http_client": lib.DefaultAioHttpClient()} if http == "aiohttp" else {}
        return lib.AsyncOpenAI(api_key="k", base_url=url, max_retries=0, **more)

    return lambda url: lib.OpenAI(api_key="k", base_url=url, max_retries=0), make_async


def groq() -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    import groq as lib

    return (
        lambda url: lib.Groq(api_key="k", base_url=url, max_retries=0),
        lambda url: lib.AsyncGroq(api_key="k", base_url=url, max_retries=0),
    )


# -- messages --------------------------------------------------------------------------------------------


def anthropic(http: str = "") -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    import anthropic as lib

    def make_async(url: str) -> Any:
        more = {"http_client": lib.DefaultAioHttpClient()} if http == "aiohttp" else {}
        return lib.AsyncAnthropic(api_key="k", base_url=url, max_retries=0, **more)

    return lambda url: lib.Anthropic(api_key="k", base_url=url, max_retries=0), make_async


def blocks_ask(client: Any) -> Any:
    return client.messages.create(**BLOCKS).content[0].text


async def blocks_ask_async(client: Any) -> Any:
    return (await client.messages.create(**BLOCKS)).content[0].text


def blocks_stream(client: Any) -> int:
    return sum(_delta(event) for event in client.messages.create(stream=True, **BLOCKS))


async def blocks_stream_async(client: Any) -> int:
    count = 0
    async for event in await client.messages.create(stream=True, **BLOCKS):
        count += _delta(event)
    return count


async def blocks_open_async(client: Any) -> Any:
    stream = await client.messages.create(stream=True, **BLOCKS)
    reading = aiter(stream)
    await anext(reading)
    return stream, reading


def _delta(event: Any) -> int:
    if event.type == "content_block_delta":
        _ = event.delta.text
    return 1


# -- mistralai and litellm -------------------------------------------------------------------------------


def mistralai() -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    from mistralai.client import Mistral

    def make(url: str) -> Any:
        return Mistral(api_key="k", server_url=url)

    return make, make


def mistral_stream(client: Any) -> int:
    return sum(_touched(event.data) for event in client.chat.stream(**ASK))


async def mistral_stream_async(client: Any) -> int:
    count = 0
    async for event in await client.chat.stream_async(**ASK):
        count += _touched(event.data)
    return count


async def mistral_open_async(client: Any) -> Any:
    stream = await client.chat.stream_async(**ASK)
    reading = aiter(stream)
    await anext(reading)
    return stream, reading


async def mistral_ask_async(client: Any) -> Any:
    return (await client.chat.complete_async(**ASK)).choices[0].message.content


def litellm() -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    import litellm as lib

    def make(url: str) -> Any:
        return lib, {**ASK, "model": "openai/m", "api_base": url, "api_key": "k", "max_retries": 0}

    return make, make


def litellm_ask(client: Any) -> Any:
    lib, ask = client
    return lib.completion(**ask).choices[0].message.content


def litellm_stream(client: Any) -> int:
    lib, ask = client
    return sum(_touched(chunk) for chunk in lib.completion(stream=True, **ask))


async def litellm_ask_async(client: Any) -> Any:
    lib, ask = client
    return (await lib.acompletion(**ask)).choices[0].message.content


async def litellm_stream_async(client: Any) -> int:
    lib, ask = client
    count = 0
    async for chunk in await lib.acompletion(stream=True, **ask):
        count += _touched(chunk)
    return count


async def litellm_open_async(client: Any) -> Any:
    lib, ask = client
    stream = await lib.acompletion(stream=True, **ask)
    reading = aiter(stream)
    await anext(reading)
    return stream, reading


# -- ours ------------------------------------------------------------------------------------------------


def ours(name: str) -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    import llm_forge as lib

    def make_async(url: str) -> Any:
        # The vendors' clients allow a thousand connections, ours a hundred unless told.
        many = {"pool": lib.PoolLimits(connections=1000)} if "/open/" in url else {}
        return getattr(lib, f"Async{name}")(api_key="k", base_url=url, **many)

    return lambda url: getattr(lib, name)(api_key="k", base_url=url), make_async


def our_chat_stream(client: Any) -> int:
    return sum(_touched(chunk) for chunk in client.chat.completions.stream(**ASK))


async def our_chat_stream_async(client: Any) -> int:
    count = 0
    async for chunk in client.chat.completions.stream(**ASK):
        count += _touched(chunk)
    return count


async def our_chat_open_async(client: Any) -> Any:
    stream = client.chat.completions.stream(**ASK)
    reading = aiter(stream)
    await anext(reading)
    return stream, reading


def our_blocks_stream(client: Any) -> int:
    return sum(_delta(event) for event in client.messages.stream(**BLOCKS))


async def our_blocks_stream_async(client: Any) -> int:
    count = 0
    async for event in client.messages.stream(**BLOCKS):
        count += _delta(event)
    return count


async def our_blocks_open_async(client: Any) -> Any:
    stream = client.messages.stream(**BLOCKS)
    reading = aiter(stream)
    await anext(reading)
    return stream, reading


# -- the floor: sockets and msgspec, nothing that a client needs -----------------------------------------


def floor() -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    return FloorClient, FloorClient


class FloorClient:
    """Writes a request and reads what comes; no error, no limit and no time-out is looked at."""

    def __init__(self, url: str) -> None:
        import msgspec

        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.path = parts.path.encode()
        self.encode, self.decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode
        self.sock: socket.socket | None = None
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    def request(self, *, stream: bool) -> bytes:
        body = self.encode({**ASK, "stream": stream})
        head = b"POST %b/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
        return head % (self.path, len(body)) + body

    def ask(self) -> Any:
        if self.sock is None:
            self.sock = socket.create_connection((self.host, self.port))
        self.sock.sendall(self.request(stream=False))
        head, _, body = self.sock.recv(65536).partition(b"\r\n\r\n")
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self.sock.recv(65536)
        return self.decode(body)["choices"][0]["message"]["content"]

    def stream(self) -> int:
        sock = socket.create_connection((self.host, self.port))
        sock.sendall(self.request(stream=True))
        lines, count = FloorLines(self.decode), 0
        while not lines.ended:
            count += lines.feed(sock.recv(65536))
        sock.close()
        return count

    async def ask_async(self) -> Any:
        pair = self.idle.pop() if self.idle else await asyncio.open_connection(self.host, self.port)
        reader, writer = pair
        writer.write(self.request(stream=False))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        self.idle.append(pair)
        return self.decode(body)["choices"][0]["message"]["content"]

    async def stream_async(self) -> int:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(self.request(stream=True))
        lines, count = FloorLines(self.decode), 0
        while not lines.ended:
            count += lines.feed(await reader.read(65536))
        writer.close()
        return count

    async def open_async(self) -> Any:
        pair = await asyncio.open_connection(self.host, self.port)
        pair[1].write(self.request(stream=True))
        await pair[0].read(65536)
        return pair


class FloorLines:
    """Finds the data lines of an event stream, chunk heads and all."""

    def __init__(self, decode: Callable[[bytes], Any]) -> None:
        self.decode = decode
        self.rest = b""
        self.ended = False

    def feed(self, data: bytes) -> int:
        *lines, self.rest = (self.rest + data).split(b"\n")
        count = 0
        for line in lines:
            if line.startswith(b"data: {"):
                count += 1
                for choice in self.decode(line[6:])["choices"]:
                    _ = choice["delta"].get("content")
        self.ended = b"[DONE]" in data or not data
        return count


CHAT = {"ask": chat_ask, "stream": chat_stream, "ask_async": chat_ask_async}
CHAT |= {"stream_async": chat_stream_async, "open_async": chat_open_async}  # type: ignore[dict-item]
MESSAGES = {"ask": blocks_ask, "stream": blocks_stream, "ask_async": blocks_ask_async}
MESSAGES |= {"stream_async": blocks_stream_async, "open_async": blocks_open_async}  # type: ignore[dict-item]
OURS_CHAT = {**CHAT, "stream": our_chat_stream}
OURS_CHAT |= {"stream_async": our_chat_stream_async, "open_async": our_chat_open_async}
OURS_MESSAGES = {**MESSAGES, "stream": our_blocks_stream}
OURS_MESSAGES |= {"stream_async": our_blocks_stream_async, "open_async": our_blocks_open_async}

CONTESTANTS: dict[str, Contestant] = {
    "floor": Contestant(
        "msgspec",
        "chat",
        floor,
        FloorClient.ask,
        FloorClient.stream,
        FloorClient.ask_async,
        FloorClient.stream_async,
        FloorClient.open_async,
    ),
    "llm_forge.OpenAI": Contestant("llm_forge", "chat", lambda: ours("OpenAI"), **OURS_CHAT),
    "llm_forge.Anthropic": Contestant("llm_forge", "blocks", lambda: ours("Anthropic"), **OURS_MESSAGES),
    "openai": Contestant("openai", "chat", openai, **CHAT),
    "openai-aiohttp": Contestant(
        "openai", "chat", lambda: openai("aiohttp"), **{**CHAT, "ask": None, "stream": None}
    ),
    "anthropic": Contestant("anthropic", "blocks", anthropic, **MESSAGES),
    "anthropic-aiohttp": Contestant(
        "anthropic", "blocks", lambda: anthropic("aiohttp"), **{**MESSAGES, "ask": None, "stream": None}
    ),
    "groq": Contestant("groq", "chat", groq, **CHAT),
    "mistralai": Contestant(
        "mistralai",
        "chat",
        mistralai,
        lambda client: client.chat.complete(**ASK).choices[0].message.content,
        mistral_stream,
        mistral_ask_async,
        mistral_stream_async,
        mistral_open_async,
    ),
    "litellm": Contestant(
        "litellm",
        "chat",
        litellm,
        litellm_ask,
        litellm_stream,
        litellm_ask_async,
        litellm_stream_async,
        litellm_open_async,
    ),
}
