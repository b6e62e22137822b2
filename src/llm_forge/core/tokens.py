"""OAuth 2 tokens: how an answer is read, when a token is renewed, and who may ask for one (R-023 to R-030).

Rules of this file:
- At most one token request is under way; whoever needs a token meanwhile joins it (R-024).
- A request that failed fails those who wait for it; the next caller begins a new one (R-024).
- A waiter that leaves changes nothing for the others, and nothing for the request (R-025): an answer that
  nobody reads could hold the only valid refresh token.
- A token and the refresh token that came with it are taken over in one step (R-027).
- Only the monotonic clock counts; the time of day may jump.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import AuthError, ConfigError
from .secrets import Secret

DEFAULT_LIFETIME = 3600.0
RENEW_SECONDS = 60.0
RENEW_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token endpoint gave; `lifetime` in seconds, `refresh` None where it sent no new one."""

    access: Secret
    lifetime: float = DEFAULT_LIFETIME
    refresh: Secret | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the monotonic time from which it is to be renewed."""

    access: Secret
    renew_at: float


@dataclass(slots=True, eq=False)
class Flight:
    """One token request: under way until it has a token or an error; `token` None and no error is lost."""

    over: bool = False
    token: Token | None = None
    error: AuthError | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """A token that is good."""

    token: Token


@dataclass(frozen=True, slots=True)
class Join:
    """Wait for a request; `begins` says that the caller is the one to send it."""

    flight: Flight
    begins: bool


class TokenSource:
    """Who uses, waits for, or asks for a token. Not safe for threads: its owner holds a lock."""

    def __init__(self, refresh: Secret | None = None) -> None:
        self.refresh = refresh
        self.token: Token | None = None
        self.flight: Flight | None = None

    def ask(self, now: float) -> Use | Join:
        """The current token, or the request to wait for."""
        if self.token is not None and now <= self.token.renew_at:
            return Use(self.token)
        if self.flight is not None:
            return Join(self.flight, begins=False)
        self.flight = Flight()
        return Join(self.flight, begins=True)

    def succeed(self, flight: Flight, granted: Granted, asked_at: float) -> None:
        """End a request with what it brought; its lifetime counts from the time it was asked for."""
        if granted.refresh is not None:
            self.refresh = granted.refresh
        flight.token = self.token = Token(granted.access, asked_at + _usable(granted.lifetime))
        self._land(flight)

    def fail(self, flight: Flight, error: AuthError) -> None:
        """End a request that brought nothing."""
        flight.error = error
        self._land(flight)

    def lose(self, flight: Flight) -> None:
        """Forget a request whose sender is gone (a fork, a loop that was closed)."""
        self._land(flight)

    def refuse(self, token: Token) -> None:
        """Stop using a token that a server refused; a newer one stays (R-030)."""
        if self.token is token:
            self.token = None

    def _land(self, flight: Flight) -> None:
        flight.over = True
        if self.flight is flight:
            self.flight = None


def _usable(lifetime: float) -> float:
    """How long a token is used before it is renewed (R-026)."""
    return lifetime - min(RENEW_SECONDS, RENEW_SHARE * lifetime)


def read_grant(answer: Any) -> Granted:
    """The token in a token endpoint's 2xx answer (RFC 6749 section 5.1); AuthError where there is none."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("access_token"), str):
        raise AuthError("The token endpoint's answer has no access_token; is token_url right?")
    kind = answer.get("token_type")
    if isinstance(kind, str) and kind.lower() != "bearer":
        raise AuthError("The token endpoint gave a token that is not of type bearer")
    refresh = answer.get("refresh_token")
    return Granted(
        access=_cleaned(answer["access_token"], "access_token"),
        lifetime=_lifetime(answer.get("expires_in")),
        refresh=_cleaned(refresh, "refresh_token") if isinstance(refresh, str) and refresh else None,
    )


def _cleaned(text: str, name: str) -> Secret:
    try:
        return Secret.clean(text, f"the token endpoint's {name}")
    except ConfigError as error:
        raise AuthError(error.message) from None


def _lifetime(value: Any) -> float:
    """Seconds from `expires_in`, a number or its text; anything else counts as missing (R-026)."""
    try:
        seconds = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        return DEFAULT_LIFETIME
    return seconds if math.isfinite(seconds) and seconds >= 0 else DEFAULT_LIFETIME
