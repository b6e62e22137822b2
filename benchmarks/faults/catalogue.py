"""The faults: what the server sends, and what a caller should get.

Rules of this file:
- `right` is what a careful engineer would expect; it stands in the table beside the verdicts.
- A judge sees one `Seen` and answers with a verdict and a few words. It judges all clients alike, and names
  no client.
- `partly` is for what can be noticed and handled by the caller, but not as one would wish.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from llm_forge.conformance.canon import FIRST, TEXT, Family
from llm_forge.simulator.script import Piece, Reply

Verdict = Literal["right", "partly", "wrong"]
Judgement = tuple[Verdict, str]
TIMEOUT = 2.5
LATE = TIMEOUT + 0.7  # a busy machine is given some room
PATIENT = 120.0  # seconds that one may find reasonable to sleep through
MIB = 1024 * 1024


@dataclass(frozen=True)
class Seen:
    """What the caller saw (`facts` of contestants.py) and what reached the server."""

    facts: dict[str, Any]
    requests: int
    gaps: tuple[float, ...]
    elsewhere: int
    package: str

    def __getattr__(self, name: str) -> Any:
        return self.facts.get(name)

    @property
    def raised(self) -> bool:
        return self.end == "raised"

    @property
    def typed(self) -> bool:
        """Whether the error is of the client's own package, so that its users can catch it."""
        return bool(self.raised and self.facts["package"] == self.package)

    @property
    def words(self) -> str:
        """How it ended, in a few words."""
        if self.end == "returned":
            return f"returns {self.text[:20]!r} as if whole" if self.text else "returns nothing, as success"
        if self.end == "raised":
            return self.error if self.typed else f"bare {self.facts['package']} {self.error}"
        return f"still waiting after {self.seconds:g} s" if self.end == "waiting" else str(self.end)


Judge = Callable[[Seen], Judgement]


@dataclass(frozen=True)
class Fault:
    """One fault; `alone` runs it in a process of its own, `only` for the providers that know the case."""

    id: str
    title: str
    right: str
    replies: Callable[[Family], Sequence[Reply]]
    judge: Judge
    stream: bool = False
    alone: bool = False
    only: frozenset[str] | None = None


# -- judges -----------------------------------------------------------------------------------------------


def noticed(seen: Seen) -> Judgement:
    """A typed error that carries what had arrived."""
    if not seen.raised:
        return "wrong", seen.words
    if seen.typed and FIRST in (seen.partial or ""):
        return "right", f"{seen.error} with the partial answer"
    return "partly", seen.words + (", without the partial answer" if seen.typed else "")


def raises(*kinds: str) -> Judge:
    """A typed error; of one of these classes, where any are named."""

    def judge(seen: Seen) -> Judgement:
        if not seen.raised:
            return "wrong", seen.words
        if not seen.typed:
            return "partly", seen.words
        return ("right" if not kinds or seen.error in kinds else "partly"), seen.words

    return judge


def whole(seen: Seen) -> Judgement:
    """The whole text and no error."""
    if seen.end == "returned" and seen.text == TEXT:
        return "right", "whole"
    return "wrong", seen.words


def in_time(seen: Seen) -> Judgement:
    """Over by the time-out, with a typed error."""
    took = f"{seen.words} after {seen.seconds:.1f} s"
    if seen.seconds > LATE:
        return "wrong", took if seen.end != "waiting" else seen.words
    return ("right" if seen.typed else "partly"), took


def at_once(seen: Seen) -> Judgement:
    """The whole text, without waiting for the server to close."""
    if seen.end == "returned" and seen.text == TEXT and seen.seconds < 1.0:
        return "right", f"whole, after {seen.seconds:.1f} s"
    return "wrong", f"{seen.words}, after {seen.seconds:.1f} s"


def never_sooner(wait: float, *, refuse: bool) -> Judge:
    """No request before the server's wait is over; `refuse`: the call fails at once and says how long."""

    def judge(seen: Seen) -> Judgement:
        if any(gap < wait - 0.05 for gap in seen.gaps):
            return "wrong", f"asks again after {seen.gaps[0]:.1f} s"
        if seen.end == "waiting":
            return ("wrong" if wait > PATIENT else "partly"), "sleeps on, past the time-out"
        if not refuse:
            return ("right", f"waits {seen.gaps[0]:.1f} s") if seen.gaps else ("partly", "does not retry")
        told = seen.retry_after is not None
        return ("right" if told else "partly"), seen.words + (f", retry_after {wait:g}" if told else "")

    return judge


