"""What servers of the whole-system scenarios answer: right, wrong, cut, never; all from one seeded source."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from llm_forge.core.errors import ConnectionLostError
from llm_forge.runtime.scripted import Answer, Piece
from llm_forge.runtime.transports import HttpRequest

TEXT = "Hello é🙂 wörld"
JSON = ("content-type", "application/json")
SSE = ("content-type", "text/event-stream")
HTML = ("content-type", "text/html")
FOREVER = 10.0**6
Make = Callable[[HttpRequest, Random], Answer | Exception]


def _chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return f"data: {json.dumps(chunk)}\n\n".encode()


RESULT: dict[str, Any] = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9},
}
BODY = json.dumps(RESULT).encode()
EVENTS = [
    _chunk({"role": "assistant", "content": TEXT[:3]}),
    _chunk({"content": TEXT[3:]}),
    _chunk({}, "stop"),
]
STREAM = [*EVENTS, b"data: [DONE]\n\n"]


def is_stream(request: HttpRequest) -> bool:
    """Whether the request asks for a stream."""
    return b'"stream":true' in (request.body or b"")


def ok(request: HttpRequest, chance: Random) -> Answer:
    """The right answer, after 50 to 500 ms."""
    delay = chance.uniform(0.05, 0.5)
    if is_stream(request):
        pieces: list[Piece] = [part for event in STREAM for part in (0.02, event)]
        return Answer(200, [SSE], pieces, delay)
    return Answer(200, [JSON, ("content-length", str(len(BODY)))], [BODY], delay)


def status(code: int, *headers: tuple[str, str]) -> Make:
    """An error answer, after 20 ms."""
    body = json.dumps({"error": {"message": "not now", "type": "some_error", "code": None}}).encode()
    return lambda _request, _chance: Answer(code, [JSON, *headers], [body], 0.02)


def reset(_request: HttpRequest, _chance: Random) -> Exception:
    """The connection is gone before any answer."""
    return ConnectionLostError("The server reset the connection")


def cut(request: HttpRequest, chance: Random) -> Answer:
    """The connection is lost inside the body."""
    whole = ok(request, chance)
    body = b"".join(piece for piece in whole.body if isinstance(piece, bytes))
    lost = ConnectionLostError("The connection was lost inside the body")
    return Answer(200, whole.headers, [body[: chance.randrange(len(body))], lost], whole.delay)


def short(request: HttpRequest, chance: Random) -> Answer:
    """A stream that ends cleanly before its end; a whole answer of half its JSON."""
    whole = ok(request, chance)
    body = b"".join(piece for piece in whole.body if isinstance(piece, bytes))
    return Answer(200, [whole.headers[0]], [body[: chance.randrange(len(body))]], whole.delay)


def garbage(_request: HttpRequest, chance: Random) -> Answer:
    """200 with something that nobody asked for."""
    body = chance.choice(
        [b"", b"<html>hello</html>", b"{]", b"null", b"\xff\xfe", b'{"error":"what"}', b"data: {\n\n"]
    )
    return Answer(200, [chance.choice([JSON, SSE, HTML])], [body], 0.05)


def silent(_request: HttpRequest, chance: Random) -> Answer:
    """No answer, or a head and no body, for ever."""
    return chance.choice(
        [Answer(delay=FOREVER), Answer(200, [JSON], [FOREVER]), Answer(200, [SSE], [EVENTS[0], FOREVER])]
    )


RETRYABLE: tuple[Make, ...] = (
    reset,
    cut,
    *(status(code) for code in (429, 500, 503, 529)),
)
VICIOUS: tuple[Make, ...] = (short, garbage, silent)


class Faulty:
    """Answers a share of the requests with one of the faults, all others right."""

    def __init__(self, seed: int, share: float, faults: tuple[Make, ...]) -> None:
        self._chance = Random(seed)
        self._share = share
        self._faults = faults

    def __call__(self, request: HttpRequest, _now: float) -> Answer | Exception:
        fault = self._chance.random() < self._share
        make: Make = self._chance.choice(self._faults) if fault else ok
        return make(request, self._chance)
