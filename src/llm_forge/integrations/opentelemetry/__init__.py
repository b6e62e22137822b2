"""Traces and metrics of OpenTelemetry for a client's calls (R-232, R-233).

    from llm_forge import Anthropic
    from llm_forge.integrations.opentelemetry import OpenTelemetry
    client = Anthropic(middleware=[OpenTelemetry()])

Needs the extra `otel`. One object may serve many clients, blocking and async.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from ...core.call_context import CallContext
from ...core.errors import ConfigError
from ...runtime.events import Event
from ...runtime.middleware import Middleware, Request, Response

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

_SILENT_KEPT = 10_000


class OpenTelemetry(Middleware):
    """Makes spans and metrics of calls, by the GenAI conventions; ConfigError without the extra.

    One span a call and one child an attempt, whose context goes to the server as `traceparent` unless
    `propagate` is off. `capture_content=True` puts messages on spans, credentials redacted. `cost` is given
    a call's context and the facts of its end, and returns what it cost, None if it does not know. Of models
    the first `max_models` distinct ones are labels of metrics, the others are `other`.

    It keeps silent where the current span already describes the same operation, so that a call that another
    instrumentation tells of is not told twice, and under `suppress_instrumentation`.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        propagate: bool = True,
        capture_content: bool = False,
        cost: Callable[[CallContext, Mapping[str, Any]], float | None] | None = None,
        max_models: int = 100,
    ) -> None:
        try:
            from opentelemetry import metrics, trace

            from .metrics import Metrics
            from .names import SCOPE
            from .spans import Spans, told_by_others
        except ImportError as error:
            raise ConfigError("OpenTelemetry is not installed: pip install 'llm-forge[otel]'") from error
        self.wants_content = capture_content
        self._propagate = propagate
        self._spans = Spans(trace.get_tracer(SCOPE, tracer_provider=tracer_provider), cost)
        self._metrics = Metrics(metrics.get_meter(SCOPE, meter_provider=meter_provider), max_models)
        self._told_by_others = told_by_others
        self._silent: OrderedDict[str, None] = OrderedDict()

    def on_event(self, event: Event) -> None:
        """Pass the event to spans and metrics, unless its call is silent."""
        if event.name == "call-start" and self._told_by_others(event.context):
            self._be_silent(event.call_id)
        if event.call_id in self._silent:
            if event.name == "call-end":
                self._silent.pop(event.call_id, None)
            return
        try:
            self._metrics.on_event(event)
        finally:
            self._spans.on_event(event)

    def attempt(self, context: CallContext, request: Request, proceed: Any) -> Response:
        """Send the attempt's trace context along, to the call's own origin."""
        if self._propagate:
            for name, value in self._spans.carried(context).items():
                request = request.with_header(name, value)
        response: Response = proceed(request)
        return response

    def on_content(self, context: CallContext, kind: Literal["request", "response"], text: str) -> None:
        """Put messages on the call's span."""
        from .content import request_content, response_content

        made = request_content(text) if kind == "request" else response_content(text)
        self._spans.set_content(context, made)

    def _be_silent(self, call_id: str) -> None:
        self._silent[call_id] = None
        if len(self._silent) > _SILENT_KEPT:  # a call that never ended
            self._silent.popitem(last=False)
