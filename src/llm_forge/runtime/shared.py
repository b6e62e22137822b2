"""What a client and its `with_options` copies have in common (R-012): limits, breakers, budget, pool."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict

from ..core.breaker import Breaker
from ..core.budget import RetryBudget
from ..core.errors import ClientClosedError
from ..core.limiter import Limiter
from ..core.profile import Profile
from .auth import Credential
from .events import Hooks
from .gate import Gate
from .io import Io
from .options import Settings

MODELS_KEPT = 1000


class Shared:
    """State of one client, guarded by one plain lock that is never held across a wait (R-059)."""

    def __init__(
        self,
        profile: Profile,
        base_url: str,
        credential: Credential,
        settings: Settings,
        io: Io,
        hooks: Hooks,
    ) -> None:
        self.profile = profile
        self.base_url = base_url
        self.credential = credential
        self.io = io
        self.hooks = hooks
        self.lock = threading.Lock()
        self.budget = RetryBudget()
        self.closed = False
        self.running: Counter[int] = Counter()
        self.idle = threading.Condition(self.lock)
        self.inferred_warned = False
        self._settings = settings
        self._breakers: dict[str, Breaker] = {}
        self._gates: OrderedDict[str, Gate] = OrderedDict()

    def breaker(self, group: str) -> Breaker:
        """The breaker of an operation group at this origin (R-090)."""
        with self.lock:
            if group not in self._breakers:
                self._breakers[group] = Breaker(self._settings.breaker)
            return self._breakers[group]

    def gate(self, model: str | None) -> Gate:
        """The limiter of one model; the least recently used are dropped beyond a thousand."""
        key = model or ""
        with self.lock:
            gate = self._gates.get(key)
            if gate is None:
                gate = self._gates[key] = Gate(self._new_limiter(), threading.Lock())
                if len(self._gates) > MODELS_KEPT:
                    self._gates.popitem(last=False)
            else:
                self._gates.move_to_end(key)
            return gate

    def gates(self) -> dict[str, Gate]:
        """All limiters by model, for reports."""
        with self.lock:
            return dict(self._gates)

    def breakers(self) -> dict[str, Breaker]:
        """All breakers by operation group, for reports."""
        with self.lock:
            return dict(self._breakers)

    def _new_limiter(self) -> Limiter:
        settings = self._settings
        return Limiter(
            settings.limits,
            mode=settings.limiter_mode,
            max_wait=settings.max_limit_wait,
            concurrency=settings.concurrency,
        )

    def begin(self, owner: int) -> None:
        """Count a call that `owner` runs; ClientClosedError once the client is closed (R-042)."""
        with self.lock:
            if self.closed:
                raise ClientClosedError("This client is closed; create a new one", provider=self.profile.name)
            self.running[owner] += 1

    def end(self, owner: int) -> None:
        """Count a call as over."""
        with self.lock:
            self.running[owner] -= 1
            if not self.running[owner]:
                del self.running[owner]
                self.idle.notify_all()

    def others_run(self, owner: int) -> bool:
        """Whether anybody else's call runs; one's own open stream cannot end while one waits for it."""
        return any(one != owner for one in self.running)
