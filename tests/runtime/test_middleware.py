"""What users put around calls and attempts (R-220 to R-224), blocking and on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from llm_forge import (
    AsyncMiddleware,
    CallContext,
    ConfigError,
    Decoded,
    Event,
    InvalidRequestError,
    Middleware,
    Request,
    Response,
    ServerError,
    StreamError,
    StreamInterruptedError,
)
from llm_forge.core.breaker import BreakerSettings
from llm_forge.core.headers import Headers
from llm_forge.core.profile import AuthScheme
from llm_forge.runtime.client import AsyncClient
from llm_forge.runtime.scripted import Answer
from llm_forge.runtime.transports.protocol import HttpRequest, Timers
from tests.runtime.kit import (
    BLOCKS,
    CHAT,
    DONE,
    GET,
    PROFILE,
    Acme,
    call,
    client,
    delta,
    failed,
    ok,
    on_asyncio,
    sse,
)

Proceed = Callable[[Request], Response]
AsyncProceed = Callable[[Request], Awaitable[Response]]
BODY: dict[str, Any] = {"model": "m", "messages": []}


class Recorder(Middleware):
    """Writes down when it is entered and left."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def call(self, context: CallContext, request: Request, proceed: Proceed) -> Response:
        return self._note(f"call {context.attempt}", request, proceed)

    def attempt(self, context: CallContext, request: Request, proceed: Proceed) -> Response:
        return self._note(f"attempt {context.attempt}", request, proceed)

    def on_event(self, event: Event) -> None:
        if self.name == "outer":
            self.log.append(event.name)

    def _note(self, what: str, request: Request, proceed: Proceed) -> Response:
        self.log.append(f"{self.name} {what}")
        try:
            return proceed(request)
        finally:
            self.log.append(f"{self.name} {what} over")


class AsyncRecorder(AsyncMiddleware):
    """`Recorder` for async clients."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    async def call(self, context: CallContext, request: Request, proceed: AsyncProceed) -> Response:
        return await self._note(f"call {context.attempt}", request, proceed)

    async def attempt(self, context: CallContext, request: Request, proceed: AsyncProceed) -> Response:
        return await self._note(f"attempt {context.attempt}", request, proceed)

    def on_event(self, event: Event) -> None:
        if self.name == "outer":
            self.log.append(event.name)

    async def _note(self, what: str, request: Request, proceed: AsyncProceed) -> Response:
        self.log.append(f"{self.name} {what}")
        await asyncio.sleep(0)
        try:
            return await proceed(request)
        finally:
            self.log.append(f"{self.name} {what} over")


class AsyncScript:
    """A transport for asyncio that gives scripted answers."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.open_exchanges = 0

    async def open(self, request: HttpRequest, timers: Timers) -> AsyncScriptedExchange:
        self.open_exchanges += 1
        return AsyncScriptedExchange(self, self.answers.pop(0))

    async def close(self) -> None:
        return


class AsyncScriptedExchange:
    """An answer being read; a pause is real, so that a task can be cancelled in it."""

    def __init__(self, script: AsyncScript, answer: Answer) -> None:
        self.status, self.headers = answer.status, Headers(answer.headers)
        self._script, self._pieces, self._closed = script, list(answer.body), False

    async def read(self, timeout: float | None) -> bytes:
        while self._pieces:
            piece = self._pieces.pop(0)
            if isinstance(piece, bytes):
                return piece
            assert isinstance(piece, float)
            await asyncio.sleep(piece)
        return b""

    async def close(self) -> None:
        self._script.open_exchanges -= not self._closed
        self._closed = True


class AsyncAcme(AsyncClient):
    profile = PROFILE


def async_client(*answers: Answer, **options: Any) -> tuple[AsyncAcme, AsyncScript]:
    script = AsyncScript(*answers)
    instant = {"random": lambda: 0.0}
    return AsyncAcme(**{"api_key": "canary-key", "transport": script, **instant, **options}), script


