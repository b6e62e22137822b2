"""One span a call, one child span an attempt (R-232)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import context as current
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ...core.call_context import CallContext
from ...runtime.events import Event
from . import names
from .names import operation_of, provider_of

Cost = Callable[[CallContext, Mapping[str, Any]], float | None]
WELL = ("ok", "left")
_TRACE_CONTEXT = TraceContextTextMapPropagator()


@dataclass(slots=True)
class _Open:
    """A call whose end was not told yet."""

    span: Span
    attempts: dict[int, Span] = field(default_factory=dict)
    waited: float = 0.0


class Spans:
    """Makes spans of events; `carried` is what an attempt's request takes along."""

    def __init__(self, tracer: Tracer, cost: Cost | None) -> None:
        self._tracer = tracer
        self._cost = cost
        self._open: dict[str, _Open] = {}

    def on_event(self, event: Event) -> None:
        """Start, end or describe the span that the event belongs to."""
        if event.name == "call-start":
            self._start(event.context)
            return
        call = self._open.get(event.call_id)
        if call is None:
            return
        match event.name:
            case "call-end":
                self._end(self._open.pop(event.call_id), event)
            case "attempt-start":
                self._start_attempt(call, event)
            case "attempt-end":
                self._end_attempt(call, event)
            case "stream-first-content":
                call.span.set_attribute(names.FIRST_CHUNK, event.facts["after"])
            case _:
                self._describe(call, event)

    def carried(self, context: CallContext) -> dict[str, str]:
        """The headers by which the server's spans become children of this attempt's."""
        call = self._open.get(context.call_id)
        span = call.attempts.get(context.attempt) if call is not None else None
        headers: dict[str, str] = {}
        if span is not None:
            _TRACE_CONTEXT.inject(headers, trace.set_span_in_context(span))
        return headers

    def set_content(self, context: CallContext, attributes: Mapping[str, str]) -> None:
        """Put what was asked or answered on the call's span."""
        if (call := self._open.get(context.call_id)) is not None:
            call.span.set_attributes(attributes)

    def _start(self, context: CallContext) -> None:
        operation = operation_of(context.operation)
        attributes = _where(context) | {
            names.OPERATION: operation,
            names.PROVIDER: provider_of(context.provider),
            names.STREAM: context.stream,
            names.CALL_ID: context.call_id,
        }
        if context.model is not None:
            attributes[names.MODEL] = context.model
        name = f"{operation} {context.model}" if context.model else operation
        span = self._tracer.start_span(name, _parent(context), SpanKind.CLIENT, attributes)
        self._open[context.call_id] = _Open(span)

    def _start_attempt(self, call: _Open, event: Event) -> None:
        method = event.facts["method"]
        attributes = _where(event.context) | {names.METHOD: method, names.ATTEMPT: event.attempt}
        if event.attempt > 1:
            attributes[names.RESEND_COUNT] = event.attempt - 1
        parent = trace.set_span_in_context(call.span)
        call.attempts[event.attempt] = self._tracer.start_span(method, parent, SpanKind.CLIENT, attributes)

    def _end_attempt(self, call: _Open, event: Event) -> None:
        span, facts = call.attempts.get(event.attempt, trace.INVALID_SPAN), event.facts
        _set(span, {names.STATUS: facts["status"], names.REQUEST_ID: facts["request_id"]})
        if facts["outcome"] != "ok":
            status = facts["status"]
            _fail(span, str(status) if status is not None and status >= 400 else facts["outcome"])
        if facts["outcome"] != "ok" or not event.context.stream:
            call.attempts.pop(event.attempt, None)  # that of an open stream ends with it
            span.end()

    def _describe(self, call: _Open, event: Event) -> None:
        if event.name == "limiter-wait":
            call.waited += event.facts["waited"]
            call.span.set_attribute(names.LIMITER_WAIT, call.waited)
        elif event.name == "breaker":
            call.span.set_attribute(names.BREAKER_STATE, event.facts["after"])
        facts = {name: value for name, value in event.facts.items() if value is not None}
        call.span.add_event(f"{names.SCOPE}.{event.name}", {names.ATTEMPT: event.attempt, **facts})

    def _end(self, call: _Open, event: Event) -> None:
        outcome = event.facts["outcome"]
        try:
            _set(call.span, {name: event.facts.get(fact) for name, fact in names.FACTS.items()})
            if self._cost is not None:
                _set(call.span, {names.COST: self._cost(event.context, event.facts)})
        finally:
            for span in (*call.attempts.values(), call.span):
                if outcome not in WELL:
                    _fail(span, outcome)
                span.end()


def told_by_others(context: CallContext) -> bool:
    """Whether the span around this call already describes it, or somebody asked for silence."""
    if current.get_value("suppress_instrumentation"):
        return True
    attributes = getattr(trace.get_current_span(), "attributes", None) or {}
    return bool(attributes.get(names.OPERATION) == operation_of(context.operation))


def _parent(context: CallContext) -> Any:
    """The trace that the caller named, else the span that is current."""
    if context.trace_parent is None:
        return None
    return _TRACE_CONTEXT.extract({"traceparent": context.trace_parent})


def _where(context: CallContext) -> dict[str, Any]:
    parts = urlsplit(context.origin)
    return {names.SERVER_ADDRESS: parts.hostname or "", names.SERVER_PORT: parts.port or 443}


def _set(span: Span, attributes: Mapping[str, Any]) -> None:
    span.set_attributes({name: value for name, value in attributes.items() if value is not None})


def _fail(span: Span, kind: str) -> None:
    span.set_attribute(names.ERROR, kind)
    span.set_status(StatusCode.ERROR)
