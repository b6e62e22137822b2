"""One request to a token endpoint: its form, its retries, its errors (R-028, R-029, RFC 6749)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode, urlsplit

from ...core.codec import JsonError, decode
from ...core.deadline import Deadline
from ...core.errors import ApiError, AuthError, ForgeError
from ...core.profile import Operation, Profile
from ...core.secrets import Secret
from ...core.tokens import Granted, read_grant
from ..attempt import unary
from ..call import run
from ..context import Call
from ..events import Hooks
from ..io import Io
from ..middleware import Steps
from ..options import NO_EXTRAS, Settings
from ..rate_limiter import RateLimiter
from ..request import ACCEPT_ENCODING, USER_AGENT, Prepared
from ..shared import Shared
from ..transports.protocol import HttpRequest
from .basic import pair_in_base64
from .credential import Credential
from .policy import AuthPolicy

ClientAuth = Literal["basic", "body"]
TOKEN: Operation[Granted, Any] = Operation(
    "oauth2.token", "POST", "", read_grant, group="oauth2", has_body=True
)
_HEADERS = (
    ("accept", "application/json"),
    ("accept-encoding", ACCEPT_ENCODING),
    ("user-agent", USER_AGENT),
    ("content-type", "application/x-www-form-urlencoded"),
)
_WORD = re.compile(r"[a-z_]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client asks tokens with: an `OAuth2` with every default filled in."""

    token_url: str
    client_id: str
    client_secret: Credential | None = None
    refresh_token: Credential | None = None
    scopes: tuple[str, ...] = ()
    client_auth: ClientAuth = "basic"
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    on_refresh_token: Callable[[str], object] | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """The grant type of RFC 6749."""
        return "client_credentials" if self.refresh_token is None else "refresh_token"


class TokenEndpoint:
    """Asks for tokens with the client's own network, time-outs and retry rules."""

    def __init__(self, grant: Grant, settings: Settings, io: Io) -> None:
        self._grant = grant
        self._settings = replace(settings, headers={})
        self._io = io
        profile = Profile(
            name=urlsplit(grant.token_url).hostname or "token endpoint", base_url=grant.token_url
        )
        # Breaker and budget of its own, for it is another origin; its events are one `token-refresh`.
        self._shared = Shared(
            profile, grant.token_url, AuthPolicy(), self._settings, io, Hooks(), RateLimiter(), Steps()
        )

    async def ask(self, refresh: Secret | None) -> tuple[Granted, float]:
        """A token, and when it was asked for; `refresh` is the latest refresh token, if there was one.

        AuthError whatever went wrong.
        """
        try:
            call = await self._call(refresh)
            answer = await run(call, _attempt)
            return read_grant(answer), call.began
        except AuthError:
            raise
        except Exception as error:
            raise _auth_error(error) from error

    def close(self) -> None:
        """Make no further attempt."""
        self._shared.closed = True

    async def _call(self, refresh: Secret | None) -> Call:
        grant = self._grant
        if refresh is None and grant.refresh_token is not None:
            refresh = await grant.refresh_token.current(self._io)
        secret = await grant.client_secret.current(self._io) if grant.client_secret is not None else None
        header = basic_form(grant, secret) if secret is not None and grant.client_auth == "basic" else None
        now = self._io.now()
        return Call(
            shared=self._shared,
            io=self._io,
            operation=TOKEN,
            prepared=Prepared(token_request(grant, refresh, secret, header), None, 0.0, 0.0),
            settings=self._settings,
            extras=NO_EXTRAS,
            deadline=Deadline.after(self._settings.call_timeout(streaming=False), now),
            started=now,
            secrets=[one for one in (refresh, secret, header) if one is not None],
        )


def token_request(
    grant: Grant, refresh: Secret | None, secret: Secret | None, basic: Secret | None
) -> HttpRequest:
    """The request of a grant; `basic` is the client's secret as its header carries it, if it does."""
    fields = {"grant_type": grant.kind, **grant.parameters}
    if refresh is not None:
        fields["refresh_token"] = refresh.reveal()
    if grant.scopes:
        fields["scope"] = " ".join(grant.scopes)
    if basic is None:
        fields["client_id"] = grant.client_id
    if basic is None and secret is not None:
        fields["client_secret"] = secret.reveal()
    headers = _HEADERS if basic is None else (*_HEADERS, ("authorization", f"Basic {basic.reveal()}"))
    return HttpRequest("POST", grant.token_url, headers, urlencode(fields).encode())


def basic_form(grant: Grant, secret: Secret) -> Secret:
    """Id and secret for HTTP Basic, both form-encoded before they are joined (RFC 6749 section 2.3.1)."""
    return Secret(pair_in_base64(quote_plus(grant.client_id), Secret(quote_plus(secret.reveal()))))


async def _attempt(call: Call) -> Any:
    """An attempt that ends the call at once where the server says no: only 429 and 5xx are worth another."""
    try:
        return await unary(call)
    except ApiError as error:
        if error.status == 429 or (error.status or 0) >= 500:
            raise
        raise _auth_error(error) from error


def _auth_error(error: Exception) -> AuthError:
    if not isinstance(error, ForgeError):
        return AuthError(f"No token: {type(error).__name__}")
    word, sentence = _said(error)
    told = ": ".join(filter(None, (word, sentence))) or error.message
    error.body = None  # the error stays as the cause, and an answer nobody understood may hold a token
    return AuthError(f"No token: {told}", status=error.status, code=word, retry_after=error.retry_after)


def _said(error: ForgeError) -> tuple[str | None, str]:
    """The error word and its explanation in an answer of RFC 6749 section 5.2."""
    if not isinstance(error, ApiError) or error.body is None:
        return None, ""
    try:
        answer = decode(error.body.encode())
    except JsonError:
        return None, ""
    word = answer.get("error") if isinstance(answer, Mapping) else None
    if not isinstance(word, str) or not _WORD.match(word):
        return None, ""
    sentence = answer.get("error_description")
    return word, sentence[:400] if isinstance(sentence, str) and sentence.isprintable() else ""
