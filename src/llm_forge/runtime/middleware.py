"""What users put around calls and around attempts (R-220 to R-224).

Rules of this file:
- Order outside in, as given. Call steps stand outside deadline, retry, breaker and limiter, and run once
  a call. Attempt steps stand inside them, outside auth and transport, and run once an attempt.
- Requests and responses are immutable: a step passes a changed copy on, which no other attempt sees (R-079).
- No step sees a credential, and none changes the origin (R-223).
- What a step raises goes on unchanged; a ForgeError then follows the retry rules (R-222).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from ..core.call_context import CallContext
from ..core.errors import InvalidRequestError
from ..core.headers import Headers
from .base_url import origin_of
from .events import Event, Hook, Reader
from .header_check import check_header
from .transports.protocol import BodySource, HttpRequest

if TYPE_CHECKING:
    from .context import Call


@dataclass(frozen=True, slots=True)
class Request:
    """A request as middleware sees it: without credentials, and never changed in place."""

    method: str
    url: str = field(repr=False)
    headers: Headers = field(repr=False)
    body: bytes | BodySource | None = field(default=None, repr=False)

    def with_header(self, name: str, value: str) -> Request:
        """The same request with this header set, in place of any of that name."""
        kept = self.without_header(name).headers.pairs()
        return replace(self, headers=Headers((*kept, (name, value))))

    def without_header(self, name: str) -> Request:
        """The same request without this header."""
        pairs = [pair for pair in self.headers.pairs() if pair[0] != name.lower()]
        return replace(self, headers=Headers(pairs))

    def json(self) -> Any:
        """The body decoded, afresh each time; TypeError for a body that is not held in memory."""
        if not isinstance(self.body, bytes):
            raise TypeError("this request has no JSON body in memory")
        from ..core.codec import decode

        return decode(self.body)

    def with_json(self, value: Any) -> Request:
        """The same request with this JSON as its body; InvalidRequestError for what JSON cannot hold."""
        from ..core.codec import encode

        return replace(self, body=encode(value))


@dataclass(frozen=True, slots=True)
class Response:
    """What came of a request. Make one from a `value` to answer without sending anything.

    `value` is the decoded JSON of a whole answer, None for a stream. It belongs to the caller: change a copy.
    """

    value: Any = field(default=None, repr=False)
    status: int = 200
    headers: Headers = field(default_factory=Headers, repr=False)
    _stream: Any = field(default=None, repr=False)
    _wraps: tuple[Callable[[Any], Any], ...] = field(default=(), repr=False)

    @property
    def is_stream(self) -> bool:
        """Whether events follow; see `with_events`."""
        return self._stream is not None

    def with_value(self, value: Any) -> Response:
        """The same response with another value; a stream is given up for it."""
        return replace(self, value=value, _stream=None, _wraps=())

    def with_events(self, wrap: Callable[[Any], Any]) -> Response:
        """The same stream with its events passed through `wrap`, as they are read.

        `wrap` is given an iterator of `Decoded` events and returns another, such as a generator does; on
        async clients both are async iterators. The accumulated message is made of the events that come out.
        """
        if self._stream is None:
            raise TypeError("this response is no stream")
        return replace(self, _wraps=(*self._wraps, wrap))

    @property
    def _answer(self) -> Any:
        """The open stream with its wraps, or the value."""
        if self._stream is not None:
            self._stream.wraps += self._wraps
        return self._stream if self._stream is not None else self.value


Proceed = Callable[[Request], Response]
AsyncProceed = Callable[[Request], Awaitable[Response]]


class Middleware:
    """Stands around the calls and attempts of a client; override what you need.

    One that changes only requests, and returns what `proceed` returns, works on async clients too. Set
    `wants_content` to be given what was asked and answered, as text, when a call ends.
    """

    wants_content: bool = False

    def call(self, context: CallContext, request: Request, proceed: Proceed) -> Response:  # noqa: ARG002
        """Once a call, outside the retries. `proceed` runs the call; leave it out to answer yourself."""
        return proceed(request)

    def attempt(self, context: CallContext, request: Request, proceed: Proceed) -> Response:  # noqa: ARG002
        """Once an attempt. `proceed` sends the request, once; its errors are those of the attempt."""
        return proceed(request)

    def on_event(self, event: Event) -> None:
        """Told of everything that happens, like a client's `on_event`."""

    def on_content(self, context: CallContext, kind: Literal["request", "response"], text: str) -> None:
        """Given bodies, credentials redacted, if `wants_content`; of a stream its message."""


