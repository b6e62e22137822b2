"""Scripted replies to the byte, as data.

A `Reply` says what to send; `Reply.steps()` is the plan: a sequence of steps that `perform` carries
out on an `Exchange`. Nothing is corrected: a wrong Content-Length is sent as it is written.

    Reply(status=429, headers={"Retry-After": "7"}, json={"error": {"message": "slow down"}})
    Reply(events=['data: {"n":1}\\n\\n', "data: [DONE]\\n\\n"], split=1)      # one byte at a time
    Reply(text="x" * 100, truncate=20)                                     # 20 of 100 bytes, then FIN
    Reply(events=[...], truncate=40, end="complete")                       # clean chunked end after 40
    Reply(events=[...], end="stall")                                       # stays open after the last byte
    Reply(raw=b"HTTP/1.1 200 OK\\r\\nnonsense", end="reset")

Order in time: `delay`, head, `body_delay`, the pieces with `pause` between them, `linger`, `end`.
Seconds are real seconds. A reply from a file has the same keys (script_file.py).
"""

from __future__ import annotations

import json as json_codec
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from .server import Exchange

End: TypeAlias = Literal["complete", "close", "reset", "stall", "half-close"]
Framing: TypeAlias = Literal["length", "chunked", "close", "none"]

_PLACEHOLDER = re.compile(r"\{\{([^{}]+)\}\}")
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BEFORE_RESET = 0.02  # a reset overtakes bytes that the client has not read yet


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that leave together; sent `times` times, with `pause` seconds after each."""

    data: bytes
    times: int = 1
    pause: float = 0.0

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.data) * self.times


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes, `times` times, with `pause` seconds after each."""

    data: bytes
    times: int = 1
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing for so many seconds, or with None until the client leaves."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Finish:
    """How the exchange ends; `keep_alive` only with "complete"."""

    how: End
    keep_alive: bool = True


Step: TypeAlias = Send | Pause | Finish


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One scripted reply. Give at most one of `text`, `json`, `body`, `events`, `pieces`, `raw`.

    status, reason, headers: the head; headers as a mapping or as pairs (repeats and odd names allowed).
    text, json, body: the body; `json` and `text` set a Content-Type unless one is given.
    events: the pieces of a stream, as text; sets text/event-stream and chunked framing.
    pieces: the body as `Piece`s, for repeats and pauses of their own.
    raw: the whole response, head included; framing is then the caller's.
    framing: "length" (default), "chunked" (default for streams), "close" (neither, ends with FIN),
        "none" (no framing header is added; give your own).
    split: None (as given), n (n bytes at a time), or sizes in order (the rest is one more piece).
    truncate: at most so many bytes of the body; the framing still promises all of it.
    gzip: compress the body, flushed after each piece, and say so in Content-Encoding.
    delay, body_delay, pause, linger: seconds before the head, before the body, between pieces, before
        the end. stall: how long "stall" lasts, None until the client leaves.
    end: "complete" (whole response; the connection stays unless the request or headers close it),
        "close" (FIN), "reset" (RST), "stall" (open, silent), "half-close" (FIN, then keeps reading).
        A truncated reply ends with "close" unless told otherwise; with "complete", a chunked one gets
        its last chunk, which is the clean truncation of a stream.
    terminate: whether a chunked body gets its last chunk; default: exactly when the end is
        "complete" or the body was not truncated.
    times: how many requests this reply answers, None for all that follow.
    refuse_after: after the end, close this connection and refuse new ones for so many seconds (for
        scenarios with a port of their own).
    template: replace {{header:name}}, {{body}}, {{target}}, {{attempt}} and the scenario's variables.
    """

    status: int = 200
    reason: str | None = None
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()
    text: str | None = None
    json: Any = None
    body: bytes | None = None
    events: Sequence[str] | None = None
    pieces: Sequence[Piece] | None = None
    raw: bytes | None = None
    framing: Framing | None = None
    split: int | Sequence[int] | None = None
    truncate: int | None = None
    gzip: bool = False
    delay: float = 0.0
    body_delay: float = 0.0
    pause: float = 0.0
    linger: float = 0.0
    stall: float | None = None
    end: End | None = None
    terminate: bool | None = None
    times: int | None = 1
    refuse_after: float | None = None
    template: bool = False

    def render(self, values: Mapping[str, str]) -> Reply:
        """This reply with every {{name}} that `values` knows replaced, in headers and body."""
        fill = partial(_filled, values)
        return replace(
            self,
            headers=[(name, fill(value)) for name, value in header_pairs(self.headers)],
            text=None if self.text is None else fill(self.text),
            json=_filled_json(self.json, fill),
            events=None if self.events is None else [fill(event) for event in self.events],
        )

    def steps(self) -> Iterator[Step]:
        """The plan, step by step; bodies that repeat are never built in memory."""
        end = self.end or ("complete" if self.truncate is None else "close")
        if self.delay:
            yield Pause(self.delay)
        yield from self._raw_steps() if self.raw is not None else self._response_steps(end)
        if self.linger or end == "reset":
            yield Pause(self.linger or _BEFORE_RESET)
        if end == "stall":
            yield Pause(self.stall)
        yield Finish(end, keep_alive=self._framing() != "close" and not self._says_close())

    def _raw_steps(self) -> Iterator[Step]:
        pieces = _split([Piece(self.raw or b"")], self.split)
        return (Send(piece.data, piece.times, self.pause) for piece in _cut(pieces, self.truncate))

    def _response_steps(self, end: End) -> Iterator[Step]:
        pieces = list(_split(self._pieces(), self.split))
        chunked = self._framing() == "chunked"
        yield Send(self._head(sum(piece.size for piece in pieces)))
        if self.body_delay:
            yield Pause(self.body_delay)
        for piece in _cut(pieces, self.truncate):
            data = _chunk(piece.data) if chunked else piece.data
            yield Send(data, piece.times, piece.pause or self.pause)
        if chunked and self._terminates(end):
            yield Send(b"0\r\n\r\n")

    def _terminates(self, end: End) -> bool:
        if self.terminate is not None:
            return self.terminate
        return end == "complete"

    def _framing(self) -> Framing:
        if self.raw is not None:
            return "none"
        return self.framing or ("length" if self.events is None else "chunked")

    def _pieces(self) -> Iterable[Piece]:
        plain = self._plain_pieces()
        return _compressed(plain) if self.gzip else plain

    def _plain_pieces(self) -> Sequence[Piece]:
        if self.pieces is not None:
            return self.pieces
        if self.events is not None:
            return [Piece(event.encode("utf-8", "surrogateescape")) for event in self.events]
        if self.text is not None:
            return [Piece(self.text.encode("utf-8", "surrogateescape"))]
        if self.body is not None:
            return [Piece(self.body)]
        return [] if self.json is None else [Piece(compact_json(self.json))]

    def _head(self, size: int) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {self.reason if self.reason is not None else reason(self.status)}"]
        lines += [f"{name}: {value}" for name, value in self._all_headers(size)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")

    def _all_headers(self, size: int) -> Iterator[tuple[str, str]]:
        given = header_pairs(self.headers)
        names = {name.lower() for name, _ in given}
        content_type = self._content_type()
        if content_type is not None and "content-type" not in names:
            yield "Content-Type", content_type
        if self.gzip and "content-encoding" not in names:
            yield "Content-Encoding", "gzip"
        yield from given
        if self._framing() == "chunked":
            yield "Transfer-Encoding", "chunked"
        elif self._framing() == "length" and self.status not in {204, 304}:
            yield "Content-Length", str(size)

    def _content_type(self) -> str | None:
        if self.events is not None:
            return "text/event-stream; charset=utf-8"
        if self.json is not None:
            return "application/json"
        return None if self.text is None else "text/plain; charset=utf-8"

    def _says_close(self) -> bool:
        return any(n.lower() == "connection" and "close" in v.lower() for n, v in header_pairs(self.headers))


async def perform(steps: Iterable[Step], exchange: Exchange) -> None:
    """Carry a plan out. ClientClosedError when the client leaves before its end."""
    for step in steps:
        if isinstance(step, Send):
            await _send(step, exchange)
        elif isinstance(step, Pause):
            await exchange.pause(step.seconds)
        else:
            await _finish(step, exchange)


def header_pairs(headers: Mapping[str, str] | Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Headers as pairs, from either form."""
    return list(headers.items()) if isinstance(headers, Mapping) else [(n, v) for n, v in headers]


