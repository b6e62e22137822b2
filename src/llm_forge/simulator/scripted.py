"""A server that answers what it was told, scenario by scenario.

    with ScriptedServer() as server:
        scenario = server.scenario([Reply(status=500), Reply(json={"ok": True})])
        ...a client calls scenario.url + "/v1/x" twice...
        assert [record.attempt for record in scenario.records] == [1, 2]

Rules:
- A scenario has its own base path (`/s/<id>`), its own replies and its own records, so that many run
  in one process; with `own_port=True` it has its own origin as well, which may refuse connections.
- The n-th request of a route gets its n-th reply. A request nobody scripted gets 418, which no client
  retries, and its record says `unexpected`.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from .script import Reply, perform
from .server import ClientClosedError, Exchange, Listener, Request, Server

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

Outcome: TypeAlias = Literal["open", "complete", "client-closed", "server-stopped"]

_UNSCRIPTED = Reply(status=418, json={"error": {"type": "unscripted", "message": "no reply is scripted"}})
_SCENARIO_PATH = re.compile(r"/s/([^/?]+)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Route:
    """Replies for requests of one method and path; None matches any. A path may end in `*`."""

    replies: Sequence[Reply]
    method: str | None = None
    path: str | None = None

    def matches(self, request: Request) -> bool:
        """Whether this route answers the request."""
        if self.method is not None and self.method.upper() != request.method:
            return False
        if self.path is None:
            return True
        wanted = self.path
        return request.path.startswith(wanted[:-1]) if wanted.endswith("*") else request.path == wanted


@dataclass(slots=True)
class Record:
    """One request that reached a scenario, and what became of its answer.

    `attempt` counts from 1 within the scenario. `request.target` is relative to the scenario.
    `ended_at` and `outcome` are set when the answer is over; "client-closed" carries the moment the
    client left in `client_closed_at`. Times are `time.monotonic` seconds.
    """

    request: Request
    attempt: int
    unexpected: bool = False
    outcome: Outcome = "open"
    sent_bytes: int = 0
    ended_at: float | None = None
    client_closed_at: float | None = None


class Scenario:
    """One scenario of a running server: `url` is the base URL a client is given."""

    def __init__(
        self,
        identifier: str,
        listener_url: str,
        routes: Sequence[Route],
        variables: Mapping[str, str],
        listener: Listener | None,
    ) -> None:
        self.id = identifier
        self.url = f"{listener_url}/s/{identifier}"
        self.listener = listener
        self._routes = [(route, _queue(route.replies)) for route in routes]
        self._variables = dict(variables)
        self._records: list[Record] = []
        self._changed = threading.Condition()

    @property
    def records(self) -> tuple[Record, ...]:
        """What arrived so far, in order."""
        with self._changed:
            return tuple(self._records)

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests that arrived so far, in order."""
        return tuple(record.request for record in self.records)

    @property
    def gaps(self) -> list[float]:
        """Seconds between the arrivals of consecutive requests."""
        return [b.arrived_at - a.arrived_at for a, b in itertools.pairwise(self.requests)]

    def wait(self, condition: Callable[[tuple[Record, ...]], object], seconds: float = 5.0) -> bool:
        """Wait until the records satisfy a condition; False if they do not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(condition(tuple(self._records))), seconds)

    def wait_requests(self, count: int, seconds: float = 5.0) -> bool:
        """Wait until so many requests arrived."""
        return self.wait(lambda records: len(records) >= count, seconds)

    def wait_ended(self, seconds: float = 5.0) -> bool:
        """Wait until no answer is open any more (the client may still hold idle connections)."""
        return self.wait(lambda records: all(record.outcome != "open" for record in records), seconds)

    def refuse(self, seconds: float | None = None) -> None:
        """Refuse new connections; needs `own_port=True`."""
        self._own_listener().refuse(seconds)

    def accept(self, after: float | None = None) -> None:
        """Take connections again, at once or after so many seconds; needs `own_port=True`."""
        self._own_listener().accept(after)

    def _own_listener(self) -> Listener:
        if self.listener is None:
            raise ValueError("only a scenario with own_port=True can refuse connections")
        return self.listener

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request; called by the server."""
        record, reply = self._begin(exchange.request)
        refusing = None if reply.refuse_after is None else self._own_listener()
        if refusing is not None:
            await refusing.refuse_now()  # before the reply, or a quick client would still get in
        outcome: Outcome = "server-stopped"
        try:
            await perform(self._rendered(reply, record).steps(), exchange)
            outcome = "complete"
        except ClientClosedError:
            outcome = "client-closed"
            raise
        finally:
            self._end(record, outcome, exchange)
        if refusing is not None:
            exchange.close()
            await refusing.refuse_now(reply.refuse_after)

    def _begin(self, request: Request) -> tuple[Record, Reply]:
        reply = self._next_reply(request)
        with self._changed:
            record = Record(request, len(self._records) + 1, unexpected=reply is None)
            self._records.append(record)
            self._changed.notify_all()
        return record, reply or _UNSCRIPTED

    def _next_reply(self, request: Request) -> Reply | None:
        queue = next((queue for route, queue in self._routes if route.matches(request)), iter(()))
        return next(queue, None)

    def _rendered(self, reply: Reply, record: Record) -> Reply:
        if not reply.template:
            return reply
        request = record.request
        values = {f"header:{name}": value for name, value in request.headers}
        values |= {"body": request.body.decode("utf-8", "replace"), "target": request.target}
        return reply.render({**values, "attempt": str(record.attempt), "url": self.url, **self._variables})

    def _end(self, record: Record, outcome: Outcome, exchange: Exchange) -> None:
        with self._changed:
            record.outcome = outcome
            record.sent_bytes = exchange.sent
            record.ended_at = time.monotonic()
            record.client_closed_at = exchange.connection.peer_closed_at
            self._changed.notify_all()


