"""The policy of a client: what `auth` says, else the provider's own scheme with its key (R-003)."""

from __future__ import annotations

import os
from typing import Any

from ...core.errors import ConfigError
from ...core.profile import AuthScheme, Profile
from ..base_url import checked_url
from ..options import Settings
from .api_key import ApiKey, ApiKeyPolicy
from .basic import Basic, BasicPolicy
from .bearer import Bearer, BearerPolicy
from .credential import Credential, credential_from
from .custom import AuthProvider, ProviderPolicy
from .oauth2 import OAuth2, OAuth2Policy
from .policy import AuthPolicy
from .token_request import Grant


def resolve_auth(profile: Profile, settings: Settings, key: Credential | None, client: str) -> AuthPolicy:
    """What `auth` says, else the provider's own scheme with the key found for it.

    ConfigError if there is no key: it names the option and the variables that were looked at (R-003).
    """
    if settings.auth is not None:
        return policy_of(settings.auth, profile, settings)
    if profile.auth.kind == "none":
        return AuthPolicy()
    if key is None and profile.auth.optional:
        return AuthPolicy()
    if key is None:
        raise ConfigError(_missing(profile, client))
    return _own_scheme(profile.auth, key)


def policy_of(auth: Any, profile: Profile, settings: Settings) -> AuthPolicy:
    """The policy for an `auth` option; ConfigError saying what is accepted."""
    match auth:
        case "none":
            return AuthPolicy()
        case ApiKey():
            return ApiKeyPolicy(credential_from(auth.key, "ApiKey.key"), auth.placement, auth.name)
        case Bearer():
            return BearerPolicy(credential_from(auth.token, "Bearer.token"))
        case Basic():
            return BasicPolicy(auth)
        case OAuth2():
            return OAuth2Policy(_grant(auth, profile.auth, settings), settings)
        case AuthProvider():
            return ProviderPolicy(auth)
    raise ConfigError(
        "auth must be 'none', ApiKey(...), Bearer(...), Basic(...), OAuth2(...), or an object with a method "
        f"authorize(request), not {type(auth).__name__}; the provider's own key goes into api_key"
    )


def _own_scheme(scheme: AuthScheme, key: Credential) -> AuthPolicy:
    if scheme.kind == "api-key":
        return ApiKeyPolicy(key, scheme.placement, scheme.name)
    if scheme.kind != "basic":
        return BearerPolicy(key)  # an OAuth 2 API takes a token that was got elsewhere
    if key.secret is None or ":" not in key.secret.reveal():
        raise ConfigError(
            "This API takes a user and a password: pass auth=Basic(...), or the key as user:password"
        )
    user, _, password = key.secret.reveal().partition(":")
    return BasicPolicy(Basic(user, password), key.source)


def _grant(auth: OAuth2, scheme: AuthScheme, settings: Settings) -> Grant:
    url = auth.token_url or scheme.token_url
    if not url:
        raise ConfigError("OAuth2 needs token_url: the description names none")
    checked_url(url, "OAuth2.token_url", allow_insecure_http=settings.allow_insecure_http)
    secret, refresh = auth.client_secret, auth.refresh_token
    return Grant(
        token_url=url,
        client_id=auth.client_id,
        client_secret=None if secret is None else credential_from(secret, "OAuth2.client_secret"),
        refresh_token=None if refresh is None else credential_from(refresh, "OAuth2.refresh_token"),
        scopes=scheme.scopes if auth.scopes is None else tuple(auth.scopes),
        client_auth=auth.client_auth or scheme.client_auth,
        parameters=dict(auth.parameters),
        on_refresh_token=auth.on_refresh_token,
    )


def _missing(profile: Profile, client: str) -> str:
    names = " or ".join(profile.env_api_key)
    where = f"set the environment variable {names}, or pass" if names else "pass"
    empty = next((name for name in profile.env_api_key if name in os.environ), None)
    note = f" ({empty} is set but empty)" if empty else ""
    return f"No API key for {profile.name}{note}: {where} {client}(api_key=...)."
