"""What a client and its `with_options` copies have in common (R-012): limits, breakers, budget, pool."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from typing import Any

from ..core.budget import RetryBudget
from ..core.call_context import CallContext
from ..core.errors import ClientClosedError
from ..core.profile import Profile
from ..core.redact import Redactor, names_a_secret, secrets_in_header
from ..core.secrets import Secret
from .auth.policy import AuthPolicy
from .base_url import origin_of
from .circuit import Circuit
from .events import Event, EventName, Hooks
from .io import Io
from .middleware import Steps
from .options import Settings
from .rate_limiter import RateLimiter

CIRCUITS_KEPT = 1000


class Shared:
    """State of one client, guarded by one plain lock that is never held across a wait (R-059)."""

    def __init__(
        self,
        profile: Profile,
        base_url: str,
        auth: AuthPolicy,
        settings: Settings,
        io: Io,
        hooks: Hooks,
        limiter: RateLimiter,
        steps: Steps,
    ) -> None:
        self.profile = profile
        self.base_url = base_url
        self.auth = auth
        self.trusted_origins = frozenset(map(origin_of, (base_url, *settings.trusted_origins)))
        self.secret_headers = frozenset(
            name.lower() for name in (*profile.secret_headers, *settings.secret_headers, *auth.header_names)
        )
        self.secret_parameters = auth.parameter_names
        self._carried: tuple[tuple[tuple[str, str], ...], tuple[Secret, ...]] = ((), ())
        self._redactor: tuple[tuple[Secret, ...], Redactor | None] = ((), None)
        self.io = io
        self.hooks = hooks
        self.steps = steps
        self.lock = threading.Lock()
        self._budgets: dict[str | None, RetryBudget] = {}
        self.closed = False
        self.running: Counter[int] = Counter()
        self.idle = threading.Condition(self.lock)
        self.inferred_warned = False
        self.missing_fields = 0
        self.limiter = limiter
        self._breaker = settings.breaker
        self._circuits: OrderedDict[str, Circuit] = OrderedDict()

    def trusts(self, url: str) -> bool:
        """Whether credentials may go to this URL (R-032, R-241)."""
        try:
            return origin_of(url) in self.trusted_origins
        except ValueError:
            return False

    def is_secret_header(self, name: str) -> bool:
        """Whether a request header's value is a credential, by its name or because it is listed (R-242)."""
        return name in self.secret_headers or names_a_secret(name)

    def carried_secrets(self, headers: tuple[tuple[str, str], ...]) -> tuple[Secret, ...]:
        """The secrets in a request's headers; the last ones are kept, for most calls send the same."""
        before, found = self._carried
        if before != headers:
            secret = [value for name, value in headers if self.is_secret_header(name)]
            found = tuple(one for value in secret for one in secrets_in_header(value))
            self._carried = (headers, found)
        return found

    def redactor(self, known: tuple[Secret, ...]) -> Redactor:
        """What removes these secrets from texts; the last one is kept, for most calls hold the same."""
        before, made = self._redactor
        if made is None or before != known:
            made = Redactor(known, self.secret_headers, self.secret_parameters)
            self._redactor = (known, made)
        return made

    def budget_of(self, elsewhere: str | None = None) -> RetryBudget:
        """The retry budget of this client at its own origin, or at another one (R-075)."""
        budget = self._budgets.get(elsewhere)
        return budget if budget is not None else self._budgets.setdefault(elsewhere, RetryBudget())

    def circuit(self, group: str, model: str | None = None, elsewhere: str | None = None) -> Circuit:
        """The circuit of an operation group, or of one model of it, at an origin (R-090).

        Of circuits per model the least recently used go beyond a thousand.
        """
        name = f"{group}/{model}" if self._breaker.per_model and model else group
        name = f"{name} at {elsewhere}" if elsewhere else name
        with self.lock:
            circuit = self._circuits.get(name)
            if circuit is None:
                circuit = Circuit(name, self._breaker, self._emit, self.io.now, self.profile.name)
                self._circuits[name] = circuit
                if len(self._circuits) > CIRCUITS_KEPT:
                    self._circuits.popitem(last=False)
            elif self._breaker.per_model or elsewhere:
                self._circuits.move_to_end(name)
            return circuit

    def circuits(self) -> dict[str, Circuit]:
        """All circuits by name: those that a call has used, or somebody asked for."""
        with self.lock:
            return dict(self._circuits)

    def _emit(self, name: EventName, /, **facts: Any) -> None:
        """Tell the hooks of something that no call has caused."""
        self.hooks.tell(Event(name, CallContext("", self.profile.name, ""), facts))

    def begin(self, owner: int) -> None:
        """Count a call that `owner` runs; ClientClosedError once the client is closed (R-042)."""
        with self.lock:
            if self.closed:
                raise ClientClosedError("This client is closed; create a new one", provider=self.profile.name)
            self.running[owner] = self.running.get(owner, 0) + 1

    def end(self, owner: int) -> None:
        """Count a call as over."""
        with self.lock:
            left = self.running[owner] - 1
            if left:
                self.running[owner] = left
            else:
                del self.running[owner]
                if self.closed:  # only who closes waits
                    self.idle.notify_all()

    def count_missing(self, fields: int) -> None:
        """Count required fields that an answer lacks (R-200)."""
        with self.lock:
            self.missing_fields += fields

    def others_run(self, owner: int) -> bool:
        """Whether anybody else's call runs; one's own open stream cannot end while one waits for it."""
        return any(one != owner for one in self.running)
