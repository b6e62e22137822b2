"""Faults: rules that replace or spoil what a provider would answer.

A rule selects requests, counts its matches from 1, and has one or more effects:

    provider: openai            # select: any of provider, operation, path (below the provider's
    operation: models.list      #   prefix, may end in *), model (may end in *), stream (true or false)
    nth: 2                      # only the 2nd match; or a list, [1, 3]
    every: 3                    # each third match
    probability: 0.3            # seeded chance of each match
    times: 2                    # at most so often (without nth, every and probability: every match)

    status: 429                 # replace: the vendor's own error body with this status
    message: Slow down          #   its message
    retry_after: 7              #   its Retry-After in seconds
    drop: reset                 # replace: no answer, the connection is reset, or closed with `close`
    proxy_error: 502            # replace: a gateway's HTML page with this status
    reply: {...}                # replace: any scripted reply (script_file.py)

    delay: 2.0                  # spoil: seconds before the head; also body_delay, pause (between pieces)
    split: 1                    # spoil: pieces of so many bytes
    cut: {events: 2}            # spoil: stop after 2 events (-1: before the last), or {bytes: 100}, and
                                #   end it with end: close (default), complete, reset, stall
    omit_terminal: true         # spoil: leave the last event out, end cleanly
    error_event: {after: 2, type: overloaded_error, message: Overloaded}   # spoil: fail inside the stream
    duplicate: 2                # spoil: send the 2nd event twice
    unknown_event: 1            # spoil: send an event of an unknown type after the first
    headers: {x-extra: "1"}     # spoil: more headers; content_type: text/html replaces that one

The first rule that fires decides. A wrong key or value is a DocumentError with file, line and key; what
is allowed stands in fault_values.py.
"""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from .documents import DocumentError, Place, read_document
from .fault_values import REPLACEMENTS, SPOILS, checked
from .script import Reply, header_pairs, reason
from .text import dice

__all__ = ["DocumentError", "Fault", "FaultPlan", "Spoiler", "faults_from", "load_faults"]

