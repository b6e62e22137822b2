"""A bearer token in the Authorization header (R-021, RFC 6750)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...core.secrets import Secret
from ..transports.protocol import HttpRequest
from .credential import Credential, KeySource, seal
from .policy import AuthPolicy, with_header

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..context import Call


@dataclass(frozen=True, slots=True)
class Bearer:
    """`auth=Bearer(token)`; the token is text, a Secret, a Path, or a function asked at each attempt."""

    token: KeySource = field(repr=False)

    def __post_init__(self) -> None:
        seal(self, "token", "Bearer")


class BearerPolicy(AuthPolicy):
    """Sends `Authorization: Bearer <token>`."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        self.source = credential.source

    def secrets(self) -> Iterable[Secret]:
        """The token, where it is fixed."""
        return () if self._credential.secret is None else (self._credential.secret,)

    async def authorize(self, request: HttpRequest, call: Call, ends: float) -> HttpRequest:  # noqa: ARG002 - it waits for nothing
        """The request with the token, which is asked for anew at each attempt (R-007)."""
        call.secrets.append(await self._credential.current(call.io))
        return with_bearer(request, call.secrets[-1])


def with_bearer(request: HttpRequest, token: Secret) -> HttpRequest:
    """The request with `Authorization: Bearer <token>`."""
    return with_header(request, "authorization", f"Bearer {token.reveal()}")
