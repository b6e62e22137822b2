"""OAuth 2: tokens from a token endpoint, shared by all calls of a client (R-023 to R-030, RFC 6749).

Rules of this file:
- core/tokens.py decides who asks; here one asks, the others wait, and nobody holds a lock meanwhile (R-059).
- A token request runs beside the calls that wait for it, so that none of them can take it down (R-025),
  and through the one retry loop, with the client's own transport and time-outs (R-029).
- Every error of it is an AuthError, which the calls that waited do not retry.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ...core.errors import AuthError, ConfigError
from ...core.secrets import Secret
from ...core.tokens import Flight, Granted, Join, Token, TokenSource, Use
from ..context import or_deadline
from ..transports.protocol import HttpRequest
from .bearer import with_bearer
from .credential import KeySource, seal
from .policy import AuthPolicy
from .token_request import Grant, TokenEndpoint

if TYPE_CHECKING:
    from ..context import Call
    from ..io import Job, Signal
    from ..options import Settings

_FIELDS = frozenset({"grant_type", "scope", "refresh_token", "client_id", "client_secret"})


@dataclass(frozen=True, slots=True)
class OAuth2:
    """`auth=OAuth2(client_id=..., client_secret=...)`: tokens by client credentials or a refresh token.

    With `refresh_token` the grant is refresh_token, else client_credentials. `token_url`, `scopes` and
    `client_auth` ("basic" or "body") default to those of the description; no other scope is asked for.
    `parameters` are further fields of the token request, such as `audience`. A server may replace the
    refresh token: `on_refresh_token` is called with each new one, as text, before any call goes on with
    it, so that the next process can have it. Secrets are text, a Secret, a Path, or a function.
    """

    client_id: str
    client_secret: KeySource | None = field(default=None, repr=False)
    refresh_token: KeySource | None = field(default=None, repr=False)
    token_url: str | None = None
    scopes: Sequence[str] | None = None
    client_auth: Literal["basic", "body"] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    on_refresh_token: Callable[[str], object] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.client_id, str) or not self.client_id:
            raise ConfigError("OAuth2.client_id must be the id that the provider gave this client")
        for name in ("client_secret", "refresh_token"):
            seal(self, name, "OAuth2")
        if self.client_secret is None and self.refresh_token is None:
            raise ConfigError("OAuth2 needs client_secret or refresh_token")
        if self.client_auth not in (None, "basic", "body"):
            raise ConfigError("OAuth2.client_auth must be 'basic' or 'body'")
        if isinstance(self.scopes, str):
            raise ConfigError("OAuth2.scopes must be a list of scopes")
        if taken := _FIELDS & self.parameters.keys():
            raise ConfigError(f"OAuth2.parameters must not contain {min(taken)}, which the grant sets")


class OAuth2Policy(AuthPolicy):
    """Sends `Authorization: Bearer` with a token that it gets, shares and renews."""

    def __init__(self, grant: Grant, settings: Settings) -> None:
        self.source = f"OAuth2 {grant.kind}"
        self._grant = grant
        self._settings = settings
        self._lock = threading.Lock()
        self._tokens = TokenSource()
        self._waiting: dict[Flight, list[Signal]] = {}
        self._job: Job | None = None
        self._unsaved: Secret | None = None
        self._endpoint: TokenEndpoint | None = None

    async def authorize(self, request: HttpRequest, call: Call, ends: float) -> HttpRequest:
        """The request with a token that is good; waits for one if need be.

        AuthError, or DeadlineExceededError in phase `auth`.
        """
        call.token = await self._current(call, ends)
        call.secrets.append(call.token.access)
        return with_bearer(request, call.token.access)

    def refused(self, call: Call) -> bool:
        """Give up the token that a server refused; another attempt would have another (R-030)."""
        if call.token is None:
            return False
        with self._lock:
            self._tokens.refuse(call.token)
        return True

    def secrets(self) -> Iterable[Secret]:
        """The client's secret, the refresh tokens and the current token, as far as they are known."""
        with self._lock:
            token = self._tokens.token
            found = [self._tokens.refresh, None if token is None else token.access]
        given = (self._grant.client_secret, self._grant.refresh_token)
        found += [credential.secret for credential in given if credential is not None]
        return [secret for secret in found if secret is not None]

    def close(self) -> None:
        """End a token request that is under way, without another attempt."""
        if self._endpoint is not None:
            self._endpoint.close()
        if self._job is not None:
            self._job.stop()

    # -- waiting -----------------------------------------------------------------------------------

    async def _current(self, call: Call, ends: float) -> Token:
        while True:
            asked = self._ask(call)
            if isinstance(asked, Use):
                return asked.token
            join, signal = asked
            if join.begins:
                self._begin(join.flight, call)
            await self._wait(join.flight, signal, call, ends)
            if join.flight.error is not None:
                raise _copy(join.flight.error) from join.flight.error.__cause__
            if join.flight.token is not None:
                return join.flight.token
            if call.shared.closed:
                raise AuthError("The client was closed while it waited for a token")

    def _ask(self, call: Call) -> Use | tuple[Join, Signal]:
        with self._lock:
            self._forget_lost_locked()
            answer = self._tokens.ask(call.io.now())
            if isinstance(answer, Use):
                return answer
            if answer.begins:
                self._job = None
            signal = call.io.signal()
            self._waiting.setdefault(answer.flight, []).append(signal)
            return answer, signal

    def _forget_lost_locked(self) -> None:
        """A request whose thread or loop is gone never ends: after a fork, after its loop was closed."""
        flight = self._tokens.flight
        if flight is not None and self._job is not None and not self._job.alive():
            self._tokens.lose(flight)

    async def _wait(self, flight: Flight, signal: Signal, call: Call, ends: float) -> None:
        now = call.io.now()
        try:
            await signal.wait(call.deadline.timer(ends - now, now))
        finally:
            with self._lock:
                if (signals := self._waiting.get(flight)) is not None:
                    signals.remove(signal)
        if not flight.over:
            late = AuthError("The token endpoint did not answer before the attempt's time ran out")
            raise or_deadline(call, late, "auth")

    # -- asking ------------------------------------------------------------------------------------

    def _begin(self, flight: Flight, call: Call) -> None:
        try:
            if self._endpoint is None:
                self._endpoint = TokenEndpoint(self._grant, self._settings, call.io)
            work = self._fetch(flight, self._endpoint, call)
            self._job = call.io.spawn(work, lambda: self._land(flight, self._tokens.lose, flight))
        except BaseException:
            self._land(flight, self._tokens.lose, flight)
            raise

    async def _fetch(self, flight: Flight, endpoint: TokenEndpoint, call: Call) -> None:
        began, outcome = call.io.now(), "ok"
        try:
            granted, asked_at = await endpoint.ask(self._tokens.refresh)
            self._keep(granted)
        except AuthError as error:
            outcome = error.kind
            self._land(flight, self._tokens.fail, flight, error)
        else:
            self._land(flight, self._tokens.succeed, flight, granted, asked_at)
        finally:
            call.emit(
                "token-refresh",
                grant=self._grant.kind,
                outcome=outcome,
                duration=call.io.now() - began,
            )

    def _keep(self, granted: Granted) -> None:
        """Hand a new refresh token to its owner before it is used (R-027).

        One that its owner could not keep is not lost: it is the valid one, and is handed over again.
        """
        new = granted.refresh or self._unsaved
        if new is None or self._grant.on_refresh_token is None:
            return
        try:
            self._grant.on_refresh_token(new.reveal())
            self._unsaved = None
        except Exception as error:
            with self._lock:
                self._unsaved = self._tokens.refresh = new
            raise AuthError(f"on_refresh_token failed: {type(error).__name__}") from error

    def _land(self, flight: Flight, how: Callable[..., None], *facts: object) -> None:
        """End a request once, and wake everyone who waits for it."""
        with self._lock:
            if not flight.over:
                how(*facts)
            signals = self._waiting.pop(flight, [])
        for signal in signals:
            signal.set()


def _copy(error: AuthError) -> AuthError:
    """The same error for one of several callers, each of which adds its own facts."""
    return AuthError(error.message, **error.facts())