# -- order -------------------------------------------------------------------------------------------

ORDER = [
    "call-start",
    "outer call 0",
    "inner call 0",
    "attempt-start",
    "outer attempt 1",
    "inner attempt 1",
    "key",
    "inner attempt 1 over",
    "outer attempt 1 over",
    "attempt-end",
    "retry",
    "attempt-start",
    "outer attempt 2",
    "inner attempt 2",
    "key",
    "inner attempt 2 over",
    "outer attempt 2 over",
    "attempt-end",
    "inner call 0 over",
    "outer call 0 over",
    "call-end",
]


@pytest.mark.requirement("R-220")
@pytest.mark.requirement("R-224")
def test_calls_and_attempts_pass_the_middleware_outside_in_and_credentials_come_last() -> None:
    log: list[str] = []
    key = lambda: log.append("key") or "canary-key"  # type: ignore[func-returns-value]  # noqa: E731
    call(
        client(
            failed(500), ok(), api_key=key, middleware=[Recorder(name, log) for name in ("outer", "inner")]
        )
    )
    assert log == ORDER


@pytest.mark.requirement("R-220")
@pytest.mark.requirement("R-224")
@on_asyncio
async def test_async_clients_have_the_same_order() -> None:
    log: list[str] = []
    key = lambda: log.append("key") or "canary-key"  # type: ignore[func-returns-value]  # noqa: E731
    middleware = [AsyncRecorder(name, log) for name in ("outer", "inner")]
    acme, _ = async_client(failed(500), ok(), api_key=key, middleware=middleware)
    await acme.call(CHAT, body=BODY, options={})
    assert log == ORDER


@pytest.mark.requirement("R-220")
def test_breaker_and_limiter_stand_outside_attempt_middleware() -> None:
    log: list[str] = []
    acme = client(
        failed(500), max_attempts=1, breaker=BreakerSettings(min_outcomes=1), middleware=[Recorder("x", log)]
    )
    for _ in range(2):
        with pytest.raises((ServerError, Exception)):
            call(acme)
    assert log.count("x call 0") == 2
    assert log.count("x attempt 1") == 1  # the second call met an open circuit


@pytest.mark.requirement("R-224")
@on_asyncio
async def test_middleware_that_only_changes_requests_serves_both_kinds_of_clients() -> None:
    class Tag(Middleware):
        def attempt(self, context: CallContext, request: Request, proceed: Proceed) -> Response:
            return proceed(request.with_header("x-tag", context.operation))

    acme = client(ok(), middleware=[Tag()])
    call(acme)
    assert dict(acme.world.requests[0].headers)["x-tag"] == "chat.create"
    twin, script = async_client(ok(), middleware=[Tag()])
    assert (await twin.call(CHAT, body=BODY, options={})).id == "x"
    assert script.open_exchanges == 0


# -- what it may do ----------------------------------------------------------------------------------


class Around(Middleware):
    """Middleware from functions."""

    def __init__(self, call: Any = None, attempt: Any = None) -> None:
        self._call = call or (lambda context, request, proceed: proceed(request))
        self._attempt = attempt or (lambda context, request, proceed: proceed(request))

    def call(self, context: CallContext, request: Request, proceed: Proceed) -> Response:
        return self._call(context, request, proceed)  # type: ignore[no-any-return]

    def attempt(self, context: CallContext, request: Request, proceed: Proceed) -> Response:
        return self._attempt(context, request, proceed)  # type: ignore[no-any-return]


@pytest.mark.requirement("R-221")
def test_call_middleware_replaces_the_request_for_limits_context_and_all_attempts() -> None:
    def cheaper(context: CallContext, request: Request, proceed: Proceed) -> Response:
        return proceed(request.with_json({**request.json(), "model": "small"}))

    events: list[Event] = []
    acme = client(failed(500), ok(), middleware=[Around(call=cheaper)], on_event=events.append)
    call(acme)
    assert [request.body for request in acme.world.requests] == [b'{"model":"small","messages":[]}'] * 2
    assert events[-1].context.model == "small"
    assert list(acme.rate_limit_status()) == ["small"]


