"""What differs between what a scenario expects and what happened, in words a person can act on.

Rules of this file:
- Errors compare by kind and facts, never by message.
- Times compare to 1 ms where only sleeps move the clock; where network timers are at work they may be
  late by the scenario's slack (real seconds) and early by nothing but rounding.
- Whatever a scenario says, each call reports one start and one end (none if it was refused before it
  began), each exchange is over when the client is closed, nothing unscripted arrives, and no text shows
  the key.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl, quote

import msgspec

from ..simulator.scripted import Record
from ..simulator.server import Request
from .canon import CANARIES, FAMILIES, Family
from .cuts import every_cut
from .protocol import ErrorFact, Outcome, RunAnswer
from .scenario import CallExpect, Case, ErrorExpect, Received

EXACT = 0.001


@dataclass(frozen=True, slots=True)
class Observed:
    """What happened: the driver's answer, and what the server recorded."""

    answer: RunAnswer
    records: Sequence[Record]
    all_ended: bool


def differences(case: Case, seen: Observed) -> list[str]:
    """Every difference, as sentences; empty if all is as expected."""
    return [*_answer_differences(case, seen.answer), *_server_differences(case, seen), *_always(case, seen)]


def _answer_differences(case: Case, answer: RunAnswer) -> Iterator[str]:
    expect = case.scenario.expect
    family = FAMILIES[case.family]
    if answer.error is not None or expect.client_error is not None:
        yield from _error_differences("the client", expect.client_error, answer.error, family)
        return
    count = case.calls
    if len(answer.outcomes) != count:
        yield f"{len(answer.outcomes)} outcomes for {count} calls"
    if expect.every_cut:
        yield from _cut_differences(case, answer.outcomes, family)
        return
    times = Times(case)
    for number, outcome in enumerate(answer.outcomes, 1):
        wanted = _wanted(expect.calls, number, count)
        if wanted is not None:
            yield from _call_differences(f"call {number}", wanted, outcome, family, times)
        elif expect.tally is None and outcome.error is not None:
            yield f"call {number}: {_said(outcome.error)}, and nothing expects it"
    yield from _tally_differences(expect.tally, answer.outcomes)
    if expect.sends is not None:
        sends = sorted(at for outcome in answer.outcomes for at in outcome.sends)
        yield from times.differences("sends of all calls", expect.sends, sends)
    yield from _state_differences(case, answer)


def _state_differences(case: Case, answer: RunAnswer) -> Iterator[str]:
    """What differs in the circuits and limits that the calls left behind."""
    expect = case.scenario.expect
    for name, state in expect.circuits.items():
        if answer.circuits.get(name) != state:
            yield f"circuit {name}: {answer.circuits.get(name)}, wanted {state}"
    known = {name: [msgspec.to_builtins(one) for one in found] for name, found in answer.limits.items()}
    if expect.limits:
        yield from subset("limits", expect.limits, known)


def _cut_differences(case: Case, outcomes: Sequence[Outcome], family: Family) -> Iterator[str]:
    """What differs from what each cut of the canonical stream must give."""
    for cut, outcome in zip(every_cut(case.family), outcomes, strict=False):
        who = f"cut at byte {cut.size}"
        wanted = (
            CallExpect(text=cut.text, completion=cut.completion)
            if cut.completion is not None
            else CallExpect(ErrorExpect("StreamInterruptedError", partial_text=cut.text))
        )
        yield from _call_differences(who, wanted, outcome, family, Times(case))


def _wanted(calls: dict[str, CallExpect], number: int, count: int) -> CallExpect | None:
    """The expectations whose selectors take this call, merged in order."""
    merged: dict[str, Any] = {}
    found = False
    for selector, expect in calls.items():
        if _selects(selector, number, count):
            found = True
            merged |= {
                name: getattr(expect, name)
                for name in expect.__struct_fields__
                if getattr(expect, name) not in (None, msgspec.UNSET)
            }
    return CallExpect(**merged) if found else None


def _selects(selector: str, number: int, count: int) -> bool:
    if selector in ("all", "last"):
        return selector == "all" or number == count
    first, _, last = selector.partition("-")
    return int(first) <= number <= int(last or first)


