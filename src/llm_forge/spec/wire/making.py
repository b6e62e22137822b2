"""From a description to its wire cases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .. import ir
from .cases import Answer, Arguments, Case, Kind, Outcome, Suite
from .requests import arguments_of, as_json, credential_of, request_of
from .samples import SAMPLE_FILE, File, Sampler
from .streams import Played, play, wire_bytes

ERROR_STATUS = 422  # no client repeats it, and no mismatch is answered with it
ERROR_KIND = "UnprocessableError"
_ERROR = {"type": "invalid_request_error", "message": "refused by the wire case"}
_NO_CONTENT = (204, 205)


def wire_suite(api: ir.Api) -> Suite:
    """All cases of an API, in the order of its operations."""
    names: set[str] = set()
    cases = tuple(case for one in api.operations() for case in _Cases(api, one, _slug(one.name, names)).all())
    return Suite(api.provider, api.source, api.sha256, credential_of(api), cases)


def _slug(name: str, taken: set[str]) -> str:
    """The name as one segment of a URL, different for each operation."""
    slug = re.sub(r"[^A-Za-z0-9_.-]", "-", name)
    while slug in taken:
        slug += "-"
    taken.add(slug)
    return slug


class _Cases:
    """The cases of one operation."""

    def __init__(self, api: ir.Api, operation: ir.Operation, slug: str) -> None:
        self.api = api
        self.operation = operation
        self.slug = slug
        self.played = play(api, operation)
        self.only_streams = operation.result.kind == "stream"

    def all(self) -> Iterator[Case]:
        """Minimal, full and failing call, then the stream whole and cut, where there is one."""
        least = arguments_of(self.api, self.operation, full=False)
        most = arguments_of(self.api, self.operation, full=True)
        if not self.only_streams:
            yield self._case("minimal", least, *self._success(full=False))
            yield self._case("full", most, *self._success(full=True))
            yield self._case("error", least, *self._failure())
        elif self.played is not None:
            yield self._case("full", most, *self._whole(self.played), streaming=True)
            yield self._case("error", least, *self._failure(), streaming=True)
        if self.played is not None:
            yield self._case("stream", least, *self._whole(self.played), streaming=True)
            yield self._case("cut", least, *self._cut(self.played), streaming=True)

    def _case(
        self, kind: Kind, given: Arguments, answer: Answer, outcome: Outcome, *, streaming: bool = False
    ) -> Case:
        sent = request_of(self.api, self.operation, given, streaming=streaming)
        name = f"{self.slug}.{kind}"
        return Case(name, self.operation.name, kind, streaming, given, sent, answer, outcome)

    # unary

    def _success(self, *, full: bool) -> tuple[Answer, Outcome]:
        result = self.operation.result
        sampler = Sampler(self.api, writing=False, full=full)
        if result.kind == "empty":
            return Answer(_status(result.status, 204)), Outcome("empty")
        if result.kind == "binary":
            return self._bytes()
        status, media_type = _status(result.status, 200), _concrete(result.media_type)
        if result.kind == "lines":
            line = sampler.value(result.type)
            body = "".join(f"{as_json(one)}\n" for one in (line, line))
            return Answer(status, media_type, body.encode()), Outcome("lines", [line, line])
        value = _no_error(sampler.value(result.type))
        return Answer(status, media_type, as_json(value).encode()), Outcome("json", value)

    def _bytes(self) -> tuple[Answer, Outcome]:
        result = self.operation.result
        media_type = _concrete(result.media_type) or "application/octet-stream"
        answer = Answer(_status(result.status, 200), media_type, SAMPLE_FILE.content)
        return answer, Outcome("binary", File(SAMPLE_FILE.content))

    def _failure(self) -> tuple[Answer, Outcome]:
        body = as_json(_error_body(self.api, self.operation)).encode()
        answer = Answer(ERROR_STATUS, "application/json", body)
        gives = "stream" if self.only_streams else _GIVES[self.operation.result.kind]
        return answer, Outcome(gives, error=ERROR_KIND, status=ERROR_STATUS)  # type: ignore[arg-type]

    # streams

    def _whole(self, played: Played) -> tuple[Answer, Outcome]:
        stream = self._stream()
        body = b"".join(wire_bytes(stream, event) for event in played.events)
        outcome = Outcome("stream", played.result, events=played.count, completion=played.completion)
        return Answer(200, _stream_type(stream), body), outcome

    def _cut(self, played: Played) -> tuple[Answer, Outcome]:
        """The first event and half of the second."""
        stream = self._stream()
        first, second = (wire_bytes(stream, event) for event in played.events[:2])
        body = first + second[: len(second) // 2]
        outcome = Outcome("stream", events=1, error="StreamInterruptedError", status=200)
        return Answer(200, _stream_type(stream), body, cut=True), outcome

    def _stream(self) -> ir.Stream:
        assert self.operation.stream is not None  # noqa: S101 - it was played
        return self.operation.stream


def _no_error(value: Any) -> Any:
    """The value as no client takes it for an error: an object without an id has no filled field `error`."""
    if isinstance(value, dict) and value.get("error") and "id" not in value:
        return {name: one for name, one in value.items() if name != "error"}
    return value


_GIVES = {"json": "json", "json-or-stream": "json", "lines": "lines", "binary": "binary", "empty": "empty"}


def _status(told: str, usual: int) -> int:
    """The status of success; one that allows no content is kept for answers without any."""
    found = int(told) if told.isdigit() else usual
    return usual if found in _NO_CONTENT else found


def _concrete(media_type: str) -> str:
    return "" if "*" in media_type else media_type


def _stream_type(stream: ir.Stream) -> str:
    return "application/x-ndjson" if stream.ndjson else "text/event-stream"


def _error_body(api: ir.Api, operation: ir.Operation) -> Any:
    """The operation's error with type and message where the provider has them; the usual form without one."""
    if operation.error is None:
        return {"error": _ERROR}
    made = Sampler(api, writing=False, full=True).value(operation.error)
    if isinstance(made, dict):
        for path, text in ((api.errors.type, _ERROR["type"]), (api.errors.message, _ERROR["message"])):
            _put(made, (path or "").split("."), text)
    return made


def _put(target: dict[str, Any], path: list[str], text: str) -> None:
    """Set what stands at a dotted path, if the objects on the way are there."""
    *way, last = path
    for name in way:
        inner = target.get(name)
        if not isinstance(inner, dict):
            return
        target = inner
    if last in target:
        target[last] = text
