"""The pure functions of llm_forge.core, asked by corpora; inputs and outputs are in conformance/README.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from core_limiter import limiter
from core_storms import backoff, breaker_storm, limiter_storm
from outcomes import error_fact

from llm_forge.core.breaker import Breaker, BreakerSettings, Outcome, Permit, outcome_of
from llm_forge.core.durations import parse_duration
from llm_forge.core.error_body import api_error, stream_error
from llm_forge.core.errors import ApiError, ForgeError
from llm_forge.core.file_names import disposition_name, safe_file_name
from llm_forge.core.framing import JsonLineDecoder, RawEvent
from llm_forge.core.headers import Headers
from llm_forge.core.profile import LimitHeaders, Profile, StreamRule
from llm_forge.core.redact import Redactor
from llm_forge.core.retry import Failure, Retry, RetryPolicy
from llm_forge.core.server_wait import server_wait
from llm_forge.core.sse import SseDecoder
from llm_forge.core.stream import StreamReader

_SHOWN = 65_536
_WALL = 1_800_000_000.0
_TEST = Profile("test", "https://example.test")


def answer(fn: str, value: Any) -> dict[str, Any]:
    """A function's output, or the kind of the error it raised."""
    try:
        return {"output": FUNCTIONS[fn](value)}
    except ForgeError as error:
        return {"error": error.kind}


def sse(value: Any) -> dict[str, Any]:
    """Bytes to events, with the chunk that completed each."""
    decoder = SseDecoder(**value.get("limits", {}))
    told: dict[str, Any] = {"events": [], "error": None, "rest": None}
    try:
        for number, chunk in enumerate(_chunks(value["chunks"])):
            told["events"] += [{**_event(event), "chunk": number} for event in decoder.feed(chunk)]
        rest = decoder.finish()
        told["rest"] = _event(rest) if rest is not None else None
    except ForgeError as error:
        told["error"] = error.kind
    return told | {"retry": decoder.retry, "decode_errors": decoder.decode_errors}


def lines(value: Any) -> dict[str, Any]:
    """Bytes to lines, and what is left at the end."""
    decoder = JsonLineDecoder(**value.get("limits", {}))
    told: dict[str, Any] = {"lines": [], "rest": None, "error": None}
    try:
        for chunk in _chunks(value["chunks"]):
            told["lines"] += [line.data.strip() for line in decoder.feed(chunk)]
        rest = decoder.finish()
        told["rest"] = rest.data.strip() if rest is not None else ""
    except ForgeError as error:
        told["error"] = error.kind
    return told


def file_name(value: Any) -> dict[str, Any]:
    """The name that a file is stored under, from a Content-Disposition header."""
    served = disposition_name(value["disposition"])
    return {"served": served, "safe": safe_file_name(served or "")}


def _chunks(listed: list[Any]) -> Iterator[bytes]:
    for entry in listed:
        if isinstance(entry, str):
            yield bytes.fromhex(entry)
        else:
            chunk = bytes.fromhex(entry["hex"]) * entry["times"]
            for _ in range(entry["pieces"]):
                yield chunk


def _event(event: RawEvent) -> dict[str, Any]:
    shown = {"data": event.data} if len(event.data) <= _SHOWN else {}
    return {"event": event.event, "id": event.id, "size": len(event.data), **shown}


def durations(value: Any) -> dict[str, Any]:
    """Text to seconds."""
    return {"seconds": parse_duration(value["text"])}


def _headers(value: Any) -> Headers:
    return Headers([(name, text) for name, text in value.get("headers", [])])


def wait_of_server(value: Any) -> dict[str, Any]:
    """Headers to the server's wait."""
    limits = tuple(LimitHeaders(**rule) for rule in value.get("rules", []))
    wait = server_wait(_headers(value), value["status"], limits, value.get("wall", _WALL))
    return {"wait": wait or None}