@dataclass(frozen=True, slots=True)
class Times:
    """Compares times by the tolerance of a case."""

    case: Case

    def differ(self, wanted: float, got: float) -> bool:
        """Whether a time is out of tolerance."""
        scale = self.case.scenario.clock.scale
        early = EXACT if scale is None else EXACT + 0.01 * wanted
        late = EXACT if scale is None else self.case.scenario.slack / scale
        return not wanted - early <= got <= wanted + late

    def differences(self, what: str, wanted: Sequence[float], got: Sequence[float]) -> Iterator[str]:
        """A sentence if a list of times is not as wanted."""
        same = len(wanted) == len(got) and not any(map(self.differ, wanted, got))
        if not same:
            yield f"{what}: {[round(at, 4) for at in got]}, wanted {list(wanted)}"


def _call_differences(
    who: str, wanted: CallExpect, got: Outcome, family: Family, times: Times
) -> Iterator[str]:
    error = ErrorExpect(wanted.error) if isinstance(wanted.error, str) else wanted.error
    yield from _error_differences(who, error, got.error, family)
    if wanted.text is not None and family.text_of(got.result) != wanted.text:
        yield f"{who}: text {family.text_of(got.result)!r}, wanted {wanted.text!r}"
    if wanted.result is not msgspec.UNSET:
        yield from subset(f"{who}: result", wanted.result, got.result)
    for name in ("completion", "synthesised", "events"):
        if getattr(wanted, name) not in (None, getattr(got, name)):
            yield f"{who}: {name} {getattr(got, name)!r}, wanted {getattr(wanted, name)!r}"
    if wanted.files is not None and got.files != wanted.files:
        yield f"{who}: left the files {got.files}, wanted {wanted.files}"
    if wanted.story is not None and got.story != wanted.story:
        yield f"{who}: the story was {got.story}, wanted {wanted.story}"
    if wanted.second is not None and (got.second.kind if got.second else None) != wanted.second:
        yield f"{who}: iterating twice gave {_said(got.second)}, wanted {wanted.second}"
    yield from _time_differences(who, wanted, got, times)


def _time_differences(who: str, wanted: CallExpect, got: Outcome, times: Times) -> Iterator[str]:
    if wanted.gaps is not None:
        gaps = [later - earlier for earlier, later in zip(got.sends, got.sends[1:], strict=False)]
        yield from times.differences(f"{who}: gaps", wanted.gaps, gaps)
    if wanted.sends is not None:
        yield from times.differences(f"{who}: sends", wanted.sends, got.sends)
    if wanted.elapsed is not None:
        yield from times.differences(f"{who}: elapsed", [wanted.elapsed], [got.ended - got.started])


_FACTS = [
    "kind",
    "status",
    "type",
    "code",
    "param",
    "phase",
    "retryable",
    "mid_stream",
    "circuit_open",
    "retry_budget_exhausted",
    "message",
]


def _error_differences(
    who: str, wanted: ErrorExpect | None, got: ErrorFact | None, family: Family
) -> Iterator[str]:
    if wanted is None or got is None:
        if wanted is not None or got is not None:
            yield f"{who}: {_said(got)}, wanted {wanted.kind if wanted else 'success'}"
        return
    for name in _FACTS:
        want, have = getattr(wanted, name), getattr(got, name)
        if want not in (None, have):
            yield f"{who}: error {name} {have!r}, wanted {want!r} ({_said(got)})"
    for name in ("request_id", "retry_after"):
        want, have = getattr(wanted, name), getattr(got, name)
        if want is not msgspec.UNSET and not _same(want, have):
            yield f"{who}: error {name} {have!r}, wanted {want!r}"
    yield from _partial_differences(who, wanted, got, family)
    yield from _list_differences(who, wanted, got)
    yield from _message_differences(who, wanted, got)


def _partial_differences(who: str, wanted: ErrorExpect, got: ErrorFact, family: Family) -> Iterator[str]:
    if wanted.partial_text is not None and family.text_of(got.partial) != wanted.partial_text:
        yield f"{who}: partial text {family.text_of(got.partial)!r}, wanted {wanted.partial_text!r}"
    if wanted.partial is not msgspec.UNSET:
        yield from subset(f"{who}: partial", wanted.partial, got.partial)