@pytest.mark.requirement("R-221")
@pytest.mark.parametrize("level", ["call", "attempt"])
def test_a_response_can_be_inspected_and_replaced(level: str) -> None:
    seen: list[tuple[int, str | None]] = []

    def step(context: CallContext, request: Request, proceed: Proceed) -> Response:
        response = proceed(request)
        seen.append((response.status, response.headers.get("x-a")))
        return response.with_value({**response.value, "id": "other"})

    acme = client(ok(x_a="1"), middleware=[Around(**{level: step})])
    assert call(acme).id == "other"
    assert seen == [(200, "1")]


@pytest.mark.requirement("R-221")
@pytest.mark.parametrize("level", ["call", "attempt"])
def test_an_answer_of_its_own_sends_nothing_and_counts_for_no_breaker(level: str) -> None:
    step = lambda context, request, proceed: Response({"id": "mine"})  # noqa: E731
    acme = client(middleware=[Around(**{level: step})])
    assert call(acme).id == "mine"
    assert acme.world.requests == []


@pytest.mark.requirement("R-221")
def test_call_middleware_may_run_the_call_again_and_the_attempts_are_counted_on() -> None:
    def fall_back(context: CallContext, request: Request, proceed: Proceed) -> Response:
        try:
            return proceed(request)
        except ServerError:
            return proceed(request.with_json({**request.json(), "model": "other"}))

    events: list[Event] = []
    acme = client(
        failed(500),
        failed(500),
        ok(),
        max_attempts=2,
        middleware=[Around(call=fall_back)],
        on_event=events.append,
    )
    assert call(acme).id == "x"
    assert [event.attempt for event in events if event.name == "attempt-start"] == [1, 2, 3]
    assert len({event.call_id for event in events}) == 1


@pytest.mark.requirement("R-079")
def test_what_changes_in_one_attempt_is_not_in_the_next() -> None:
    def once(context: CallContext, request: Request, proceed: Proceed) -> Response:
        if context.attempt == 1:
            request.json()["messages"].append("lost")
            request = request.with_json({"model": "changed"}).with_header("x-first", "1")
        return proceed(request)

    acme = client(failed(500), ok(), middleware=[Around(attempt=once)])
    call(acme)
    first, second = acme.world.requests
    assert first.body == b'{"model":"changed"}'
    assert (second.body, dict(second.headers).get("x-first")) == (b'{"model":"m","messages":[]}', None)


@pytest.mark.requirement("R-221")
def test_an_attempt_is_one_exchange() -> None:
    def twice(context: CallContext, request: Request, proceed: Proceed) -> Response:
        proceed(request)
        return proceed(request)

    acme = client(ok(), ok(), middleware=[Around(attempt=twice)])
    with pytest.raises(RuntimeError, match="once"):
        call(acme)
    assert len(acme.world.requests) == 1


# -- streams -----------------------------------------------------------------------------------------


def louder(events: Iterator[Decoded]) -> Iterator[Decoded]:
    """Every text in capitals."""
    for event in events:
        yield replace(event, data=_louder(event.data))


def _louder(data: Any) -> Any:
    choices = [
        {**choice, "delta": {"content": choice["delta"]["content"].upper()}} for choice in data["choices"]
    ]
    return {**data, "choices": choices}


def wrapping(wrap: Any) -> Any:
    return lambda context, request, proceed: proceed(request).with_events(wrap)


