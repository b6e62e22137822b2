"""How one provider of the simulator answers a request: the order of its checks, as data.

Order: route, key, size, JSON, fault that replaces, body against the description, answer, limits, fault
that spoils. Every refusal is a `Failure`, worded by the provider. No I/O happens here.
"""

from __future__ import annotations

import itertools
import json
import logging
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from .faults import Fault, FaultPlan, Spoiler
from .forms import is_form, parse_form
from .ledger import Entry
from .limits import Limits
from .problems import Failure
from .providers.provider import Produced, Provider, Turn
from .script import Reply, header_pairs
from .server import Request
from .validation import Validator

_log = logging.getLogger(__name__)
_MESSAGES = {
    429: "Rate limit exceeded",
    500: "Internal server error",
    503: "Service unavailable",
    529: "Overloaded",
}


class Service:
    """One provider with its state: count of requests, buckets, and its description for checking bodies."""

    def __init__(
        self,
        provider: Provider,
        seed: int,
        faults: FaultPlan,
        clock: Callable[[], float],
        capacities: Mapping[str, float],
        pacing: float,
    ) -> None:
        self._provider = provider
        self._seed = seed
        self._faults = faults
        self._clock = clock
        self._pacing = pacing
        self._limits = _limits(provider, capacities, clock())
        self._validator = Validator(provider.name)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def turn(self, request: Request, path: str) -> Turn:
        """The next request of this provider."""
        with self._lock:
            number = next(self._numbers)
        return Turn(self._provider.name, self._seed, number, request, path, now=self._clock())

    def entry(self, turn: Turn) -> Entry:
        """A ledger entry for a request that has just arrived."""
        request = turn.request
        return Entry(
            number=turn.number,
            provider=turn.provider,
            operation="",
            method=request.method,
            path=turn.path,
            model="",
            connection=request.connection,
            arrived_at=request.arrived_at,
            request_bytes=len(request.body),
        )

    def reply(self, turn: Turn, entry: Entry) -> Reply:
        """The reply to a request; fills in the entry."""
        entry.request_id = self._provider.request_id(turn)
        try:
            reply = self._decided(turn, entry)
        except Failure as failure:
            reply = self._refused(failure, turn, entry)
        except Exception as error:  # noqa: BLE001 - our defect looks like a server's; the ledger names it
            _log.exception("the simulator failed on request %d of %s", turn.number, turn.provider)
            entry.fault = f"defect {error!r}"
            reply = self._refused(Failure("status", "Internal server error"), turn, entry)
        entry.status = reply.status if reply.raw is None else 0
        return reply

    def _decided(self, turn: Turn, entry: Entry) -> Reply:
        provider, request = self._provider, turn.request
        route = provider.route(request.method, turn.path)
        entry.operation = route.operation
        provider.authenticate(request)
        if len(request.body) > provider.max_body_bytes:
            raise Failure("size")
        found = route.match(turn.path)
        ids = tuple(found.groups()) if found else ()
        turn = replace(
            turn, ids=ids, body=_parsed(request, optional=not self._validator.wants_body(route.operation))
        )
        entry.model = turn.model
        entry.stream = bool(turn.body.get("stream")) or turn.query.get("stream") == "true"
        fault = self._faults.next(provider.name, route.operation, turn.path, turn.model, stream=entry.stream)
        if fault is not None:
            entry.fault = fault.label
            if fault.replaces:
                return self._replaced(fault, turn, entry)
        return self._answered(route.operation, turn, entry, fault)

    def _replaced(self, fault: Fault, turn: Turn, entry: Entry) -> Reply:
        scripted = fault.scripted()
        if scripted is not None:
            return replace(scripted, delay=fault.delay or scripted.delay)
        status = fault.status or 500
        message = fault.message or _MESSAGES.get(status, "Simulated error")
        reply = self._refused(Failure("status", message, status=status), turn, entry)
        extra = [] if fault.retry_after is None else [("retry-after", f"{fault.retry_after:g}")]
        return Spoiler(fault).spoil(replace(reply, headers=[*header_pairs(reply.headers), *extra]))

    def _answered(self, operation: str, turn: Turn, entry: Entry, fault: Fault | None) -> Reply:
        if not _is_form(turn.request):
            named = self._provider.json_forms.get(operation, operation)
            self._validator.check(named, turn.body, but=self._provider.checked_later.get(operation))
        with self._lock:  # what a provider keeps is changed by one request at a time
            produced = self._provider.produce(operation, turn)
        now = self._clock()
        cost = self._charged(produced, turn, now)
        entry.input_tokens, entry.output_tokens = produced.input_tokens, produced.output_tokens
        limited = self._provider.limit_headers(self._limits, now, cost)
        reply = self._with_headers(self._paced(produced), [*self._usual(turn, entry), *limited])
        if fault is None:
            return reply
        event = fault.error_event or {}
        kind, message = event.get("type", "server_error"), event.get("message", "Simulated error")
        return Spoiler(fault, self._provider.stream_error(kind, message)).spoil(reply)

    def _charged(self, produced: Produced, turn: Turn, now: float) -> dict[str, float]:
        cost = self._provider.costs(produced)
        lacking = self._limits.admit(cost, now)
        if lacking is None:
            return cost
        unit, wait = lacking
        bucket = self._limits[unit]
        raise Failure(
            "rate",
            turn.model,
            retry_after=None if math.isinf(wait) else wait,
            unit=unit,
            limit=bucket.capacity,
            used=bucket.capacity - bucket.available(now),
            requested=cost[unit],
        )

    def _refused(self, failure: Failure, turn: Turn, entry: Entry) -> Reply:
        reply = self._provider.failure(failure, entry.request_id)
        extra: list[tuple[str, str]] = []
        if failure.kind == "rate":
            extra = self._provider.limit_headers(self._limits, self._clock(), {})
        if failure.retry_after is not None:
            extra.append(("retry-after", str(math.ceil(failure.retry_after))))
        return self._with_headers(reply, [*self._usual(turn, entry), *extra])

    def _usual(self, turn: Turn, entry: Entry) -> list[tuple[str, str]]:
        date = ("date", formatdate(self._clock(), usegmt=True))
        return [date, *self._provider.headers(entry.request_id, turn)]

    @staticmethod
    def _with_headers(reply: Reply, more: list[tuple[str, str]]) -> Reply:
        given = header_pairs(reply.headers)
        names = {name.lower() for name, _ in given}
        return replace(reply, headers=[*(pair for pair in more if pair[0] not in names), *given])

    def _paced(self, produced: Produced) -> Reply:
        if not self._pacing:
            return produced.reply
        if produced.reply.events is not None:
            return replace(produced.reply, pause=self._pacing)
        return replace(produced.reply, delay=self._pacing * produced.output_tokens)


_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def _is_form(request: Request) -> bool:
    return is_form(request.header("content-type") or "")


def _parsed(request: Request, *, optional: bool) -> Mapping[str, Any]:
    if request.method not in _WITH_BODY or (optional and not request.body):
        return {}
    if _is_form(request):
        return parse_form(request.header("content-type") or "", request.body)
    try:
        body = json.loads(request.body, parse_constant=_refused_constant)
        if b"\\ud" in request.body.lower():
            json.dumps(body, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise Failure("not-json", str(error).splitlines()[0]) from error
    if not isinstance(body, dict):
        raise Failure("not-json", "expected an object")
    return body


def _refused_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _limits(provider: Provider, capacities: Mapping[str, float], now: float) -> Limits:
    buckets = provider.buckets()
    for unit, capacity in capacities.items():
        if unit not in buckets:
            raise ValueError(f"{provider.name} has no limit {unit!r}; it has {', '.join(buckets)}")
        buckets[unit] = replace(buckets[unit], capacity=capacity, level=capacity)
    for bucket in buckets.values():
        bucket.updated_at = now
    return Limits(buckets)