@dataclass(slots=True)
class ScriptedServer:
    """A server for any number of scenarios; a context manager, or `start` and `stop`.

    `port` 0 takes a free one. `tls` makes it speak TLS. Everything ends with `stop`.
    """

    port: int = 0
    tls: ssl.SSLContext | None = None
    _scenarios: dict[str, Scenario] = field(default_factory=dict)
    _server: Server | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def start(self) -> Self:
        """Listen, and return once a client can connect."""
        self._server = Server(self._application, port=self.port, tls=self.tls).start()
        self.port = self._server.port
        return self

    def stop(self) -> None:
        """End every connection, and the thread."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def server(self) -> Server:
        """The running server; RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the scripted server is not running: use it in a with statement")
        return self._server

    @property
    def url(self) -> str:
        """The origin of the shared port."""
        return self.server.url

    def scenario(
        self,
        replies: Sequence[Reply] = (),
        *,
        id: str | None = None,  # noqa: A002 - the field's word
        routes: Sequence[Route] = (),
        variables: Mapping[str, str] | None = None,
        own_port: bool = False,
        accepting: bool = True,
    ) -> Scenario:
        """A new scenario.

        `replies` answer every request that no route of `routes` takes. `variables` are for templates.
        `accepting=False` (with `own_port`) refuses connections until `accept`. ValueError for an id
        that is in use or is not one path segment.
        """
        identifier = id or str(next(self._numbers))
        if identifier in self._scenarios or not re.fullmatch(r"[\w.~-]+", identifier):
            raise ValueError(f"scenario id {identifier!r} is in use or is not a plain path segment")
        listener = self.server.listen(accepting=accepting) if own_port else None
        made = Scenario(
            identifier,
            listener.url if listener else self.url,
            [*routes, Route(replies)],
            variables or {},
            listener,
        )
        self._scenarios[identifier] = made
        return made

    async def _application(self, exchange: Exchange) -> None:
        match = _SCENARIO_PATH.fullmatch(exchange.request.target)
        scenario = self._scenarios.get(match[1]) if match else None
        if match is None or scenario is None:
            await perform(_UNSCRIPTED.steps(), exchange)
            return
        exchange.request = replace(exchange.request, target=match[2] or "/")
        await scenario.answer(exchange)


def _queue(replies: Sequence[Reply]) -> Iterator[Reply]:
    for reply in replies:
        yield from itertools.repeat(reply) if reply.times is None else itertools.repeat(reply, reply.times)