@pytest.mark.requirement("R-221")
@pytest.mark.parametrize("level", ["call", "attempt"])
def test_streams_are_wrapped_iterators_and_the_message_is_made_of_what_comes_out(level: str) -> None:
    acme = client(
        sse(delta("hel"), delta("lo", "stop"), DONE), middleware=[Around(**{level: wrapping(louder)})]
    )
    stream = acme.stream(CHAT, body=BODY, options={})
    assert list(stream.texts()) == ["HEL", "LO"]
    assert stream.result().choices[0]["message"]["content"] == "HELLO"
    assert stream.completion == "explicit"


@pytest.mark.requirement("R-221")
def test_wrappers_nest_attempt_inside_call_and_may_add_events_at_the_end() -> None:
    def ending(word: str) -> Any:
        def add(events: Iterator[Decoded]) -> Iterator[Decoded]:
            yield from events
            yield Decoded(
                "message", {"choices": [{"index": 0, "delta": {"content": word}}]}, application=True
            )

        return add

    acme = client(
        sse(delta("a", "stop"), DONE),
        middleware=[Around(call=wrapping(ending("c")), attempt=wrapping(ending("b")))],
    )
    assert acme.stream(CHAT, body=BODY, options={}).result().choices[0]["message"]["content"] == "abc"


@pytest.mark.requirement("R-221")
@on_asyncio
async def test_async_streams_are_wrapped_async_iterators() -> None:
    async def shout(events: AsyncIterator[Decoded]) -> AsyncIterator[Decoded]:
        async for event in events:
            yield replace(event, data=_louder(event.data))
        yield Decoded("message", {"choices": [{"index": 0, "delta": {"content": "!"}}]}, application=True)

    class Shout(AsyncMiddleware):
        async def call(self, context: CallContext, request: Request, proceed: AsyncProceed) -> Response:
            return (await proceed(request)).with_events(shout)

    acme, script = async_client(sse(delta("hel"), delta("lo", "stop"), DONE), middleware=[Shout()])
    stream = acme.stream(CHAT, body=BODY, options={})
    assert [text async for text in stream.texts()] == ["HEL", "LO", "!"]
    assert (await stream.result()).choices[0]["message"]["content"] == "HELLO!"
    assert script.open_exchanges == 0


@pytest.mark.requirement("R-221")
@pytest.mark.parametrize("level", ["call", "attempt"])
def test_a_stream_call_can_be_answered_with_a_whole_result(level: str) -> None:
    cached = {"id": "c", "choices": [{"index": 0, "message": {"content": "hit"}, "finish_reason": "stop"}]}
    step = lambda context, request, proceed: Response(cached)  # noqa: E731
    acme = client(middleware=[Around(**{level: step})])
    with acme.stream(CHAT, body=BODY, options={}) as stream:
        assert list(stream.texts()) == ["hit"]
        assert stream.synthesised
    assert acme.world.requests == []


@pytest.mark.requirement("R-221")
def test_an_open_stream_that_is_given_up_for_a_value_is_closed() -> None:
    cached = {"type": "message", "content": [{"type": "text", "text": "hit"}], "stop_reason": "end_turn"}
    for level in ("call", "attempt"):
        step = lambda context, request, proceed: proceed(request).with_value(cached)  # noqa: E731
        acme = client(
            sse(b'event: message_start\ndata: {"type":"message_start","message":{}}\n\n', b"rest"),
            middleware=[Around(**{level: step})],
        )
        result = acme.stream(BLOCKS, body={"model": "m"}, options={}).result()
        assert result.content[0]["text"] == "hit"
        assert [exchange.closed for exchange in acme.world.exchanges] == [True]


@pytest.mark.requirement("R-222")
def test_what_a_wrapper_raises_reaches_the_consumer_and_the_connection_is_closed() -> None:
    def broken(events: Iterator[Decoded]) -> Iterator[Decoded]:
        yield next(events)
        raise KeyError("wrapper")

    acme = client(sse(delta("a"), delta("b", "stop"), DONE), middleware=[Around(call=wrapping(broken))])
    stream = acme.stream(CHAT, body=BODY, options={})
    with pytest.raises(KeyError, match="wrapper"):
        list(stream)
    assert acme.world.exchanges[0].closed
    with pytest.raises(StreamError):
        stream.result()


