"""Where a client's credential comes from (R-002, R-003, R-006, R-007)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..core.errors import AuthError, ConfigError, ForgeError
from ..core.profile import Profile
from ..core.secrets import Secret
from .io import Io
from .options import ApiKey


@dataclass(frozen=True, slots=True)
class Credential:
    """A fixed secret, or a function that is asked once per attempt; neither for `auth="none"`."""

    secret: Secret | None = None
    ask: Callable[[], Any] | None = None
    source: str = "none"

    async def current(self, io: Io) -> Secret | None:
        """The secret for this attempt; a function's failure is AuthError with its cause (R-007)."""
        if self.ask is None:
            return self.secret
        try:
            answer = await io.ask(self.ask)
        except ForgeError:
            raise
        except Exception as error:
            raise AuthError(f"The api_key function failed: {type(error).__name__}") from error
        if isinstance(answer, Secret):
            return answer
        if not isinstance(answer, str):
            raise AuthError(f"The api_key function returned {type(answer).__name__}, expected a string")
        return Secret.clean(answer, "the api_key function's result")


def find_credential(profile: Profile, api_key: ApiKey | None, *, none: bool, client: str) -> Credential:
    """The credential of a client: argument, then environment; ConfigError says where it was looked for."""
    if none:
        return Credential()
    if isinstance(api_key, Secret):
        return Credential(api_key, source="argument")
    if callable(api_key):
        return Credential(ask=api_key, source="argument")
    if api_key is not None and not isinstance(api_key, str):
        raise ConfigError(f"api_key must be a string or a function, not {type(api_key).__name__}")
    if api_key is not None:
        return Credential(Secret.clean(api_key, "api_key"), source="argument")
    for name in profile.env_api_key:
        value = os.environ.get(name, "")
        if value.strip():
            return Credential(
                Secret.clean(value, f"the environment variable {name}"), source=f"environment {name}"
            )
    raise ConfigError(_missing(profile, client))


def _missing(profile: Profile, client: str) -> str:
    names = " or ".join(profile.env_api_key)
    where = f"set the environment variable {names}, or pass" if names else "pass"
    empty = next((name for name in profile.env_api_key if name in os.environ), None)
    note = f" ({empty} is set but empty)" if empty else ""
    return f"No API key for {profile.name}{note}: {where} {client}(api_key=...)."