def reason(status: int) -> str:
    """The usual phrase of a status, or "Status" for numbers without one."""
    return _REASONS.get(status, "Status")


def compact_json(value: Any) -> bytes:
    """JSON as the providers send it: no spaces, UTF-8 unescaped."""
    return json_codec.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


async def _send(step: Send, exchange: Exchange) -> None:
    for _ in range(step.times):
        await exchange.send(step.data)
        if step.pause:
            await exchange.pause(step.pause)


async def _finish(step: Finish, exchange: Exchange) -> None:
    if step.how == "reset":
        exchange.reset()
    elif step.how == "half-close":
        await exchange.half_close()
    elif step.how != "complete" or not step.keep_alive:
        exchange.close()


def _filled(values: Mapping[str, str], text: str) -> str:
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def _filled_json(value: Any, fill: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, dict):
        return {key: _filled_json(item, fill) for key, item in value.items()}
    return [_filled_json(item, fill) for item in value] if isinstance(value, list) else value


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _split(pieces: Iterable[Piece], split: int | Sequence[int] | None) -> Iterable[Piece]:
    if split is None:
        return pieces
    whole = b"".join(piece.data * piece.times for piece in pieces)
    return [Piece(part) for part in _parts(whole, split)]


def _parts(whole: bytes, split: int | Sequence[int]) -> Iterator[bytes]:
    if isinstance(split, int):
        yield from (whole[at : at + split] for at in range(0, len(whole), split))
        return
    at = 0
    for size in split:
        yield whole[at : at + size]
        at += size
    if at < len(whole):
        yield whole[at:]


def _cut(pieces: Iterable[Piece], limit: int | None) -> Iterator[Piece]:
    if limit is None:
        yield from (piece for piece in pieces if piece.data)
        return
    for piece in pieces:
        whole, rest = divmod(min(limit, piece.size), max(len(piece.data), 1))
        if whole:
            yield Piece(piece.data, whole, piece.pause)
        if rest:
            yield Piece(piece.data[:rest], 1, piece.pause)
        limit -= min(limit, piece.size)


def _compressed(pieces: Iterable[Piece]) -> Iterator[Piece]:
    deflate = zlib.compressobj(wbits=31)
    for piece in pieces:
        data = b"".join(deflate.compress(piece.data) for _ in range(piece.times))
        yield Piece(data + deflate.flush(zlib.Z_SYNC_FLUSH), 1, piece.pause)
    yield Piece(deflate.flush())
