"""What the published types promise, in terms a checker can prove; this file is checked and never run.

Rules of this file:
- `assert_type` states an exact type, so that a type which grows wider is a finding.
- Each `type: ignore` stands where a checker must object; an unused one is an error of both checkers
  (`warn_unused_ignores`, `reportUnnecessaryTypeIgnoreComment`), so that the objection is proven.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, assert_type

import llm_forge
from llm_forge import (
    OMIT,
    Anthropic,
    ApiError,
    AsyncAnthropic,
    AsyncDownload,
    AsyncGroq,
    AsyncMistral,
    AsyncOpenAI,
    AsyncStream,
    BreakerSettings,
    Download,
    Event,
    ForgeError,
    Groq,
    LanguageModel,
    Limit,
    Mistral,
    OpenAI,
    RateLimitError,
    Reply,
    ServerError,
    Stream,
    StreamError,
    StreamInterruptedError,
    Upload,
    View,
)
from llm_forge.clients.anthropic import models as anthropic
from llm_forge.clients.anthropic import params as anthropic_params
from llm_forge.clients.groq import models as groq
from llm_forge.clients.mistral import models as mistral
from llm_forge.clients.openai import models as openai
from llm_forge.core.views import Unknown

QUESTION: list[anthropic_params.MessageParam] = [{"role": "user", "content": "Hello"}]


def on_event(event: Event) -> None:
    assert_type(event.call_id, str)
    assert_type(event.attempt, int)


# -- whole answers -------------------------------------------------------------------------------------


def whole_answers(a: Anthropic, o: OpenAI, g: Groq, m: Mistral) -> None:
    hello = "Hello"
    assert_type(
        a.messages.create(model="x", max_tokens=1, messages=[{"role": "user", "content": hello}]),
        anthropic.Message,
    )
    assert_type(
        o.chat.completions.create(model="x", messages=[{"role": "user", "content": hello}]),
        openai.ChatCompletion,
    )
    assert_type(
        g.chat.completions.create(model="x", messages=[{"role": "user", "content": hello}]),
        groq.ChatCompletion,
    )
    assert_type(
        m.chat.completions.create(model="x", messages=[{"role": "user", "content": hello}]),
        mistral.ChatCompletion,
    )


async def whole_answers_awaited(a: AsyncAnthropic, o: AsyncOpenAI, g: AsyncGroq, m: AsyncMistral) -> None:
    hello = "Hello"
    assert_type(
        await a.messages.create(model="x", max_tokens=1, messages=[{"role": "user", "content": hello}]),
        anthropic.Message,
    )
    assert_type(
        await o.chat.completions.create(model="x", messages=[{"role": "user", "content": hello}]),
        openai.ChatCompletion,
    )
    assert_type(
        await g.chat.completions.create(model="x", messages=[{"role": "user", "content": hello}]),
        groq.ChatCompletion,
    )
    assert_type(
        await m.chat.completions.create(model="x", messages=[{"role": "user", "content": hello}]),
        mistral.ChatCompletion,
    )


def model_lists(a: Anthropic, o: OpenAI, g: Groq, m: Mistral) -> None:
    assert_type(a.models.list(limit=5), anthropic.ModelListPage)
    assert_type(a.models.list().data, list[anthropic.ModelInfo])
    assert_type(a.models.list().next_page(), anthropic.ModelListPage | None)
    for model in a.models.list():
        assert_type(model, anthropic.ModelInfo)
    for page in a.models.list().pages(limit=2):
        assert_type(page, anthropic.ModelListPage)
    assert_type(a.models.get("x"), anthropic.ModelInfo)
    assert_type(o.models.list(), openai.ModelList)
    assert_type(o.models.get("x"), openai.Model)
    assert_type(g.models.list(), groq.ModelList)
    assert_type(g.models.get("x"), groq.Model)
    assert_type(m.models.list(), mistral.ModelList)
    assert_type(m.models.get("x"), mistral.Model)


async def model_lists_awaited(a: AsyncAnthropic, o: AsyncOpenAI, g: AsyncGroq, m: AsyncMistral) -> None:
    assert_type(await a.models.list(limit=5), anthropic.AsyncModelListPage)
    async for model in a.models.list():
        assert_type(model, anthropic.ModelInfo)
    async for page in a.models.list().pages(limit=2):
        assert_type(page, anthropic.AsyncModelListPage)
    assert_type(await a.models.get("x"), anthropic.ModelInfo)
    assert_type(await o.models.get("x"), openai.Model)
    assert_type(await g.models.get("x"), groq.Model)
    assert_type(await m.models.get("x"), mistral.Model)


# -- files ---------------------------------------------------------------------------------------------


def files(o: OpenAI) -> None:
    with o.files.content("x") as found:
        assert_type(found, Download)
        assert_type(found.read(), bytes)
        for piece in found:
            assert_type(piece, bytes)
    assert_type(o.files.content("x").to_file("answers.jsonl"), Path)
    for content in (b"x", Path("a"), Upload(b"x", file_name="a")):
        assert_type(o.files.create(file=content, purpose="batch"), openai.File)
    o.files.create(file=7, purpose="batch")  # type: ignore[arg-type]


async def files_awaited(o: AsyncOpenAI) -> None:
    async with o.files.content("x") as found:
        assert_type(found, AsyncDownload)
        async for piece in found:
            assert_type(piece, bytes)
    assert_type(await o.files.content("x").read(), bytes)


# -- streams -------------------------------------------------------------------------------------------


def streams(a: Anthropic, o: OpenAI) -> None:
    with a.messages.stream(model="x", max_tokens=1, messages=QUESTION) as stream:
        assert_type(stream, Stream[anthropic.MessageStreamEvent, anthropic.Message])
        for event in stream:
            assert_type(event, anthropic.MessageStreamEvent)
        assert_type(stream.result(), anthropic.Message)
        assert_type(stream.partial, anthropic.Message)
        assert_type(stream.completion, Literal["explicit", "inferred"] | None)
        assert_type(stream.request_id, str | None)
    for text in a.messages.stream(model="x", max_tokens=1, messages=QUESTION).texts():
        assert_type(text, str)
    completions = o.chat.completions.stream(model="x", messages=[{"role": "user", "content": "Hello"}])
    assert_type(completions, Stream[openai.ChatCompletionChunk, openai.ChatCompletion])
    for chunk in completions:
        assert_type(chunk.choices[0].delta.content, str | None)


async def streams_awaited(a: AsyncAnthropic, m: AsyncMistral) -> None:
    async with a.messages.stream(model="x", max_tokens=1, messages=QUESTION) as stream:
        assert_type(stream, AsyncStream[anthropic.MessageStreamEvent, anthropic.Message])
        async for event in stream:
            assert_type(event, anthropic.MessageStreamEvent)
        assert_type(await stream.result(), anthropic.Message)
    async for text in m.chat.completions.stream(
        model="x", messages=[{"role": "user", "content": "Hello"}]
    ).texts():
        assert_type(text, str)


# -- narrowing -----------------------------------------------------------------------------------------


def blocks_by_class(message: anthropic.Message) -> None:
    for block in message.content:
        if isinstance(block, anthropic.TextBlock):
            assert_type(block.text, str)
        elif isinstance(block, anthropic.ToolUseBlock):
            assert_type(block.name, str)
        elif isinstance(block, anthropic.ThinkingBlock):
            assert_type(block.signature, str | None)


def blocks_by_match(message: anthropic.Message) -> str | None:
    match message.content[0]:
        case anthropic.TextBlock(text=text):
            assert_type(text, str)
            return text
        case anthropic.ToolUseBlock(name=name):
            return name
        case _:
            return None


def events_by_class(event: anthropic.MessageStreamEvent) -> None:
    if isinstance(event, anthropic.ContentBlockDeltaEvent):
        assert_type(event.index, int)
        if isinstance(event.delta, anthropic.TextDelta):
            assert_type(event.delta.text, str)


def replies_of_chat(completion: openai.ChatCompletion) -> None:
    message = completion.choices[0].message
    assert_type(message.content, str | None)
    for call in message.tool_calls or []:
        if isinstance(call, openai.FunctionToolCall):
            assert_type(call.function.arguments, str)
    if completion.usage is not None:
        assert_type(completion.usage.total_tokens, int)


def a_misspelt_attribute_is_found(message: anthropic.Message) -> None:
    print(message.contents)  # type: ignore[attr-defined]


def an_attribute_of_some_blocks_needs_narrowing(message: anthropic.Message) -> None:
    print(message.content[0].text)  # type: ignore[union-attr]


def a_tag_tells_blocks_apart(message: anthropic.Message) -> None:
    for block in message.content:
        if block.type == "text":
            assert_type(block, anthropic.TextBlock)
        elif block.type == "tool_use":
            print(block.input)
        if isinstance(block, Unknown):
            print(block.some_new_field)


def views_are_read_only_and_built_from_json(message: anthropic.Message) -> None:
    rebuilt = anthropic.Message(message.to_dict())
    assert_type(rebuilt, anthropic.Message)
    assert_type(rebuilt.to_json(), bytes)
    view: View = rebuilt
    assert_type("id" in view, bool)


# -- requests ------------------------------------------------------------------------------------------


def requests_are_plain_dicts(a: Anthropic, o: OpenAI) -> None:
    tool: anthropic_params.CustomTool = {
        "name": "get_weather",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    a.messages.create(
        model="any-model-name",
        max_tokens=1,
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
            {"role": "assistant", "content": "Hello."},
        ],
        tools=[tool],
        tool_choice={"type": "auto"},
        thinking={"type": "enabled", "budget_tokens": 1024},
        stop_sequences=["END"],
        temperature=OMIT,
    )
    o.chat.completions.create(
        model="any-model-name",
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        response_format={"type": "json_object"},
        temperature=None,
    )


def wrong_requests_are_found(a: Anthropic, o: OpenAI) -> None:
    a.messages.create(model="x", messages=QUESTION)  # type: ignore[call-arg]
    a.messages.create(model="x", max_tokens="1", messages=QUESTION)  # type: ignore[arg-type]
    a.messages.create(model="x", max_tokens=1, messages=QUESTION, stream=True)  # type: ignore[call-arg]
    a.messages.create(model="x", max_tokens=1, messages=QUESTION, temprature=1)  # type: ignore[call-arg]
    o.chat.completions.create("x", [])  # type: ignore[call-arg]


# -- options -------------------------------------------------------------------------------------------


def options_of_calls(a: Anthropic) -> None:
    a.messages.create(
        model="x",
        max_tokens=1,
        messages=QUESTION,
        timeout=None,
        max_attempts=1,
        attempt_timeout=30.0,
        first_event_timeout=30,
        idle_timeout=5,
        stall_timeout=60,
        max_server_wait=10,
        strict=True,
        strict_completion=True,
        idempotency_key="key",
        extra_headers={"x-trace": "1"},
        extra_query={"beta": "true"},
        extra_body={"field_of_tomorrow": 1},
    )
    a.models.get("x", timeout=2.5)


def wrong_options_of_calls_are_found(a: Anthropic, o: AsyncOpenAI) -> None:
    a.models.list(max_retries=2)  # type: ignore[call-arg]
    a.models.list(connect_timeout=1.0)  # type: ignore[call-arg]
    a.models.list(timeout="5")  # type: ignore[arg-type]
    a.models.list(max_attempts=None)  # type: ignore[arg-type]
    a.models.list(extra_headers={"x-count": 1})  # type: ignore[dict-item]
    o.chat.completions.stream(model="x", messages=[], retries=1)  # type: ignore[call-arg]


def options_of_clients() -> None:
    Anthropic(
        api_key=lambda: "key",
        base_url="https://example.com",
        timeout=60,
        max_attempts=5,
        transport="httpx2",
        connect_timeout=1.0,
        pool_timeout=1.0,
        headers={"x-team": "search"},
        limits=[Limit("requests", 50, 60)],
        limiter_mode="sliding",
        concurrency=8,
        breaker=BreakerSettings(ratio=0.8),
        on_event=on_event,
    )
    AsyncMistral(auth="none", allow_insecure_http=True)


def wrong_options_of_clients_are_found() -> None:
    OpenAI("key")  # type: ignore[call-arg]
    OpenAI(max_retries=2)  # type: ignore[call-arg]
    OpenAI(auth="some")  # type: ignore[arg-type]
    OpenAI(limiter_mode="window")  # type: ignore[arg-type]
    OpenAI(on_event=print_error)  # type: ignore[arg-type]
    OpenAI().with_options(api_key="k")  # type: ignore[call-arg]


def print_error(error: ForgeError) -> None:
    print(error)


def copies_and_contexts(o: OpenAI) -> None:
    assert_type(o.with_options(max_attempts=1), OpenAI)
    with OpenAI() as client:
        assert_type(client, OpenAI)


# -- errors, the unified layer ---------------------------------------------------------------------------


def errors_have_facts(error: RateLimitError | StreamInterruptedError) -> None:
    assert_type(error.retry_after, float | None)
    assert_type(error.request_id, str | None)
    assert_type(error.status, int | None)
    assert_type(error.attempts[0].waited, float)
    root: ForgeError = error
    print(root.kind)


def the_tree_is_typed(server: ServerError, stream: StreamInterruptedError) -> None:
    api: ApiError = server
    any_stream: StreamError = stream
    print(api, any_stream)


def one_vocabulary() -> None:
    with llm_forge.get_llm("anthropic/claude-sonnet-4-5") as llm:
        assert_type(llm, LanguageModel)
        assert_type(llm.invoke("Hello"), Reply)
        assert_type(llm.invoke("Hello").text, str)
        for piece in llm.stream("Hello"):
            assert_type(piece.text, str)