@pytest.mark.requirement("R-144")
def test_a_wrapper_that_swallows_an_interruption_makes_no_complete_message() -> None:
    def hush(events: Iterator[Decoded]) -> Iterator[Decoded]:
        try:
            yield from events
        except StreamInterruptedError:
            return

    acme = client(sse(delta("a")), middleware=[Around(call=wrapping(hush))])
    stream = acme.stream(CHAT, body=BODY, options={})
    assert list(stream.texts()) == ["a"]
    with pytest.raises(StreamError, match="no result"):
        stream.result()


# -- what goes wrong ---------------------------------------------------------------------------------


@pytest.mark.requirement("R-222")
@pytest.mark.parametrize("level", ["call", "attempt"])
@pytest.mark.parametrize("after", [False, True])
def test_an_exception_of_its_own_goes_through_unchanged_and_releases_everything(
    level: str, *, after: bool
) -> None:
    def broken(context: CallContext, request: Request, proceed: Proceed) -> Response:
        if after:
            proceed(request)
        raise KeyError("mine")

    acme = client(
        ok(),
        sse(delta("a"), delta("b", "stop"), DONE),
        ok(),
        concurrency=1,
        middleware=[Around(**{level: broken})],
    )
    with pytest.raises(KeyError, match="mine"):
        call(acme)
    with pytest.raises(KeyError, match="mine"):
        acme.stream(CHAT, body=BODY, options={}).result()
    assert all(exchange.closed for exchange in acme.world.exchanges)
    assert len(acme.world.requests) == 2 * after  # nothing was repeated, and concurrency=1 was given back
    assert acme._shared.running == {}


@pytest.mark.requirement("R-222")
def test_a_forge_error_of_attempt_middleware_follows_the_retry_rules() -> None:
    def chaos(context: CallContext, request: Request, proceed: Proceed) -> Response:
        if context.attempt == 1:
            raise ServerError("injected", status=503)
        return proceed(request)

    acme = client(ok(), middleware=[Around(attempt=chaos)])
    assert call(acme).id == "x"
    assert len(acme.world.requests) == 1
    assert len(acme.world.sleeps) == 1


@pytest.mark.requirement("R-222")
def test_what_is_no_response_is_a_type_error_that_names_the_step() -> None:
    acme = client(ok(), middleware=[Around(attempt=lambda context, request, proceed: None)])
    with pytest.raises(TypeError, match=r"Around\.attempt returned NoneType"):
        call(acme)


@pytest.mark.requirement("R-020")
@pytest.mark.requirement("R-223")
@pytest.mark.parametrize(
    "scheme",
    [
        AuthScheme("bearer"),
        AuthScheme("api-key", "header", "X-Odd-Name"),
        AuthScheme("api-key", "query", "key"),
        AuthScheme("api-key", "cookie", "session"),
    ],
)
@pytest.mark.parametrize("own", [False, True])
def test_no_step_sees_a_credential_wherever_it_is_placed(scheme: AuthScheme, *, own: bool) -> None:
    shown: list[str] = []

    def look(context: CallContext, request: Request, proceed: Proceed) -> Response:
        response = proceed(request)
        shown.append(f"{context!r} {request!r} {request.url} {request.headers.pairs()} {response!r}")
        return response

    class Placed(Acme):
        profile = replace(PROFILE, auth=scheme)

    name = {"cookie": "cookie", "query": "authorization"}.get(scheme.placement, scheme.name)
    headers = {name: "canary-key by hand"} if own else {}
    steps = [Around(call=look, attempt=look)]
    acme = Placed(api_key="canary-key", transport=client(ok()).world, middleware=steps, headers=headers)
    call(acme)
    assert "canary" not in "".join(shown)
    (request,) = acme.world.requests
    assert "canary-key" in f"{request.url} {request.headers}"


