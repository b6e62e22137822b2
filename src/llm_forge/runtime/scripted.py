"""The unit-test kit of the call loop: a world with a virtual clock, scripted chance and answers.

Sleeps are recorded and take no time. An answer is an error to raise, or a status with headers and the
pieces of its body; a piece may be bytes, a pause in seconds, or an error to raise while reading.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..core.errors import AttemptTimeoutError, InvalidRequestError
from ..core.headers import Headers
from .io import Proceed, around_now, run_now
from .race import Final, Run
from .transports.protocol import BodySource, HttpRequest, Timers

T = TypeVar("T")
Piece = bytes | float | BaseException


@dataclass(slots=True)
class Answer:
    """One scripted response; `delay` passes before its headers arrive."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = (("content-type", "application/json"),)
    body: Iterable[Piece] = ()
    delay: float = 0.0


class ScriptedExchange:
    """An answer being read."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.headers = Headers(answer.headers)
        self.pieces = list(answer.body)
        self.closed = False


class ScriptedSignal:
    """A signal in virtual time: waiting for it lets the time pass, unless it is set already."""

    def __init__(self, world: ScriptedIo) -> None:
        self._world = world
        self.is_set = False

    def set(self) -> None:
        """Mark it set."""
        self.is_set = True

    async def wait(self, seconds: float | None) -> None:
        """Let virtual time pass."""
        if not self.is_set:
            await self._world.sleep(seconds or 0.0)


class ScriptedJob:
    """Work that is over."""

    def alive(self) -> bool:
        """Never."""
        return False

    def stop(self) -> None:
        """Nothing is left to stop."""


@dataclass(slots=True)
class ScriptedIo:
    """Implements `Io` from a list of answers; look at `requests`, `bodies` and the like afterwards.

    `bodies` are what the requests' bodies gave when they were read once, as sending them would.
    """

    answers: list[Answer | BaseException]
    chance: float = 1.0
    clock: float = 0.0
    epoch: float = 1_700_000_000.0
    requests: list[HttpRequest] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    timers: list[Timers] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    exchanges: list[ScriptedExchange] = field(default_factory=list)

    def now(self) -> float:
        """Virtual monotonic seconds."""
        return self.clock

    def wall(self) -> float:
        """Virtual seconds since the epoch."""
        return self.epoch + self.clock

    def random(self) -> float:
        """The scripted chance."""
        return self.chance

    def owner(self) -> int:
        """There is only one."""
        return 0

    def signal(self) -> ScriptedSignal:
        """A signal that is only recorded."""
        return ScriptedSignal(self)

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.sleeps.append(seconds)
        self.clock += seconds

    async def ask(self, source: Callable[[], Any]) -> Any:
        """Call the function."""
        return source()

    async def around(self, step: Callable[..., Any], context: Any, request: Any, proceed: Proceed) -> Any:
        """Call the step."""
        return around_now(step, context, request, proceed)

    async def offload(self, source: Callable[[], Any]) -> Any:
        """Call the function."""
        return source()

    def spawn(self, work: Coroutine[Any, Any, None], ended: Callable[[], None]) -> ScriptedJob:
        """Run the work to its end at once."""
        run_now(work)
        ended()
        return ScriptedJob()

    async def race(
        self,
        first: Run[T],
        second: Callable[[], Run[T] | None],  # noqa: ARG002 - in a script nothing happens at once
        after: float,  # noqa: ARG002
        final: Final,  # noqa: ARG002
    ) -> T:
        """The first run alone."""
        return await first()

    async def open(self, request: HttpRequest, timers: Timers) -> ScriptedExchange:
        """The next scripted answer."""
        self.requests.append(request)
        self.bodies.append(await _read_once(request.body))
        self.timers.append(timers)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        try:
            self._pass(answer.delay, timers.response)
        except TimeoutError as error:
            raise AttemptTimeoutError("No response headers in time", phase="response") from error
        exchange = ScriptedExchange(answer)
        self.exchanges.append(exchange)
        return exchange

    async def read(self, exchange: ScriptedExchange, timeout: float | None) -> bytes:
        """The next scripted piece of the body."""
        while exchange.pieces:
            piece = exchange.pieces.pop(0)
            if isinstance(piece, bytes):
                return piece
            if isinstance(piece, BaseException):
                raise piece
            self._pass(piece, timeout)
        return b""

    async def close(self, exchange: ScriptedExchange) -> None:
        """Remember that the exchange was closed."""
        exchange.closed = True

    def _pass(self, seconds: float, limit: float | None) -> None:
        if limit is not None and seconds > limit:
            self.clock += limit
            raise TimeoutError
        self.clock += seconds


async def _read_once(body: bytes | BodySource | None) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    try:
        return b"".join(body)
    except InvalidRequestError:  # only asyncio can read it
        return b"".join([piece async for piece in body])