CutEnd: TypeAlias = Literal["close", "complete", "reset", "stall"]
_PAGE = "<html><head><title>{status} {reason}</title></head><body><h1>{status} {reason}</h1></body></html>\n"
_UNKNOWN = 'event: forge_unknown\ndata: {"type":"forge_unknown","choices":[]}\n\n'


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A rule, with the keys of the file (see the module's text).

    DocumentError, which is a ValueError, for a wrong value.
    """

    provider: str | None = None
    operation: str | None = None
    path: str | None = None
    model: str | None = None
    stream: bool | None = None
    nth: int | Sequence[int] | None = None
    every: int | None = None
    probability: float | None = None
    times: int | None = None
    status: int | None = None
    message: str | None = None
    retry_after: float | None = None
    drop: Literal["reset", "close"] | None = None
    proxy_error: int | None = None
    reply: Reply | None = None
    delay: float = 0.0
    body_delay: float = 0.0
    pause: float = 0.0
    split: int | None = None
    cut: Mapping[str, Any] | None = None
    omit_terminal: bool = False
    error_event: Mapping[str, Any] | None = None
    duplicate: int | None = None
    unknown_event: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None

    def __post_init__(self) -> None:
        checked(_given(self), Place("Fault"))

    @property
    def label(self) -> str:
        """What it does, for the ledger."""
        given = _given(self)
        return " ".join(name for name in (*REPLACEMENTS, *SPOILS) if name in given)

    @property
    def replaces(self) -> bool:
        """Whether the provider is not asked at all."""
        return any(getattr(self, name) is not None for name in REPLACEMENTS)

    def selects(self, provider: str, operation: str, path: str, model: str, *, stream: bool) -> bool:
        """Whether the rule speaks of such a request."""
        wanted = ((self.provider, provider), (self.operation, operation), (self.stream, stream))
        if any(want is not None and want != have for want, have in wanted):
            return False
        patterns = ((self.path, path), (self.model, model))
        return all(want is None or fnmatch.fnmatchcase(have, want) for want, have in patterns)

    def fires(self, match: int, fired: int, chance: float) -> bool:
        """Whether the rule acts on its n-th match, having acted so often."""
        if self.times is not None and fired >= self.times:
            return False
        if self.nth is not None and match not in ([self.nth] if isinstance(self.nth, int) else self.nth):
            return False
        if self.every is not None and match % self.every:
            return False
        return self.probability is None or chance < self.probability

    def scripted(self) -> Reply | None:
        """The reply that needs no provider: a script, a drop or a gateway's page; None for `status`."""
        if self.reply is not None:
            return self.reply
        if self.drop is not None:
            return Reply(raw=b"", end=self.drop)
        if self.proxy_error is not None:
            return _page(self.proxy_error)
        return None


class Spoiler:
    """Spoils a provider's reply as a fault says; `error_event` is the vendor's event, ready to send."""

    def __init__(self, fault: Fault, error_event: str = "") -> None:
        self._fault = fault
        self._error_event = error_event

    def spoil(self, reply: Reply) -> Reply:
        """The reply with the fault's effects."""
        fault = self._fault
        events = None if reply.events is None else self._events(list(reply.events))
        changed = replace(
            reply,
            events=events,
            headers=[*header_pairs(reply.headers), *fault.headers.items()],
            delay=fault.delay or reply.delay,
            body_delay=fault.body_delay or reply.body_delay,
            pause=fault.pause or reply.pause,
            split=fault.split or reply.split,
        )
        return _cut(_retyped(changed, fault.content_type), fault.cut)

    def _events(self, events: list[str]) -> list[str]:
        fault = self._fault
        if fault.duplicate is not None:
            events[fault.duplicate : fault.duplicate] = events[fault.duplicate - 1 : fault.duplicate]
        if fault.unknown_event is not None:
            events.insert(fault.unknown_event, _UNKNOWN)
        if fault.error_event is not None:
            return [*events[: fault.error_event.get("after", 0)], self._error_event]
        return events[:-1] if fault.omit_terminal else events


@dataclass(slots=True)
class FaultPlan:
    """The rules in force and how often each matched. May be changed from any thread."""

    seed: int = 0
    _rules: list[Fault] = field(default_factory=list)
    _counts: list[list[int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *faults: Fault) -> None:
        """Add rules behind those there are."""
        with self._lock:
            self._rules += faults
            self._counts += [[0, 0] for _ in faults]

    def clear(self) -> None:
        """Drop all rules."""
        with self._lock:
            self._rules.clear()
            self._counts.clear()

    def next(self, provider: str, operation: str, path: str, model: str, *, stream: bool) -> Fault | None:
        """The rule that acts on this request, None if none does."""
        with self._lock:
            acting: Fault | None = None
            for index, rule in enumerate(self._rules):
                if rule.selects(provider, operation, path, model, stream=stream) and self._fires_locked(
                    index
                ):
                    acting = acting or rule
            return acting

    def _fires_locked(self, index: int) -> bool:
        counts = self._counts[index]
        counts[0] += 1
        chance = dice(self.seed, "fault", index, counts[0]).random()
        fires = self._rules[index].fires(counts[0], counts[1], chance)
        counts[1] += fires
        return fires


def load_faults(path: str | Path) -> list[Fault]:
    """The rules of a YAML or JSON file: a list, or a mapping with `faults`. DocumentError if it is wrong."""
    return faults_from(*read_document(path))


def faults_from(value: Any, place: Place | None = None) -> list[Fault]:
    """Rules from a list of mappings, or a mapping with `faults`. DocumentError with entry and key."""
    where = place or Place("faults")
    if isinstance(value, Mapping):
        value, where = where.known_keys(value, ("faults",)).get("faults", []), where / "faults"
    where.check(value, list, "a list of rules")
    return [_fault(item, where / index) for index, item in enumerate(value)]


def _fault(item: Any, where: Place) -> Fault:
    if isinstance(item, Fault):
        return item
    return Fault(**checked(where.known_keys(item, Fault.__dataclass_fields__), where))


def _given(fault: Fault) -> dict[str, Any]:
    """The keys that say something, in the order of the class."""
    pairs = ((one.name, getattr(fault, one.name), one.default) for one in fields(fault))
    return {name: value for name, value, usual in pairs if value != ({} if usual is MISSING else usual)}


def _page(status: int) -> Reply:
    text = _PAGE.format(status=status, reason=reason(status))
    return Reply(status=status, text=text, headers={"Content-Type": "text/html", "Server": "nginx"})


def _retyped(reply: Reply, content_type: str | None) -> Reply:
    if content_type is None:
        return reply
    kept = [(n, v) for n, v in header_pairs(reply.headers) if n.lower() != "content-type"]
    return replace(reply, headers=[*kept, ("Content-Type", content_type)])


def _cut(reply: Reply, cut: Mapping[str, Any] | None) -> Reply:
    if cut is None:
        return reply
    end = cut.get("end", "close")
    if "bytes" in cut:
        return replace(reply, truncate=cut["bytes"], end=end)
    events = None if reply.events is None else reply.events[: cut["events"]]
    return replace(reply, events=events, end=end)
