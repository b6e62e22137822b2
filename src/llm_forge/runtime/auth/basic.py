"""User and password in the Authorization header (R-021, RFC 7617)."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...core.errors import ConfigError
from ...core.secrets import Secret
from ..transports.protocol import HttpRequest
from .policy import AuthPolicy, with_header

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..context import Call


@dataclass(frozen=True, slots=True)
class Basic:
    """`auth=Basic(user, password)`. The user may have no colon, neither may have control characters."""

    user: str
    password: str | Secret = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.user, str) or ":" in self.user or has_control(self.user):
            raise ConfigError("Basic.user must be text without a colon or control characters")
        if isinstance(self.password, Secret):
            return
        if not isinstance(self.password, str) or not self.password or has_control(self.password):
            raise ConfigError("Basic.password must be text without control characters")
        object.__setattr__(self, "password", Secret(self.password))  # no form of it shows the text


class BasicPolicy(AuthPolicy):
    """Sends `Authorization: Basic <user:password in Base64>`."""

    def __init__(self, pair: Basic, source: str = "client argument") -> None:
        password = pair.password
        assert isinstance(password, Secret)  # noqa: S101 - made so above
        self._secrets = (password, Secret(pair_in_base64(pair.user, password)))
        self.source = source

    def secrets(self) -> Iterable[Secret]:
        """The password, and the form it is sent in."""
        return self._secrets

    async def authorize(self, request: HttpRequest, call: Call, ends: float) -> HttpRequest:  # noqa: ARG002 - it waits for nothing
        """The request with user and password."""
        return with_header(request, "authorization", f"Basic {self._secrets[1].reveal()}")


def pair_in_base64(user: str, password: Secret) -> str:
    """`user:password` as UTF-8 in Base64."""
    return base64.b64encode(f"{user}:{password.reveal()}".encode()).decode()


def has_control(text: str) -> bool:
    """Whether a text has a control character (RFC 7617 section 2)."""
    return any(ord(char) < 0x20 or ord(char) == 0x7F for char in text)