def attempts(wanted: int, *, ends: str = "raised") -> Judge:
    """Exactly so many requests."""

    def judge(seen: Seen) -> Judgement:
        count = f"{seen.requests} request{'s' * (seen.requests != 1)}"
        good = seen.requests == wanted and seen.end == ends
        return ("right" if good else "wrong"), f"{count}, {seen.words}" if ends == "raised" else count

    return judge


def small(limit_mib: int) -> Judge:
    """Refused with a typed error before the memory of the process grew by more than this."""

    def judge(seen: Seen) -> Judgement:
        words = f"{seen.words}, {seen.memory_mib or 0:+d} MiB, {seen.seconds:.1f} s"
        if not seen.typed or (seen.memory_mib or 0) > limit_mib:
            return "wrong", words
        return "right", words

    return judge


def not_shown(fact: str, what: str) -> Judge:
    """Nothing of it in the debug log or the error."""
    return lambda seen: ("wrong", f"{what} is shown") if seen.facts.get(fact) else ("right", "not shown")


def refused_redirect(seen: Seen) -> Judgement:
    """The other origin gets no request."""
    if seen.elsewhere:
        return "wrong", "followed: the body goes to the other origin"
    return ("right" if seen.typed else "partly"), seen.words


# -- what the server sends --------------------------------------------------------------------------------


def stream(family: Family, *pieces: str, **more: Any) -> list[Reply]:
    """One event stream of the family's named pieces (or texts of their own)."""
    events = [family.pieces.get(piece, piece) for piece in pieces]
    return [Reply(events=[event for event in events if event], times=None, **more)]


def full(family: Family, **more: Any) -> list[Reply]:
    return stream(family, "head", "first", "second", "finish", "done", **more)


def cut(family: Family, **more: Any) -> list[Reply]:
    return stream(family, "head", "first", "second", **more)


def size_of(family: Family, *pieces: str) -> int:
    return sum(len(family.pieces[piece].encode()) for piece in pieces)


def error(
    family: Family, status: int, kind: str, code: str | None = None, message: str = "No.", **headers: str
) -> Reply:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, json=family.error_body(kind, message, code), headers=fields, times=None)


def bomb(_: Family) -> list[Reply]:
    packed, deflate = [], zlib.compressobj(9, wbits=31)
    packed.append(deflate.compress(b'{"id":"x","pad":"'))
    packed += [deflate.compress(b" " * MIB) for _ in range(400)]
    packed += [deflate.compress(b'"}'), deflate.flush()]
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return [Reply(body=b"".join(packed), headers=headers, times=None)]


def endless_line(family: Family) -> list[Reply]:
    line = [Piece(b'data: {"pad":"'), Piece(b"x" * 65536, times=3200), Piece(b'"}\n\n')]
    start = Piece((family.pieces["head"] + family.pieces["first"]).encode())
    headers = {"Content-Type": "text/event-stream"}
    return [Reply(pieces=[start, *line], headers=headers, framing="chunked", times=None)]


def heartbeats(family: Family) -> list[Reply]:
    start = Piece((family.pieces["head"] + family.pieces["first"]).encode())
    beats = Piece(b": still here\n\n", times=20, pause=0.5)
    headers = {"Content-Type": "text/event-stream"}
    return [Reply(pieces=[start, beats], headers=headers, framing="chunked", times=None)]


def dripping(family: Family) -> list[Reply]:
    return [Reply(json=family.result, split=16, pause=1.0, times=None)]


def line_ends(family: Family, end: str) -> list[Reply]:
    events = [
        family.pieces[piece].replace("\n", end) for piece in ("head", "first", "second", "finish", "done")
    ]
    return [Reply(events=[event for event in events if event], times=None)]


def separators(family: Family) -> list[Reply]:
    """The text with U+2028 in place of its space, unescaped as JSON allows."""
    events = [family.pieces[piece] for piece in ("head", "first", "second", "finish", "done")]
    return [Reply(events=[event.replace(" wörld", "\u2028wörld") for event in events if event], times=None)]


