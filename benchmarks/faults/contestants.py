"""The clients under test, each in its own process: `python contestants.py NAME < faults.json`.

Reads a list of {"id", "url", "stream", "other"} and prints one JSON line for each: what the caller of this
client saw. Nothing of the harness is imported here, so that the memory and the log belong to the client.
All clients are asyncio clients with their default settings, but for a time-out of 2.5 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import os
import resource
import sys
import time
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

KEY = "sk-canary-7c1f0b9e44d2"
PROMPT = "the-prompt-of-a-user"
ASK: dict[str, Any] = {"model": "m-1", "messages": [{"role": "user", "content": PROMPT}]}
TIMEOUT = 2.5
PATIENCE = 12.0  # seconds after which we stop waiting for a client


@dataclass(frozen=True)
class Contestant:
    """How one client is made for a URL, asked for a whole answer, and read as a stream of texts."""

    make: Callable[[str], Any]
    whole: Callable[[Any], Any]
    texts: Callable[[Any], AsyncIterator[str]]


# -- the vendors' own -------------------------------------------------------------------------------------


def openai() -> Contestant:
    import openai as lib

    def make(url: str) -> Any:
        return lib.AsyncOpenAI(api_key=KEY, base_url=url + "/v1", timeout=TIMEOUT)

    return Contestant(make, _chat_whole, _chat_texts)


def groq() -> Contestant:
    import groq as lib

    return Contestant(
        lambda url: lib.AsyncGroq(api_key=KEY, base_url=url, timeout=TIMEOUT), _chat_whole, _chat_texts
    )


async def _chat_whole(client: Any) -> str:
    return (await client.chat.completions.create(**ASK)).choices[0].message.content or ""


async def _chat_texts(client: Any) -> AsyncIterator[str]:
    async for chunk in await client.chat.completions.create(stream=True, **ASK):
        for choice in chunk.choices:
            yield choice.delta.content or ""


def anthropic() -> Contestant:
    import anthropic as lib

    async def whole(client: Any) -> str:
        message = await client.messages.create(max_tokens=64, **ASK)
        return "".join(block.text for block in message.content)

    async def texts(client: Any) -> AsyncIterator[str]:
        async with client.messages.stream(max_tokens=64, **ASK) as stream:
            async for text in stream.text_stream:
                yield text
            await stream.get_final_message()

    return Contestant(
        lambda url: lib.AsyncAnthropic(api_key=KEY, base_url=url, timeout=TIMEOUT), whole, texts
    )


def mistralai() -> Contestant:
    from mistralai.client import Mistral

    async def whole(client: Any) -> str:
        return str((await client.chat.complete_async(**ASK)).choices[0].message.content)

    async def texts(client: Any) -> AsyncIterator[str]:
        async for event in await client.chat.stream_async(**ASK):
            for choice in event.data.choices:
                yield choice.delta.content or ""

    return Contestant(
        lambda url: Mistral(api_key=KEY, server_url=url, timeout_ms=int(TIMEOUT * 1000)), whole, texts
    )


def litellm() -> Contestant:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it asks the network when imported
    import litellm as lib

    async def whole(url: str) -> str:
        return (await _ask(url)).choices[0].message.content or ""

    async def texts(url: str) -> AsyncIterator[str]:
        async for chunk in await _ask(url, stream=True):
            for choice in chunk.choices:
                yield choice.delta.content or ""

    def _ask(url: str, **more: Any) -> Any:
        ask = {**ASK, "model": "openai/m-1"}
        return lib.acompletion(api_base=url + "/v1", api_key=KEY, timeout=TIMEOUT, **ask, **more)

    return Contestant(lambda url: url, whole, texts)


# -- ours -------------------------------------------------------------------------------------------------


def ours(name: str) -> Contestant:
    import llm_forge as lib

    blocks = name == "Anthropic"
    more = {"max_tokens": 64} if blocks else {}

    def make(url: str) -> Any:
        base = url + "/v1" if name == "OpenAI" else url
        return getattr(lib, f"Async{name}")(api_key=KEY, base_url=base, timeout=TIMEOUT)

    async def whole(client: Any) -> str:
        if blocks:
            return "".join(block.text for block in (await client.messages.create(**ASK, **more)).content)
        return await _chat_whole(client)

    async def texts(client: Any) -> AsyncIterator[str]:
        resource_ = client.messages if blocks else client.chat.completions
        async for text in resource_.stream(**ASK, **more).texts():
            yield text

    return Contestant(make, whole, texts)


CONTESTANTS: dict[str, Callable[[], Contestant]] = {
    "openai": openai,
    "anthropic": anthropic,
    "groq": groq,
    "mistralai": mistralai,
    "litellm": litellm,
    **{
        f"llm_forge.{name}": lambda name=name: ours(name)
        for name in ("OpenAI", "Anthropic", "Groq", "Mistral")
    },
}


# -- what a caller sees -----------------------------------------------------------------------------------


async def observe(one: Contestant, fault: dict[str, Any], log: io.StringIO) -> dict[str, Any]:
    """One call under one fault: how it ended, after how long, with what in hand."""
    log.seek(0)
    log.truncate()
    seen: list[str] = []
    before = _peak_mib()
    began = time.monotonic()
    facts: dict[str, Any] = {"id": fault["id"]}
    try:
        client = one.make(fault["url"])
        await asyncio.wait_for(_use(one, client, fault, seen), PATIENCE)
        facts["end"] = "returned"
    except TimeoutError as error:
        waited = time.monotonic() - began
        facts |= {"end": "waiting"} if waited > PATIENCE - 0.5 else _raised(error)
    except asyncio.CancelledError:
        facts["end"] = "cancelled"
    except BaseException as error:  # whatever a client raises is its answer
        facts |= _raised(error)
    facts |= {"text": "".join(seen), "seconds": round(time.monotonic() - began, 2)}
    facts["memory_mib"] = round(_peak_mib() - before)
    said = log.getvalue() + facts.get("shown", "")
    facts |= {"logs_prompt": PROMPT in log.getvalue(), "shows_key": KEY in said}
    facts.pop("shown", None)
    return facts


async def _use(one: Contestant, client: Any, fault: dict[str, Any], seen: list[str]) -> None:
    if not fault["stream"]:
        seen.append(await one.whole(client))
        return
    async for text in one.texts(client):
        seen.append(text)  # noqa: PERF401 - what arrived before an error counts


def _raised(error: BaseException) -> dict[str, Any]:
    partial = getattr(error, "partial", None)
    facts = {
        "end": "raised",
        "error": type(error).__name__,
        "package": type(error).__module__.partition(".")[0],
        "status": getattr(error, "status_code", None) or getattr(error, "status", None),
        "retry_after": getattr(error, "retry_after", None),
        "shown": f"{error}{error!r}",
    }
    # Whatever name a client gives it: the partial answer counts where the error's attributes have it.
    facts["partial"] = f"{partial.to_dict() if hasattr(partial, 'to_dict') else ''}{_attributes(error)}"
    return facts


def _attributes(error: BaseException) -> list[str]:
    return [value for value in vars(error).values() if isinstance(value, str)]


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def main(name: str) -> None:
    warnings.simplefilter("ignore")
    log = io.StringIO()
    logging.basicConfig(level=logging.DEBUG, stream=log, force=True)
    out = os.fdopen(os.dup(1), "w")
    with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        one = CONTESTANTS[name]()
        for fault in json.load(sys.stdin):
            facts = await observe(one, fault, log)
            print(json.dumps(facts), file=out, flush=True)
    out.flush()
    os._exit(0)  # a client that left something running must not keep the table waiting


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
