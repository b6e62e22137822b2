"""A span for every call, with the GenAI conventions' names, from a client's events (R-232).

    from llm_forge import Anthropic
    from llm_forge.integrations.opentelemetry import span_sink
    client = Anthropic(on_event=span_sink())

Needs the extra `otel`. What happens inside the call (attempts, retries, waits) becomes events of its span.
No content and no ids but the call's own are recorded. The conventions still change: every name stands once,
in the tables below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigError
from ..runtime.events import Event

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
STREAM = "gen_ai.request.stream"
FIRST_CONTENT = "gen_ai.response.time_to_first_chunk"
ERROR = "error.type"
CALL_ID = "llm_forge.call_id"
ATTEMPTS = "llm_forge.attempts"
PROVIDERS = {"mistral": "mistral_ai"}  # the others are called alike
OPERATIONS = {"messages.create": "chat", "chat.completions.create": "chat"}


def span_sink(tracer: Tracer | None = None) -> Callable[[Event], None]:
    """A function for a client's `on_event` that makes one span a call; ConfigError without the extra."""
    try:
        from opentelemetry import trace
    except ImportError as error:
        raise ConfigError("OpenTelemetry is not installed: pip install 'llm-forge[otel]'") from error
    return _Spans(tracer or trace.get_tracer("llm_forge"), trace.SpanKind.CLIENT, trace.StatusCode.ERROR)


class _Spans:
    """Open spans by call id."""

    def __init__(self, tracer: Tracer, kind: Any, failed: Any) -> None:
        self._tracer = tracer
        self._kind = kind
        self._failed = failed
        self._open: dict[str, Span] = {}

    def __call__(self, event: Event) -> None:
        if event.name == "call-start":
            self._open[event.call_id] = self._started(event)
            return
        span = self._open.get(event.call_id)
        if span is None:
            return
        if event.name == "call-end":
            del self._open[event.call_id]
            self._end(span, event)
        elif event.name == "stream-first-content":
            span.set_attribute(FIRST_CONTENT, event.facts["after"])
        else:
            span.add_event(f"llm_forge.{event.name}", _plain(event))

    def _started(self, event: Event) -> Span:
        facts = event.facts
        operation = OPERATIONS.get(facts["operation"], facts["operation"])
        attributes = {
            OPERATION: operation,
            PROVIDER: PROVIDERS.get(facts["provider"], facts["provider"]),
            STREAM: facts["stream"],
            CALL_ID: event.call_id,
        }
        if facts["model"] is not None:
            attributes[MODEL] = facts["model"]
        name = f"{operation} {facts['model']}" if facts["model"] else operation
        return self._tracer.start_span(name, kind=self._kind, attributes=attributes)

    def _end(self, span: Span, event: Event) -> None:
        span.set_attribute(ATTEMPTS, event.attempt)
        outcome = event.facts["outcome"]
        if outcome not in ("ok", "left"):
            span.set_attribute(ERROR, outcome)
            span.set_status(self._failed)
        span.end()


def _plain(event: Event) -> dict[str, Any]:
    """The facts OpenTelemetry can hold, with the attempt's number."""
    facts = {name: value for name, value in event.facts.items() if value is not None}
    return {"attempt": event.attempt, **facts}
