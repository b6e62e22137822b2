"""Spans and metrics of real calls against the simulator, read back from OpenTelemetry's own SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry import context as current
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from llm_forge import (
    Anthropic,
    AsyncAnthropic,
    BadRequestError,
    CallContext,
    Event,
    ForgeError,
    Groq,
    Middleware,
    Mistral,
    OpenAI,
    Response,
    ServerError,
    StreamInterruptedError,
)
from llm_forge.integrations.opentelemetry import OpenTelemetry, names
from llm_forge.simulator import Fault, Simulator
from tests.runtime.kit import CHAT, DONE, Acme, call, client, delta, failed, ok, sse

SECRET = "sk-canary-0123456789"
QUESTION = [{"role": "user", "content": "say: a private answer"}]
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Kit:
    """OpenTelemetry in memory."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)

    def __post_init__(self) -> None:
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)

    def telemetry(self, **options: Any) -> OpenTelemetry:
        return OpenTelemetry(tracer_provider=self.tracers, meter_provider=self.meters, **options)

    def spans(self) -> list[ReadableSpan]:
        """Finished spans in the order they began."""
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def call(self) -> ReadableSpan:
        """The only span that is a call."""
        (span,) = (span for span in self.spans() if names.CALL_ID in attributes(span))
        return span

    def attempts(self) -> list[ReadableSpan]:
        return [span for span in self.spans() if names.ATTEMPT in attributes(span)]

    def points(self, name: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def everything(self) -> str:
        data = self.reader.get_metrics_data()
        return "".join([*(span.to_json() for span in self.spans()), data.to_json() if data else ""])


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


@pytest.fixture
def kit() -> Kit:
    return Kit()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(seed=5) as running:
        yield running


def watched(kit: Kit, *answers: Any, telemetry: dict[str, Any] | None = None, **options: Any) -> Acme:
    return client(*answers, middleware=[kit.telemetry(**(telemetry or {}))], **options)


# -- names ---------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-232")
def test_every_name_of_the_conventions_is_one_that_the_conventions_have() -> None:
    known = {
        value
        for module in (gen_ai_attributes, gen_ai_metrics)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    ours = {value for value in vars(names).values() if isinstance(value, str)} | set(names.FACTS)
    of_theirs = {name for name in ours if name.startswith("gen_ai.")}
    assert len(of_theirs) > 15
    assert of_theirs <= known
    providers = {one.value for one in gen_ai_attributes.GenAiProviderNameValues}
    assert {names.provider_of(name) for name in ("anthropic", "groq", "mistral", "openai")} <= providers
    operations = {one.value for one in gen_ai_attributes.GenAiOperationNameValues}
    assert set(names.OPERATIONS.values()) <= operations


@pytest.mark.requirement("R-233")
def test_the_buckets_are_those_of_the_conventions() -> None:
    assert [round(bound, 2) for bound in names.SECONDS_BUCKETS[:4]] == [0.01, 0.02, 0.04, 0.08]
    assert names.SECONDS_BUCKETS[-1] == pytest.approx(81.92)
    assert names.TOKEN_BUCKETS[:4] == (1, 4, 16, 64)
    assert names.TOKEN_BUCKETS[-1] == 67_108_864


# -- traces --------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-232")
def test_a_call_is_a_span_and_each_attempt_a_child_of_it(simulator: Simulator, kit: Kit) -> None:
    simulator.faults.add(Fault(provider="mistral", status=503, times=1))
    base_url = simulator.base_urls["mistral"]
    with Mistral(api_key=SECRET, base_url=base_url, middleware=[kit.telemetry()]) as llm:
        answer = llm.chat.completions.create(model="mistral-small-latest", messages=QUESTION)
    span, (first, second) = kit.call(), kit.attempts()
    assert (span.name, span.kind.name) == ("chat mistral-small-latest", "CLIENT")
    assert answer.usage is not None
    got = attributes(span)
    assert (
        got
        | {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "mistral_ai",
            "gen_ai.request.model": "mistral-small-latest",
            "gen_ai.request.stream": False,
            "gen_ai.response.id": answer.id,
            "gen_ai.response.model": answer.model,
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.usage.input_tokens": answer.usage.prompt_tokens,
            "gen_ai.usage.output_tokens": answer.usage.completion_tokens,
            "llm_forge.attempts": 2,
            "server.address": "127.0.0.1",
        }
        == got
    )
    assert got["server.port"] == int(base_url.split(":")[2].split("/")[0])
    assert span.status.status_code.name == "UNSET"
    assert [child.parent.span_id if child.parent else 0 for child in (first, second)] == [
        span.context.span_id if span.context else 1
    ] * 2
    assert [child.kind.name for child in (first, second)] == ["CLIENT"] * 2
    assert (attributes(first)["http.response.status_code"], attributes(first)["error.type"]) == (503, "503")
    assert first.status.status_code.name == "ERROR"
    assert (
        attributes(second)["http.response.status_code"],
        attributes(second)["http.request.resend_count"],
    ) == (200, 1)
    assert "http.request.resend_count" not in attributes(first)
    assert [event.name for event in span.events] == ["llm_forge.retry"]
    assert SECRET not in kit.everything()
    assert "private answer" not in kit.everything()


@pytest.mark.requirement("R-232")
def test_an_interrupted_stream_is_a_failed_span_with_its_attempt_and_what_is_known(
    simulator: Simulator, kit: Kit
) -> None:
    simulator.faults.add(Fault(provider="anthropic", cut={"events": 5, "end": "complete"}, times=1))
    base_url = simulator.base_urls["anthropic"]
    llm = Anthropic(api_key=SECRET, base_url=base_url, middleware=[kit.telemetry()])
    with llm, pytest.raises(StreamInterruptedError):
        llm.messages.stream(model="m", max_tokens=50, messages=QUESTION).result()
    for span in (kit.call(), *kit.attempts()):
        assert attributes(span)["error.type"] == "StreamInterruptedError"
        assert span.status.status_code.name == "ERROR"
    assert attributes(kit.call())["gen_ai.response.time_to_first_chunk"] > 0
    assert attributes(kit.call())["gen_ai.usage.input_tokens"] > 0


@pytest.mark.requirement("R-232")
@pytest.mark.parametrize("kind", [OpenAI, Groq])
def test_every_chat_provider_is_told_by_its_own_name(simulator: Simulator, kit: Kit, kind: Any) -> None:
    name = kind.__name__.lower()
    with kind(api_key=SECRET, base_url=simulator.base_urls[name], middleware=[kit.telemetry()]) as llm:
        llm.chat.completions.stream(
            model="gpt-4o-mini" if name == "openai" else "llama-3.3-70b-versatile", messages=QUESTION
        ).result()
    got = attributes(kit.call())
    assert (got["gen_ai.provider.name"], got["gen_ai.request.stream"]) == (name, True)
    assert got["llm_forge.stream.completion"] == "explicit"


@pytest.mark.requirement("R-232")
def test_async_clients_are_told_in_the_same_way(simulator: Simulator, kit: Kit) -> None:
    async def main() -> None:
        base_url = simulator.base_urls["anthropic"]
        async with AsyncAnthropic(api_key=SECRET, base_url=base_url, middleware=[kit.telemetry()]) as llm:
            await llm.messages.create(model="claude-sonnet-4-5", max_tokens=50, messages=QUESTION)
            await llm.messages.stream(model="claude-sonnet-4-5", max_tokens=50, messages=QUESTION).result()

    asyncio.run(main())
    assert len(kit.spans()) == 4
    assert len(kit.points(names.DURATION)) == 1


def sent(acme: Acme) -> list[str | None]:
    return [dict(request.headers).get("traceparent") for request in acme.world.requests]


@pytest.mark.requirement("R-232")
def test_each_attempt_sends_its_own_trace_parent_and_none_is_sent_when_switched_off(kit: Kit) -> None:
    acme = watched(kit, failed(500), ok())
    call(acme)
    trace_id = kit.call().context.trace_id  # type: ignore[union-attr]
    spans = [span.context.span_id for span in kit.attempts() if span.context]
    wanted = [f"00-{trace_id:032x}-{span_id:016x}" for span_id in spans]
    assert [(parent or "").rpartition("-")[0] for parent in sent(acme)] == wanted
    quiet = watched(kit, ok(), telemetry={"propagate": False})
    call(quiet)
    assert sent(quiet) == [None]


@pytest.mark.requirement("R-232")
def test_no_trace_context_follows_a_redirect_to_another_origin(kit: Kit) -> None:
    from llm_forge.runtime.scripted import Answer
    from tests.runtime.kit import GET

    acme = watched(kit, Answer(302, [("location", "https://elsewhere.test/")], []))
    with pytest.raises(ForgeError):
        call(acme, GET)
    assert [request.url.split("/")[2] for request in acme.world.requests] == ["api.acme.test"]


@pytest.mark.requirement("R-232")
def test_the_parent_is_the_current_span_or_the_one_that_the_caller_names(kit: Kit) -> None:
    with kit.tracers.get_tracer("app").start_as_current_span("app") as app:
        call(watched(kit, ok()))
        assert kit.call().parent == app.get_span_context()
        kit.exporter.clear()
        call(watched(kit, ok()), trace_parent=PARENT)
    parent = kit.call().parent
    assert parent is not None
    assert f"{parent.trace_id:032x}-{parent.span_id:016x}" in PARENT


@pytest.mark.requirement("R-232")
def test_limiter_waits_circuits_and_costs_have_names_of_ours(kit: Kit) -> None:
    from llm_forge import BreakerSettings, Limit

    cost = lambda context, facts: 0.5 if context.model == "m" else None  # noqa: E731
    acme = watched(kit, ok(), ok(), telemetry={"cost": cost}, limits=[Limit("requests", 1, 60, burst=1)])
    call(acme)
    call(acme)
    first, second = (attributes(span) for span in kit.spans() if names.CALL_ID in attributes(span))
    assert "llm_forge.limiter.wait" not in first
    assert second["llm_forge.limiter.wait"] == pytest.approx(60, rel=0.1)
    assert (first["llm_forge.cost"], second["llm_forge.cost"]) == (0.5, 0.5)
    kit.exporter.clear()
    broken = watched(kit, failed(500), max_attempts=1, breaker=BreakerSettings(min_outcomes=1))
    for _ in range(2):
        with pytest.raises(ForgeError):
            call(broken)
    opened, refused = (attributes(span) for span in kit.spans() if names.CALL_ID in attributes(span))
    assert opened["llm_forge.breaker.state"] == "open"
    assert refused["error.type"] == "CircuitOpenError"


@pytest.mark.requirement("R-232")
@pytest.mark.parametrize("how", ["their span", "suppressed"])
def test_a_call_that_others_tell_of_is_not_told_twice(kit: Kit, how: str) -> None:
    acme = watched(kit, ok(), ok())
    if how == "suppressed":
        token = current.attach(current.set_value("suppress_instrumentation", True))
        call(acme)
        current.detach(token)
    else:
        theirs = {"gen_ai.operation.name": "chat.create"}
        with kit.tracers.get_tracer("util-genai").start_as_current_span("chat m", attributes=theirs):
            call(acme)
    assert [span.name for span in kit.spans() if span.name != "chat m"] == []
    assert kit.points(names.DURATION) == []
    assert sent(acme) == [None]
    call(acme)
    assert kit.call().name == "chat.create m"


# -- content -------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-232")
def test_content_is_captured_only_on_request_and_redacted(kit: Kit) -> None:
    choice = {"message": {"role": "assistant", "content": "kept canary-key"}, "finish_reason": "stop"}
    body = {"model": "m", "messages": [{"role": "user", "content": "keep canary-key"}]}

    def use(**telemetry: Any) -> dict[str, Any]:
        kit.exporter.clear()
        acme = watched(kit, ok({"id": "x", "choices": [choice]}), telemetry=telemetry)
        acme.call(CHAT, body=body, options={})
        return attributes(kit.call())

    assert not {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES} & set(use())
    got = use(capture_content=True)
    assert json.loads(got[names.INPUT_MESSAGES]) == [
        {"role": "user", "parts": [{"type": "text", "content": "keep [redacted]"}]}
    ]
    assert json.loads(got[names.OUTPUT_MESSAGES]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "kept [redacted]"}],
            "finish_reason": "stop",
        }
    ]


