"""The policy of a client: what `auth` says, else the provider's own scheme with its key (R-003)."""

from __future__ import annotations

import os

from ...core.errors import ConfigError
from ...core.profile import AuthScheme, Profile
from ..options import Settings
from .api_key import ApiKeyPolicy
from .bearer import BearerPolicy
from .credential import Credential
from .policy import AuthPolicy


def resolve_auth(profile: Profile, settings: Settings, key: Credential | None, client: str) -> AuthPolicy:
    """What `auth` says, else the provider's own scheme with the key found for it.

    ConfigError if there is no key: it names the option and the variables that were looked at (R-003).
    """
    if settings.auth is not None:
        from .given import policy_of

        return policy_of(settings.auth, profile, settings)
    if profile.auth.kind == "none":
        return AuthPolicy()
    if key is None and profile.auth.optional:
        return AuthPolicy()
    if key is None:
        raise ConfigError(_missing(profile, client))
    return _own_scheme(profile.auth, key)


def _own_scheme(scheme: AuthScheme, key: Credential) -> AuthPolicy:
    if scheme.kind == "api-key":
        return ApiKeyPolicy(key, scheme.placement, scheme.name)
    if scheme.kind != "basic":
        return BearerPolicy(key)  # an OAuth 2 API takes a token that was got elsewhere
    if key.secret is None or ":" not in key.secret.reveal():
        raise ConfigError(
            "This API takes a user and a password: pass auth=Basic(...), or the key as user:password"
        )
    from .basic import Basic, BasicPolicy

    user, _, password = key.secret.reveal().partition(":")
    return BasicPolicy(Basic(user, password), key.source)


def _missing(profile: Profile, client: str) -> str:
    names = " or ".join(profile.env_api_key)
    where = f"set the environment variable {names}, or pass" if names else "pass"
    empty = next((name for name in profile.env_api_key if name in os.environ), None)
    note = f" ({empty} is set but empty)" if empty else ""
    return f"No API key for {profile.name}{note}: {where} {client}(api_key=...)."