def _list_differences(who: str, wanted: ErrorExpect, got: ErrorFact) -> Iterator[str]:
    if wanted.attempts is not None:
        attempts = [msgspec.to_builtins(attempt) for attempt in got.attempts]
        if len(attempts) != len(wanted.attempts):
            yield f"{who}: {len(attempts)} attempts on the error, wanted {len(wanted.attempts)}"
        for number, (want, have) in enumerate(zip(wanted.attempts, attempts, strict=False), 1):
            yield from subset(f"{who}: attempt {number}", want, {"waited": 0.0, **have})
    if wanted.details is not None:
        yield from subset(f"{who}: details", wanted.details, got.details)
    if wanted.cause is not None and wanted.cause != (got.cause is not None):
        yield f"{who}: the error's cause is {got.cause}"


def _message_differences(who: str, wanted: ErrorExpect, got: ErrorFact) -> Iterator[str]:
    for text in wanted.mentions:
        if text not in got.message:
            yield f"{who}: the message does not name {text!r}: {got.message!r}"
    for text in wanted.message_absent:
        if text in got.message:
            yield f"{who}: the message shows {text!r}"
    limit = wanted.message_limit
    if limit is not None and (len(got.message) > limit or "\n" in got.message or not got.message.strip()):
        yield f"{who}: the message is not one line of at most {limit} characters: {got.message[:80]!r}"


def _tally_differences(wanted: dict[str, int] | None, outcomes: Sequence[Outcome]) -> Iterator[str]:
    got = Counter(outcome.error.kind if outcome.error else "ok" for outcome in outcomes)
    if wanted is not None and dict(got) != wanted:
        yield f"calls ended as {dict(got)}, wanted {wanted}"


def _server_differences(case: Case, seen: Observed) -> Iterator[str]:
    expect = case.scenario.expect
    records = [record for record in seen.records if record.request.path not in case.scenario.routes]
    yield from _arrival_differences("the server", expect.requests, expect.received, records)
    for path, route in expect.routes.items():
        arrived = [record for record in seen.records if record.request.path == path]
        yield from _arrival_differences(path, route.requests, route.received, arrived)
    for name, groups in expect.grouped.items():
        values = [record.request.header(name) for record in records]
        if _groups(values) != groups:
            yield f"header {name} has the values {values}, wanted them grouped as {groups}"
    bodies = {record.request.body for record in records}
    if expect.bodies_equal and len(bodies) > 1:
        yield f"the attempts carried {len(bodies)} different bodies"
    if expect.left_within is not None:
        yield from _leaving_differences(expect.left_within, records)


def _arrival_differences(
    where: str, count: int | None, described: Sequence[Received], records: Sequence[Record]
) -> Iterator[str]:
    if count is not None and len(records) != count:
        yield f"{len(records)} requests reached {where}, wanted {count}"
    for number, (wanted, record) in enumerate(zip(described, records, strict=False), 1):
        yield from _request_differences(f"request {number} to {where}", wanted, record)
    if len(records) < len(described):
        yield f"{len(records)} requests reached {where}, {len(described)} were described"


def _groups(values: Sequence[str | None]) -> list[int | None]:
    """Numbers from 1 in the order of first appearance; null for none."""
    numbers: dict[str, int] = {}
    return [None if value is None else numbers.setdefault(value, len(numbers) + 1) for value in values]


def _leaving_differences(limit: float, records: Sequence[Record]) -> Iterator[str]:
    record = records[-1] if records else None
    if record is None or record.client_closed_at is None or record.outcome != "client-closed":
        yield f"the client did not leave the exchange ({record.outcome if record else 'no request'})"
    elif record.client_closed_at - record.request.arrived_at > limit:
        yield f"the client left after {record.client_closed_at - record.request.arrived_at:.3f} real seconds"


def _request_differences(who: str, wanted: Received, record: Record) -> Iterator[str]:
    request = record.request
    if wanted.path is not None and request.path != wanted.path:
        yield f"{who}: path {request.path!r}, wanted {wanted.path!r}"
    if wanted.target is not None and request.target != wanted.target:
        yield f"{who}: target {request.target!r}, wanted {wanted.target!r}"
    for name, value in wanted.headers.items():
        if request.header(name) != value:
            yield f"{who}: header {name} {request.header(name)!r}, wanted {value!r}"
    for name in wanted.absent:
        if request.header(name) is not None:
            yield f"{who}: carries the header {name}"
    yield from _content_differences(who, wanted, request)