@pytest.mark.requirement("R-232")
def test_content_of_streams_and_blocks_is_the_whole_message(simulator: Simulator, kit: Kit) -> None:
    base_url = simulator.base_urls["anthropic"]
    telemetry = kit.telemetry(capture_content=True)
    with Anthropic(api_key=SECRET, base_url=base_url, middleware=[telemetry]) as llm:
        llm.messages.stream(
            model="claude-sonnet-4-5", max_tokens=50, messages=QUESTION, system="be brief"
        ).result()
    got = attributes(kit.call())
    assert "private answer" in got[names.OUTPUT_MESSAGES]
    assert json.loads(got[names.SYSTEM]) == [{"type": "text", "content": "be brief"}]


# -- metrics -------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-233")
def test_durations_tokens_and_the_pace_of_streams_are_measured(kit: Kit) -> None:
    end = {"id": "c", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
    last = f"data: {json.dumps(end)}\n\n".encode()
    acme = watched(kit, sse(0.5, delta("a"), 0.25, delta("b", "stop"), 0.25, last, DONE))
    acme.stream(CHAT, body={"model": "m"}, options={}).result()
    (duration,), (first,), (pace,) = map(
        kit.points, (names.DURATION, names.TIME_TO_FIRST_CHUNK, names.TIME_PER_CHUNK)
    )
    assert (duration.count, duration.sum) == (1, 1.0)
    assert (first.count, first.sum) == (1, 0.5)
    assert (pace.count, pace.sum) == (2, 0.5)
    assert duration.explicit_bounds == names.SECONDS_BUCKETS
    tokens = {point.attributes["gen_ai.token.type"]: point.sum for point in kit.points(names.TOKENS)}
    assert tokens == {"input": 7, "output": 3}


@pytest.mark.requirement("R-233")
def test_labels_are_bounded_and_hold_no_id_and_no_text(kit: Kit) -> None:
    acme = watched(kit, *(ok() for _ in range(150)), failed(400), failed(500), max_attempts=1)
    for number in range(150):
        acme.call(CHAT, body={"model": f"model-{number}"}, options={"call_metadata": {"user": f"u{number}"}})
    for kind in (BadRequestError, ServerError):
        with pytest.raises(kind):
            call(acme)
    points = kit.points(names.DURATION)
    models = {point.attributes["gen_ai.request.model"] for point in points}
    assert len(models) == 101
    assert "other" in models
    assert {name for point in points for name in point.attributes} == {
        "gen_ai.provider.name",
        "gen_ai.operation.name",
        "gen_ai.request.model",
        "llm_forge.status_class",
        "error.type",
    }
    others = [
        dict(point.attributes) for point in points if point.attributes["gen_ai.request.model"] == "other"
    ]
    assert {(one["llm_forge.status_class"], one.get("error.type")) for one in others} == {
        ("2xx", None),
        ("4xx", "BadRequestError"),
        ("5xx", "ServerError"),
    }


@pytest.mark.requirement("R-233")
def test_an_answer_that_middleware_gives_costs_no_tokens(kit: Kit) -> None:
    class Cache(Middleware):
        def call(self, context: CallContext, request: Any, proceed: Any) -> Response:
            return Response({"id": "x", "usage": {"prompt_tokens": 7, "completion_tokens": 3}})

    call(client(middleware=[kit.telemetry(), Cache()]))
    assert kit.points(names.TOKENS) == []
    assert len(kit.points(names.DURATION)) == 1


@pytest.mark.requirement("R-234")
def test_events_of_unknown_calls_are_no_spans(kit: Kit) -> None:
    kit.telemetry().on_event(Event("retry", CallContext("unknown", "acme", "x")))
    assert kit.spans() == []


@pytest.mark.requirement("R-234")
def test_a_cost_function_that_fails_is_counted_and_its_span_ends(kit: Kit) -> None:
    def broken(context: CallContext, facts: Any) -> float:
        raise KeyError("price")

    acme = watched(kit, ok(), telemetry={"cost": broken})
    assert call(acme).id == "x"
    assert acme.hook_failures == 1
    assert len(kit.spans()) == 2
    assert trace.get_current_span() is trace.INVALID_SPAN
