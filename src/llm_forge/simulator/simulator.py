"""The simulator: four providers on one loopback port, seeded and deterministic.

    with Simulator(seed=7) as sim:
        client = OpenAI(api_key="any", base_url=sim.base_urls["openai"])
        ...
        assert sim.ledger.attempts("openai") == 1

Rules:
- Each provider has its own prefix, its own count of requests, its own buckets. The n-th request of a
  provider with the same seed and body gets the same bytes, apart from Date and what the buckets say.
- Any key is right that is neither empty nor `invalid`. Any model is served that is not `missing-...`.
- Wire cases are served below `/w/<case id>` (wire.py); they are neither in the ledger nor touched by faults.
- `GET /_forge/ledger`, `DELETE /_forge/ledger`, `POST /_forge/faults` (a list of rules), `DELETE
  /_forge/faults` and `POST /_forge/clock` ({"advance": seconds}) steer it over HTTP.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .documents import DocumentError
from .faults import Fault, FaultPlan, faults_from, load_faults
from .ledger import Ledger
from .providers import PROVIDERS
from .script import Reply, perform
from .server import ClientClosedError, Exchange, Request, Server
from .service import Service
from .wire import WireCases

if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Self

_PREFIXES = {"anthropic": "/anthropic", "openai": "/openai/v1", "groq": "/groq", "mistral": "/mistral"}
_KEY = "simulated-key"
_WIRE = "w"


class Simulator:
    """A running simulator; a context manager, or `start` and `stop`.

    `faults`: rules as Fault objects or mappings, or the path of a file (faults.py). `limits`: capacity
    per unit and provider, for instance {"groq": {"requests": 2}}; the refill time stays the vendor's.
    `pacing`: seconds per token of an answer. `clock`: the time in seconds since 1970, for Date and the
    buckets. `wire`: files of wire cases. DocumentError for wrong rules or cases; OSError if the port is
    taken.
    """

    def __init__(
        self,
        seed: int = 0,
        port: int = 0,
        faults: Sequence[Fault | Mapping[str, Any]] | str | Path | None = None,
        *,
        limits: Mapping[str, Mapping[str, float]] | None = None,
        pacing: float = 0.0,
        clock: Callable[[], float] = time.time,
        wire: Iterable[str | Path] = (),
    ) -> None:
        self.seed = seed
        self.faults = FaultPlan(seed)
        self.faults.add(*_rules(faults))
        self.ledger = Ledger()
        self._port = port
        self._clock, self._ahead = clock, 0.0
        self._services = {
            provider.name: Service(
                provider(), seed, self.faults, self.now, (limits or {}).get(provider.name, {}), pacing
            )
            for provider in PROVIDERS
        }
        self.wire = WireCases.read(wire)
        self._server: Server | None = None

    def start(self) -> Self:
        """Listen, and return once a client can connect; does nothing if it runs already."""
        if self._server is not None:
            return self
        server = Server(self._application, port=self._port).start()
        self._server, self._port = server, server.port
        self.ledger.open_connections = lambda: server.open_connections
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
            raise RuntimeError("the simulator is not running: use it in a with statement")
        return self._server

    @property
    def url(self) -> str:
        """The origin, without any provider's prefix."""
        return self.server.url

    @property
    def base_urls(self) -> dict[str, str]:
        """The base URL of each provider, in the form that its own SDK expects."""
        return {name: self.url + prefix for name, prefix in _PREFIXES.items()}

    def environment(self) -> dict[str, str]:
        """The variables that make clients use the simulator as they are."""
        pairs = [(f"{name.upper()}_BASE_URL", url) for name, url in self.base_urls.items()]
        pairs += [(f"{name.upper()}_API_KEY", _KEY) for name in self.base_urls]
        if self.wire.cases:
            pairs.append(("LLM_FORGE_WIRE_URL", f"{self.url}/{_WIRE}"))
        return dict(sorted(pairs))

    def now(self) -> float:
        """The time by the simulator's clock, in seconds since 1970."""
        return self._clock() + self._ahead

    def advance(self, seconds: float) -> None:
        """Set the clock forward: batches, training and the like go on, buckets refill."""
        self._ahead += seconds

    def inject(self, *rules: Fault | Mapping[str, Any]) -> None:
        """Add fault rules behind those there are. DocumentError for a wrong one."""
        self.faults.add(*faults_from(list(rules)))

    async def _application(self, exchange: Exchange) -> None:
        name, path = _below_prefix(exchange.request.path)
        if name == "_forge":
            await perform(self._administered(exchange.request, path).steps(), exchange)
        elif name == _WIRE:
            await perform(self.wire.reply(exchange.request, path).steps(), exchange)
        elif service := self._services.get(name):
            await self._serve(exchange, service, path)
        else:
            message = f"no such provider; there are {', '.join(sorted(_PREFIXES.values()))}"
            await perform(Reply(status=404, json={"error": {"message": message}}).steps(), exchange)

    async def _serve(self, exchange: Exchange, service: Service, path: str) -> None:
        turn = service.turn(exchange.request, path)
        entry = self.ledger.add(service.entry(turn))
        outcome = "server-stopped"
        try:
            await perform(service.reply(turn, entry).steps(), exchange)
            outcome = "complete"
        except ClientClosedError:
            outcome = "client-closed"
            raise
        finally:
            self.ledger.update(
                entry, outcome=outcome, response_bytes=exchange.sent, ended_at=time.monotonic()
            )

    def _administered(self, request: Request, path: str) -> Reply:
        match request.method, path:
            case "GET", "/ledger":
                return Reply(json=self.ledger.to_dict())
            case "DELETE", "/ledger":
                self.ledger.clear()
            case "DELETE", "/faults":
                self.faults.clear()
            case "POST", "/faults":
                return self._more_faults(request.body)
            case "POST", "/clock":
                return self._later(request.body)
            case _:
                return Reply(status=404, json={"error": {"message": f"unknown: {request.method} {path}"}})
        return Reply(status=204)

    def _later(self, body: bytes) -> Reply:
        try:
            self.advance(float(json.loads(body)["advance"]))
        except (ValueError, KeyError, TypeError):
            return Reply(status=400, json={"error": {"message": 'expected {"advance": seconds}'}})
        return Reply(json={"now": self.now()})

    def _more_faults(self, body: bytes) -> Reply:
        try:
            rules = faults_from(json.loads(body))
        except (DocumentError, ValueError) as error:
            return Reply(status=400, json={"error": {"message": str(error)}})
        self.faults.add(*rules)
        return Reply(json={"added": len(rules)})


def run(simulator: Simulator, announce: Callable[[Simulator], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then end cleanly; in the main thread. Starts it if need be.

    `announce` is called once it serves and a signal would end it.
    """
    asked = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        asked.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with simulator:
            if announce is not None:
                announce(simulator)
            asked.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _rules(faults: Sequence[Fault | Mapping[str, Any]] | str | Path | None) -> list[Fault]:
    if faults is None:
        return []
    return load_faults(faults) if isinstance(faults, str | Path) else faults_from(list(faults))


def _below_prefix(path: str) -> tuple[str, str]:
    """The provider's name and the path below it. OpenAI's base URL has the version of its paths."""
    name, _, rest = path.removeprefix("/").partition("/")
    return name, f"/{rest}"
