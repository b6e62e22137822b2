"""Lines in a log for those who ask for them (R-231).

    client = Anthropic(middleware=[Logging()])

Without it a client logs nothing. INFO has one line a call and one a retry, DEBUG every event; none has
content, credentials or `call_metadata`. Bodies need `log_content=True` as well as DEBUG.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

from ..core.call_context import CallContext
from .events import Event
from .log import log as default_logger
from .middleware import Middleware

_AT_INFO = frozenset({"call-end", "retry", "breaker", "budget-exhausted", "stream-interrupted"})
_TOO_LONG = frozenset({"gaps"})


class Logging(Middleware):
    """Writes what happens in calls to a standard logger, `llm_forge` unless another is given.

    `log_content=True` writes request and response bodies too, at DEBUG, with credentials redacted.
    Works on blocking and async clients.
    """

    def __init__(self, logger: logging.Logger | None = None, *, log_content: bool = False) -> None:
        self._logger = logger or default_logger
        self.wants_content = log_content

    def on_event(self, event: Event) -> None:
        """Write one line."""
        level = logging.INFO if event.name in _AT_INFO else logging.DEBUG
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", line_of(event))

    def on_content(self, context: CallContext, kind: Literal["request", "response"], text: str) -> None:
        """Write a body."""
        self._logger.debug("%s call_id=%s body=%s", kind, context.call_id, text)


def line_of(event: Event) -> str:
    """An event as one line: its name, its call, and its facts as name=value."""
    context = event.context
    who = {"provider": context.provider, "operation": context.operation, "model": context.model}
    facts = {name: value for name, value in event.facts.items() if name not in _TOO_LONG}
    shown = who | facts | {"attempt": event.attempt, "call_id": event.call_id}
    pairs = (f"{name}={_shown(value)}" for name, value in shown.items() if value is not None)
    return f"{event.name} {' '.join(pairs)}"


def _shown(value: Any) -> str:
    """A value that cannot be taken for another fact, or another line."""
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return text if text.isprintable() and " " not in text else repr(text)
