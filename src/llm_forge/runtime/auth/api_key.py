"""An API key in a header, a query parameter or a cookie (R-020, R-022)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

from ...core.errors import AuthError, ConfigError
from ...core.secrets import Secret
from ..transports.protocol import HttpRequest
from .credential import Credential, KeySource, seal
from .policy import AuthPolicy, with_header

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..context import Call

Placement = Literal["header", "query", "cookie"]
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_ENDS_A_COOKIE = re.compile(r'[",;\\]')


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`auth=ApiKey(key, "query", "key")`: a key where a gateway or a provider wants it.

    `key` is text, a Secret, a Path of a file, or a function that is asked at each attempt.
    """

    key: KeySource = field(repr=False)
    placement: Placement = "header"
    name: str = "x-api-key"

    def __post_init__(self) -> None:
        if self.placement not in ("header", "query", "cookie"):
            raise ConfigError("ApiKey.placement must be 'header', 'query' or 'cookie'")
        if not isinstance(self.name, str) or not self.name:
            raise ConfigError("ApiKey.name must be the name of a header, query parameter or cookie")
        if self.placement != "query" and not _NAME.match(self.name):
            raise ConfigError(f"ApiKey.name {self.name!r} has a character that HTTP does not allow")
        seal(self, "key", "ApiKey")


class ApiKeyPolicy(AuthPolicy):
    """Puts a key in its place."""

    def __init__(self, credential: Credential, placement: Placement, name: str) -> None:
        self._credential = credential
        self._placement = placement
        self._name = name
        self.source = credential.source
        self.header_names = (name,) if placement == "header" else ()
        self.parameter_names = (name,) if placement == "query" else ()

    def secrets(self) -> Iterable[Secret]:
        """The key, where it is fixed."""
        return () if self._credential.secret is None else (self._credential.secret,)

    async def authorize(self, request: HttpRequest, call: Call, ends: float) -> HttpRequest:  # noqa: ARG002 - it waits for nothing
        """The request with the key, which is asked for anew at each attempt (R-007)."""
        call.secrets.append(await self._credential.current(call.io))
        return self._placed(request, call.secrets[-1])

    def _placed(self, request: HttpRequest, key: Secret) -> HttpRequest:
        if self._placement == "query":
            joint = "&" if "?" in request.url else "?"
            return replace(request, url=f"{request.url}{joint}{urlencode([(self._name, key.reveal())])}")
        if self._placement == "cookie":
            return with_cookie(request, self._name, key)
        return with_header(request, self._name.lower(), key.reveal())


def with_cookie(request: HttpRequest, name: str, value: Secret) -> HttpRequest:
    """The request with one more cookie; those of the caller stay, in one header (RFC 6265 section 5.4)."""
    if _ENDS_A_COOKIE.search(value.reveal()):
        raise AuthError("The key has a character that cannot stand in a cookie")
    others = [text for field_name, text in request.headers if field_name == "cookie"]
    kept = tuple(pair for pair in request.headers if pair[0] != "cookie")
    cookie = "; ".join([*others, f"{name}={value.reveal()}"])
    return replace(request, headers=(*kept, ("cookie", cookie)))