def retry(value: Any) -> dict[str, Any]:
    """A failure to the wait before the next attempt."""
    policy = dict(value.get("policy", {}))
    if "retryable_statuses" in policy:
        policy["retryable_statuses"] = frozenset(policy["retryable_statuses"])
    names = ("kind", "status", "server_wait", "should_retry", "terminal_quota")
    failure = Failure(**{name: value[name] for name in names if name in value})
    given = {name: value[name] for name in ("replay", "rewindable", "keyed", "timeouts") if name in value}
    plan = RetryPolicy(**policy).decide(
        value["attempt"],
        failure,
        left=value.get("left"),
        chance=value["chance"],
        jitter=value["jitter"],
        **given,
    )
    return {"after": plan.after if isinstance(plan, Retry) else None}


class BreakerTrace:
    """Plays the steps of a trace against one breaker."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.breaker = Breaker(BreakerSettings(**settings))
        self.permits: dict[str, Permit] = {}
        self.told: dict[str, Any] = {}

    def play(self, step: dict[str, Any]) -> dict[str, Any]:
        """One step; what it did, and the state after it."""
        self.told = {"admitted": 0, "rejected": 0}
        for number in range(step.get("times", 1)):
            self._once(step, step["at"] + number * step.get("every", 0.0))
        return {**self.told, "state": self.breaker.state}

    def _once(self, step: dict[str, Any], now: float) -> None:
        chance = step.get("chance", 0.5)
        if step["do"] == "record":
            permit = self.permits.pop(step["permit"])
            self.breaker.record(permit, _outcome(step["outcome"]), now, chance)
            return
        permit_or_not = self.breaker.admit(now)
        if not isinstance(permit_or_not, Permit):
            self.told["rejected"] += 1
            self.told["retry_after"] = permit_or_not.retry_after
            return
        self.told["admitted"] += 1
        if step["do"] == "attempt":
            self.breaker.record(permit_or_not, _outcome(step["outcome"]), now, chance)
        elif "as" in step:
            self.permits[step["as"]] = permit_or_not


def _outcome(told: Any) -> Outcome:
    if isinstance(told, str):
        return told  # type: ignore[return-value]  # the corpus says success, failure or neutral
    return outcome_of(Failure(told.get("kind", "status"), told.get("status")))


def breaker(value: Any) -> dict[str, Any]:
    """A trace of outcomes to states."""
    trace = BreakerTrace(value["settings"])
    return {"steps": [trace.play(step) for step in value["steps"]]}


def _reported(data: Any) -> ApiError | None:
    return stream_error(data, profile=_TEST, redactor=Redactor(()), request_id=None)


def accumulate(value: Any) -> dict[str, Any]:
    """A stream's text to its message and its end."""
    facts = {name: value[name] for name in ("ndjson", "type_field") if name in value}
    rule = StreamRule(value["family"], dict, terminal=frozenset(value.get("terminal", ())), **facts)
    reader = StreamReader(rule, _reported)
    reader.feed(value["text"].encode())
    if not reader.ended:
        reader.finish(strict=value.get("strict", False))
    done = reader.completion is not None
    message = reader.accumulator.result() if done else reader.accumulator.partial()
    error = reader.failure.kind if reader.failure is not None else None
    return {"completion": reader.completion, "error": error, "message": message}


def errors(value: Any) -> dict[str, Any]:
    """An error answer, or an event of a stream, to an error's facts."""
    profile = _TEST
    redactor = Redactor(())
    if value.get("stream"):
        inside = stream_error(json.loads(value["body"]), profile=profile, redactor=redactor, request_id=None)
        return error_fact(inside) if inside is not None else {"kind": None}
    headers = _headers(value)
    error = api_error(
        value["status"],
        headers,
        value["body"].encode(),
        profile=profile,
        redactor=redactor,
        retry_after=server_wait(headers, value["status"], (), _WALL),
    )
    return error_fact(error)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sse": sse,
    "lines": lines,
    "file_name": file_name,
    "durations": durations,
    "server_wait": wait_of_server,
    "retry": retry,
    "backoff": backoff,
    "breaker": breaker,
    "breaker_storm": breaker_storm,
    "limiter": limiter,
    "limiter_storm": limiter_storm,
    "accumulate": accumulate,
    "errors": errors,
}