def kept_separator(seen: Seen) -> Judgement:
    good = seen.end == "returned" and seen.text == TEXT.replace(" wörld", "\u2028wörld")
    return ("right", "whole") if good else ("wrong", seen.words)


def tool_call_cut(family: Family) -> list[Reply]:
    """A sentinel in the middle of a tool call's arguments, and no finish reason."""
    call = (
        '{"index":0,"id":"call_1","type":"function","function":{"name":"pay","arguments":"{\\"amount\\": 1"}}'
    )
    chunk = (
        '{"id":"c","object":"chat.completion.chunk","created":1,"model":"m-1","choices":'
        f'[{{"index":0,"delta":{{"tool_calls":[{call}]}},"finish_reason":null}}]}}'
    )
    return stream(family, "first", f"data: {chunk}\n\n", "done")


def redirected(_: Family) -> list[Reply]:
    return [Reply(status=307, headers={"Location": "{{elsewhere}}/v1/taken"}, template=True, times=None)]


def result(family: Family, **more: Any) -> Reply:
    return Reply(json=family.result, times=None, **more)


def _after_first(family: Family) -> tuple[str, ...]:
    return ("first", "second", "finish", "done") if family.pieces["head"] else ("second", "finish", "done")


def _once(reply: Reply) -> Reply:
    return replace(reply, times=1)


def _error_event(family: Family) -> str:
    body = json.dumps(family.error_body("overloaded_error", "Overloaded", None))
    return ("event: error\n" if family.name == "blocks" else "") + f"data: {body}\n\n"


def _news(family: Family) -> str:
    if family.name == "chat":
        return 'data: {"object":"of.tomorrow","choices":[]}\n\n'
    return 'event: of_tomorrow\ndata: {"type":"of_tomorrow"}\n\n'


def _finish_of_tomorrow(family: Family) -> str:
    finish = family.pieces["finish"]
    return finish.replace('"stop"', '"of_tomorrow"').replace('"end_turn"', '"of_tomorrow"')


CHAT = frozenset({"openai", "groq", "mistral"})