@pytest.mark.requirement("R-223")
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/v1/chat",
        "http://api.acme.test/v1/chat",
        "https://api.acme.test:8443/v1/chat",
        "https://me@api.acme.test/v1/chat",
    ],
)
@pytest.mark.parametrize("level", ["call", "attempt"])
def test_the_origin_cannot_be_changed(level: str, url: str) -> None:
    step = lambda context, request, proceed: proceed(replace(request, url=url))  # noqa: E731
    acme = client(ok(), middleware=[Around(**{level: step})])
    with pytest.raises(InvalidRequestError, match="origin"):
        call(acme)
    assert acme.world.requests == []


@pytest.mark.requirement("R-240")
def test_a_step_cannot_break_a_request_apart() -> None:
    acme = client(
        middleware=[
            Around(attempt=lambda c, request, proceed: proceed(request.with_header("a", "b\r\nc: d")))
        ]
    )
    with pytest.raises(InvalidRequestError, match="CR, LF"):
        call(acme)


@pytest.mark.requirement("R-058")
@pytest.mark.parametrize("level", ["call", "attempt"])
@pytest.mark.parametrize("made_of_it", ["answer", "error"])
def test_a_blocking_cancellation_is_never_swallowed(level: str, made_of_it: str) -> None:
    def swallow(context: CallContext, request: Request, proceed: Proceed) -> Response:
        try:
            return proceed(request)
        except BaseException as error:
            if made_of_it == "answer":
                return Response({"id": "swallowed"})
            raise ServerError("made of it", status=503) from error

    acme = client(KeyboardInterrupt(), ok(), middleware=[Around(**{level: swallow})])
    with pytest.raises(KeyboardInterrupt):
        call(acme)
    assert len(acme.world.requests) == 1


@pytest.mark.requirement("R-058")
@pytest.mark.parametrize("where", ["inside", "in the step"])
@on_asyncio
async def test_a_cancelled_task_stays_cancelled(where: str) -> None:
    class Swallow(AsyncMiddleware):
        async def attempt(self, context: CallContext, request: Request, proceed: AsyncProceed) -> Response:
            try:
                if where == "in the step":
                    await asyncio.sleep(60)
                return await proceed(request)
            except asyncio.CancelledError:
                return Response({"id": "swallowed"})

    slow = Answer(200, [("content-type", "application/json")], [60.0, b"{}"])
    acme, script = async_client(slow, middleware=[Swallow()])
    task = asyncio.create_task(acme.call(CHAT, body=BODY, options={}))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert script.open_exchanges == 0


@pytest.mark.requirement("R-058")
@on_asyncio
async def test_a_timeout_of_the_steps_own_is_no_cancellation() -> None:
    class Hurry(AsyncMiddleware):
        async def call(self, context: CallContext, request: Request, proceed: AsyncProceed) -> Response:
            try:
                async with asyncio.timeout(0.01):
                    return await proceed(request)
            except TimeoutError:
                return Response({"id": "fallback"})

    slow = Answer(200, [("content-type", "application/json")], [60.0, b"{}"])
    acme, script = async_client(slow, middleware=[Hurry()])
    assert (await acme.call(CHAT, body=BODY, options={})).id == "fallback"
    assert script.open_exchanges == 0


def test_what_is_no_middleware_is_refused_when_the_client_is_made() -> None:
    with pytest.raises(ConfigError, match="must be Middleware"):
        client(middleware=[AsyncMiddleware()])
    with pytest.raises(ConfigError, match="must be Middleware or AsyncMiddleware"):
        async_client(middleware=[print])


def test_requests_without_a_body_have_no_json() -> None:
    def read(context: CallContext, request: Request, proceed: Proceed) -> Response:
        with pytest.raises(TypeError):
            request.json()
        return proceed(request)

    assert call(client(ok(), middleware=[Around(call=read)]), GET).id == "x"