def _content_differences(who: str, wanted: Received, request: Request) -> Iterator[str]:
    if wanted.body is not msgspec.UNSET:
        yield from subset(f"{who}: body", wanted.body, json.loads(request.body or b"null"))
    if wanted.parts is not None:
        yield from subset(f"{who}: parts", wanted.parts, _parts(request.header("content-type"), request.body))
    if wanted.form is not None:
        fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        if fields != wanted.form:
            yield f"{who}: form {fields}, wanted {wanted.form}"


def _parts(content_type: str | None, body: bytes) -> list[dict[str, Any]]:
    """The parts of a multipart body, as Python's own mail parser reads them."""
    message = message_from_bytes(f"content-type: {content_type}\r\n\r\n".encode() + body)
    return [
        {
            "name": part.get_param("name", header="content-disposition"),
            "file_name": part.get_filename(),
            "type": part.get_content_type(),
            "text": bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace"),
        }
        for part in message.walk()
        if not part.is_multipart()
    ]


def _always(case: Case, seen: Observed) -> Iterator[str]:
    paged = any(step.read is not None and step.read.to == "items" for step in case.scenario.calls)
    for number, outcome in enumerate(seen.answer.outcomes, 1):
        refused = outcome.error is not None and not outcome.sends
        if paged and outcome.starts == outcome.ends > 0:
            continue  # each page is a call
        if (outcome.starts, outcome.ends) not in ({(0, 0), (1, 1)} if refused else {(1, 1)}):
            yield f"call {number}: reported {outcome.starts} starts and {outcome.ends} ends"
    unexpected = sum(record.unexpected for record in seen.records)
    if unexpected:
        yield f"{unexpected} requests were not scripted"
    if not seen.all_ended:
        yield "an exchange was still open after the client was closed"
    yield from _leaks(seen.answer)


def _leaks(answer: RunAnswer) -> Iterator[str]:
    """Where a credential shows, of any scenario (SC-01)."""
    messages = [error.message for error in (answer.error, *(one.error for one in answer.outcomes)) if error]
    text = "\n".join([answer.shown, *messages])
    for name, value in CANARIES.items():
        for form in _forms(value):
            at = text.find(form)
            if at >= 0:
                yield f"the {name} shows in: ...{text[max(0, at - 80) : at]!r}"


def _forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret, safe=""), encoded}


def subset(where: str, wanted: Any, got: Any) -> Iterator[str]:
    """How `got` lacks what `wanted` has: objects by their given keys, arrays by position and length.

    `{"from": a, "to": b}` stands for any number of that range.
    """
    if isinstance(wanted, dict) and set(wanted) == {"from", "to"} and isinstance(got, int | float):
        if not wanted["from"] <= got <= wanted["to"]:
            yield f"{where}: {got!r}, wanted {wanted['from']} to {wanted['to']}"
    elif isinstance(wanted, dict) and isinstance(got, dict):
        for key, value in wanted.items():
            if key not in got and value is not None:
                yield f"{where}.{key}: missing"
            else:
                yield from subset(f"{where}.{key}", value, got.get(key))
    elif isinstance(wanted, list) and isinstance(got, list):
        if len(wanted) != len(got):
            yield f"{where}: {len(got)} entries, wanted {len(wanted)}"
        for index, (want, have) in enumerate(zip(wanted, got, strict=False)):
            yield from subset(f"{where}[{index}]", want, have)
    elif not _same(wanted, got):
        yield f"{where}: {got!r}, wanted {wanted!r}"


def _same(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, float) and isinstance(got, int | float) and not isinstance(got, bool):
        return abs(wanted - got) <= EXACT
    if isinstance(got, float) and isinstance(wanted, int) and not isinstance(wanted, bool):
        return abs(wanted - got) <= EXACT
    return bool(wanted == got) and isinstance(wanted, bool) == isinstance(got, bool)


def _said(error: ErrorFact | None) -> str:
    if error is None:
        return "success"
    return f"{error.kind}{f' [{error.phase}]' if error.phase else ''} ({error.message[:160]})"
