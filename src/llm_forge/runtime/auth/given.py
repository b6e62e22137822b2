"""The policy for what a user passes as `auth`; imported by clients that are given some."""

from __future__ import annotations

from typing import Any

from ...core.errors import ConfigError
from ...core.profile import AuthScheme, Profile
from ..base_url import checked_url
from ..options import Settings
from .api_key import ApiKey, ApiKeyPolicy
from .basic import Basic, BasicPolicy
from .bearer import Bearer, BearerPolicy
from .credential import credential_from
from .custom import AuthProvider, ProviderPolicy
from .oauth2 import OAuth2, OAuth2Policy
from .policy import AuthPolicy
from .token_request import Grant


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