FAULTS: tuple[Fault, ...] = (
    Fault(
        "cut-clean",
        "stream cut after its text, with a clean end of the body and no terminal event",
        "an error that carries the partial answer",
        lambda f: cut(f),
        noticed,
        stream=True,
    ),
    Fault(
        "cut-in-event",
        "stream cut in the middle of an event's JSON, clean end",
        "an error that carries the partial answer",
        lambda f: full(f, truncate=size_of(f, "head", "first") + 30, end="complete"),
        noticed,
        stream=True,
    ),
    Fault(
        "reset",
        "TCP reset in the middle of a stream",
        "a typed error that carries the partial answer",
        lambda f: cut(f, end="reset"),
        noticed,
        stream=True,
    ),
    Fault(
        "no-last-chunk",
        "stream cut without the last chunk of the HTTP body",
        "a typed error that carries the partial answer",
        lambda f: cut(f, end="close", terminate=False),
        noticed,
        stream=True,
    ),
    Fault(
        "tool-call-cut",
        "`[DONE]` in the middle of a tool call's arguments",
        "an error: the call is not whole",
        tool_call_cut,
        noticed,
        stream=True,
        only=CHAT,
    ),
    Fault(
        "error-in-stream",
        "an overload error as an event after the text",
        "the provider's error by its type, with the partial answer",
        lambda f: stream(f, "head", "first", "second", _error_event(f)),
        noticed,
        stream=True,
    ),
    Fault(
        "bom",
        "UTF-8 byte order mark before the first event",
        "read as if it were not there",
        lambda f: stream(f, "\ufeff" + (f.pieces["head"] or f.pieces["first"]), *_after_first(f)),
        whole,
        stream=True,
    ),
    Fault(
        "cr",
        "event stream with CR line ends",
        "read like any other (the standard allows them)",
        lambda f: line_ends(f, "\r"),
        whole,
        stream=True,
    ),
    Fault(
        "u2028",
        "U+2028 inside the text of an event",
        "kept: it ends no line",
        separators,
        kept_separator,
        stream=True,
    ),
    Fault(
        "split",
        "event stream that arrives byte by byte",
        "the whole text",
        lambda f: full(f, split=1),
        whole,
        stream=True,
    ),
    Fault(
        "unknown",
        "an event and a finish reason that did not exist when the client was written",
        "the whole text",
        lambda f: stream(f, "head", "first", _news(f), "second", _finish_of_tomorrow(f), "done"),
        whole,
        stream=True,
    ),
    Fault(
        "error-as-200",
        "a stream call answered with 200 and a JSON error",
        "an API error",
        lambda f: [Reply(json=f.error_body("overloaded_error", "Overloaded", None), times=None)],
        raises(),
        stream=True,
    ),
    Fault(
        "html",
        "200 and an HTML page (a captive proxy)",
        "a typed error",
        lambda _: [Reply(text="<html>Log in</html>", headers={"Content-Type": "text/html"}, times=None)],
        raises(),
    ),
    Fault(
        "broken-json",
        "200 and broken JSON",
        "a typed error",
        lambda _: [Reply(text='{"id": "x', headers={"Content-Type": "application/json"}, times=None)],
        raises(),
    ),
    Fault(
        "empty",
        "200 without a body",
        "a typed error",
        lambda _: [Reply(body=b"", headers={"Content-Type": "application/json"}, times=None)],
        raises(),
    ),
    Fault(
        "short-body",
        "body shorter than its Content-Length, then a whole one",
        "retried, and whole",
        lambda f: [Reply(json=f.result, truncate=20), result(f)],
        whole,
    ),
    Fault(
        "drip",
        "body dripped at 16 bytes a second, time-out of 2.5 s",
        "over after 2.5 s",
        dripping,
        in_time,
    ),
    Fault(
        "silent",
        "a server that never answers, time-out of 2.5 s",
        "over after 2.5 s, all attempts included",
        lambda f: [result(f, delay=11.0)],
        in_time,
    ),
    Fault(
        "heartbeats",
        "nothing but comments after the first event, time-out of 2.5 s",
        "over after 2.5 s",
        heartbeats,
        in_time,
        stream=True,
    ),
    Fault(
        "left-open",
        "terminal event, and the connection stays open",
        "ends at once",
        lambda f: full(f, end="stall"),
        at_once,
        stream=True,
    ),
    Fault(
        "retry-after-3600",
        "429 with Retry-After: 3600",
        "fails at once and says how long to wait",
        lambda f: [error(f, 429, "rate_limit_error", retry_after="3600")],
        never_sooner(3600, refuse=True),
    ),
    Fault(
        "retry-after-90",
        "429 with Retry-After: 90",
        "fails at once and says how long to wait; never a request sooner",
        lambda f: [error(f, 429, "rate_limit_error", retry_after="90")],
        never_sooner(90, refuse=True),
    ),
    Fault(
        "retry-after-1",
        "429 with Retry-After: 1, then well",
        "asks again, not before 1 s",
        lambda f: [_once(error(f, 429, "rate_limit_error", retry_after="1")), result(f)],
        never_sooner(1, refuse=False),
    ),
    Fault(
        "quota",
        "429 with code insufficient_quota",
        "not retried: waiting does not help",
        lambda f: [error(f, 429, "insufficient_quota", "insufficient_quota")],
        attempts(1),
        only=CHAT,
    ),
    Fault(
        "498",
        "498, the provider's documented word for no capacity, then well",
        "retried",
        lambda f: [_once(error(f, 498, "capacity_exceeded")), result(f)],
        attempts(2, ends="returned"),
        only=frozenset({"groq"}),
    ),
    Fault(
        "bomb",
        "a JSON body that unpacks to 400 MiB",
        "refused at a limit",
        bomb,
        small(128),
        alone=True,
    ),
    Fault(
        "endless-line",
        "an event of 200 MB in one line",
        "refused at a limit",
        endless_line,
        small(128),
        stream=True,
        alone=True,
    ),
    Fault(
        "prompt-in-log",
        "the debug log of a failed call",
        "no prompt in it",
        lambda f: [error(f, 400, "invalid_request_error")],
        not_shown("logs_prompt", "the prompt"),
    ),
    Fault(
        "key-in-log",
        "a provider that echoes the key in its error",
        "the key is in no log, error text or repr",
        lambda f: [error(f, 401, "authentication_error", message="Bad key sk-canary-7c1f0b9e44d2")],
        not_shown("shows_key", "the key"),
    ),
    Fault(
        "redirect",
        "a 307 to another origin on a POST",
        "not followed: the body is not theirs",
        redirected,
        refused_redirect,
    ),
)
