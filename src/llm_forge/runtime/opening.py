"""Opening a stream: a call, its attempts, and what kind of answer it is that came.

Some servers answer a stream call with one whole result, and some label a real event stream wrongly, or not at
all: where the label does not say it, the first bytes do (R-134).
"""

from __future__ import annotations

from typing import Any

from ..core.errors import ConnectionLostError, ForgeError, ProtocolError
from ..core.headers import Headers
from ..core.profile import StreamRule
from ..core.synthesise import Events, synthesise
from .answer import invalid_response, read_result
from .attempt import acquire, read_body, read_chunk, refuse, send
from .call import run
from .context import Call, outcome_name
from .lease import Lease
from .middleware import through
from .pump import Pump
from .transports.protocol import HttpRequest

EVENT_STREAM = frozenset({"text/event-stream"})
JSON_LINES = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/stream+json"}
)
UNLABELLED = (None, "text/plain", "application/octet-stream")
NO_CONTENT = (204, 205)
EVENT_STREAM_STARTS = (b"data:", b"event:", b":", b"id:", b"retry:", b"\xef\xbb\xbf")
WHOLE_STARTS = (b"{", b"[", b"<")
ENOUGH_BYTES = 6  # the longest start of an event stream


async def open_call(call: Call) -> Pump:
    """A stream call from its start to its open stream; the call ends with the stream."""
    opened: list[Pump] = []

    async def ask(request: HttpRequest) -> Pump:
        opened.append(await run(call.asking(request), open_stream))
        return opened[-1]

    call.begin()
    kept: Pump | None = None
    try:
        answer = await through(call, call.shared.steps.call, call.prepared.request, ask)
        kept = pump = answer if isinstance(answer, Pump) else _unsent(call).take_whole(answer)
    except BaseException as error:
        call.finish(outcome_name(error))
        raise
    finally:
        for left in opened:
            if left is not kept:
                await left.end(None)
    pump.handed_over = True
    return pump


def _unsent(call: Call) -> Pump:
    """A pump for what middleware answers: it holds nothing, and nothing was sent."""
    rule = call.operation.stream
    assert rule is not None  # noqa: S101 - only operations that stream are opened
    return Pump(call, Lease(call.io, call.circuit, call.gate, call.emit), rule, call.io.now())


async def open_stream(call: Call) -> Pump:
    """One attempt to open a stream: a pump that has an event ready or is at its end."""
    rule = call.operation.stream
    if rule is None:
        raise TypeError(f"{call.operation.name} does not stream")
    lease = await acquire(call)
    pump = Pump(call, lease, rule, call.io.now())

    async def ask(request: HttpRequest) -> Pump:
        return await _begin(pump, lease, request)

    try:
        answer = await through(call, call.shared.steps.attempt, call.prepared.request, ask)
        if answer is not pump:
            await lease.close()
            pump.take_whole(answer)
    except BaseException as error:
        lease.end(error)
        await lease.close()
        raise
    return pump


async def _begin(pump: Pump, lease: Lease, request: HttpRequest) -> Pump:
    """Send the request and read up to the first application event or the end."""
    call = pump.call
    ends = pump.began + call.settings.first_event_timeout
    exchange = await send(call, lease, request, ends)
    if not 200 <= exchange.status < 300:
        raise await refuse(call, exchange, ends)
    if exchange.status in NO_CONTENT:
        raise invalid_response(call, exchange, f"The {exchange.status} answer is empty", b"")
    pump.attach(exchange)
    kind = _media_type(exchange.headers)
    labels = JSON_LINES if pump.rule.ndjson else EVENT_STREAM
    if kind in labels or not await _is_whole(pump, kind, ends):
        await pump.begin()
    return pump


def _media_type(headers: Headers) -> str | None:
    kind = headers.get("content-type")
    return kind.partition(";")[0].strip().lower() if kind else None


async def _is_whole(pump: Pump, kind: str | None, ends: float) -> bool:
    """Whether the answer is no event stream; then it was taken as the whole result."""
    first = await _first_bytes(pump, ends)
    if _looks_streamed(pump.rule, kind, first.lstrip()):
        pump.reader.feed(first)
        return False
    whole = _whole(pump, first + await read_body(pump.call, pump.exchange, ends, pump.decoder))
    if isinstance(whole, ForgeError):
        raise whole
    pump.take_events(whole)
    return True


def _looks_streamed(rule: StreamRule[Any], kind: str | None, head: bytes) -> bool:
    if rule.ndjson:  # a line and a whole answer look the same: only the label tells
        return kind in UNLABELLED and not head.startswith(b"<")
    return not head.startswith(WHOLE_STARTS) if kind is None else head.startswith(EVENT_STREAM_STARTS)


async def _first_bytes(pump: Pump, ends: float) -> bytes:
    first = b""
    try:
        while len(first.lstrip()) < ENOUGH_BYTES:
            chunk = await read_chunk(pump.call, pump.exchange, ends, "body")
            if not chunk:
                break
            first += pump.decoder.feed(chunk)
    except (ConnectionLostError, ProtocolError) as error:
        raise pump.with_partial(pump.broken()) from error
    return first


def _whole(pump: Pump, body: bytes) -> Events | ForgeError:
    result = read_result(pump.call, pump.exchange, body)
    if isinstance(result, ForgeError):
        return result
    events = synthesise(pump.rule.family, result)
    message = "The answer to a stream request is neither an event stream nor a result"
    return events or invalid_response(pump.call, pump.exchange, message, body)