class AsyncMiddleware:
    """`Middleware` for async clients."""

    wants_content: bool = False

    async def call(self, context: CallContext, request: Request, proceed: AsyncProceed) -> Response:  # noqa: ARG002
        """Once a call, outside the retries."""
        return await proceed(request)

    async def attempt(self, context: CallContext, request: Request, proceed: AsyncProceed) -> Response:  # noqa: ARG002
        """Once an attempt."""
        return await proceed(request)

    def on_event(self, event: Event) -> None:
        """Told of everything that happens, in place: it must not block."""

    def on_content(self, context: CallContext, kind: Literal["request", "response"], text: str) -> None:
        """Given bodies, if `wants_content`, in place: it must not block."""


AnyMiddleware = Middleware | AsyncMiddleware
Step = Callable[[CallContext, Request, Any], Any]
Send = Callable[[HttpRequest], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Steps:
    """What of a client's middleware is overridden, by level; empty levels cost nothing (R-235)."""

    call: Sequence[Step] = ()
    attempt: Sequence[Step] = ()
    hooks: Sequence[Hook] = ()
    readers: Sequence[Reader] = ()


def steps_of(middleware: Sequence[AnyMiddleware]) -> Steps:
    """The overridden methods of each, in order."""
    levels: dict[str, list[Any]] = {"call": [], "attempt": [], "on_event": []}
    for one in middleware:
        for name, found in levels.items():
            if getattr(type(one), name) not in (getattr(Middleware, name), getattr(AsyncMiddleware, name)):
                found.append(getattr(one, name))
    readers = [one.on_content for one in middleware if one.wants_content]
    return Steps(levels["call"], levels["attempt"], levels["on_event"], readers)


async def through(call: Call, steps: Sequence[Step], request: HttpRequest, send: Send) -> Any:
    """What `send` brings, a value or an open stream, or what `steps` around it make of that."""
    if not steps:
        return await send(request)

    async def innermost(request: HttpRequest) -> Response:
        answer = await send(request)
        facts = call.response_status or 200, call.response_headers or Headers()
        return Response(None, *facts, answer) if hasattr(answer, "wraps") else Response(answer, *facts)

    response = await _step(call, steps, request, innermost)
    return response._answer


async def _step(call: Call, steps: Sequence[Step], request: HttpRequest, innermost: Send) -> Response:
    if not steps:
        answer: Response = await innermost(request)
        return answer
    hidden = call.shared.is_secret_header
    shown = _shown(request, hidden)

    async def proceed(changed: Request) -> Response:
        onward = request if changed is shown else _applied(request, changed, hidden)
        return await _step(call, steps[1:], onward, innermost)

    response = await call.io.around(steps[0], call.context, shown, proceed)
    if not isinstance(response, Response):
        raise TypeError(f"{steps[0].__qualname__} returned {type(response).__name__}, not a Response")
    return response


def _shown(request: HttpRequest, hidden: Callable[[str], bool]) -> Request:
    """The request without headers that may hold credentials, also those that the caller set himself."""
    pairs = [pair for pair in request.headers if not hidden(pair[0])]
    return Request(request.method, request.url, Headers(pairs), request.body)


def _applied(before: HttpRequest, changed: Request, hidden: Callable[[str], bool]) -> HttpRequest:
    """The changed request, checked, with the headers that were hidden from the step put back."""
    _check(before, changed)
    back = [pair for pair in before.headers if hidden(pair[0]) and pair[0] not in changed.headers]
    return HttpRequest(changed.method, changed.url, (*changed.headers.pairs(), *back), changed.body)


def _check(before: HttpRequest, changed: Request) -> None:
    if not isinstance(changed, Request):
        raise TypeError(f"proceed takes a Request, not {type(changed).__name__}")
    if not changed.method.isalpha() or not changed.url.isprintable() or " " in changed.url:
        raise InvalidRequestError("Middleware made a method or URL with characters that HTTP does not allow")
    if origin_of(changed.url) != origin_of(before.url) or "@" in urlsplit(changed.url).netloc:
        raise InvalidRequestError(
            f"Middleware changed the request's origin to {origin_of(changed.url)}; make a client with that "
            "base_url instead"
        )
    for name, value in changed.headers.pairs():
        check_header(name, value)
