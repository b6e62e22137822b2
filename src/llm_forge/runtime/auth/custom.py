"""An auth provider of the user's own: a signature, a vault, a scheme we do not know (R-031)."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ...core.call_context import CallContext
from ...core.errors import AuthError, ForgeError, InvalidRequestError
from ...core.secrets import Secret
from ..header_check import check_header
from ..transports.protocol import BodySource, HttpRequest
from ..uploads import sha256_of
from .policy import AuthPolicy

if TYPE_CHECKING:
    from ..context import Call


@dataclass(frozen=True, slots=True)
class AuthRequest:
    """A request as it is about to be sent, without credentials.

    Header names are in lower case. `context` is that of the call, with the number of the attempt (R-050).
    """

    method: str
    url: str
    headers: Mapping[str, str]
    context: CallContext
    _body: bytes | BodySource | None = field(default=None, repr=False)

    @property
    def body_sha256(self) -> str | None:
        """The body's digest in hex digits, None for a body that can be read only once (R-078).

        A file is read for it, so ask only if the signature needs it.
        """
        return sha256_of(self._body)


@runtime_checkable
class AuthProvider(Protocol):
    """An object that may be given as `auth`. Its method may be async for an async client."""

    def authorize(self, request: AuthRequest) -> Mapping[str, str] | Awaitable[Mapping[str, str]]:
        """The headers to add; asked at every attempt, so that a signature is never stale."""
        ...


class ProviderPolicy(AuthPolicy):
    """Asks the user's object."""

    source = "client argument"

    def __init__(self, provider: AuthProvider) -> None:
        self._provider = provider

    async def authorize(self, request: HttpRequest, call: Call, ends: float) -> HttpRequest:  # noqa: ARG002 - the deadline is checked after it
        """The request with the provider's headers; a failure is AuthError with its cause."""
        described = _described(request, call)
        try:
            added = await call.io.ask(lambda: self._provider.authorize(described))
        except ForgeError:
            raise
        except Exception as error:
            raise AuthError(f"The auth provider failed: {type(error).__name__}") from error
        return _with_headers(request, added, call)


def _described(request: HttpRequest, call: Call) -> AuthRequest:
    return AuthRequest(
        method=request.method,
        url=request.url,
        headers=MappingProxyType(dict(request.headers)),
        context=call.context,
        _body=request.body,
    )


def _with_headers(request: HttpRequest, added: Any, call: Call) -> HttpRequest:
    if not isinstance(added, Mapping):
        raise AuthError(f"The auth provider returned {type(added).__name__}, expected a mapping of headers")
    pairs = {str(name).lower(): value for name, value in added.items()}
    for name, value in pairs.items():
        if not isinstance(value, str):
            raise AuthError(f"The auth provider's header {name!r} is {type(value).__name__}, expected text")
        call.secrets.append(Secret(value))
        try:
            check_header(name, value)
        except InvalidRequestError as error:
            raise AuthError(error.message) from None
    kept = tuple(pair for pair in request.headers if pair[0] not in pairs)
    return replace(request, headers=(*kept, *pairs.items()))
