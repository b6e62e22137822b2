"""Webhooks as a web application receives them (R-252)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from ..core.codec import JsonError, decode
from ..core.errors import InvalidRequestError
from ..core.headers import Headers
from ..core.secrets import Secret
from ..core.webhooks import REPLAY_WINDOW, STANDARD_WEBHOOKS, WebhookScheme, check_signature

GivenHeaders = Mapping[str, str] | Iterable[tuple[str, str]]


def verify_webhook(
    body: bytes,
    headers: GivenHeaders,
    secret: str | Secret | Sequence[str | Secret],
    *,
    scheme: WebhookScheme = STANDARD_WEBHOOKS,
    window: float = REPLAY_WINDOW,
    clock: Callable[[], float] = time.time,
) -> Any:
    """The JSON of a webhook that is genuine and fresh.

    `body` are the bytes as they arrived, `headers` those of the request. Several secrets are tried in turn,
    for while one is being replaced. `window` is in seconds, 300 by default. Raises AuthError for a message
    that is not genuine or too old, InvalidRequestError for one that is no JSON, and ConfigError for a secret
    that cannot be one.
    """
    if isinstance(body, str):
        raise InvalidRequestError("The webhook's body must be the bytes that arrived, not text made of them")
    given = [secret] if isinstance(secret, (str, Secret)) else list(secret)
    secrets = [one if isinstance(one, Secret) else Secret.clean(one, "the webhook secret") for one in given]
    pairs = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
    check_signature(scheme, secrets, Headers(pairs), bytes(body), now=clock(), window=window)
    try:
        return decode(bytes(body))
    except JsonError as error:
        raise InvalidRequestError(f"The webhook is not JSON: {error}") from error
