"""Histograms of calls, with labels of bounded number (R-233)."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from opentelemetry.metrics import Histogram, Meter

from ...core.call_context import CallContext
from ...runtime.events import Event
from . import names
from .names import operation_of, provider_of
from .spans import WELL

OTHER = "other"


class Metrics:
    """Records durations, tokens and the pace of streams.

    Labels are provider, operation, model, class of status and kind of error: never an id or a user's text.
    Of models the first `max_models` distinct ones are named, all others are `other`.
    """

    def __init__(self, meter: Meter, max_models: int = 100) -> None:
        self._duration = _seconds(meter, names.DURATION, "Duration of a call")
        self._first_chunk = _seconds(meter, names.TIME_TO_FIRST_CHUNK, "Time to a stream's first content")
        self._per_chunk = _seconds(meter, names.TIME_PER_CHUNK, "Time between a stream's pieces")
        self._tokens = _histogram(meter, names.TOKENS, "{token}", "Tokens of a call", names.TOKEN_BUCKETS)
        self._models: set[str] = set()
        self._max_models = max_models
        self._lock = threading.Lock()

    def on_event(self, event: Event) -> None:
        """Record what this event says."""
        if event.name == "stream-first-content":
            self._first_chunk.record(event.facts["after"], self._labels(event.context))
        elif event.name == "call-end":
            self._record_end(event)

    def _record_end(self, event: Event) -> None:
        facts, labels = event.facts, self._labels(event.context)
        if facts["attempts"]:  # an answer from middleware's cache was paid before
            for kind in ("input", "output"):
                if (count := facts.get(f"{kind}_tokens")) is not None:
                    self._tokens.record(count, labels | {names.TOKEN_TYPE: kind})
        for gap in facts.get("gaps", ()):
            self._per_chunk.record(gap, labels)
        if facts["outcome"] not in WELL:
            labels[names.ERROR] = facts["outcome"]
        if facts["status"] is not None:
            labels[names.STATUS_CLASS] = f"{facts['status'] // 100}xx"
        self._duration.record(facts["elapsed"], labels)

    def _labels(self, context: CallContext) -> dict[str, str]:
        labels = {
            names.PROVIDER: provider_of(context.provider),
            names.OPERATION: operation_of(context.operation),
        }
        if context.model is not None:
            labels[names.MODEL] = self._bounded(context.model)
        return labels

    def _bounded(self, model: str) -> str:
        with self._lock:
            if len(self._models) < self._max_models:
                self._models.add(model)
            return model if model in self._models else OTHER


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return _histogram(meter, name, "s", description, names.SECONDS_BUCKETS)


def _histogram(meter: Meter, name: str, unit: str, description: str, buckets: Sequence[float]) -> Histogram:
    made: Histogram = meter.create_histogram(
        name, unit, description, explicit_bucket_boundaries_advisory=buckets
    )
    return made
