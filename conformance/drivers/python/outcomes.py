"""What the driver tells of a call: its times, its result or error as plain JSON, and everything shown."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import logging
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llm_forge.core.errors import ForgeError
from llm_forge.core.views import View
from llm_forge.runtime.clock import Clock
from llm_forge.runtime.events import Event

_FACTS = [
    "status",
    "type",
    "code",
    "param",
    "request_id",
    "retry_after",
    "phase",
    "retryable",
    "mid_stream",
    "circuit_open",
    "retry_budget_exhausted",
]
_NEVER_SENT = frozenset({"CircuitOpenError", "RateLimitWaitError", "RateLimitConfigError"})


class CallerError(Exception):
    """What a scenario's caller raises inside its loop over a stream."""


@dataclass
class Record:
    """What one call did, noted while it ran."""

    clock: Clock
    sleeps: list[float] = field(default_factory=list)
    sends: list[float] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    starts: int = 0
    ends: int = 0
    events: int = 0
    pending: dict[int, float] = field(default_factory=dict)
    completion: str | None = None
    synthesised: bool = False
    second: dict[str, Any] | None = None
    files: dict[str, str] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder `target` to store files in; what is then in it and around it is noted."""
        with tempfile.TemporaryDirectory() as around:
            target = Path(around) / "target"
            target.mkdir()
            try:
                yield target
            finally:
                found = [path for path in Path(around).rglob("*") if path.is_file()]
                self.files = {path.relative_to(around).as_posix(): path.read_text("utf-8") for path in found}


CURRENT: contextvars.ContextVar[Record | None] = contextvars.ContextVar("record", default=None)


def note_sleep(seconds: float) -> None:
    """Note a sleep of the call that sleeps."""
    record = CURRENT.get()
    if record is not None:
        record.sleeps.append(seconds)


def note_event(event: Event) -> None:
    """Note what a client says of its call; an attempt is sent when its wait for the limiter is over."""
    record = CURRENT.get()
    if record is None:
        return
    record.story.append(f"{event.name} {event.attempt}")
    record.shown.append(repr(event))
    record.starts += event.name == "call-start"
    record.ends += event.name == "call-end"
    if event.name in ("attempt-start", "limiter-wait"):
        record.pending[event.attempt] = record.clock.now()
    elif event.name == "attempt-end" and event.facts.get("outcome") not in _NEVER_SENT:
        record.sends.append(record.pending[event.attempt])
        record.sends.sort()


def note_story(text: str) -> None:
    """Note a step of the call's story."""
    record = CURRENT.get()
    if record is not None:
        record.story.append(text)


def note_shown(text: str) -> None:
    """Note something that the caller's own code sees."""
    record = CURRENT.get()
    if record is not None:
        record.shown.append(text)


class LogNotes(logging.Handler):
    """Keeps every log line with the call that caused it, or for whoever answers next."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.stray: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note one line."""
        call = CURRENT.get()
        (self.stray if call is None else call.shown).append(record.getMessage())


def plain(value: Any) -> Any:
    """A result as the JSON it came from."""
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value.to_dict() if isinstance(value, View) else value


def error_fact(error: BaseException) -> dict[str, Any]:
    """An error as the protocol tells it."""
    if isinstance(error, (asyncio.CancelledError, KeyboardInterrupt)):
        return {"kind": "Cancelled"}
    if isinstance(error, CallerError):
        return {"kind": "Raised"}
    if not isinstance(error, ForgeError):
        return {"kind": f"Untyped:{type(error).__name__}", "message": str(error)}
    fact: dict[str, Any] = {name: getattr(error, name) for name in _FACTS}
    fact |= {"kind": error.kind, "message": str(error), "partial": plain(error.partial)}
    fact["attempts"] = [
        {
            "number": one.number,
            "outcome": one.outcome,
            "waited": one.waited,
            "status": one.status,
            "request_id": one.request_id,
        }
        for one in error.attempts
    ]
    fact["details"] = [{"path": one.path, "message": one.message, "type": one.type} for one in error.details]
    fact["cause"] = type(error.__cause__).__name__ if error.__cause__ is not None else None
    return fact


def shown_of(error: BaseException) -> str:
    """Everything a person could see of an error."""
    facts = [repr(error.facts()), json.dumps(error.to_dict())] if isinstance(error, ForgeError) else []
    return "\n".join([repr(error), *facts, *traceback.format_exception(error)])


def outcome(
    record: Record, started: float, result: Any = None, error: BaseException | None = None
) -> dict[str, Any]:
    """One call's entry of the answer."""
    told: dict[str, Any] = {
        "started": started,
        "ended": record.clock.now(),
        "events": record.events,
        "sends": record.sends,
        "sleeps": record.sleeps,
        "starts": record.starts,
        "ends": record.ends,
        "synthesised": record.synthesised,
        "story": record.story,
        "files": record.files,
    }
    optional = {
        "result": plain(result),
        "completion": record.completion,
        "second": record.second,
        "error": error_fact(error) if error is not None else None,
    }
    return told | {name: value for name, value in optional.items() if value is not None}
