"""Spans of real calls against the simulator, read back from OpenTelemetry's own exporter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from llm_forge import Anthropic, Mistral, StreamInterruptedError
from llm_forge.integrations.opentelemetry import span_sink
from llm_forge.simulator import Fault, Simulator

SECRET = "sk-canary-0123456789"
QUESTION = [{"role": "user", "content": "say: a private answer"}]


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def sink(exporter: InMemorySpanExporter) -> object:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return span_sink(provider.get_tracer("test"))


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(seed=5) as running:
        yield running


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


@pytest.mark.requirement("R-232")
def test_a_call_is_one_client_span_with_the_conventions_names(
    simulator: Simulator, exporter: InMemorySpanExporter, sink: object
) -> None:
    simulator.faults.add(Fault(provider="mistral", drop="reset", times=1))
    with Mistral(api_key=SECRET, base_url=simulator.base_urls["mistral"], on_event=sink) as client:  # type: ignore[arg-type]
        client.chat.completions.create(model="mistral-small-latest", messages=QUESTION)
    span = only(exporter)
    assert span.name == "chat mistral-small-latest"
    assert span.kind.name == "CLIENT"
    assert span.attributes is not None
    assert span.attributes["gen_ai.provider.name"] == "mistral_ai"
    assert span.attributes["gen_ai.operation.name"] == "chat"
    assert span.attributes["gen_ai.request.stream"] is False
    assert span.attributes["llm_forge.attempts"] == 2
    assert "llm_forge.retry" in [event.name for event in span.events]
    assert SECRET not in span.to_json()
    assert "private answer" not in span.to_json()


@pytest.mark.requirement("R-232")
def test_an_interrupted_stream_is_a_failed_span(
    simulator: Simulator, exporter: InMemorySpanExporter, sink: object
) -> None:
    simulator.faults.add(Fault(provider="anthropic", cut={"events": 5, "end": "complete"}, times=1))
    base_url = simulator.base_urls["anthropic"]
    client = Anthropic(api_key=SECRET, base_url=base_url, on_event=sink)  # type: ignore[arg-type]
    with client, pytest.raises(StreamInterruptedError):
        client.messages.stream(model="m", max_tokens=50, messages=QUESTION).result()
    span = only(exporter)
    assert span.attributes is not None
    assert span.attributes["error.type"] == "StreamInterruptedError"
    assert span.status.status_code.name == "ERROR"
    assert "gen_ai.response.time_to_first_chunk" in span.attributes


@pytest.mark.requirement("R-234")
def test_events_of_unknown_calls_are_no_spans(exporter: InMemorySpanExporter, sink: object) -> None:
    from llm_forge import Event
    from llm_forge.core.call_context import CallContext

    sink(Event("retry", CallContext("unknown", "acme", "x")))  # type: ignore[operator]
    assert exporter.get_finished_spans() == ()
